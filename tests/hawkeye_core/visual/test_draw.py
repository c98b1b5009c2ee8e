"""Drawings: pixels change where they should and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from hawkeye_core.scene import FramePose, FrameRelations
from hawkeye_core.visual.canvas import Canvas
from hawkeye_core.visual.draw import draw_scene
from hawkeye_core.visual.palette import LEFT, MIDDLE, RIGHT, WARNING, class_colour, joint_colour, limb_colour, text_on

NAMES = ("N/A", "man", "gun", "door")
PREDICATES = ("__background__", "holding", "near")


def grey(height: int = 720, width: int = 960) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def pose(*, score: float = 0.9, at: tuple[float, float] = (300, 300)) -> FramePose:
    """One person whose joints stand 20 px apart in a row."""
    keypoints = np.array([[[at[0] + 20 * j, at[1], score] for j in range(17)]], np.float32)
    box = np.array([[at[0] - 10, at[1] - 40, at[0] + 340, at[1] + 40]], np.float32)
    return FramePose(keypoints, np.array([0.8], np.float32), box)


def relations(boxes: list[list[float]], triplets: list[tuple[int, int, int]]) -> FrameRelations:
    count = len(boxes)
    subject, predicate, thing = np.array(triplets, np.int32).reshape(-1, 3).T
    return FrameRelations(
        object_class=np.arange(1, count + 1, dtype=np.int32),
        object_score=np.full(count, 0.5, np.float32),
        object_box=np.array(boxes, np.float32).reshape(-1, 4),
        subject=subject,
        predicate=predicate,
        object=thing,
        score=np.full(len(subject), 0.5, np.float32),
    )


def changed(image: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return (image != drawn).any(axis=2)


def draw(image: np.ndarray, **arguments: object) -> np.ndarray:
    return draw_scene(image, object_names=NAMES, predicate_names=PREDICATES, **arguments)  # type: ignore[arg-type]


def test_empty_scene_is_the_frame_itself() -> None:
    image = grey()
    nobody = FramePose(np.zeros((0, 17, 3), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32))
    np.testing.assert_array_equal(draw(image), image)
    np.testing.assert_array_equal(draw(image, pose=nobody, relations=relations([], [])), image)


def test_the_frame_is_not_changed() -> None:
    image = grey()
    draw(image, pose=pose(), relations=relations([[1, 1, 50, 50]], []), caption=["x"])
    assert (image == 90).all()


def test_joints_have_the_colour_of_their_side() -> None:
    drawn = draw(grey(), pose=pose())
    for joint in range(17):
        assert tuple(drawn[300, 300 + 20 * joint]) == joint_colour(joint)
    assert joint_colour(5) == LEFT
    assert joint_colour(6) == RIGHT
    assert joint_colour(0) == MIDDLE
    assert (limb_colour(5, 7), limb_colour(6, 8), limb_colour(5, 6), limb_colour(0, 1)) == (LEFT, RIGHT, MIDDLE, LEFT)


def test_joints_below_the_threshold_are_left_out() -> None:
    image, found = grey(), pose()
    found.keypoints[0, 16, 2] = 0.05
    found.keypoints[0, 15, 2] = np.nan
    drawn = draw(image, pose=found, min_joint_score=0.1)
    assert not changed(image, drawn)[290:311, 300 + 20 * 15 - 6 : 300 + 20 * 16 + 8].any()
    assert changed(image, drawn)[300, 300 + 20 * 14]


def test_only_the_best_people_are_drawn() -> None:
    one, two = pose(at=(100, 200)), pose(at=(100, 500))
    both = FramePose(*(np.concatenate([getattr(one, n), getattr(two, n)]) for n in ("keypoints", "score", "box")))
    drawn = changed(grey(), draw(grey(), pose=both, max_people=1))
    assert drawn[200, 100]
    assert not drawn[450:].any()
    assert changed(grey(), draw(grey(), pose=both))[500, 100]


def test_boxes_in_their_class_colour_and_nothing_inside() -> None:
    image = grey()
    drawn = draw(image, relations=relations([[100, 200, 400, 500]], []))
    for y, x in [(350, 100), (350, 400), (500, 250)]:
        assert tuple(drawn[y, x]) == class_colour(1)
    assert not changed(image, drawn)[210:490, 110:390].any()
    assert changed(image, drawn)[170:198, 100:190].any()  # the label stands above the box


def test_arrow_goes_from_subject_to_object() -> None:
    boxes = [[100, 300, 200, 400], [600, 300, 700, 400]]
    there = draw(grey(), relations=relations(boxes, [(0, 1, 1)]))
    back = draw(grey(), relations=relations(boxes, [(1, 1, 0)]))
    assert tuple(there[350, 300]) == class_colour(1)  # in the subject's colour
    assert tuple(back[350, 300]) == class_colour(2)
    head = np.s_[335:346, 630:648]  # above the line, before the tip
    assert changed(grey(), there)[head].any()
    assert not changed(grey(), back)[head].any()
    assert (there[345:356, 380:420] == 255).all(axis=2).any()  # label in the middle


def test_two_predicates_of_one_pair_share_a_label() -> None:
    boxes = [[100, 300, 200, 400], [600, 300, 700, 400]]
    single = draw(grey(), relations=relations(boxes, [(0, 1, 1)]))
    double = draw(grey(), relations=relations(boxes, [(0, 1, 1), (0, 2, 1)]))
    wide = changed(single, double)
    assert wide.any()
    rows, columns = np.nonzero(wide)
    assert rows.min() > 320
    assert rows.max() < 380
    assert columns.min() > 300
    assert columns.max() < 500


@pytest.mark.parametrize(
    "box",
    [
        [-500, -500, -100, -100],
        [940, 700, 5000, 5000],
        [-1e30, -1e30, 1e30, 1e30],
        [np.nan, 0, 10, 10],
        [np.inf, 0, -np.inf, 10],
        [400, 400, 300, 300],
    ],
)
def test_boxes_outside_or_senseless(box: list[float]) -> None:
    """Nothing fails; a label that is drawn lies in the picture."""
    scene = relations([box, [10, 10, 60, 60]], [(0, 1, 1), (1, 2, 0), (0, 1, 0)])
    found = FramePose(np.full((1, 17, 3), box[0], np.float32), np.ones(1, np.float32), np.array([box], np.float32))
    assert draw(grey(), pose=found, relations=scene).shape == (720, 960, 3)


@pytest.mark.parametrize("position", [(-300, -300), (5000, 5000), (0, 0), (959, 719), (480, 360)])
@pytest.mark.parametrize("anchor", ["above", "below", "middle"])
def test_labels_lie_inside_the_picture(position: tuple[int, int], anchor: str) -> None:
    canvas = Canvas(grey())
    canvas.label("traffic light 0.87", position, (255, 0, 0), anchor=anchor)  # type: ignore[arg-type]
    left, top, right, bottom = canvas.write_labels()[0]
    assert 0 <= left < right <= 960
    assert 0 <= top < bottom <= 720
    assert tuple(canvas.pixels[top, left]) == (255, 0, 0)


def test_labels_do_not_cover_each_other() -> None:
    canvas = Canvas(grey())
    for _ in range(6):
        canvas.label("person 0.87", (400, 300), (255, 0, 0), anchor="above")
    places = canvas.write_labels()
    for i, one in enumerate(places):
        for other in places[:i]:
            assert one[3] <= other[1] or other[3] <= one[1]


def test_unknown_class_is_shown_by_number() -> None:
    scene = relations([[100, 200, 400, 500]], [])
    scene.object_class[0] = 77
    assert not np.array_equal(
        draw(grey(), relations=scene), draw(grey(), relations=relations([[100, 200, 400, 500]], []))
    )


@pytest.mark.parametrize(
    ("size", "drawn"),
    [((360, 480), (720, 960)), ((1080, 1920), (1080, 1920)), ((48, 64), (192, 256)), ((900, 500), (1296, 720))],
)
def test_small_frames_are_enlarged(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    assert draw(grey(*size)).shape[:2] == drawn


def test_positions_follow_the_enlargement() -> None:
    small = draw(grey(360, 480), relations=relations([[50, 100, 200, 250]], []))
    assert tuple(small[350, 100]) == class_colour(1)


def test_lines_grow_with_the_picture() -> None:
    scene = relations([[100, 200, 400, 500]], [])
    small = changed(grey(720, 960), draw(grey(720, 960), relations=scene))[350, :250].sum()
    large = changed(grey(2160, 3840), draw(grey(2160, 3840), relations=scene))[350, :250].sum()
    assert large >= 2 * small


def test_caption_and_mark_of_untrained_weights() -> None:
    image = grey()
    plain, marked = draw(image, caption=["one", "two"]), draw(image, caption=["one", "two"], untrained=True)
    assert plain.shape == marked.shape
    assert plain.shape[0] > 720
    np.testing.assert_array_equal(plain[:720], image)
    assert not (plain == WARNING).all(axis=2).any()
    assert (marked == WARNING).all(axis=2).sum() > 1000
    assert (draw(image, untrained=True) == WARNING).all(axis=2).any()  # also without a caption


@pytest.mark.parametrize("width", [40, 200, 960])
def test_long_caption_stays_in_its_width(width: int) -> None:
    drawn = draw(grey(720, width), caption=["very long " * 40], untrained=True)
    assert drawn.shape[1] == draw(grey(720, width)).shape[1]


def test_same_arguments_same_bytes() -> None:
    scene = relations([[100, 200, 400, 500], [500, 100, 800, 300]], [(0, 1, 1), (1, 2, 0)])
    one, other = (draw(grey(), pose=pose(), relations=scene, caption=["a"], untrained=True) for _ in range(2))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_not_an_image(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\[H, W, 3\] uint8"):
        draw_scene(image)


def test_text_is_black_on_light_and_white_on_dark() -> None:
    assert text_on((255, 255, 200)) == (0, 0, 0)
    assert text_on((20, 20, 120)) == (255, 255, 255)
