"""The study's plan: which commands, in which order, and what their keys depend on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.ablation_steps import EVALUATE, LABELS, PRETUNE, REPORT, TUNE, plan, pretuning
from flows.steps import Step
from hawkeye_core.ablation.config import AblationSettings
from hawkeye_core.ablation.variants import VARIANTS
from hawkeye_core.settings import load_settings
from hawkeye_core.tiny.scene_train import SceneRunSettings


@pytest.fixture
def settings(tmp_path: Path) -> AblationSettings:
    return AblationSettings(folder=str(tmp_path / "study"))


def keys(settings: AblationSettings, **changed: object) -> dict[str, str]:
    return {step.name: step.key for step in plan(settings.model_copy(update=changed))}


def changed_by(settings: AblationSettings, **changed: object) -> set[str]:
    """Names of the steps whose key is another then."""
    before = keys(settings)
    return {name for name, key in keys(settings, **changed).items() if before.get(name) != key}


def named(settings: AblationSettings, *kinds: str) -> set[str]:
    return {step.name for step in plan(settings) if step.kind in kinds}


def test_rows_are_pretuned_once_then_all_have_seed_0_before_seed_1(settings: AblationSettings) -> None:
    steps = plan(settings)
    kinds = [step.kind for step in steps]
    assert kinds == ["draw", "store", *[LABELS, PRETUNE] * 5, PRETUNE, *[TUNE, EVALUATE] * 35, REPORT]
    assert "no-pretuning-stage1" not in {step.name for step in steps}
    tuned = [step.name for step in steps if step.kind == TUNE]
    assert tuned == [f"{row.key}-seed{seed}" for seed in range(5) for row in VARIANTS]
    by_name = {step.name: step for step in steps}
    assert by_name["no-asg-seed3"].needs == ("no-asg-stage1",)
    assert by_name["no-asg-stage1"].needs == ("no-asg-labels",)
    assert "without=[asg]" in by_name["no-asg-labels"].words
    assert "balance=0" in by_name["no-lbc-labels"].words
    assert by_name["scene-off-stage1"].needs == ("store-oracle",)
    assert by_name["no-pretuning-seed3"].needs == ("store-oracle",)
    assert by_name["eval-test-no-asg-seed3"].needs == ("no-asg-seed3",)
    assert set(by_name["report-test"].needs) == named(settings, EVALUATE)


def test_both_stages_of_a_row_leave_out_the_same(settings: AblationSettings) -> None:
    by_name = {step.name: " ".join(step.words) for step in plan(settings)}
    for row in VARIANTS:
        for override in row.overrides:
            assert override in by_name[f"{row.key}-seed2"]
            assert not row.pretuned or override in by_name[f"{row.key}-stage1"]
        assert ("--start" in by_name[f"{row.key}-seed2"]) is row.pretuned
    assert "seed=2" in by_name["hawkeye-seed2"]
    assert "seed=0" in by_name["hawkeye-stage1"]
    assert "--name w/o ASG" in by_name["eval-test-no-asg-seed2"]


def test_training_never_reads_the_annotations_of_test_videos(settings: AblationSettings) -> None:
    for select in ("test", "val"):
        for step in plan(settings.model_copy(update={"select": select})):
            words = " ".join(step.words)
            if step.kind == TUNE:
                assert "validation.jsonl" in words
                assert "segments.jsonl" not in words
            if step.kind == EVALUATE:
                assert ("segments.jsonl" if select == "test" else "validation.jsonl") in words
                assert f"eval-{select}/" in words


def test_a_key_changes_with_all_that_decides_the_result_and_with_nothing_else(
    settings: AblationSettings, tmp_path: Path
) -> None:
    everything = set(keys(settings))
    assert changed_by(settings, jobs=7, nice=0) == set()
    assert changed_by(settings, world_seed=1) == everything
    assert changed_by(settings, pretune_seed=1) == everything - {"draw", "store-oracle"} - {
        name for name in everything if "no-pretuning" in name
    }
    tuned = named(settings, TUNE, EVALUATE, REPORT)
    assert changed_by(settings, stage2_steps=7) == tuned
    assert changed_by(settings, presence=0.3) == named(settings, EVALUATE, REPORT)
    assert changed_by(settings, seeds=6) == {"hawkeye-seed5", "report-test"} | {
        name for name in keys(settings, seeds=6) if name.endswith("-seed5")
    }
    assert changed_by(settings, variants=("hawkeye", "no-asg")) == {"report-test"}
    # Validation and test share their trainings.
    assert changed_by(settings, select="val") == named(settings.model_copy(update={"select": "val"}), EVALUATE, REPORT)
    # A settings file counts by its content.
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("steps: 10\n")
    mine = settings.model_copy(update={"stage2": str(recipe)})
    before = keys(mine)
    recipe.write_text("steps: 11\n")
    assert {name for name, key in keys(mine).items() if before[name] != key} == tuned


def test_extracted_graphs_come_from_the_networks_and_have_a_store_of_their_own(settings: AblationSettings) -> None:
    def store(graphs: str) -> Step:
        return plan(settings.model_copy(update={"graphs": graphs}))[1]

    assert sum("sidecar" in word for word in store("oracle").words) == 2
    assert not [word for word in store("extracted").words if "sidecar" in word]
    assert store("oracle").words[1:4] == ("-m", "hawkeye_core.cli", "extract")
    assert store("extracted").words[1:4] == ("-m", "flows.extract", "--config")
    assert (
        len({word for graphs in ("oracle", "extracted") for word in store(graphs).words if "store-small" in word}) == 2
    )


def test_the_recipe_of_pretuning_leaves_its_weights_where_stage_2_looks(settings: AblationSettings) -> None:
    store = plan(settings)[1]
    for row in VARIANTS:
        last = pretuning(settings, row, store)[-1]
        assert last.run == settings.paths.pretuned(row)
        tune = next(step for step in plan(settings) if step.name == f"{row.key}-seed0")
        assert (str(last.run) in tune.words) is row.pretuned


def test_no_step_shares_a_name_a_run_or_a_place_with_another(settings: AblationSettings) -> None:
    steps = plan(settings)
    assert len({step.name for step in steps}) == len(steps)
    places = [place for step in steps for place in step.fresh]
    assert len(set(places)) == len(places) == 5 + 6 + 35 + 35
    assert all(settings.paths.folder in place.parents for place in places)


def test_labels_are_learned_from_further_worlds_too(settings: AblationSettings) -> None:
    more = settings.model_copy(update={"label_worlds": ("w7", "w 8"), "label_stores": ("s7", "s8")})
    words = next(step for step in plan(more) if step.name == "hawkeye-labels").words
    given = load_settings(SceneRunSettings, overrides=[word for word in words if "=" in word])
    assert given.worlds == (str(settings.paths.world), "w7", "w 8")
    assert given.stores == (str(settings.paths.store), "s7", "s8")
    assert given.all_of == ("w7", "w 8")
    assert named(settings, LABELS) <= changed_by(settings, label_worlds=("w7",), label_stores=("s7",))
    with pytest.raises(ValidationError, match="1 label_worlds and 0 label_stores"):
        AblationSettings(label_worlds=("w7",))
