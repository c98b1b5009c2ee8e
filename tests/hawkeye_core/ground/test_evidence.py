"""Evidence by array operations equals evidence by slow loops that follow the words of the records."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from feature_store.window import WindowColumns
from hawkeye_core.evaluation.folder import RouterWeights
from hawkeye_core.extraction.columns import (
    frame_columns,
    pose_columns,
    relation_columns,
    split_poses,
    split_relations,
)
from hawkeye_core.ground import evidence
from hawkeye_core.ground.evidence import Seen, best_frames, evidence_of, frames_of, peak_of, router_share, tally
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.scene import COCO_JOINTS, FrameBatch, FramePose, FrameRelations

FPS = 8.0
WIDTH, HEIGHT = 100, 50


def made_up(frames: int, seed: int) -> tuple[list[FramePose], list[np.ndarray], list[FrameRelations]]:
    """People who come and go and are often the same, joints not always seen; few classes, so that triplets repeat."""
    rng = np.random.default_rng(seed)
    poses, previous, scenes = [], [], []
    before = 0
    for _ in range(frames):
        people = int(rng.integers(0, 4))
        order = rng.permutation(max(before, people))[:people]
        previous.append(np.where((order < before) & (rng.random(people) < 0.8), order, -1).astype(np.int32))
        keypoints = rng.uniform(0, 50, (people, 17, 3)).astype(np.float32)
        keypoints[..., 2] = rng.choice([0.05, 0.1, 0.9], (people, 17))
        corner = rng.uniform(-5, 60, (people, 2))
        box = np.concatenate([corner, corner + 30], 1).astype(np.float32)
        poses.append(FramePose(keypoints, rng.random(people).astype(np.float32), box))
        before = people
        objects = int(rng.integers(1, 4))
        relations = int(rng.integers(0, 5))
        draw = lambda high: rng.integers(0, high, relations).astype(np.int32)  # noqa: B023, E731
        scenes.append(FrameRelations(
            rng.integers(1, 4, objects).astype(np.int32), rng.random(objects).astype(np.float32),
            rng.uniform(0, 50, (objects, 4)).astype(np.float32), draw(objects), draw(3) + 1, draw(objects),
            rng.random(relations).astype(np.float32),
        ))  # fmt: skip
    return poses, previous, scenes


def reader(poses, previous, scenes) -> Callable[[int, int], WindowColumns]:
    def read(start: int, stop: int) -> WindowColumns:
        k = np.arange(start, stop)
        images = np.zeros((len(k), HEIGHT, WIDTH, 3), np.uint8)
        return WindowColumns(
            "v", start, stop, frame_columns(FrameBatch("v", k, k / FPS, k / FPS, k, images)),
            pose_columns(poses[start:stop], previous[start:stop]), relation_columns(scenes[start:stop]), None,
        )  # fmt: skip

    return read


def slow_people(poses, previous, start: int, stop: int) -> tuple[list[dict], np.ndarray]:
    """Person after person, frame after frame, joint after joint."""
    tracks: list[dict] = []
    fastest = np.zeros(stop - start)
    last: list[int] = []
    for k in range(start, stop):
        now = []
        for p in range(len(poses[k].score)):
            link = int(previous[k][p])
            if k > start and 0 <= link < len(last):
                track = tracks[last[link]]
            else:
                box = poses[k].box[p]
                track = {"first": k, "scores": [], "speeds": defaultdict(list), "path": 0.0, "best": 0.0, "box": box}
                tracks.append(track)
                link = -1
            now.append(tracks.index(track) if link < 0 else last[link])
            track["last"] = k
            track["scores"].append(float(poses[k].score[p]))
            if link < 0:
                continue
            speeds = []
            for j in range(17):
                a, b = poses[k].keypoints[p, j], poses[k - 1].keypoints[link, j]
                if a[2] >= 0.1 and b[2] >= 0.1:
                    speeds.append(math.hypot(a[0] - b[0], a[1] - b[1]) / HEIGHT * FPS)
                    track["speeds"][j].append(speeds[-1])
            mean = sum(speeds) / len(speeds) if speeds else 0.0
            track["path"] += mean / FPS
            fastest[k - start] = max(fastest[k - start], mean)
            if mean > track["best"]:
                track["best"], track["box"] = mean, poses[k].box[p]
        last = now
    moving = [track for track in tracks if track["path"] > 0]
    return sorted(moving, key=lambda track: (-track["path"], track["first"]))[:3], fastest


@pytest.mark.parametrize("chunk", [1, 5, 1024])
@pytest.mark.parametrize("seed", range(3))
def test_people_and_joints_are_those_of_the_slow_loop(seed: int, chunk: int, monkeypatch) -> None:
    monkeypatch.setattr(evidence, "CHUNK", chunk)
    poses, previous, scenes = made_up(40, seed)
    start, stop = 7, 38
    motion, _ = tally(reader(poses, previous, scenes), start, stop, fps=FPS)
    wanted, fastest = slow_people(poses, previous, start, stop)
    np.testing.assert_allclose(motion.fastest, fastest, rtol=1e-5)
    assert motion.people == sum(len(pose.score) for pose in poses[start:stop])
    found = motion.moved()
    assert len(found) == len(wanted) == 3
    for person, track in zip(found, wanted, strict=True):
        assert (person.start_s, person.end_s) == (track["first"] / FPS, (track["last"] + 1) / FPS)
        assert person.score == pytest.approx(np.mean(track["scores"]), rel=1e-5)
        box = np.clip(track["box"] / [WIDTH, HEIGHT, WIDTH, HEIGHT], 0, 1)
        assert person.box == pytest.approx(box.tolist(), rel=1e-5)
        most = max(map(len, track["speeds"].values()))
        means = {j: np.mean(s) for j, s in track["speeds"].items() if len(s) >= max(1, most / 4)}
        order = sorted(means, key=lambda j: (-means[j], j))[:4]
        assert [joint.joint for joint in person.joints] == [COCO_JOINTS[j] for j in order]
        assert [joint.speed for joint in person.joints] == pytest.approx([means[j] for j in order], rel=1e-5)


@pytest.mark.parametrize("chunk", [1, 5, 1024])
def test_triplets_are_those_of_the_slow_loop(chunk: int, monkeypatch) -> None:
    monkeypatch.setattr(evidence, "CHUNK", chunk)
    poses, previous, scenes = made_up(40, 5)
    start, stop = 3, 33
    _, triplets = tally(reader(poses, previous, scenes), start, stop, fps=FPS)
    best: dict[tuple[int, int, int], dict[int, float]] = defaultdict(dict)
    for k in range(start, stop):
        scene = scenes[k]
        for s, p, o, score in zip(scene.subject, scene.predicate, scene.object, scene.score, strict=True):
            key = (int(scene.object_class[s]), int(p), int(scene.object_class[o]))
            best[key][k] = max(best[key].get(k, 0.0), float(score))
    wanted = sorted(best.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:5]
    found, support = triplets.held()
    assert triplets.objects == sum(len(scene.object_class) for scene in scenes[start:stop])
    assert len(found) == 5
    slow = np.zeros(stop - start)
    for triplet, ((s, p, o), frames) in zip(found, wanted, strict=True):
        names = (EXTENDED_OBJECT_CLASSES[s], PREDICATE_CLASSES[p], EXTENDED_OBJECT_CLASSES[o])
        assert (triplet.subject, triplet.predicate, triplet.object) == names
        assert triplet.share == pytest.approx(len(frames) / (stop - start))
        assert triplet.score == pytest.approx(sum(frames.values()) / len(frames))
        assert (triplet.start_s, triplet.end_s) == (min(frames) / FPS, (max(frames) + 1) / FPS)
        for k, score in frames.items():
            slow[k - start] += score
    np.testing.assert_allclose(support, slow)


def test_router_weights_inside_and_outside_are_those_of_small_steps() -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet([1, 1, 1], (2, 6)).astype(np.float32)
    router = RouterWeights(weights[0], weights[1])
    spans, end_s = [(0.5, 1.25), (2.0, 4.75)], 5.5
    step = 1 / 64
    times = np.arange(step / 2, end_s, step)
    inside = (times >= 2.0) & (times < 4.75)
    outside = ~inside & ~((times >= 0.5) & (times < 1.25))
    found = router_share(router, spans[1], spans, end_s=end_s)
    for values, part, where in (
        (found.action, 0, inside), (found.object, 1, inside), (found.rest_action, 0, outside),
        (found.rest_object, 1, outside),
    ):  # fmt: skip
        assert values == pytest.approx(weights[part][times[where].astype(int)].mean(0).tolist(), rel=1e-5)
    whole = router_share(router, (0.0, 5.5), [(0.0, 5.5)], end_s=5.5)
    assert whole.rest_action == whole.rest_object == ()


def test_nobody_and_nothing_is_no_evidence_but_the_middle() -> None:
    empty = np.zeros(0, np.float32)
    poses = [FramePose(np.zeros((0, 17, 3), np.float32), empty, np.zeros((0, 4), np.float32))] * 17
    none = np.zeros(0, np.int32)
    scenes = [FrameRelations(none, empty, np.zeros((0, 4), np.float32), none, none, none, empty)] * 17
    seen = Seen(reader(poses, [none] * 17, scenes), 17, FPS, curve=(0.1, 0.7, 0.2))
    found = evidence_of(seen, (0.5, 1.5), spans=[(0.5, 1.5)])
    assert (found.people, found.triplets, found.router, found.frames, found.peak) == ((), (), None, (1.0,), 0.7)


def test_a_segment_always_has_a_frame() -> None:
    assert frames_of((0.5, 1.0), n_frames=80, fps=8) == (4, 8)
    assert frames_of((0.51, 0.52), n_frames=80, fps=8) == (5, 6)
    assert frames_of((9.99, 10.0), n_frames=80, fps=8) == (79, 80)
    assert frames_of((0.0, 0.1), n_frames=1, fps=8) == (0, 1)


def test_the_frames_that_show_it_best_are_apart_and_weighted_by_the_curve() -> None:
    motion = np.array([0, 1, 9, 8, 7, 0, 0, 6, 0, 2], float)
    held = np.zeros(10)
    assert best_frames(motion, held, None, gap=3) == [2, 7]
    assert best_frames(motion, held, None, gap=2) == [2, 4, 7]
    weight = np.where(np.arange(10) == 7, 1.0, 0.1)
    assert best_frames(motion, held, weight, gap=20) == [7]
    held[9] = 5.0
    assert best_frames(motion, held, None, gap=8) == [1, 9]


def test_the_peak_is_that_of_the_seconds_touched() -> None:
    curve = (0.1, 0.9, 0.2, 0.8)
    assert peak_of(curve, (2.0, 3.0)) == 0.2
    assert peak_of(curve, (1.9, 2.1)) == 0.9
    assert peak_of(curve, (3.2, 3.3)) == 0.8


def test_columns_and_frames_agree() -> None:
    """The slow loops look at the frames that the fast path reads."""
    poses, previous, scenes = made_up(9, 1)
    window = reader(poses, previous, scenes)(2, 7)
    assert [len(pose.score) for pose in split_poses(window.pose)] == [len(pose.score) for pose in poses[2:7]]
    assert [len(s.score) for s in split_relations(window.relations)] == [len(s.score) for s in scenes[2:7]]
