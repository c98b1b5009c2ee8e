"""Drawn videos with features in memory: cuts, true graphs, pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import islice

import numpy as np
import pytest
import torch

from feature_store.fingerprint import Fingerprint
from hawkeye_core.datasets.reconsim.plan import plan_video
from hawkeye_core.datasets.reconsim.sidecars import pose_results, relation_frames
from hawkeye_core.datasets.reconsim.video import truth_of
from hawkeye_core.scene import FrameBatch, FrameRelations, FrameVision
from hawkeye_core.tiny import scene_source
from hawkeye_core.tiny.scene_source import DrawnPool, DrawnSource
from hawkeye_core.tiny.scene_videos import MemoryVideo, cut_window, drawn_video, true_graph, true_pose


class MeanTower:
    """A tower that knows a frame's number and its mean."""

    def fingerprint_for(self, relations: Fingerprint) -> Fingerprint:
        raise NotImplementedError

    def encode(self, batch: FrameBatch, relations: Sequence[FrameRelations]) -> list[FrameVision]:
        found = []
        for number, image, graph in zip(batch.index, batch.images, relations, strict=True):
            token = np.array([number, image.mean()], np.float16)
            found.append(FrameVision(token[None], token, np.tile(token, (len(graph.object_class), 1))))
        return found


@pytest.fixture(scope="module")
def video() -> MemoryVideo:
    return drawn_video(plan_video(3, video="v", split="train", seconds=3.0), MeanTower())


def test_a_cut_has_the_rows_of_its_frames(video: MemoryVideo) -> None:
    window = video.whole().window
    cut = video.cut(5, 11).window
    assert cut.frames.frame.tolist() == list(range(5, 11))
    for family, count in (("pose", "n_people"), ("relations", "n_objects"), ("relations", "n_relations")):
        whole, part = getattr(window, family), getattr(cut, family)
        assert torch.equal(getattr(part, count), getattr(whole, count)[5:11])
    assert cut.pose is not None
    assert window.pose is not None
    before = int(window.pose.n_people[:5].sum())
    assert torch.equal(cut.pose.keypoints, window.pose.keypoints[before : before + int(cut.pose.n_people.sum())])
    assert cut.vision is not None
    assert cut.vision.masked_token[:, 0].tolist() == list(range(5, 11))


def test_two_cuts_make_the_whole(video: MemoryVideo) -> None:
    window = video.whole().window
    first, second = cut_window(window, 0, 9), cut_window(window, 9, video.frames)
    for family in ("pose", "relations", "vision"):
        whole = getattr(window, family)
        for field in fields(whole):
            parts = [getattr(getattr(half, family), field.name) for half in (first, second)]
            assert torch.equal(torch.cat(parts), getattr(whole, field.name)), (family, field.name)


def test_graphs_are_those_of_the_sidecar_files() -> None:
    truth = truth_of(plan_video(8, video="w", split="train", seconds=2.0))
    rows = [row for row in pose_results(truth) if row["image_id"] == 7]
    pose = true_pose(truth, 7)
    order = np.argsort([-row["score"] for row in rows], kind="stable")
    wanted = [np.array(rows[i]["keypoints"]).reshape(17, 3) for i in order]
    np.testing.assert_allclose(pose.keypoints, np.array(wanted).reshape(-1, 17, 3), atol=0.01)
    told = relation_frames(truth)["frames"][7]["relations"]
    graph = true_graph(truth, 7)
    assert len(graph.predicate) == len({(r["subject"]["class"], r["predicate"], r["object"]["class"]) for r in told})


def test_a_pool_is_a_function_of_seed_and_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_source, "shipped_tower", MeanTower)
    monkeypatch.setattr(scene_source, "PLANNED", 3)
    monkeypatch.setattr(
        scene_source, "drawn_videos",
        lambda seed, *, start, tower: (f"{seed}-{number}" for number in range(start, 10**6)),
    )  # fmt: skip
    source = DrawnSource(DrawnPool(fresh=0.5, keep=6, first=2))
    pools = [list(pool) for pool in islice(source.pools(4, 0), 20)]
    assert pools[0] == ["4-0", "4-1"]
    assert pools[2] == ["4-0", "4-1", "4-2"]
    assert pools[19] == [f"4-{k}" for k in range(5, 11)]  # the newest six
    assert [list(pool) for pool in islice(source.pools(4, 13), 7)] == pools[13:]
    assert len(source.accounts) == 3
