import numpy as np
import pytest

from hawkeye_core.relation.boxes import pairwise_iou, to_corners


def test_corners_in_pixels_are_not_clipped():
    boxes = np.array([[0.5, 0.5, 0.5, 0.25], [0.1, 0.9, 0.4, 0.4]], dtype=np.float32)
    expected = [[160, 180, 480, 300], [-64, 336, 192, 528]]
    np.testing.assert_allclose(to_corners(boxes, width=640, height=480), expected, atol=1e-4)


def test_iou_with_corner_pixels_inside_equals_the_original(data):
    check = data("reltr_post.json")["eval_iou_check"]
    a, b = (np.array(check[name], dtype=np.float32) for name in "ab")
    np.testing.assert_allclose(pairwise_iou(a, b, pixel=1.0), check["iou"], atol=1e-12)


def test_iou_of_continuous_boxes():
    a = np.array([[0, 0, 10, 10], [0, 0, 0, 0]], dtype=np.float32)
    b = np.array([[5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 10, 10], [0, 0, 0, 0]], dtype=np.float32)
    np.testing.assert_allclose(pairwise_iou(a, b), [[1 / 3, 0, 1, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(("n", "m"), [(0, 3), (2, 0), (0, 0)])
def test_iou_of_nothing(n, m):
    assert pairwise_iou(np.zeros((n, 4), np.float32), np.zeros((m, 4), np.float32)).shape == (n, m)
