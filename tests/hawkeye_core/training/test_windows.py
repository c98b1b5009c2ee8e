"""Windows, their segments, and their tensors against literal loops."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from feature_store.store import FeatureStore
from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.training.annotations import AnnotatedSegment, VideoAnnotation
from hawkeye_core.training.scene_tensors import collate_scenes
from hawkeye_core.training.windows import WindowDataset, plan_windows


@given(st.integers(1, 3000), st.integers(1, 600), st.data())
def test_windows_cover_every_frame_and_none_lies_inside_another(n: int, length: int, data: st.DataObject) -> None:
    hop = data.draw(st.integers(1, length))
    windows = plan_windows(n, length=length, hop=hop)
    assert windows[0][0] == 0
    assert windows[-1][1] == n
    for (a, b), (c, d) in pairwise(windows):
        assert c == a + hop <= b < d
    assert all(0 < stop - start <= length for start, stop in windows)


def test_the_papers_windows() -> None:
    assert plan_windows(512, length=512, hop=384) == [(0, 512)]
    assert plan_windows(1115, length=512, hop=384) == [(0, 512), (384, 896), (768, 1115)]


@pytest.mark.parametrize(("n", "length", "hop"), [(0, 8, 8), (9, 8, 9), (9, 8, 0)])
def test_windows_that_leave_frames_out_are_refused(n: int, length: int, hop: int) -> None:
    with pytest.raises(ValueError, match=r"without frames|must lie in"):
        plan_windows(n, length=length, hop=hop)


def test_segments_are_clipped_to_the_window_and_moved_to_its_clock(made_up: tuple[Path, Path]) -> None:
    store = FeatureStore.open(made_up[0])
    segments = (
        AnnotatedSegment(start=2, end=5, category="x"),
        AnnotatedSegment(start=7.0, end=7.05, category="sliver"),
        AnnotatedSegment(start=9, end=60, category="end"),
    )
    data = WindowDataset(store, [VideoAnnotation(video="fight", segments=segments, split="train")], length=32, hop=24)
    assert [(spec.start, spec.stop) for spec in data.specs] == [(0, 32), (24, 56), (48, 80)]
    assert data[0].segments == (Segment(2, 4, "x"),)
    assert data[1].segments == (Segment(0, 2, "x"),)
    assert data[2].segments == (Segment(3, 4, "end"),)
    assert data[2].window.frames.frame.tolist() == list(range(48, 80))


def test_batches_equal_a_literal_loop_over_frames(made_up: tuple[Path, Path]) -> None:
    store = FeatureStore.open(made_up[0])
    windows = [store.window("fight", 10, 30), store.window("calm", 3, 16), store.window("theft", 0, 1)]
    scene = collate_scenes(windows)
    assert scene.shape == (3, 20)
    assert scene.frame_mask.sum(1).tolist() == [20, 13, 1]
    seen_objects = seen_relations = 0
    for b, window in enumerate(windows):
        person = thing = link = 0
        before: list[int] = []
        for t in range(len(window.frames.frame)):
            mine = range(person, person + int(window.pose.n_people[t]))
            assert scene.person_mask[b, t].tolist() == [i < len(mine) for i in range(5)]
            for rank, i in enumerate(mine[:5]):
                _same_person(scene, b, t, rank, window, i, before)
            torch.testing.assert_close(scene.frame_tokens[b, t], window.vision.frame_tokens[t])
            torch.testing.assert_close(scene.masked_token[b, t], window.vision.masked_token[t])
            for i in range(thing, thing + int(window.relations.n_objects[t])):
                s = seen_objects + i
                assert scene.object_frame[s] == b * 20 + t
                assert scene.object_class[s] == window.relations.object_class[i]
                size = torch.tensor([100.0, 50.0, 100.0, 50.0])
                torch.testing.assert_close(scene.object_box[s], window.relations.object_box[i] / size)
                torch.testing.assert_close(scene.object_tokens[s], window.vision.object_tokens[i])
            for i in range(link, link + int(window.relations.n_relations[t])):
                r = seen_relations + i
                assert scene.subject[r] == seen_objects + thing + int(window.relations.subject[i])
                assert scene.object[r] == seen_objects + thing + int(window.relations.object[i])
                assert scene.predicate[r] == window.relations.predicate[i]
            before = list(mine)
            person, thing = person + len(mine), thing + int(window.relations.n_objects[t])
            link += int(window.relations.n_relations[t])
        seen_objects += thing
        seen_relations += link
    assert len(scene.object_frame) == seen_objects
    assert len(scene.predicate) == seen_relations


def _same_person(scene, b: int, t: int, rank: int, window, i: int, before: list[int]) -> None:
    joints, box = window.pose.keypoints[i], window.pose.box[i]
    torch.testing.assert_close(scene.keypoints[b, t, rank], joints / torch.tensor([100.0, 50.0, 1.0]))
    torch.testing.assert_close(scene.person_box[b, t, rank], box / torch.tensor([100.0, 50.0, 100.0, 50.0]))
    moved = torch.zeros(17, 2)
    previous = int(window.pose.previous[i])
    if t > 0 and previous >= 0:
        moved = (joints[:, :2] - window.pose.keypoints[before[previous]][:, :2]) / (box[2:] - box[:2])
    torch.testing.assert_close(scene.velocity[b, t, rank], moved)
    assert scene.previous[b, t, rank] == (previous if t > 0 and 0 <= previous < scene.previous.shape[2] else -1)


def test_a_window_without_a_family_is_refused(made_up: tuple[Path, Path]) -> None:
    window = FeatureStore.open(made_up[0]).window("calm", 0, 2, families=("pose", "relations"))
    with pytest.raises(HawkeyeError, match="calm: frames 0 to 2 lack a family"):
        collate_scenes([window])
