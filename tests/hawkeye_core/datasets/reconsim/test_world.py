import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hawkeye_core.cli.app import app
from hawkeye_core.datasets.reconsim import world as module
from hawkeye_core.datasets.reconsim import world_presets
from hawkeye_core.datasets.reconsim.formats.names import tsl_number, ucf_class_of, ucf_path
from hawkeye_core.datasets.reconsim.scenarios import SCENARIOS
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.datasets.reconsim.world import draw_world
from hawkeye_core.datasets.reconsim.world_presets import PRESETS, Part, world_plans
from hawkeye_core.errors import ConfigError
from hawkeye_core.training.annotations import read_annotations

TINY = (
    Part("ucf_crime", "train", 2, 1.0, (6.0, 6.0), 4.0),
    Part("tsl300", "test", 1, 0.0, (6.0, 6.0), 4.0),
    Part("ucf_crime", "val", 1, 0.0, (6.0, 6.0), 4.0),
)


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world_presets, "PRESETS", {**PRESETS, "tiny": TINY})


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_have_the_stated_counts_and_splits_share_nothing(preset: str) -> None:
    world = world_plans(preset, 0)
    assert world == world_plans(preset, 0)
    for part in PRESETS[preset]:
        mine = [item for item in world if (item.source, item.split) == (part.source, part.split)]
        assert len(mine) == part.videos
        assert sum(item.variants.count("anomalous") for item in mine) == round(part.segments * part.videos)
        assert max(item.variants.count("anomalous") for item in mine) <= 2
    assert len({item.seed for item in world}) == len({item.video for item in world}) == len(world)
    assert not {item.seed for item in world} & {item.seed for item in world_plans(preset, 1)}


def test_the_paper_preset_has_the_papers_counts() -> None:
    counts = {(p.source, p.split): (p.videos, p.segments, p.fps) for p in PRESETS["paper"]}
    assert counts == {
        ("tsl300", "train"): (190, 0.33, 30.0), ("tsl300", "test"): (98, 0.33, 30.0),
        ("ucf_crime", "train"): (810, 1.09, 30.0), ("ucf_crime", "test"): (290, 1.09, 30.0),
    }  # fmt: skip


def test_names_are_those_of_the_sources() -> None:
    for item in world_plans("demo", 3):
        if item.source == "tsl300":
            assert tsl_number(item.video) > 0
            assert item.plan().place.kind.replace(" ", "_") in item.video
        else:
            category = SCENARIOS[item.scenario].category if "anomalous" in item.variants else None
            expected = "Normal" if category is None else ucf_class_of(item.video)
            assert ucf_class_of(item.video) == expected
            if item.split != "val":
                assert ucf_path(item.video, split=item.split)


@pytest.mark.parametrize("seed", [0, 1])
def test_planned_segments_are_played(seed: int) -> None:
    for item in world_plans("demo", seed)[::7]:
        plan = item.plan()
        assert [act.variant for act in plan.acts] == list(item.variants)
        assert len(plan.segments) == item.variants.count("anomalous")


@pytest.mark.usefixtures("_tiny")
def test_a_world_is_drawn_once_and_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    draw_video = module.draw_video

    def spy(item: world_presets.WorldVideo, folder: Path) -> str:
        drawn.append(item.video)
        if len(drawn) == 3 and stop:
            raise KeyboardInterrupt
        return draw_video(item, folder)

    monkeypatch.setattr(module, "draw_video", spy)
    stop = True
    with pytest.raises(KeyboardInterrupt):
        draw_world(tmp_path, "tiny", seed=5)
    assert not (tmp_path / "segments.jsonl").exists()
    stop = False
    seen: list[tuple[int, str]] = []
    world = draw_world(tmp_path, "tiny", seed=5, progress=lambda done, name: seen.append((done, name)))
    assert drawn == [v.video for v in world.videos][:3] + [v.video for v in world.videos][2:]
    assert [done for done, _ in seen] == [2, 3, 4]
    bytes_before = {path: path.read_bytes() for path in (tmp_path / "videos").iterdir()}
    draw_world(tmp_path, "tiny", seed=5)
    assert len(drawn) == 5
    assert {path: path.read_bytes() for path in (tmp_path / "videos").iterdir()} == bytes_before

    annotations = {item.video: item for item in read_annotations(world.segments)}
    assert {v.video: v.split for v in world.videos if v.split != "val"} == {k: v.split for k, v in annotations.items()}
    for item in world.videos:
        truth = read_truth(world.truth_folder, item.video)
        assert truth.split == item.split
        assert len(truth.segments) == item.variants.count("anomalous")
        if item.video in annotations:
            assert annotations[item.video].timeline() == list(truth.segments)
    validation = read_annotations(tmp_path / "validation.jsonl")
    held_out = [item.video for item in validation if item.split == "test"]
    assert held_out == [v.video for v in world.videos if v.split == "val"]


@pytest.mark.usefixtures("_tiny")
def test_another_world_in_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "world.json").write_text(json.dumps({"preset": "tiny", "seed": 1, "videos": 4}))
    with pytest.raises(ConfigError, match="another world"):
        draw_world(tmp_path, "tiny", seed=2)


def test_an_unknown_preset_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no preset 'huge'[\s\S]*demo, small, paper"):
        world_plans("huge", 0)


def test_the_command_line_draws_a_sheet_and_lists_scenarios(tmp_path: Path) -> None:
    run = CliRunner()
    path = tmp_path / "sheet.png"
    done = run.invoke(app, ["reconsim", "sheet", "-o", str(path), "--rows", "1", "--columns", "2"])
    assert done.exit_code == 0, done.output
    assert path.stat().st_size > 10_000
    listed = run.invoke(app, ["reconsim", "scenarios"])
    assert listed.exit_code == 0
    assert "shoplift" in listed.output
