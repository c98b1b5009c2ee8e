import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.body import JOINT, skeleton
from hawkeye_core.datasets.reconsim.camera import VIEWS, Camera, make_camera
from hawkeye_core.datasets.reconsim.effects import EFFECTS
from hawkeye_core.datasets.reconsim.places import PLACES
from hawkeye_core.datasets.reconsim.props import PROPS, default_prop
from hawkeye_core.datasets.reconsim.render import Renderer
from hawkeye_core.datasets.reconsim.stage import Appearance, Effect, Look, Place, Prop, Stage
from hawkeye_core.errors import ConfigError
from hawkeye_core.relation.vocabulary import OBJECT_CLASSES

PLACE = Place("street", 3, (3.0, 2.5))
CAMERA = Camera((0.0, -9.0, 3.5), yaw=0.0, pitch=0.3, focal_px=330.0, width=320, height=240)
MAN = Appearance("man", 1.75, (200, 60, 40), (60, 50, 40), (140, 170, 210), (30, 40, 50))
WOMAN = Appearance("woman", 1.68, (60, 60, 200), (120, 60, 40), (140, 170, 210), (20, 30, 60))
CRATE = (1.0, 0.6, 1.2)


def standing(x=0.0, y=0.0, yaw=0.0, height=1.75):
    """Joints [22, 3] of a person who stands with hanging arms, facing +y turned by yaw."""
    bones, body = skeleton(height), np.zeros((22, 3))
    body[0, 2] = bones.pelvis
    at = body[0].copy()
    for name, length in zip(("spine1", "spine2", "spine3", "neck"), bones.spine, strict=True):
        at[2] += length
        body[JOINT[name]] = at
    body[JOINT["head"]] = at + bones.head
    for side, sign in (("left", (-1, 1, 1)), ("right", (1, 1, 1))):
        body[JOINT[f"{side}_collar"]] = body[JOINT["spine3"]] + np.multiply(bones.collar, sign)
        body[JOINT[f"{side}_shoulder"]] = body[JOINT[f"{side}_collar"]] + np.multiply(bones.shoulder, sign)
        body[JOINT[f"{side}_elbow"]] = body[JOINT[f"{side}_shoulder"]] + (0.08 * sign[0], 0.0, -bones.upper_arm)
        body[JOINT[f"{side}_wrist"]] = body[JOINT[f"{side}_elbow"]] + (0.03 * sign[0], 0.0, -bones.forearm)
        body[JOINT[f"{side}_hip"]] = body[0] + np.multiply(bones.hip, sign)
        body[JOINT[f"{side}_knee"]] = body[JOINT[f"{side}_hip"]] - (0, 0, bones.thigh)
        body[JOINT[f"{side}_ankle"]] = body[JOINT[f"{side}_knee"]] - (0, 0, bones.shin)
        body[JOINT[f"{side}_foot"]] = body[JOINT[f"{side}_ankle"]] + (0, *bones.foot)
    c, s = np.cos(yaw), np.sin(yaw)
    return (body @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T + (x, y, 0)).astype(np.float32)


@pytest.fixture(scope="module")
def renderer():
    return Renderer(PLACE, CAMERA, Look(), width=320, height=240)


def changed(renderer, stage):
    """Pixels that differ from the empty place, without the shadow: those that get lighter, or change much."""
    empty = renderer.picture(Stage((), ()), frame=0).astype(int)
    shadow = (empty * (1 - 0.45)).astype(int)
    image = renderer.picture(stage, frame=0).astype(int)
    return (np.abs(image - empty).max(-1) > 12) & (np.abs(image - shadow).max(-1) > 12)


def test_nobody_there(renderer):
    seen = renderer.draw(Stage((), ()), frame=0)
    assert seen.image.shape == (240, 320, 3)
    assert seen.keypoints.shape == (0, 17, 3)
    assert seen.boxes.shape == (0, 4)
    assert seen.visible.shape == (0,)


@pytest.mark.parametrize(
    "stage",
    [
        Stage(((MAN, standing(0.5, 0.3, 2.0)),), ()),
        Stage(((WOMAN, standing(-0.5, 0.3, 1.0)),), ()),
        Stage((), (Prop("car", PROPS["car"].size_m, (0.0, 0.0, 0.0), yaw=0.8, colour=(40, 40, 220)),)),
    ],
)
def test_boxes_enclose_the_drawn_pixels_tightly(renderer, stage):
    rows, columns = np.nonzero(changed(renderer, stage))
    seen = renderer.draw(stage, frame=0)
    literal = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(seen.boxes[0], literal, atol=2.0)
    assert seen.visible[0] == 1.0


def test_joints_of_a_person_who_faces_the_camera_are_seen_and_lie_in_the_box(renderer):
    seen = renderer.draw(Stage(((MAN, standing(yaw=np.pi)),), ()), frame=0)
    x, y, visibility = seen.keypoints[0].T
    assert (visibility == 2).all()
    x1, y1, x2, y2 = seen.boxes[0]
    assert ((x >= x1) & (x <= x2) & (y >= y1) & (y <= y2)).all()
    assert x[5] > x[6]  # the left shoulder is on the right of the picture


def test_a_face_that_is_turned_away_is_hidden(renderer):
    seen = renderer.draw(Stage(((MAN, standing(yaw=0.0)),), ()), frame=0)
    np.testing.assert_array_equal(seen.keypoints[0, :3, 2], 1)
    assert (seen.keypoints[0, 5:, 2] == 2).all()


def test_the_far_arm_behind_the_trunk_is_hidden(renderer):
    visibility = renderer.draw(Stage(((MAN, standing(yaw=np.pi / 2)),), ()), frame=0).keypoints[0, :, 2]
    assert visibility[7] == 2  # faces west: the left elbow is towards the camera in the south
    assert visibility[8] == 1


def test_a_thing_in_front_hides_joints_and_takes_a_share(renderer):
    crate = Prop("box", CRATE, (0.0, -0.8, 0.0))
    seen = renderer.draw(Stage(((MAN, standing(yaw=np.pi)),), (crate,)), frame=0)
    visibility = seen.keypoints[0, :, 2]
    np.testing.assert_array_equal(visibility[[0, 5, 6]], 2)  # nose and shoulders look over it
    np.testing.assert_array_equal(visibility[13:], 1)
    assert 0.2 < seen.visible[0] < 0.8
    assert seen.visible[1] == 1.0
    alone = renderer.draw(Stage(((MAN, standing(yaw=np.pi)),), ()), frame=0)
    np.testing.assert_array_equal(seen.boxes[0], alone.boxes[0])  # the whole extent, hidden or not


def test_a_thing_behind_hides_nothing(renderer):
    crate = Prop("box", CRATE, (0.0, 0.8, 0.0))
    seen = renderer.draw(Stage(((MAN, standing(yaw=np.pi)),), (crate,)), frame=0)
    assert (seen.keypoints[0, :, 2] == 2).all()
    assert seen.visible[0] == 1.0
    assert seen.visible[1] < 0.9


def test_long_things_are_ordered_by_the_plane_between_not_by_their_middle(renderer):
    """The counter's middle is farther than the person, but the person stands behind its near end."""
    counter = Prop("counter", (8.0, 0.5, 1.2), (-2.0, 2.0, 0.0), yaw=-0.9)
    near_end = np.array([-2.0, 2.0]) + 3.0 * np.array([np.cos(-0.9), np.sin(-0.9)])
    normal = np.array([-np.sin(-0.9), np.cos(-0.9)])
    x, y = near_end + 0.9 * normal
    seen = renderer.draw(Stage(((MAN, standing(x, y, np.pi)),), (counter,)), frame=0)
    assert seen.visible[0] < 0.9
    assert seen.keypoints[0, 15, 2] == 1


def test_a_bag_in_the_hand_is_seen_and_one_behind_the_back_is_hidden(renderer):
    body = standing(yaw=np.pi)
    wrist = body[JOINT["left_wrist"]]
    bag = Prop("bag", (0.2, 0.4, 0.4), (float(wrist[0]), float(wrist[1]) - 0.05, float(wrist[2]) - 0.42))
    seen = renderer.draw(Stage(((MAN, body),), (bag,)), frame=0)
    assert seen.visible[1] > 0.75  # the hand is over its handles
    behind = Prop("bag", (0.4, 0.2, 0.4), (0.0, 0.3, float(wrist[2])))
    assert renderer.draw(Stage(((MAN, body),), (behind,)), frame=0).visible[1] < 0.5


def test_outside_the_picture(renderer):
    stage = Stage(((MAN, standing(40.0, 0.0)),), (Prop("box", CRATE, (40.0, 0.0, 0.0)),))
    seen = renderer.draw(stage, frame=0)
    np.testing.assert_array_equal(seen.keypoints, 0)
    assert np.isnan(seen.boxes).all()
    np.testing.assert_array_equal(seen.visible, 0)


def test_half_outside_the_box_ends_at_the_edge(renderer):
    edge = 4.4  # metres to the right at which the picture ends
    seen = renderer.draw(Stage(((MAN, standing(edge, 0.0, np.pi)),), ()), frame=0)
    assert seen.boxes[0, 2] == 320
    visibility = seen.keypoints[0, :, 2]
    assert (visibility == 0).any()
    assert (visibility == 2).any()
    np.testing.assert_array_equal(seen.keypoints[0, visibility == 0], 0)


def test_absent_people_and_things_keep_their_numbers(renderer):
    nobody = np.full((22, 3), np.nan, np.float32)
    crate = Prop("box", CRATE, (1.0, 0.0, 0.0))
    seen = renderer.draw(Stage(((MAN, nobody), (WOMAN, standing())), (None, crate)), frame=0)
    np.testing.assert_array_equal(np.isnan(seen.boxes[:, 0]), [True, False, True, False])
    np.testing.assert_array_equal(seen.visible > 0, [False, True, False, True])
    np.testing.assert_array_equal(seen.keypoints[0], 0)


def crowd(seed):
    rng = np.random.default_rng(seed)
    people = tuple((who, standing(*rng.uniform(-2, 2, 2), rng.uniform(0, 6))) for who in (MAN, WOMAN, MAN))
    kinds = ("car", "bag", "bench", "shelf", "chair")
    props = tuple(default_prop(kind, rng, (*rng.uniform(-2.5, 2.5, 2), 0.0)) for kind in kinds)
    effects = tuple(Effect(kind, (*rng.uniform(-2, 2, 2), 0.8), 1.0, 0.4, seed) for kind in EFFECTS)
    return Stage(people, props, effects)


def test_the_picture_alone_is_that_of_draw_and_no_call_leaves_a_trace():
    look = Look("dusk", noise=4, blur_px=0.6, contrast=0.8, jpeg_quality=60, seed=5)
    one = Renderer(PLACE, CAMERA, look, width=320, height=240)
    other = Renderer(PLACE, CAMERA, look, width=320, height=240)
    for seed in range(4):
        one.picture(crowd(seed), frame=seed)
    for seed in (3, 0):
        seen = other.draw(crowd(seed), frame=seed)
        np.testing.assert_array_equal(one.picture(crowd(seed), frame=seed), seen.image)
        np.testing.assert_array_equal(one.draw(crowd(seed), frame=seed).boxes, seen.boxes)


def test_the_stage_is_not_changed(renderer):
    stage = crowd(2)
    before = [joints.copy() for _, joints in stage.people]
    renderer.draw(stage, frame=0)
    for (_, joints), old in zip(stage.people, before, strict=True):
        np.testing.assert_array_equal(joints, old)


@pytest.mark.parametrize("kind", PLACES)
def test_places_differ_by_seed_and_repeat(kind):
    def empty(seed):
        place = Place(kind, seed, (3.0, 2.5))
        camera = make_camera("corner", place, np.random.default_rng(1), width=160, height=120)
        return Renderer(place, camera, Look(), width=160, height=120).picture(Stage((), ()), frame=0)

    np.testing.assert_array_equal(empty(1), empty(1))
    assert (empty(1) != empty(2)).mean() > 0.3


@pytest.mark.parametrize("kind", sorted(PROPS))
def test_every_thing_has_a_name_and_can_be_seen_in_every_state(kind):
    assert kind in OBJECT_CLASSES
    usual = PROPS[kind]
    place = Place("shop", 1, (max(usual.size_m) + 0.3, max(usual.size_m) + 0.3))
    camera = make_camera("oblique", place, np.random.default_rng(0), width=160, height=120)
    renderer = Renderer(place, camera, Look(), width=160, height=120)
    for state in ("whole", "broken", "burning", "open"):
        for tilt in (0.0, 1.3):
            prop = Prop(kind, usual.size_m, (0.0, 0.0, 0.0), 0.6, tilt, usual.colours[0], state)
            seen = renderer.draw(Stage((), (prop,)), frame=0)
            assert seen.visible[0] == 1.0
            width, height = seen.boxes[0, 2:] - seen.boxes[0, :2]
            assert 0 < width < 160
            assert 0 < height <= 120


@pytest.mark.parametrize("view", VIEWS)
def test_effects_change_the_picture_and_hide_what_is_behind(view):
    camera = make_camera(view, PLACE, np.random.default_rng(0), width=320, height=240)
    renderer = Renderer(PLACE, camera, Look(), width=320, height=240)
    people = ((MAN, standing()),)
    plain = renderer.draw(Stage(people, ()), frame=0)
    for kind in EFFECTS:
        effect = Effect(kind, (0.0, 0.0, 1.0), 1.5, 0.05 if kind == "flash" else 0.3)
        seen = renderer.draw(Stage(people, (), (effect,)), frame=0)
        assert (seen.image != plain.image).any()
        np.testing.assert_array_equal(seen.boxes, plain.boxes)
        if kind == "flash":
            assert seen.visible[0] < 0.8


def test_unknown_names():
    renderer = Renderer(PLACE, CAMERA, Look(), width=320, height=240)
    with pytest.raises(ConfigError, match="no such thing to draw: 'unicorn'"):
        renderer.draw(Stage((), (Prop("unicorn", (1, 1, 1), (0, 0, 0)),)), frame=0)
    with pytest.raises(ConfigError, match="no such effect: 'rain'"):
        renderer.draw(Stage((), (), (Effect("rain", (0, 0, 0), 1.0, 0.0),)), frame=0)
    with pytest.raises(ConfigError, match="no such place: 'moon'"):
        Renderer(Place("moon", 0), CAMERA, Look(), width=320, height=240)
    with pytest.raises(ConfigError, match="a camera of 320 x 240 for a picture of 640 x 480"):
        Renderer(PLACE, CAMERA, Look(), width=640, height=480)
