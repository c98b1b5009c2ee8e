"""Extraction of whole videos: done once, resumed, and a bad one never stops the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from feature_store.store import FeatureStore
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.extraction.backends import build_backends, get_backends
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.extraction.run import extract_video, plan_videos, record_fault, settle, try_video
from hawkeye_core.scene import FrameBatch, FramePose

Make = Callable[..., ExtractSettings]
Write = Callable[..., Path]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[ExtractSettings], list[tuple[str, int]]]:
    """Records (backend, frames) of every call into the networks of some settings."""

    def watch(settings: ExtractSettings) -> list[tuple[str, int]]:
        seen: list[tuple[str, int]] = []
        backends = get_backends(settings)
        for name, method in (("pose", "detect"), ("relations", "detect"), ("vision", "encode")):
            backend = getattr(backends, name)
            original = getattr(backend, method)

            def counted(batch, *rest, original=original, name=name):
                seen.append((name, len(batch)))
                return original(batch, *rest)

            monkeypatch.setattr(backend, method, counted)
        return seen

    return watch


def run_all(settings: ExtractSettings) -> list:
    results = [extract_video(settings, plan) for plan in plan_videos(settings)]
    settle(settings)
    return results


def content(store: Path, video: str, families: tuple = ("pose", "relations", "vision")) -> dict[str, np.ndarray]:
    opened = FeatureStore.open(store)
    window = opened.window_numpy(video, 0, opened.n_frames(video, families=families), families=families)
    return {
        f"{family}.{name}": getattr(getattr(window, family), name)
        for family in families
        for name in type(getattr(window, family)).__slots__
    }


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], *, atol: float = 0.0) -> None:
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_allclose(one[key].astype(float), other[key].astype(float), atol=atol, rtol=0, err_msg=key)


def test_a_video_is_extracted_once(tmp_path: Path, write_clip: Write, tiny_settings: Make, calls) -> None:
    write_clip(tmp_path / "videos" / "a.mp4", frames=20)
    settings = tiny_settings()
    (result,) = run_all(settings)
    assert (result.status, result.frames, result.error) == ("done", 16, None)
    assert set(result.families) == {"pose", "relations", "vision"}
    seen = calls(settings)
    (again,) = run_all(settings)
    assert (again.status, again.frames, again.families) == ("cached", 0, result.families)
    assert seen == []


def test_what_needs_nothing_does_not_open_the_store(
    tmp_path: Path, write_clip: Write, tiny_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "videos" / "a.mp4", frames=8)
    settings = tiny_settings()
    (result,) = run_all(settings)
    (plan,) = plan_videos(settings)
    monkeypatch.setattr(FeatureStore, "open", None)  # it reads the whole catalog
    again = extract_video(settings, plan)
    assert (again.status, again.families) == ("cached", result.families)


def test_a_picture_is_a_video_of_one_frame(tmp_path: Path, tiny_settings: Make) -> None:
    """As the images of stage 1 are: its name without extension is its id."""
    for suffix in ("png", "jpg"):
        image = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
        assert cv2.imwrite(str(tmp_path / f"COCO_{suffix}.{suffix}"), image)
        (done,) = run_all(tiny_settings(videos=tmp_path / f"COCO_{suffix}.{suffix}"))
        assert done.status == "done", done
    for video in ("COCO_png", "COCO_jpg"):
        assert FeatureStore.open(tmp_path / "store").n_frames(video) == 1
        assert content(tmp_path / "store", video)["vision.frame_tokens"].shape[0] == 1


def test_everything_made_from_random_weights_says_so(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    settings = tiny_settings()
    run_all(settings)
    assert not settle(settings).trained
    assert all(not record.fingerprint.trained for record in FeatureStore.open(settings.store).records())


def test_only_the_missing_family_is_computed_from_the_stored_boxes(
    tmp_path: Path, write_clip: Write, tiny_settings: Make, calls
) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    settings = tiny_settings()
    run_all(settings)
    wider = tiny_settings("vision.grid=3")
    seen = calls(wider)
    (result,) = run_all(wider)
    assert result.status == "done"
    assert {name for name, _ in seen} == {"vision"}
    fresh = tiny_settings("vision.grid=3", store=tmp_path / "fresh")
    run_all(fresh)
    digests = {"vision": result.families["vision"]}
    held = FeatureStore.open(settings.store).window_numpy("a", 0, 16, families=("vision",), fingerprints=digests)
    new = FeatureStore.open(fresh.store).window_numpy("a", 0, 16, families=("vision",))
    assert np.array_equal(held.vision.object_tokens, new.vision.object_tokens)
    assert held.vision.frame_tokens.shape[1] == 9


def test_repeated_pictures_are_computed_once(tmp_path: Path, write_clip: Write, tiny_settings: Make, calls) -> None:
    write_clip(tmp_path / "videos" / "slow.mp4", frames=10, fps=5)
    settings = tiny_settings("batch_size=3")
    seen = calls(settings)
    (result,) = run_all(settings)
    assert result.frames == 16
    assert sum(frames for name, frames in seen if name == "pose") == 10
    stored = content(tmp_path / "store", "slow")
    pts = FeatureStore.open(settings.store).window_numpy("slow", 0, 16).frames.pts
    repeats = np.flatnonzero(np.diff(pts) == 0) + 1
    assert len(repeats) == 6
    tokens = stored["vision.frame_tokens"]
    assert all(np.array_equal(tokens[k], tokens[k - 1]) for k in repeats)


def test_the_batch_size_changes_nothing(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    write_clip(tmp_path / "videos" / "a.mp4", frames=23)
    run_all(tiny_settings("batch_size=5", store=tmp_path / "five"))
    run_all(tiny_settings("batch_size=8", store=tmp_path / "eight"))
    # Convolutions on batches of other sizes round differently in the last bits.
    assert_same(content(tmp_path / "five", "a"), content(tmp_path / "eight", "a"), atol=2e-2)


def test_a_bad_video_is_recorded_and_the_others_are_done(
    tmp_path: Path, write_clip: Write, tiny_settings: Make
) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    (tmp_path / "videos" / "b.mp4").write_text("this is not a video")
    (tmp_path / "videos" / "c.mp4").touch()
    write_clip(tmp_path / "videos" / "d.mp4", seed=3)
    results = run_all(tiny_settings())
    assert [result.status for result in results] == ["done", "failed", "failed", "done"]
    assert "b.mp4" in results[1].error
    failed = {r.video_id: r for r in FeatureStore.open(tmp_path / "store").records() if r.status == "failed"}
    assert set(failed) == {"b", "c"}
    assert "b.mp4" in failed["b"].error
    again = run_all(tiny_settings())
    assert [result.status for result in again] == ["cached", "failed", "failed", "cached"]


def test_a_missing_file_among_good_ones_fails_alone(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    good = write_clip(tmp_path / "videos" / "a.mp4")
    settings = tiny_settings().model_copy(update={"videos": (str(good), str(tmp_path / "gone.mp4"))})
    results = {result.video_id: result for result in run_all(settings)}
    assert (results["a"].status, results["gone"].status) == ("done", "failed")
    assert "gone.mp4: no such file" in results["gone"].error


def test_a_file_that_cannot_be_hashed_fails_alone_and_is_done_once_it_can(
    tmp_path: Path, write_clip: Write, tiny_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    write_clip(tmp_path / "videos" / "b.mp4", seed=1)

    def hash_of(path: object) -> str:
        if str(path).endswith("a.mp4"):
            raise OSError(5, "Input/output error", str(path))
        return sha256_of(Path(str(path)))

    settings = tiny_settings()
    with monkeypatch.context() as patch:
        patch.setattr("hawkeye_core.extraction.run.sha256_of", hash_of)
        plans = plan_videos(settings)
        results = [try_video(settings, plan) for plan in plans]
        assert [result.status for result in results] == ["failed", "done"]
        assert "Input/output error" in results[0].error
    assert try_video(settings, plans[0]).status == "done"
    assert [result.status for result in run_all(settings)] == ["cached", "cached"]


def test_a_fault_in_a_network_fails_one_video_and_is_noted(
    tmp_path: Path, write_clip: Write, tiny_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    write_clip(tmp_path / "videos" / "b.mp4", seed=1)
    settings = tiny_settings()
    pose = get_backends(settings).pose
    detect = pose.detect

    def breaks(batch: FrameBatch) -> list[FramePose]:
        if batch.video == "a":
            raise IndexError("index 3 is out of bounds")
        return detect(batch)

    with monkeypatch.context() as patch:
        patch.setattr(pose, "detect", breaks)
        results = [try_video(settings, plan) for plan in plan_videos(settings)]
    assert [result.status for result in results] == ["failed", "done"]
    records = [r for r in FeatureStore.open(settings.store).records() if r.source.video_id == "a"]
    assert {(r.status, r.error) for r in records} == {("failed", "IndexError: index 3 is out of bounds")}
    assert len(records) == 3
    assert [result.status for result in run_all(settings)] == ["done", "cached"]


def test_a_noted_fault_leaves_families_that_are_there(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    settings = tiny_settings()
    (plan,) = plan_videos(settings)
    assert extract_video(settings, plan).status == "done"
    record_fault(settings, plan, "another run broke off")
    assert run_all(settings)[0].status == "cached"


def test_a_file_out_of_reach_costs_none_of_its_features(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    path = write_clip(tmp_path / "videos" / "a.mp4")
    settings = tiny_settings()
    assert run_all(settings)[0].status == "done"
    before = content(tmp_path / "store", "a")
    path.rename(tmp_path / "kept.mp4")
    path.symlink_to(tmp_path / "unmounted" / "a.mp4")
    assert run_all(settings)[0].status == "failed"
    assert_same(content(tmp_path / "store", "a"), before)
    path.unlink()
    (tmp_path / "kept.mp4").rename(path)
    assert run_all(settings)[0].status == "cached"


def test_a_video_overwritten_with_rubbish_loses_its_features(
    tmp_path: Path, write_clip: Write, tiny_settings: Make
) -> None:
    path = write_clip(tmp_path / "videos" / "a.mp4")
    settings = tiny_settings()
    run_all(settings)
    path.write_text("this is not a video")
    assert run_all(settings)[0].status == "failed"
    store = FeatureStore.open(settings.store)
    assert {record.status for record in store.records()} == {"failed"}
    assert store.verify() == []


def test_a_mended_video_replaces_its_failure(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    path = tmp_path / "videos" / "a.mp4"
    path.parent.mkdir()
    path.write_text("this is not a video")
    assert run_all(tiny_settings())[0].status == "failed"
    write_clip(path)
    assert run_all(tiny_settings())[0].status == "done"
    assert FeatureStore.open(tmp_path / "store").n_frames("a") == 16


def test_a_changed_setting_never_mixes_with_old_shards(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    one = run_all(tiny_settings())[0].families
    two = run_all(tiny_settings("pose.detection_threshold=0.2"))[0].families
    slower = run_all(tiny_settings("fps=4"))[0].families
    assert one["pose"] != two["pose"]
    assert one["relations"] == two["relations"]
    assert not set(one.values()) & set(slower.values())
    assert len({*one.values(), *two.values(), *slower.values()}) == 7


@pytest.mark.parametrize(
    ("constant", "changed"), [("SAMPLER_VERSION", {"pose", "relations", "vision"}), ("TRACKER_VERSION", {"pose"})]
)
def test_versions_of_shared_code_are_in_the_fingerprints(
    tiny_settings: Make, monkeypatch: pytest.MonkeyPatch, constant: str, changed: set[str]
) -> None:
    before = build_backends(tiny_settings()).fingerprints
    monkeypatch.setattr(f"hawkeye_core.extraction.backends.{constant}", "next")
    after = build_backends(tiny_settings()).fingerprints
    assert {family for family in before if before[family].digest != after[family].digest} == changed


def test_progress_counts_up_to_all_frames(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    path = write_clip(tmp_path / "videos" / "a.mp4", frames=20)
    seen: list[tuple[int, int | None]] = []
    extract_video(tiny_settings(), str(path), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(8, 16), (16, 16)]


def test_a_copy_of_a_video_is_not_computed_again(tmp_path: Path, write_clip: Write, tiny_settings: Make, calls) -> None:
    first = write_clip(tmp_path / "videos" / "a.mp4")
    (tmp_path / "videos" / "b.mp4").write_bytes(first.read_bytes())
    settings = tiny_settings()
    seen = calls(settings)
    results = run_all(settings)
    assert [(result.video_id, result.status) for result in results] == [("a", "done"), ("a", "cached")]
    assert sum(frames for name, frames in seen if name == "pose") == 16


def test_missing_weights_stop_the_run_with_a_remedy(tmp_path: Path, write_clip: Write, tiny_settings: Make) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    with pytest.raises(WeightsError, match=r"(?s)nowhere\.pth.*remedy.*pose\.weights"):
        plan_videos(tiny_settings(f"pose.weights={tmp_path}/nowhere.pth"))


def test_a_cut_video_is_stored_as_far_as_it_can_be_read_and_marked(tmp_path: Path, tiny_settings: Make) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    writer = cv2.VideoWriter(str(folder / "whole.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
    rng = np.random.default_rng(0)
    for _ in range(40):
        writer.write(rng.integers(0, 255, (64, 96, 3), np.uint8))
    writer.release()
    whole = (folder / "whole.avi").read_bytes()
    (folder / "cut.avi").write_bytes(whole[: len(whole) // 2])
    cut, full = run_all(tiny_settings())
    assert (full.status, full.frames) == ("done", 32)
    assert cut.status == "partial"
    assert 10 <= cut.frames <= 18
    assert cut.error
    record = next(r for r in FeatureStore.open(tmp_path / "store").records() if r.video_id == "cut")
    assert (record.status, record.error) == ("partial", cut.error)
    assert FeatureStore.open(tmp_path / "store").n_frames("cut") == cut.frames
