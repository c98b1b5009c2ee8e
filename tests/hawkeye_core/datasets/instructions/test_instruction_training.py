"""A drawn world in the formats of the real sources, through all adapters, to both stages of training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hawkeye_core.cli.app import app
from hawkeye_core.training.annotations import read_annotations

pytestmark = [pytest.mark.slow]

MOTIONS = 2
"""Of each split; the motion library writes hundreds."""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_world_becomes_tables_that_both_stages_learn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("reconsim", "draw", "--out", "world", "--preset", "tiny", "--formats")
    formats = Path("world/formats")
    motions = Path(shutil.copytree(formats / "humanml3d", "humanml3d"))
    for split in ("train", "test"):
        listed = motions / f"{split}.txt"
        listed.write_text("".join(listed.read_text().splitlines(keepends=True)[:MOTIONS]))
    run(
        "data", "build", "out=tables", f"ucf_crime.annotations={formats / 'ucf_crime'}",
        "ucf_crime.videos=world/videos", f"refcoco.folder={formats / 'refcoco'}", f"humanml3d.folder={motions}",
    )  # fmt: skip

    # The truth that was drawn is what comes out of the files of the real sources, to a thirtieth of a second.
    drawn = {item.video: item.timeline() for item in read_annotations("world/segments.jsonl")}
    for item in read_annotations("tables/annotations.jsonl"):
        for found, wanted in zip(item.timeline(), drawn[item.video], strict=True):
            assert abs(found.start_s - wanted.start_s) <= 1 / 30 + 1e-6
            assert abs(found.end_s - wanted.end_s) <= 1 / 30 + 1e-6

    for kind, said in (("regions", "Describe the image region ["), ("motions", "Judge the action of the characters")):
        first = json.loads(Path(f"tables/llava-{kind}.jsonl").read_text().splitlines()[0])
        assert said in first["conversations"][0]["value"]
        assert first["conversations"][1]["value"].endswith(".")
    pictures = formats / "refcoco/images/mscoco/images/train2014/*.jpg"
    untrained = ("--config", "tiny-untrained", "relations.short_side=64", "relations.long_side=112")
    run("extract", *untrained, "--videos", "world/videos", "--store", "videos", "fps=2")
    run("extract", *untrained, "--videos", str(pictures), "--store", "pictures")
    run(
        "extract", *untrained, "--videos", "tables/motions", "--store", "motions",
        "pose={backend: sidecar, path: tables/sidecars/pose}",
        "relations={backend: sidecar, path: tables/sidecars/relations}",
    )  # fmt: skip
    few = ("steps=2", "tensorboard=false", "device=cpu")
    run(
        "train", "--config", "tiny-stage1", "--store", "motions", "--regions", "tables/regions.parquet", "--motions",
        "tables/motions.parquet", "--run", "stage1", "stage1.image_store=pictures", *few,
    )  # fmt: skip
    run(
        "train", "--config", "tiny-stage2", "--store", "videos", "--annotations", "tables/annotations.jsonl", "--start",
        "stage1", "--run", "stage2", *few,
    )  # fmt: skip
    assert Path("stage2/checkpoint/config.json").is_file()
    told = run("data", "build", "out=again", f"ucf_crime.annotations={formats / 'ucf_crime'}", "store=videos")
    assert "missing" not in told
