"""Training windows that differ each time: what decides how, and what must not."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from hypothesis import given
from hypothesis import strategies as st

from feature_store.store import FeatureStore
from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import ConfigError
from hawkeye_core.training.annotations import AnnotatedSegment, VideoAnnotation
from hawkeye_core.training.config import TrainSettings, VariationSettings
from hawkeye_core.training.data import open_data
from hawkeye_core.training.order import MicroBatches, PlacedBatches, StepBatches
from hawkeye_core.training.trainer import Trainer
from hawkeye_core.training.variation import LEAST_FRAMES, VariedWindows, cropped
from hawkeye_core.training.windows import WindowDataset, WindowSample, WindowSpec

from .test_resume import StopAfter, run_with, same

ALL = VariationSettings(crop=0.5, geometry=True, noise=0.5)


def dataset(store: Path, *, length: int = 64) -> WindowDataset:
    segments = (AnnotatedSegment(start=2, end=5, category="x"),)
    return WindowDataset(
        FeatureStore.open(store), [VideoAnnotation(video="fight", segments=segments, split="train")],
        length=length, hop=length,
    )  # fmt: skip


def same_sample(a: WindowSample, b: WindowSample) -> bool:
    assert a.window.pose is not None
    assert b.window.pose is not None
    return (
        (a.spec, a.segments) == (b.spec, b.segments)
        and torch.equal(a.window.pose.keypoints, b.window.pose.keypoints)
        and torch.equal(a.window.relations.relation_score, b.window.relations.relation_score)
    )


@given(st.integers(1, 600), st.floats(0, 0.99), st.integers(0, 2**31))
def test_a_crop_lies_inside_and_leaves_out_no_more_than_it_may(frames: int, most: float, seed: int) -> None:
    spec = WindowSpec("v", 40, 40 + frames, 8.0)
    found = cropped(spec, np.random.default_rng(seed), most=most)
    assert (found.video, found.fps) == ("v", 8.0)
    assert spec.start <= found.start < found.stop <= spec.stop
    left = found.stop - found.start
    assert left >= min(frames, LEAST_FRAMES)
    assert frames - left <= frames * most


def test_crops_begin_anywhere_and_end_anywhere() -> None:
    spec, rng = WindowSpec("v", 0, 96, 8.0), np.random.default_rng(0)
    found = [cropped(spec, rng, most=0.5) for _ in range(400)]
    assert min(one.start for one in found) == 0
    assert max(one.start for one in found) > 36
    assert max(one.stop for one in found) == 96
    assert min(one.stop for one in found) < 60
    assert cropped(spec, rng, most=0.0) == spec


def test_segments_of_a_crop_stand_on_its_own_clock(made_up: tuple[Path, Path]) -> None:
    data = dataset(made_up[0])
    varied = VariedWindows(data, VariationSettings(crop=0.5), seed=3)
    cut = 0
    for place in range(40):
        sample = varied[0, place]
        start, end = sample.spec.start_s, sample.spec.start_s + sample.spec.duration_s
        low, high = max(2.0, start), min(5.0, end)
        expected = (Segment(low - start, high - start, "x"),) if high - low >= 1 / 8 else ()
        assert sample.segments == expected
        assert sample.window.frames.frame.tolist() == list(range(sample.spec.start, sample.spec.stop))
        cut += sample.segments != (Segment(2 - start, 5 - start, "x"),)
    assert cut > 0


def test_seed_and_place_decide_and_nothing_else(made_up: tuple[Path, Path]) -> None:
    data = dataset(made_up[0])
    one, other = VariedWindows(data, ALL, seed=1), VariedWindows(data, ALL, seed=1)
    list(map(one.__getitem__, [(0, 5), (0, 6)]))  # what was read before does not count
    assert same_sample(one[0, 7], other[0, 7])
    assert not same_sample(one[0, 7], one[0, 8])
    assert not same_sample(one[0, 7], VariedWindows(data, ALL, seed=2)[0, 7])


def test_what_is_off_changes_nothing(made_up: tuple[Path, Path]) -> None:
    data = dataset(made_up[0])
    assert same_sample(VariedWindows(data, VariationSettings(), seed=1)[0, 3], data[0])


@pytest.mark.parametrize("first", [0, 1, 4])
def test_places_go_on_where_a_run_was_interrupted_and_are_shared_out_with_their_samples(first: int) -> None:
    def steps(first_step: int) -> StepBatches:
        return StepBatches(5, batch_size=8, steps=6, seed=1, first_step=first_step)

    whole = list(PlacedBatches(steps(0)))
    assert list(PlacedBatches(steps(first))) == whole[first:]
    assert [place for batch in whole for _, place in batch] == list(range(48))
    assert [[sample for sample, _ in batch] for batch in whole] == list(steps(0))
    pieces = [list(MicroBatches(PlacedBatches(steps(0)), accumulate=2, rank=r, world=2)) for r in range(2)]
    joined = [pieces[r][m] for m in range(2) for r in range(2)]  # of the first step
    assert [one for piece in joined for one in piece] == whole[0]


def test_a_varied_run_stopped_and_resumed_is_the_same_run(settings: TrainSettings) -> None:
    varied = settings.model_copy(
        update={"steps": 4, "checkpoint_every": 2, "tensorboard": False, "workers": 0, "variation": ALL}
    )
    whole = run_with(varied)
    part = varied.model_copy(update={"run": varied.run + "-part"})
    run_with(part, StopAfter(part.run, 2))
    run = run_with(part.model_copy(update={"resume": True}))
    same(whole, run)
    plain = run_with(varied.model_copy(update={"run": varied.run + "-plain", "variation": None}))
    with pytest.raises(AssertionError):
        same(whole, plain)
    other = part.model_copy(update={"resume": True, "variation": None})
    with pytest.raises(ConfigError, match=r"variation.* was .*"):
        Trainer(other).setup()


def test_workers_change_nothing_and_held_out_windows_are_whole(settings: TrainSettings) -> None:
    varied = settings.model_copy(update={"variation": ALL, "steps": 3})

    def first(workers: int) -> list[list[int]]:
        at = varied.model_copy(update={"workers": workers})
        data = open_data(at, Accelerator(cpu=True))
        loader = data.loader(at, _lengths, steps=3, first_step=0, rank=0, world=1)  # type: ignore[arg-type]
        return list(islice(loader, 3))

    assert first(0) == first(2)
    held_out = open_data(varied, Accelerator(cpu=True)).held_out.data
    assert all(s.spec == held_out.specs[i] for i, s in enumerate(held_out))  # type: ignore[attr-defined]


def _lengths(samples: list[WindowSample]) -> list[int]:
    """Instead of a batch: what was cropped."""
    return [frame for s in samples for frame in (s.spec.start, s.spec.stop)]


def test_stage_1_is_not_varied() -> None:
    with pytest.raises(ValueError, match="variation is of stage 2"):
        TrainSettings(stage1={"regions": "r.jsonl", "motions": "m.jsonl"}, variation={"crop": 0.2})
