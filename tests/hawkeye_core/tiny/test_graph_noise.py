"""Graphs made uncertain: what is left is consistent, and counted by a slow literal loop."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from feature_store.store import FeatureStore
from feature_store.window import Window
from hawkeye_core.relation.vocabulary import OBJECT_INDEX
from hawkeye_core.tiny.scene_variation import noisy
from hawkeye_core.training.graph_noise import DOUBTED, LEVELS, keep_objects, noisy_graph, noisy_pose
from hawkeye_core.training.scene_tensors import collate_scenes

from .drawn_store import write_world


@pytest.fixture(scope="module")
def window(tmp_path_factory) -> Window:
    _, store = write_world(tmp_path_factory.mktemp("noise"), {"v": "train"})
    return FeatureStore.open(store).window("v", 0, 40)


def _triplets(relations, kept=None, triplets=None) -> list[list[tuple]]:
    """Triplets of each frame with the boxes of subject and object, by loops; of those that are kept only."""
    found, at_object, at_relation = [], 0, 0
    for n_objects, n_relations in zip(relations.n_objects.tolist(), relations.n_relations.tolist(), strict=True):
        rows = []
        for r in range(at_relation, at_relation + n_relations):
            s, o = (at_object + int(column[r]) for column in (relations.subject, relations.object))
            assert at_object <= min(s, o) <= max(s, o) < at_object + n_objects
            if kept is None or (kept[s] and kept[o] and triplets[r]):
                boxes = tuple(relations.object_box[s].tolist()), tuple(relations.object_box[o].tolist())
                rows.append((*boxes, int(relations.predicate[r])))
        found.append(rows)
        at_object, at_relation = at_object + n_objects, at_relation + n_relations
    return found


def test_objects_are_left_out_with_their_relations(window):
    relations = window.relations
    rng = np.random.default_rng(0)
    objects, triplets = rng.random(len(relations.object_class)) < 0.6, rng.random(len(relations.subject)) < 0.7
    left = keep_objects(relations, objects, triplets)
    expected = _triplets(relations, objects, triplets)
    assert _triplets(left) == expected
    assert 0 < sum(map(len, expected)) < len(triplets)
    assert left.n_objects.sum() == objects.sum()


def test_nothing_changes_at_level_0(window):
    rng = np.random.default_rng(1)
    relations, vision = noisy_graph(window.relations, window.vision, rng, level=0.0)
    assert _triplets(relations) == _triplets(window.relations)
    assert torch.equal(vision.object_tokens, window.vision.object_tokens)
    assert torch.equal(relations.relation_score, window.relations.relation_score)
    assert torch.equal(relations.object_score, window.relations.object_score)
    pose = noisy_pose(window.pose, rng, level=0.0)
    assert torch.equal(pose.keypoints, window.pose.keypoints)


def test_as_much_is_missed_as_the_levels_say(window):
    rng = np.random.default_rng(2)
    found = [noisy_graph(window.relations, window.vision, rng, level=1.0)[0] for _ in range(200)]
    share = np.mean([len(one.object_class) for one in found]) / len(window.relations.object_class)
    assert share == pytest.approx((1 - LEVELS.class_window) * (1 - LEVELS.object_frame), abs=0.04)
    poses = [noisy_pose(window.pose, rng, level=1.0) for _ in range(200)]
    was = window.pose.keypoints[..., 2] > 0
    seen = np.mean([(one.keypoints[..., 2] > 0).sum() for one in poses]) / float(was.sum())
    expected = (1 - LEVELS.person_window) * (1 - LEVELS.person_frame) * (1 - LEVELS.joint_frame)
    assert seen == pytest.approx(expected, abs=0.05)


def test_scores_fall_and_those_of_wrong_predicates_once_more(window):
    """With nothing missed, every relation has its place: what was exchanged is seen by comparing."""
    levels = replace(LEVELS, class_window=0.0, object_frame=0.0, relation_frame=0.0, wrong=0.5)
    was = window.relations
    assert set(was.relation_score.tolist()) == {1.0}  # of the truth
    right, wrong = [], []
    for seed in range(100):
        found, _ = noisy_graph(was, window.vision, np.random.default_rng(seed), level=1.0, levels=levels)
        for before, after, score in zip(was.predicate, found.predicate, found.relation_score.tolist(), strict=True):
            (right if before == after else wrong).append(score)
    assert len(wrong) > 100
    assert 1 - LEVELS.doubt <= min(right) < max(right) <= 1
    assert np.mean(right) == pytest.approx(1 - LEVELS.doubt / 2, abs=0.02)
    assert np.mean(wrong) == pytest.approx(DOUBTED * np.mean(right), abs=0.02)


def test_joints_move_by_a_part_of_the_persons_box(window):
    pose = noisy_pose(window.pose, np.random.default_rng(3), level=0.5)
    moved = (pose.keypoints - window.pose.keypoints)[..., :2]
    side = (window.pose.box[:, 2:] - window.pose.box[:, :2])[:, None]
    spread = (moved / side).abs().median() / 0.6745  # of a normal distribution
    assert float(spread) == pytest.approx(0.5 * LEVELS.spread, rel=0.35)


def test_windows_stay_batches_and_people_are_mostly_one_class(window):
    rng = np.random.default_rng(4)
    windows = [noisy(window, rng) for _ in range(60)]
    scene = collate_scenes(windows)
    assert scene.subject.max() < len(scene.object_frame) == len(scene.object_tokens)
    men = [int((one.relations.object_class == OBJECT_INDEX["man"]).sum()) for one in windows]
    one_class = np.mean([count == 0 for count in men])
    assert 0.5 < one_class < 0.95
    assert all(torch.equal(one.vision.frame_tokens, window.vision.frame_tokens) for one in windows)
