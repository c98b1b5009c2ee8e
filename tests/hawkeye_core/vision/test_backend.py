"""The vision backend end to end: as transformers computes it, independent of batches, marked by its fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from feature_store.fingerprint import Fingerprint
from hawkeye_core.backend import VisionBackend
from hawkeye_core.scene import FrameBatch, FrameRelations, FrameVision
from hawkeye_core.vision.backend import ClipVisionBackend
from hawkeye_core.vision.config import VisionSettings

MakeBatch = Callable[..., FrameBatch]
MakeScene = Callable[..., FrameRelations]
RELATIONS = Fingerprint(family="relations", backend="sidecar", version="1", weights="sha256:0")


def tiny(**settings: object) -> ClipVisionBackend:
    return ClipVisionBackend(VisionSettings(tower="tiny", weights="untrained", **settings), device="cpu")


@pytest.fixture(scope="module")
def backend() -> ClipVisionBackend:
    return tiny()


def scenes(make_scene: MakeScene) -> list[FrameRelations]:
    return [make_scene([(0, 0, 40, 60), (100, 20, 160, 90)]), make_scene([]), make_scene([(70, 30, 72, 31)])]


def assert_equal(one: FrameVision, two: FrameVision, *, atol: float) -> None:
    for name in ("frame_tokens", "masked_token", "object_tokens"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=atol, rtol=0)


def test_shapes_types_and_protocol(backend: ClipVisionBackend, make_batch: MakeBatch, make_scene: MakeScene) -> None:
    assert isinstance(backend, VisionBackend)
    found = backend.encode(make_batch(3), scenes(make_scene))
    assert [frame.object_tokens.shape for frame in found] == [(2, 64), (0, 64), (1, 64)]
    for frame in found:
        assert frame.frame_tokens.shape == (backend.tokens_per_frame, backend.width) == (4, 64)
        assert frame.masked_token.shape == (64,)
        assert {array.dtype for array in (frame.frame_tokens, frame.masked_token, frame.object_tokens)} == {
            np.dtype(np.float16)
        }
        assert np.isfinite(frame.frame_tokens).all()
    assert not found[1].masked_token.any()
    np.testing.assert_array_equal(found[2].masked_token, found[2].object_tokens[0])


def test_frame_tokens_equal_video_llavas_own_video_features(
    checkpoints: SimpleNamespace, make_batch: MakeBatch, make_scene: MakeScene
) -> None:
    """``fit: crop``: their processor, their tower on all frames at once, hidden layer -2 without CLS, mean-pooled."""
    ours = ClipVisionBackend(VisionSettings(tower=str(checkpoints.root / "sharded"), fit="crop"), device="cpu")
    batch = make_batch(4)
    found = ours.encode(batch, [make_scene([])] * 4)
    video = checkpoints.processor([torch.from_numpy(batch.images).permute(0, 3, 1, 2)], return_tensors="pt")
    with torch.inference_mode():
        output = checkpoints.video_llava.model.get_video_features(video["pixel_values_videos"], return_dict=True)
    patches = output.hidden_states[-2][:, 1:].transpose(1, 2).reshape(4, 32, 4, 4)
    theirs = torch.nn.functional.adaptive_avg_pool2d(patches, 2).flatten(2).transpose(1, 2)
    for frame, expected in zip(found, theirs, strict=True):
        np.testing.assert_allclose(frame.frame_tokens, expected.numpy(), atol=3e-3, rtol=0)


def test_frames_do_not_depend_on_their_batch(
    backend: ClipVisionBackend, make_batch: MakeBatch, make_scene: MakeScene
) -> None:
    batch, graphs = make_batch(3), scenes(make_scene)
    together = backend.encode(batch, graphs)
    for k in range(3):
        one = slice(k, k + 1)
        alone = replace(
            batch, index=batch.index[one], time=batch.time[one], pts=batch.pts[one],
            source_index=batch.source_index[one], images=batch.images[one],
        )  # fmt: skip
        assert_equal(backend.encode(alone, graphs[one])[0], together[k], atol=1e-3)


def test_the_same_twice_is_the_same_bytes(make_batch: MakeBatch, make_scene: MakeScene) -> None:
    first, second = (tiny().encode(make_batch(3), scenes(make_scene)) for _ in range(2))
    for one, two in zip(first, second, strict=True):
        assert_equal(one, two, atol=0)


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
def test_object_tokens_look_where_the_object_is(fit: str, make_batch: MakeBatch, make_scene: MakeScene) -> None:
    """With the tower replaced by the mean colour of each patch, an object's token is its own colour."""
    backend = tiny(fit=fit)

    class PatchColour:
        weights, patch, width, config, recipe = "untrained", 8, 3, {}, backend._tower.recipe

        @staticmethod
        def patches(pixels: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.avg_pool2d(pixels, 8).flatten(2).transpose(1, 2)

    backend._tower = PatchColour()  # type: ignore[assignment]
    images = np.zeros((1, 128, 128, 3), np.uint8)
    images[:, 32:96, 16:64] = (255, 0, 0)
    batch = replace(make_batch(1), images=images)
    vision = backend.encode(batch, [make_scene([(16, 32, 64, 96), (80, 100, 120, 128)])])[0]
    red, black = vision.object_tokens
    assert red[0] - black[0] > 2.5
    assert abs(red[1] - black[1]) < 0.6
    np.testing.assert_allclose(vision.masked_token, (red * 6 + black * 2.1875) / 8.1875, atol=0.3)


def test_an_object_outside_the_crop_has_zeros_but_squash_sees_it(make_batch: MakeBatch, make_scene: MakeScene) -> None:
    batch, graph = make_batch(1, height=90, width=160), make_scene([(0, 10, 20, 80)])
    cropped, squashed = (tiny(fit=fit).encode(batch, [graph])[0] for fit in ("crop", "squash"))
    assert not cropped.object_tokens.any()
    assert not cropped.masked_token.any()
    assert squashed.object_tokens.any()


def test_a_wider_grid(make_batch: MakeBatch, make_scene: MakeScene) -> None:
    assert tiny(grid=3).encode(make_batch(1), [make_scene([])])[0].frame_tokens.shape == (9, 64)


def test_half_precision_is_close(make_batch: MakeBatch, make_scene: MakeScene) -> None:
    exact, half = (tiny(precision=p).encode(make_batch(3), scenes(make_scene)) for p in ("float32", "bfloat16"))
    for one, two in zip(exact, half, strict=True):
        assert_equal(one, two, atol=0.05)


def test_fingerprint_depends_on_all_that_matters(checkpoints: SimpleNamespace) -> None:
    variants = [
        tiny().fingerprint_for(RELATIONS),
        tiny(grid=3).fingerprint_for(RELATIONS),
        tiny(layer=-1).fingerprint_for(RELATIONS),
        tiny(fit="crop").fingerprint_for(RELATIONS),
        tiny(precision="bfloat16").fingerprint_for(RELATIONS),
        tiny().fingerprint_for(replace(RELATIONS, version="2")),
        ClipVisionBackend(VisionSettings(tower=str(checkpoints.root / "clip"))).fingerprint_for(RELATIONS),
    ]
    assert len({fingerprint.digest for fingerprint in variants}) == len(variants)
    assert [fingerprint.trained for fingerprint in variants] == [False] * 6 + [True]
    assert tiny().fingerprint_for(RELATIONS) == variants[0]
    assert Fingerprint.from_json(variants[-1].to_json()).digest == variants[-1].digest


def test_the_same_weights_in_another_folder_have_the_same_fingerprint(checkpoints: SimpleNamespace) -> None:
    prints = {
        ClipVisionBackend(VisionSettings(tower=str(checkpoints.root / name))).fingerprint_for(RELATIONS).digest
        for name in ("whole", "sharded")
    }
    assert len(prints) == 1


def test_lengths_must_agree(backend: ClipVisionBackend, make_batch: MakeBatch) -> None:
    with pytest.raises(ValueError, match="2 frames, but relations of 0"):
        backend.encode(make_batch(2), [])


def test_no_frames(backend: ClipVisionBackend, make_batch: MakeBatch) -> None:
    assert backend.encode(make_batch(0), []) == []
