"""Preparation of frames against the Hugging Face processors, and the mapping of source pixels to the square."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import CLIPImageProcessorPil, VideoLlavaVideoProcessor

from hawkeye_core.errors import ConfigError
from hawkeye_core.vision.preprocess import ImageRecipe, prepare, resize_in_float, view_of

SIZES = [(90, 160), (160, 90), (97, 131), (56, 56), (30, 200), (41, 40)]
RECIPE = ImageRecipe(side=56, resize=56)


def frames(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("short", [56, 64])
def test_crop_equals_the_video_processor_of_video_llava(height: int, width: int, short: int) -> None:
    images = frames(height, width)
    processor = VideoLlavaVideoProcessor(size={"shortest_edge": short}, crop_size={"height": 56, "width": 56})
    theirs = processor([torch.from_numpy(images).permute(0, 3, 1, 2)], return_tensors="pt")["pixel_values_videos"][0]
    recipe = ImageRecipe.from_processor(processor.to_dict(), side=56)
    ours = prepare(images, recipe=recipe, fit="crop", device="cpu")
    assert ours.shape == (2, 3, 56, 56)
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=0)


def test_crop_equals_the_slow_pil_processor_within_one_level() -> None:
    images = frames(90, 160)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    theirs = torch.from_numpy(np.stack(processor(list(images), return_tensors="np")["pixel_values"]))
    ours = prepare(images, recipe=RECIPE, fit="crop", device="cpu")
    torch.testing.assert_close(ours, theirs, atol=1.01 / 255 / 0.26, rtol=0)
    assert (ours - theirs).abs().mean() < 0.2 / 255 / 0.26


@pytest.mark.parametrize("size", [(56, 56), (56, 99), (120, 200), (90, 56)])
@pytest.mark.parametrize("mode", ["bicubic", "bilinear"])
def test_resize_in_float_as_on_a_gpu_is_the_byte_resize_but_for_rounding(size: tuple[int, int], mode: str) -> None:
    images = torch.from_numpy(frames(90, 160)).permute(0, 3, 1, 2)
    on_bytes = torch.nn.functional.interpolate(images, size=size, mode=mode, antialias=True).float()
    on_floats = resize_in_float(images, size=size, mode=mode)
    assert (on_bytes - on_floats).abs().max() <= 2
    assert (on_bytes != on_floats).float().mean() < 0.2, "halves round either way where a frame grows"


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize(("height", "width"), [(90, 160), (160, 90), (100, 100), (57, 203)])
def test_a_mark_in_the_frame_lands_where_the_view_says(fit: str, height: int, width: int) -> None:
    """A bright square is found at the mapped place."""
    centre_y, centre_x, half = height // 2 + 7, width // 2 - 9, 6
    images = np.zeros((1, height, width, 3), np.uint8)
    images[:, centre_y - half : centre_y + half, centre_x - half : centre_x + half] = 255
    view = view_of(height, width, recipe=RECIPE, fit=fit)
    light = prepare(images, recipe=RECIPE, fit=fit, device="cpu")[0].mean(0)
    light = torch.where(light > 0.5, light, 0)
    ys, xs = torch.meshgrid(torch.arange(56) + 0.5, torch.arange(56) + 0.5, indexing="ij")
    found_x, found_y = (float((light * axis).sum() / light.sum()) for axis in (xs, ys))
    assert found_x == pytest.approx(centre_x * view.scale_x + view.left, abs=0.3)
    assert found_y == pytest.approx(centre_y * view.scale_y + view.top, abs=0.3)


def test_views_of_a_wide_frame() -> None:
    squash, crop, pad = (view_of(90, 160, recipe=RECIPE, fit=fit) for fit in ("squash", "crop", "pad"))
    assert squash.visible == (0, 0, 56, 56)
    assert (squash.scale_x, squash.scale_y) == (56 / 160, 56 / 90)
    assert crop.visible == (0, 0, 56, 56)
    assert crop.left == -21, "99 px wide after resizing, 21 cut off on the left"
    assert pad.visible == (0, 12, 56, 44)
    assert pad.resized == (32, 56)


def test_pad_borders_are_the_mean_colour_and_the_picture_is_whole() -> None:
    images = np.full((1, 90, 160, 3), 255, np.uint8)
    pixels = prepare(images, recipe=RECIPE, fit="pad", device="cpu")[0]
    assert (pixels[:, :12] == 0).all()
    assert (pixels[:, 44:] == 0).all()
    assert (pixels[:, 12:44] > 1).all()


def test_a_processor_that_resizes_to_less_than_the_crop_pads_with_black_as_the_original() -> None:
    images = frames(90, 160)
    processor = VideoLlavaVideoProcessor(size={"shortest_edge": 40}, crop_size={"height": 56, "width": 56})
    theirs = processor([torch.from_numpy(images).permute(0, 3, 1, 2)], return_tensors="pt")["pixel_values_videos"][0]
    recipe = ImageRecipe.from_processor(processor.to_dict(), side=56)
    torch.testing.assert_close(prepare(images, recipe=recipe, fit="crop", device="cpu"), theirs, atol=2e-5, rtol=0)


def test_processor_of_another_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="makes 336 px pictures, the vision tower takes 224 px"):
        ImageRecipe.from_processor({"crop_size": 336}, side=224)


def test_other_filters_are_refused() -> None:
    with pytest.raises(ConfigError, match="resample 1"):
        ImageRecipe.from_processor({"resample": 1}, side=224)


def test_a_processor_that_says_nothing_is_clips() -> None:
    assert ImageRecipe.from_processor({}, side=224) == ImageRecipe(side=224, resize=224)
