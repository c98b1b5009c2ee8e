import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.look import LIGHTS, apply_look, light_of, random_look
from hawkeye_core.datasets.reconsim.stage import Look
from hawkeye_core.errors import ConfigError

IMAGE = np.random.default_rng(0).integers(60, 190, (48, 64, 3)).astype(np.uint8)
GREY = np.full((48, 64, 3), 128, np.uint8)


def test_a_perfect_look_leaves_the_picture():
    np.testing.assert_array_equal(apply_look(IMAGE, Look(), frame=3), IMAGE)


def test_the_picture_handed_in_is_not_changed():
    before = IMAGE.copy()
    apply_look(IMAGE, Look(noise=8, blur_px=1, contrast=0.6, jpeg_quality=40), frame=0)
    np.testing.assert_array_equal(IMAGE, before)


def test_noise_has_its_deviation_and_no_bias():
    noise = apply_look(GREY, Look(noise=6.0), frame=0).astype(float) - 128
    assert noise.std() == pytest.approx(6.0, rel=0.1)
    assert abs(noise.mean()) < 0.5


def test_noise_differs_between_frames_and_seeds_and_repeats():
    first = apply_look(GREY, Look(noise=6.0, seed=1), frame=0)
    np.testing.assert_array_equal(first, apply_look(GREY, Look(noise=6.0, seed=1), frame=0))
    assert (first != apply_look(GREY, Look(noise=6.0, seed=1), frame=1)).any()
    assert (first != apply_look(GREY, Look(noise=6.0, seed=2), frame=0)).any()


def test_contrast_shrinks_differences():
    assert apply_look(IMAGE, Look(contrast=0.5), frame=0).std() == pytest.approx(0.5 * IMAGE.std(), rel=0.03)


def test_blur_smooths_and_jpeg_changes_little():
    assert apply_look(IMAGE, Look(blur_px=1.0), frame=0).std() < 0.6 * IMAGE.std()
    packed = apply_look(GREY, Look(jpeg_quality=50), frame=0)
    assert packed.shape == GREY.shape
    assert np.abs(packed.astype(int) - 128).max() <= 2


def test_night_is_dark_and_nearly_grey_and_day_leaves_colours():
    red = np.array([[40.0, 40.0, 220.0]])
    np.testing.assert_allclose(LIGHTS["day"].tint(red), red)
    night = LIGHTS["night"].tint(red)[0]
    assert night.max() < 110
    assert night.max() - night.min() < 40


def test_shadows_indoors_are_short():
    outside, inside = light_of(Look(), indoors=False), light_of(Look(), indoors=True)
    assert np.hypot(*inside.sun) < 0.3 * np.hypot(*outside.sun)


def test_half_of_all_looks_are_clean_daylight():
    rng = np.random.default_rng(0)
    looks = [random_look(rng) for _ in range(600)]
    clean = [k for k in looks if k.light == "day" and k.noise <= 2 and not k.blur_px and not k.jpeg_quality]
    assert 0.45 < len([k for k in clean if k.contrast == 1.0]) / 600 < 0.6
    assert {k.light for k in looks} == set(LIGHTS)


def test_no_such_light():
    with pytest.raises(ConfigError, match="no such light: 'neon'"):
        light_of(Look("neon"), indoors=False)
