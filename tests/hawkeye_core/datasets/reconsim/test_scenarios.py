from hawkeye_core.datasets.reconsim.casting import SIZES_M
from hawkeye_core.datasets.reconsim.formats.names import UCF_CLASSES, ucf_class
from hawkeye_core.datasets.reconsim.motions import MOTIONS
from hawkeye_core.datasets.reconsim.props import PROPS
from hawkeye_core.datasets.reconsim.rules import PREDICATES
from hawkeye_core.datasets.reconsim.scenarios import CATEGORIES, PEOPLE, SCENARIOS, scenarios_of
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX


def test_all_13_categories_of_ucf_crime_have_a_row() -> None:
    assert sorted(map(ucf_class, CATEGORIES)) == sorted(UCF_CLASSES)
    assert all(scenarios_of(category) for category in CATEGORIES)
    assert {row.category for row in SCENARIOS.values()} == set(CATEGORIES)


def test_every_row_has_confounders_of_both_kinds() -> None:
    for name, row in SCENARIOS.items():
        assert row.decoys, name
        assert set(row.others) - {row.action}, name
        assert row.action not in row.others, name


def test_a_pair_of_action_and_target_is_anomalous_in_every_row_or_in_none() -> None:
    anomalous = {
        (row.action, "bag" if row.item_at == "ground" else target)
        for row in SCENARIOS.values()
        for target in row.targets
    }
    normal = {(row.action, decoy) for row in SCENARIOS.values() for decoy in row.decoys}
    normal |= {
        (action, "bag" if row.item_at == "ground" else target)
        for row in SCENARIOS.values()
        for action in row.others
        for target in row.targets
    }
    assert not anomalous & normal


def test_names_are_those_of_the_motion_library_the_props_and_visual_genome() -> None:
    for row in SCENARIOS.values():
        assert {row.action, *row.others} <= set(MOTIONS)
        things = {*row.targets, *row.decoys, *filter(None, [row.held, row.item])} - set(PEOPLE)
        assert things <= set(PROPS)
        assert things <= set(SIZES_M)
        assert {*things, *row.targets} <= set(OBJECT_INDEX)
    assert set(PREDICATES) <= set(PREDICATE_INDEX)
    assert set(SIZES_M) <= set(PROPS)
