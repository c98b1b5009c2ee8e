"""The object behind `hawkeye ground`: extracts once, answers as the model learned, says what goes with an answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.ground import hawkeye as module
from hawkeye_core.ground import loading
from hawkeye_core.ground.hawkeye import Hawkeye, default_store
from hawkeye_core.ground.outputs_text import json_text
from hawkeye_core.tiny import shipped
from hawkeye_core.training.record import read_record

from .conftest import SEGMENT

ROOT = Path(__file__).resolve().parents[3]


def test_a_video_gives_the_segment_that_was_learned_with_evidence(hawkeye, ground_run, tmp_path: Path) -> None:
    stages: dict[str, list] = {}
    new = tmp_path / "brawl.mp4"
    new.write_bytes(ground_run.clip.read_bytes() + b"\0\0\0\x08free")  # the same frames in another file
    found = hawkeye.ground(new, progress=lambda stage, *counts: stages.setdefault(stage, []).append(counts))
    (segment,) = found.segments
    assert (segment.start_s, segment.end_s) == (SEGMENT["start"], SEGMENT["end"])
    assert (segment.category, segment.reason) == (SEGMENT["category"], SEGMENT["reason"])
    assert 0 < segment.score <= 1
    assert (found.video, found.video_id) == (str(new), "brawl")
    assert (found.duration_s, found.fps, found.status) == (2.5, 8.0, "done")
    assert found.curve is not None
    assert len(found.curve) == 3
    evidence = segment.evidence
    assert evidence.peak == max(found.curve[:2])
    assert all(segment.start_s <= time < segment.end_s for time in evidence.frames)
    assert evidence.router is not None
    assert sum(evidence.router.action) == pytest.approx(1)
    assert sum(evidence.router.rest_object) == pytest.approx(1)
    assert evidence.triplets  # random networks are full of them; their people are never found again
    assert all(0 < item.share <= 1 and 0.5 <= item.start_s < item.end_s <= 1.5 for item in evidence.triplets)
    assert stages["extracting"][-1] == (20, 20)
    assert stages["answering"] == [(1, 1)]
    assert {"extracting", "answering"} <= set(found.seconds)


def test_a_second_run_computes_nothing_and_gives_the_same_bytes(hawkeye, ground_run, monkeypatch) -> None:
    first = hawkeye.ground(ground_run.clip)
    monkeypatch.setattr("hawkeye_core.extraction.run.SceneStream", None)  # it could not extract
    handle = hawkeye.extract(str(ground_run.clip))
    assert handle.extracted == 0
    assert json_text(hawkeye.ground(handle)) == json_text(first)
    assert json.loads(json_text(first))["version"] == 1


def test_windows_overlap_and_cover_the_video(hawkeye, clip, tmp_path: Path) -> None:
    handle = hawkeye.extract(clip(tmp_path / "long.mp4", frames=36))
    windows = hawkeye.windows(handle)
    assert [(spec.start, spec.stop) for spec in windows.specs] == [(0, 32), (20, 36)]
    assert [sample.spec for sample in windows] == windows.specs
    found = hawkeye.ground(handle)
    assert [(a.start_s, a.end_s) for a in found.answers] == [(0.0, 4.0), (2.5, 4.5)]


def test_features_of_two_extractions_in_one_store_are_told_apart(ground_run, hawkeye) -> None:
    before = hawkeye.ground(ground_run.clip)
    other = ground_run.extract().model_copy(update={"store": hawkeye.settings.store})
    wider = other.model_copy(update={"vision": other.vision.model_copy(update={"grid": 3})})
    again = Hawkeye.from_pretrained(ground_run.run, device="cpu", extract=wider, store=hawkeye.settings.store)
    assert again.note.marks[-1] == "features of another extraction than in training (vision)"
    assert again.extract(ground_run.clip).extracted == 20
    assert hawkeye.ground(ground_run.clip) == before


def test_what_is_untrained_says_so(hawkeye) -> None:
    assert hawkeye.note.marks == ("untrained features (pose, relations, vision)", "untrained backbone")
    assert hawkeye.note.good_for == loading.NOTHING


def test_a_conversation_begins_with_the_answer_of_the_prediction(hawkeye, ground_run) -> None:
    (answer,) = hawkeye.ground(ground_run.clip).answers
    talk = hawkeye.chat(ground_run.clip)
    assert answer.text in "".join(reply.text for reply in talk.say().replies)


def test_the_extraction_of_a_run_is_found_among_the_presets(ground_run, monkeypatch) -> None:
    record = read_record(ground_run.run)
    with pytest.raises(ConfigError, match=r"none of the presets \(paper, tiny, tiny-untrained\)"):
        loading.extraction_of(record, device="cpu")
    monkeypatch.setattr(loading, "_other_features", lambda _, settings: [] if settings.vision.tower == "tiny" else [1])
    assert loading.extraction_of(record, device="cpu").relations.weights == "untrained"


def test_a_checkpoint_away_from_its_run_is_refused(ground_run, tmp_path: Path) -> None:
    alone = shutil.copytree(Path(ground_run.run) / "checkpoint", tmp_path / "alone")
    with pytest.raises(WeightsError, match=r"has no record.*\n  remedy: give the folder of the run"):
        Hawkeye.from_pretrained(alone)
    with pytest.raises(WeightsError, match="holds no checkpoint"):
        Hawkeye.from_pretrained(tmp_path)


def test_the_model_of_the_package_brings_its_own_settings(ground_run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(shipped, "shipped_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match=r"holds no finished model\n  remedy: .*--checkpoint"):
        Hawkeye.from_pretrained()
    shutil.copytree(Path(ground_run.run) / "checkpoint", tmp_path / shipped.ANSWERS)
    monkeypatch.setattr(loading, "get_backends", lambda settings: None)
    loaded = loading.load_model("shipped")
    assert (loaded.extract.pose.weights, loaded.extract.vision.tower) == ("shipped", "shipped")
    assert (loaded.window_frames, loaded.hop_frames) == (128, 96)
    assert "drawn scenes only" in loaded.note.good_for
    assert loaded.note.marks == ()


def test_tokens_of_another_width_are_refused(ground_run, hawkeye, monkeypatch) -> None:
    handle = hawkeye.extract(ground_run.clip)
    monkeypatch.setattr(hawkeye.model.config, "llava", {}, raising=False)
    monkeypatch.setattr(type(hawkeye.model.config), "vision_width", 1024, raising=False)
    with pytest.raises(ConfigError, match="64 wide, the model reads 1024"):
        hawkeye.windows(handle)


def test_large_pictures_go_through_the_networks_a_few_at_a_time(hawkeye, monkeypatch) -> None:
    class Info:
        width, height, codec = 7680, 4320, "avc1"

    monkeypatch.setattr(module, "probe", lambda _: Info)
    assert hawkeye._sized("8k.mp4").batch_size == 1
    Info.width, Info.height = 96, 64
    assert hawkeye._sized("small.mp4").batch_size == hawkeye.settings.batch_size


def test_a_device_that_is_not_there_is_refused(ground_run) -> None:
    for device, words in (("tpu", "'tpu' is unknown"), *([] if torch.cuda.is_available() else [("cuda", "'cuda' is")])):
        with pytest.raises(ConfigError, match=words):
            loading.resolve_model_device(device)


def test_the_cache_is_where_the_environment_says(monkeypatch) -> None:
    monkeypatch.setenv("HAWKEYE_CACHE", "/big/disk")
    assert default_store() == Path("/big/disk/store")
    monkeypatch.delenv("HAWKEYE_CACHE")
    assert default_store() == Path.home() / ".cache/hawkeye/store"


def test_the_package_and_the_records_import_without_torch() -> None:
    code = (
        "import sys, hawkeye_core, hawkeye_core.ground.records, hawkeye_core.ground.outputs, hawkeye_core.cli.ground; "
        "print([m for m in ('torch', 'transformers', 'cv2', 'matplotlib') if m in sys.modules]); "
        "print(hasattr(hawkeye_core, 'Falcon'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["[]", "False"]


def test_it_is_exported_by_the_package() -> None:
    import hawkeye_core

    assert hawkeye_core.Hawkeye is Hawkeye
    assert ExtractSettings().fps == 8.0
