from itertools import islice

import numpy as np

from hawkeye_core.datasets.reconsim.frames import LabelledFrame, labelled_frames
from hawkeye_core.datasets.reconsim.plan import draw_site
from hawkeye_core.datasets.reconsim.scenarios import INDOORS, OUTDOORS
from hawkeye_core.datasets.reconsim.stage import Stage
from hawkeye_core.datasets.reconsim.video import renderer_of
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX


def take(seed: int, count: int) -> list[LabelledFrame]:
    return list(islice(labelled_frames(seed, per_video=2, width=160, height=120), count))


def test_frames_have_labels_that_fit() -> None:
    found = take(7, 24)
    assert any(frame.triplets for frame in found)
    for frame in found:
        p, e = len(frame.keypoints), len(frame.entities)
        assert frame.image.shape == (120, 160, 3)
        assert frame.image.dtype == np.uint8
        assert frame.keypoints.shape == (p, 17, 3)
        assert frame.boxes.shape == (e, 4)
        assert frame.visible.shape == (e,)
        assert set(frame.entities[:p]) <= {"man", "woman", "child"}
        assert not set(frame.entities[p:]) & {"man", "woman", "child"}
        assert set(frame.entities) <= set(OBJECT_INDEX)
        there = np.isfinite(frame.boxes[:, 0])
        assert (frame.boxes[there] >= 0).all()
        assert (frame.boxes[there][:, [2, 3]] <= [160, 120]).all()
        for subject, predicate, other in frame.triplets:
            assert predicate in PREDICATE_INDEX
            assert there[subject]
            assert there[other]
            assert min(frame.visible[subject], frame.visible[other]) >= 0.3


def test_a_stream_is_a_function_of_its_seed() -> None:
    first, again, other = take(1, 5), take(1, 5), take(2, 5)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        assert a.triplets == b.triplets
    assert not np.array_equal(first[0].image, other[0].image)


def test_pictures_are_rgb() -> None:
    image = take(3, 1)[0].image.astype(float)
    rng = np.random.default_rng([3, 0])
    site = draw_site(rng, places=(*OUTDOORS, *INDOORS), width=160, height=120)
    empty = renderer_of(site).picture(Stage((), ()), frame=0).astype(float)  # BGR
    assert np.abs(image - empty[..., ::-1]).mean() < np.abs(image - empty).mean()
