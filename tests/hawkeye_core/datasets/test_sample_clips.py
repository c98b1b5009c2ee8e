"""The drawn clips: the same at every call, different from one another, with segments that training accepts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.datasets.sample_clips import CLIPS, HEIGHT, SECONDS, WIDTH, render, write_sample_clips
from hawkeye_core.training.annotations import read_annotations
from hawkeye_core.video.sampling import sample_frames


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path]:
    return write_sample_clips(tmp_path_factory.mktemp("clips"))


def test_every_clip_is_another_video_of_the_stated_length(written: tuple[list[Path], Path]) -> None:
    paths, _ = written
    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}) == len(CLIPS)
    for path in paths:
        batches = list(sample_frames(path))
        assert sum(map(len, batches)) == SECONDS * 8
        assert batches[0].images.shape[1:] == (HEIGHT, WIDTH, 3)


def test_the_annotations_name_the_clips_and_their_strikes(written: tuple[list[Path], Path]) -> None:
    _, annotations = written
    read = {annotation.video: annotation for annotation in read_annotations(annotations)}
    assert set(read) == {clip.video for clip in CLIPS}
    for clip in CLIPS:
        assert read[clip.video].split == clip.split
        assert len(read[clip.video].segments) == (clip.strike is not None)
    assert {clip.split for clip in CLIPS if clip.strike} == {"train", "test"}


def test_a_frame_depends_on_clip_and_time_alone() -> None:
    for clip in CLIPS:
        assert np.array_equal(render(clip, 3.0), render(clip, 3.0))
        assert not np.array_equal(render(clip, 3.0), render(clip, 3.5))


def test_a_strike_can_be_seen_only_while_it_lasts() -> None:
    for clip in (clip for clip in CLIPS if clip.strike):
        start, end = clip.strike
        arm = slice(100, 140), slice(175, 200)  # between the two heads, where the raised arm goes
        skin_or_cloth = [np.ptp(render(clip, t)[arm].reshape(-1, 3), axis=0).max() for t in (start + 1.5, end + 1)]
        assert not np.array_equal(render(clip, start + 1.5)[arm], render(clip, end + 1)[arm])
        assert min(skin_or_cloth) > 0


def test_what_is_there_is_not_drawn_again(written: tuple[list[Path], Path]) -> None:
    paths, annotations = written
    before = [path.stat().st_mtime_ns for path in paths]
    write_sample_clips(annotations.parent)
    assert [path.stat().st_mtime_ns for path in paths] == before
