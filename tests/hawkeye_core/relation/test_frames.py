import numpy as np
import pytest
import torch

from hawkeye_core.relation.frames import IMAGENET_MEAN, IMAGENET_STD, input_size, to_input

CPU = {"device": torch.device("cpu"), "dtype": torch.float32}


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 480), (800, 1066)),  # as measured on the original
        ((480, 640), (1066, 800)),
        ((500, 500), (800, 800)),
        ((1920, 1080), (750, 1333)),  # the longer side decides
        ((1080, 1920), (1333, 750)),
        ((4000, 100), (33, 1320)),
    ],
)
def test_input_size(size, expected):
    assert input_size(*size, short_side=800, long_side=1333) == expected


def test_input_size_never_exceeds_the_limits():
    random = np.random.RandomState(0)
    for width, height in random.randint(1, 3000, (500, 2)).tolist():
        found = input_size(width, height, short_side=256, long_side=448)
        assert 1 <= min(found) <= 256
        assert max(found) <= 448
        assert (found[0] >= found[1]) == (height >= width) or found[0] == found[1]


def test_normalisation_without_resizing_is_exact():
    images = np.random.RandomState(0).randint(0, 256, (2, 64, 80, 3), dtype=np.uint8)
    found = to_input(images, short_side=64, long_side=80, **CPU)
    expected = (images / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    assert found.shape == (2, 3, 64, 80)
    np.testing.assert_allclose(found.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-5)


def test_resizing_averages_what_it_shrinks_and_keeps_what_is_flat():
    stripes = np.zeros((1, 128, 128, 3), dtype=np.uint8)
    stripes[:, :, ::2] = 255  # every other column: aliasing would show one colour only
    grey = np.full((1, 128, 128, 3), 100, dtype=np.uint8)
    scale, mean = (np.array(v).reshape(3, 1, 1) for v in (IMAGENET_STD, IMAGENET_MEAN))
    found = to_input(np.concatenate((stripes, grey)), short_side=32, long_side=32, **CPU).numpy() * scale + mean
    np.testing.assert_allclose(found[0, :, 4:-4, 4:-4], 0.5, atol=0.02)
    np.testing.assert_allclose(found[1], 100 / 255, atol=1e-5)


def test_resizing_equals_pillow_up_to_its_rounding():
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is the original's resizer")
    pixels = np.random.RandomState(1).randint(0, 256, (90, 120, 3), dtype=np.uint8)
    for short, long in ((48, 64), (180, 240)):
        resized = np.asarray(image_module.fromarray(pixels).resize((long, short), image_module.Resampling.BILINEAR))
        expected = (resized / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
        found = to_input(pixels[None], short_side=short, long_side=long, **CPU)[0].numpy()
        np.testing.assert_allclose(found, expected.transpose(2, 0, 1), atol=1.1 / 255 / min(IMAGENET_STD))


def test_reversed_or_sliced_frames_are_accepted():
    images = np.random.RandomState(0).randint(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    reversed_ = images[..., ::-1]
    found = to_input(reversed_, short_side=64, long_side=64, **CPU)
    assert torch.equal(found, to_input(reversed_.copy(), short_side=64, long_side=64, **CPU))
