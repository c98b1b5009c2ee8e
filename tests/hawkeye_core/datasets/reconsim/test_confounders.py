"""Neither actions alone nor relations alone tell anomalous seconds; both together do; nothing else does.

A forest sees what the truth says of each second: who does what, which relations hold, both, or what must not matter.
``pytest -s`` on this file prints what docs/reconsim.md has of it.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from hawkeye_core.datasets.reconsim.plan import VideoPlan, draw_site, plan_video
from hawkeye_core.datasets.reconsim.scenarios import INDOORS, OUTDOORS, PEOPLE
from hawkeye_core.datasets.reconsim.truth import ActionSpan, RelationSpan

pytestmark = pytest.mark.slow

Words = dict[str, float]


def seconds_of(plan: VideoPlan) -> list[tuple[float, float, bool]]:
    """Start and end of each second that is clearly inside or outside of a segment, and which."""
    found = []
    for start in np.arange(int(plan.seconds)).tolist():
        inside = sum(max(0.0, min(s.end_s, start + 1) - max(s.start_s, start)) for s in plan.segments)
        if not 0.3 < inside < 0.7:
            found.append((float(start), float(start + 1), inside >= 0.7))
    return found


def _holds(span: ActionSpan | RelationSpan, start: float, end: float) -> bool:
    return min(span.end_s, end) - max(span.start_s, start) >= 0.5


def actions(plan: VideoPlan, start: float, end: float) -> Words:
    """Which actions anybody does."""
    return {s.action: 1.0 for s in plan.actions if _holds(s, start, end)}


def relations(plan: VideoPlan, start: float, end: float) -> Words:
    """Which relations hold, by the classes of subject and object (people are people)."""
    names = ["person" if name in PEOPLE else name for name in plan.entities]
    words = {}
    for s in plan.relations:
        if _holds(s, start, end):
            words[f"{names[s.subject]} {s.predicate} {names[s.object]}"] = 1.0
    return words


def both(plan: VideoPlan, start: float, end: float) -> Words:
    """Actions with the relations of who does them, each pair a word."""
    names = ["person" if name in PEOPLE else name for name in plan.entities]
    words = actions(plan, start, end)
    held = [s for s in plan.relations if _holds(s, start, end)]
    for deed in (a for a in plan.actions if _holds(a, start, end)):
        mine = (s for s in held if s.subject == deed.person)
        words |= {f"{deed.action}: {s.predicate} {names[s.object]}": 1.0 for s in mine}
    return words | relations(plan, start, end)


def nuisance(plan: VideoPlan, start: float, end: float) -> Words:
    """What must not matter: place, view, light, how many people, which things."""
    del start, end
    words: Words = {plan.place.kind: 1.0, plan.view: 1.0, plan.look.light: 1.0, "people": len(plan.people)}
    for kind in plan.entities:
        words[f"thing {kind}"] = words.get(f"thing {kind}", 0.0) + 1.0
    return words


def scores(
    plans: Sequence[VideoPlan], features: Callable[[VideoPlan, float, float], Words], *, only_acts: bool = False
) -> tuple[float, float]:
    """Cross-validated ROC AUC and F1 of anomalous seconds; no video is in training and test of a fold.

    Args:
        plans: Videos.
        features: Of one second.
        only_acts: Take only the seconds that lie in an act, normal or anomalous.
    """
    words, labels, groups = [], [], []
    for number, plan in enumerate(plans):
        for start, end, anomalous in seconds_of(plan):
            inside = any(a.start_s <= start + 0.5 < a.end_s for a in plan.acts)
            if only_acts and not inside:
                continue
            words.append(features(plan, start, end))
            labels.append(anomalous)
            groups.append(number)
    x: NDArray[np.float64] = DictVectorizer(sparse=False).fit_transform(words)
    y = np.array(labels)
    chance = np.zeros(len(y))
    for train, test in GroupKFold(5).split(x, y, groups):
        forest = RandomForestClassifier(60, min_samples_leaf=2, class_weight="balanced_subsample", random_state=0)
        chance[test] = forest.fit(x[train], y[train]).predict_proba(x[test])[:, 1]
    best = max(f1_score(y, chance >= threshold) for threshold in np.linspace(0.1, 0.9, 17))
    found = float(roc_auc_score(y, chance)), float(best)
    where = "within acts" if only_acts else "all seconds"
    print(f"{features.__name__:10} {where} AUC {found[0]:.2f} F1 {found[1]:.2f}")
    return found


@pytest.fixture(scope="module")
def plans() -> list[VideoPlan]:
    rng = np.random.default_rng(0)
    sites = [draw_site(rng, places=OUTDOORS + INDOORS, width=320, height=240) for _ in range(40)]
    return [
        plan_video(seed, video=f"v{seed}", split="train", site=sites[seed % len(sites)], fps=4.0) for seed in range(260)
    ]


def test_action_and_relation_are_needed_together(plans: list[VideoPlan]) -> None:
    together, f1 = scores(plans, both, only_acts=True)
    _, f1_actions = scores(plans, actions, only_acts=True)
    _, f1_relations = scores(plans, relations, only_acts=True)
    assert together > 0.94
    assert f1 > 0.8
    assert f1_actions < f1 - 0.2
    assert f1_relations < f1 - 0.2


def test_the_same_over_whole_videos(plans: list[VideoPlan]) -> None:
    _, f1 = scores(plans, both)
    assert f1 > scores(plans, actions)[1] + 0.2
    assert f1 > scores(plans, relations)[1] + 0.3


def test_place_view_light_and_things_tell_nothing(plans: list[VideoPlan]) -> None:
    assert abs(scores(plans, nuisance, only_acts=True)[0] - 0.5) < 0.12
    assert abs(scores(plans, nuisance)[0] - 0.5) < 0.12
