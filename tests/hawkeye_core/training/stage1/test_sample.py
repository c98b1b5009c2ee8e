"""The drawn sample through the whole path: draw, extract, pair, collate, one forward pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from feature_store.store import FeatureStore
from hawkeye_core.datasets.sample_stage1 import ACTS, STILLS, box_of, draw_act, draw_still, write_sample_stage1
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.extraction.run import extract_video, plan_videos
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.tiny import byte_tokenizer, tiny_llava
from hawkeye_core.settings import load_settings
from hawkeye_core.training.stage1.build import open_stage1
from hawkeye_core.training.stage1.collate import Stage1Collator
from hawkeye_core.training.stage1.config import Stage1Settings
from hawkeye_core.training.stage1.table import read_motions, read_regions


@pytest.mark.parametrize("still", STILLS, ids=lambda still: still.video)
def test_boxes_hold_what_was_drawn_and_nothing_else_was(still) -> None:
    background = draw_still(type(still)(still.video, ()))
    drawn = (draw_still(still) != background).any(-1)
    for thing in still.things:
        x1, y1, x2, y2 = (round(value) for value in box_of(thing))
        inside = drawn[y1:y2, x1:x2]
        assert inside.mean() > 0.3
        assert inside.any(0).mean() > 0.7  # the box is not much wider than the thing
        assert inside.any(1).mean() > 0.95
        drawn[max(y1 - 2, 0) : y2 + 2, max(x1 - 2, 0) : x2 + 2] = False
    assert not drawn.any()


def test_acts_move_and_differ() -> None:
    frames = {act.video: np.stack([draw_act(act, k / 8) for k in range(8)]).astype(float) for act in ACTS}
    for video, film in frames.items():
        moved = np.abs(np.diff(film, axis=0)).max((1, 2, 3)) > 50
        assert not moved.any() if video == "act-still" else moved.all(), video
    flat = [film.tobytes() for film in frames.values()]
    assert len(set(flat)) == len(ACTS)


def test_the_raised_hand_is_the_figures_right_one() -> None:
    """It faces the viewer: its right is the picture's left."""
    wave = next(act for act in ACTS if act.video == "act-wave")
    dark = (draw_act(wave, 0.0) < 60).all(-1)
    beside_the_head = dark[40:76]
    assert beside_the_head[:, :140].any()
    assert not beside_the_head[:, 180:].any()


def test_tables_are_written_and_read(tmp_path: Path) -> None:
    paths, regions, motions = write_sample_stage1(tmp_path)
    assert len(read_regions(regions)) == 10
    assert len(read_regions(regions, split="test")) == 2
    assert len(read_motions(motions)) == 6
    assert len(read_motions(motions, split="test")) == 1
    assert {path.stem for path in paths} == {item.video for item in (*STILLS, *ACTS)}
    times = [path.stat().st_mtime_ns for path in paths]
    write_sample_stage1(tmp_path)
    assert [path.stat().st_mtime_ns for path in paths] == times
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.slow
def test_from_drawings_to_a_forward_pass(tmp_path: Path) -> None:
    _, regions, motions = write_sample_stage1(tmp_path)
    settings = load_settings(
        ExtractSettings, config="tiny-untrained", package="hawkeye_core.extraction",
        values={"videos": [str(tmp_path / "videos")], "store": str(tmp_path / "store")},
        overrides=["device=cpu", "relations.short_side=64", "relations.long_side=128"],
    )  # fmt: skip
    results = [extract_video(settings, plan) for plan in plan_videos(settings)]
    frames = {result.video_id: (result.status, result.frames) for result in results}
    assert frames == {s.video: ("done", 1) for s in STILLS} | {a.video: ("done", 8) for a in ACTS}

    store = FeatureStore.open(settings.store)
    data = open_stage1(Stage1Settings(regions=str(regions), motions=str(motions)), store, split="train", seed=0)
    assert len(data) == 10
    tokenizer = byte_tokenizer()
    width = data[0].window.vision.masked_token.shape[-1]  # type: ignore[union-attr]
    torch.manual_seed(0)
    llava = tiny_llava(vision_width=width, hidden_size=32, layers=1, heads=2)
    model = HawkeyeModel(HawkeyeConfig(llava=llava, action_width=8, graph_width=8, scene_heads=2, expert_layers=1))
    collate = Stage1Collator(tokenizer, scene_token_id=model.scene_token_id, max_length=4096)
    for start in range(0, 10, 5):
        batch = collate([data[number] for number in range(start, start + 5)])
        assert batch["scene"].shape == (5, 9)
        output = model(**batch)
        assert output.loss.isfinite()
        assert output.answer_tokens == sum(len(collate.answer_ids(data[number])) for number in range(start, start + 5))
