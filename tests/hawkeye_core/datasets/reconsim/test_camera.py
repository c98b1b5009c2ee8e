import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.camera import VIEWS, Camera, make_camera
from hawkeye_core.datasets.reconsim.stage import Place
from hawkeye_core.errors import ConfigError


def literal_projection(camera, point):
    """Turn by the yaw, then lean by the pitch, then divide by the depth; one point, scalar arithmetic."""
    x, y, z = (float(point[i]) - camera.position[i] for i in range(3))
    c, s = np.cos(-camera.yaw), np.sin(-camera.yaw)
    x, y = c * x - s * y, s * x + c * y  # now looking along +y
    c, s = np.cos(camera.pitch), np.sin(camera.pitch)
    depth, up = c * y - s * z, s * y + c * z
    return camera.width / 2 + camera.focal_px * x / depth, camera.height / 2 - camera.focal_px * up / depth, depth


def test_projection_is_the_literal_formula():
    camera = Camera((1.0, -9.0, 4.0), yaw=0.3, pitch=0.4, focal_px=300.0, width=320, height=240)
    points = np.random.default_rng(0).uniform(-2, 2, (5, 4, 3))
    seen = camera.project(points)
    for index in np.ndindex(5, 4):
        np.testing.assert_allclose(seen[index], literal_projection(camera, points[index]), rtol=1e-5)


def test_what_is_behind_has_no_place_in_the_picture():
    camera = Camera((0.0, -5.0, 2.0), yaw=0.0, pitch=0.2, focal_px=300.0, width=320, height=240)
    seen = camera.project(np.array([0.0, -9.0, 2.0]))
    assert seen[2] < 0
    assert np.isnan(seen[:2]).all()


def test_the_middle_of_the_picture_is_straight_ahead_and_rays_go_back_to_their_pixels():
    camera = Camera((0.0, -5.0, 2.0), yaw=0.4, pitch=0.3, focal_px=200.0, width=32, height=24)
    np.testing.assert_allclose(camera.project(camera.eye + 3 * camera.axes[2]), (16, 12, 3), atol=1e-5)
    back = camera.project(camera.eye + 7 * camera.rays())
    np.testing.assert_allclose(back[5, 20], (20.5, 5.5, 7), atol=1e-4)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("extent", [(3.0, 2.5), (5.0, 4.0), (1.6, 4.0)])
def test_the_inner_part_of_the_extent_is_in_the_picture(view, extent):
    for seed in range(8):
        camera = make_camera(view, Place("street", 0, extent), np.random.default_rng(seed), width=320, height=240)
        signs = np.stack(np.meshgrid((-1, 1), (-1, 1), (0, 1)), -1).reshape(-1, 3)
        seen = camera.project(signs * (0.8 * extent[0], 0.8 * extent[1], 1.8))
        assert (seen[:, 2] > 0).all()
        assert ((seen[:, :2] >= 0) & (seen[:, :2] <= (320, 240))).all()


def test_people_fill_a_good_part_of_an_oblique_picture():
    for seed in range(8):
        place = Place("street", 0, (3.0, 2.5))
        camera = make_camera("oblique", place, np.random.default_rng(seed), width=320, height=240)
        foot, head = camera.project(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.75]]))
        assert 45 < foot[1] - head[1] < 140


def test_a_view_is_a_function_of_the_generator():
    place = Place("shop", 0)
    one, two, other = (make_camera("drone", place, np.random.default_rng(s), width=320, height=240) for s in (1, 1, 2))
    assert one == two
    assert one != other


def test_no_such_view():
    with pytest.raises(ConfigError, match="no such view: 'fisheye'"):
        make_camera("fisheye", Place("shop", 0), np.random.default_rng(0), width=320, height=240)
