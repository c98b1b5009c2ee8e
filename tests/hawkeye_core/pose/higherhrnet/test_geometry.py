from __future__ import annotations

import numpy as np
import pytest

from hawkeye_core.pose.geometry import MAX_ASPECT, fit_input


def test_sizes_centres_and_coordinates_equal_the_original(reference):
    cases = reference("decoding.json")["geometry"]
    assert len(cases) == 14
    for name, expected in cases.items():
        frame, size = name.split("@")
        width, height = (int(n) for n in frame.split("x"))
        geometry = fit_input(width, height, size=int(size))
        assert [geometry.input_width, geometry.input_height] == expected["resized_wh"], name
        assert list(geometry.centre) == expected["center"], name
        corners = np.array([[0, 0], [geometry.input_width, 0], [0, geometry.input_height], [123.25, 77.5]], np.float32)
        to_image = np.array(expected["heat_to_image_2x3"])
        ours = geometry.to_source(corners, map_width=geometry.input_width, map_height=geometry.input_height)
        np.testing.assert_allclose(ours, corners @ to_image[:, :2].T + to_image[:, 2], atol=0.01, err_msg=name)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (427, 640), (1, 1), (1, 9), (333, 500), (1920, 1080)])
def test_coordinates_return_to_where_the_affine_took_them_from(width, height):
    geometry = fit_input(width, height, size=256)
    xy = np.array([[0, 0], [width, height], [width / 3, height / 5]], np.float32)
    matrix = geometry.affine()
    there = (xy @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    back = geometry.to_source(there, map_width=geometry.input_width, map_height=geometry.input_height)
    np.testing.assert_allclose(back, xy, atol=1e-3)
    half = geometry.to_source(there / 2, map_width=geometry.input_width // 2, map_height=geometry.input_height // 2)
    np.testing.assert_allclose(half, xy, atol=1e-3)


def test_warped_picture_equals_the_original(reference):
    import cv2

    expected = reference("decoding.json")["warp"]
    picture = (np.random.RandomState(0).rand(48, 64, 3) * 255).astype(np.uint8)
    geometry = fit_input(64, 48, size=512)
    warped = cv2.warpAffine(picture, geometry.affine(), (geometry.input_width, geometry.input_height))
    assert list(warped.shape) == expected["out_shape"]
    difference = warped.flatten()[expected["idx"]].astype(int) - expected["val"]
    assert np.abs(difference).max() <= 1  # the interpolation's fixed point differs between versions of OpenCV


def test_all_scales_show_the_same_part_of_the_plane():
    shown = [fit_input(641, 480, size=512, scale=s, smallest_scale=0.5) for s in (0.5, 1.0, 2.0)]
    assert len({(g.source_width, g.input_width / g.input_height) for g in shown}) == 1
    assert [g.input_height for g in shown] == [256, 512, 1024]


def test_extreme_frames_get_a_bounded_input():
    tall = fit_input(10, 10_000, size=512)
    assert tall.input_width == 64
    assert fit_input(100, 100 * MAX_ASPECT, size=512).input_width == 512
    wide = fit_input(1600, 100, size=512)
    assert wide.input_width <= 512 * MAX_ASPECT
    assert wide.input_width / wide.input_height == 16


@pytest.mark.parametrize("bad", [{"width": 0}, {"height": -1}, {"size": 0}])
def test_sizes_must_be_positive(bad):
    arguments = {"width": 8, "height": 8, "size": 64} | bad
    with pytest.raises(ValueError, match="positive"):
        fit_input(arguments["width"], arguments["height"], size=arguments["size"])
