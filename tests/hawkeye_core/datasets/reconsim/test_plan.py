import itertools

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.plan import VideoPlan, draw_site, plan_video
from hawkeye_core.datasets.reconsim.rules import MOST, PREDICATES, relations
from hawkeye_core.datasets.reconsim.scenarios import SCENARIOS
from hawkeye_core.errors import ConfigError
from hawkeye_core.relation.vocabulary import OBJECT_INDEX


def plan(seed: int = 1, **changed: object) -> VideoPlan:
    return plan_video(seed, video=f"v{seed}", split="train", **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_acts_of_all_variants_are_played_and_only_the_anomalous_ones_are_segments(scenario: str) -> None:
    row = SCENARIOS[scenario]
    made = plan(3, scenario=scenario, variants=["other", "anomalous", "decoy"], seconds=20.0)
    assert [act.variant for act in made.acts] == ["other", "anomalous", "decoy"]
    other, anomalous, decoy = made.acts
    assert other.action in row.others
    assert anomalous.action == decoy.action == row.action
    (segment,) = made.segments
    assert segment.category == row.category
    assert segment.start_s == pytest.approx(anomalous.start_s, abs=1e-3)
    assert segment.end_s == pytest.approx(anomalous.end_s, abs=1e-3)
    assert 0 < segment.start_s < segment.end_s <= made.seconds
    assert segment.reason[0].isupper()
    assert "{" not in segment.reason + made.description
    assert made.scenario == f"{scenario}:other+anomalous+decoy"


@pytest.mark.parametrize("seed", range(12))
def test_scripts_cover_the_video_and_bodies_stay_on_the_place(seed: int) -> None:
    made = plan(seed)
    moments = made.moments(made.times)
    assert moments.bodies.shape == (made.n_frames, len(made.people), 22, 3)
    assert np.isfinite(moments.bodies).all()
    assert np.abs(moments.bodies[..., :2]).max() < max(made.place.extent_m) + 2.0
    assert moments.bodies[..., 2].min() > -0.1
    assert moments.bodies[..., 2].max() < 3.2
    steps = np.diff(moments.bodies[:, :, 0], axis=0)  # nobody jumps
    assert np.linalg.norm(steps, axis=-1).max() * made.fps < 6.0
    for person in range(len(made.people)):
        spans = [a for a in made.actions if a.person == person]
        assert spans[0].start_s == 0.0
        assert spans[-1].end_s == pytest.approx(made.seconds, abs=0.15)
        assert all(b.start_s == pytest.approx(a.end_s) for a, b in itertools.pairwise(spans))


@pytest.mark.parametrize("seed", range(8))
def test_relations_name_entities_and_hold_at_times_of_the_video(seed: int) -> None:
    made = plan(seed)
    assert set(made.entities) <= set(OBJECT_INDEX)
    assert made.relations
    for span in made.relations:
        assert span.subject != span.object
        assert max(span.subject, span.object) < len(made.entities)
        assert span.predicate in PREDICATES
        assert 0 <= span.start_s < span.end_s <= made.seconds
    assert relations(made.moments(made.times).positions()).sum(axis=(1, 2, 3)).max() <= MOST


def test_the_stage_of_a_moment_is_that_of_all_moments() -> None:
    made = plan(5)
    many = made.moments(made.times)
    one = made.stage(float(made.times[30]))
    other = many.stage(30)
    for (look, body), (other_look, other_body) in zip(one.people, other.people, strict=True):
        assert look == other_look
        np.testing.assert_allclose(body, other_body, atol=1e-5)
    assert [None if a is None else a.kind for a in one.props] == [None if a is None else a.kind for a in other.props]


def test_a_plan_is_a_function_of_its_seed() -> None:
    for seed in (1, 2):
        a, b = plan(seed), plan(seed)
        assert a.scenario == b.scenario
        assert a.entities == b.entities
        assert a.segments == b.segments
        assert a.relations == b.relations
        np.testing.assert_array_equal(a.moments(a.times).bodies, b.moments(b.times).bodies)
    assert plan(1).description != plan(2).description or plan(1).entities != plan(2).entities


def test_a_held_thing_goes_with_the_hand_and_changes_hands_when_grabbed() -> None:
    made = plan(4, scenario="robbery-grab", variants=["anomalous"])
    act = made.acts[0]
    moments = made.moments(np.array([act.start_s - 0.1, act.end_s]))
    bags = [i for i, script in enumerate(made.props) if script.prop.kind == "bag"]
    before = {i: int(moments.holder[0, i]) for i in bags}
    after = {i: int(moments.holder[1, i]) for i in bags}
    (taken,) = [i for i in bags if before[i] >= 0 and after[i] != before[i]]
    wrists = moments.bodies[1, after[taken], [20, 21]]
    assert np.linalg.norm(wrists[:, :2] - moments.at[1, taken, :2], axis=-1).min() < 0.01
    person = {a.action for a in made.actions if a.person == after[taken]}
    assert "grab" in person


def test_the_same_set_up_whatever_the_variant() -> None:
    for scenario in ("assault-hit", "arrest", "vandalism-smash", "shoplifting"):
        plans = [plan(9, scenario=scenario, variants=[v]) for v in ("anomalous", "decoy", "other")]
        first = plans[0].moments(np.array([0.0]))
        for other in plans[1:]:
            assert sorted(other.entities) == sorted(plans[0].entities)
            assert other.site == plans[0].site
            np.testing.assert_allclose(
                np.sort(other.moments(np.array([0.0])).at, axis=1), np.sort(first.at, axis=1), atol=0.6
            )


def test_videos_can_share_a_site() -> None:
    site = draw_site(np.random.default_rng(0), places=["shop"], width=160, height=120)
    plans = [plan(seed, site=site, width=160, height=120) for seed in range(6)]
    assert all(p.site is site for p in plans)
    assert all("shop" in SCENARIOS[p.scenario.split(":")[0]].places for p in plans)


def test_an_unknown_scenario_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no scenario 'x'[\s\S]*assault-hit"):
        plan(1, scenario="x")


def test_a_deed_of_no_length_leaves_no_step_behind() -> None:
    """It used to stand in the way of the next one: two steps began at once, and the track refused them."""
    seed = int(np.random.default_rng(111).integers(2**62))  # a person lies while two acts follow one another
    video = plan_video(seed, video="x", split="train")
    for person in video.people:
        starts = [step.start_s for step in person.steps]
        assert all(a < b for a, b in itertools.pairwise(starts))
    video.moments(video.times)
