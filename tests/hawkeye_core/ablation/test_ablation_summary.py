"""The study's settings and rows, and the table of what is there."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hawkeye_core.ablation.config import AblationSettings
from hawkeye_core.ablation.summary import Scores, read_found, read_scores, summary_table
from hawkeye_core.ablation.variants import KEYS, VARIANTS
from hawkeye_core.errors import ConfigError, HawkeyeError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.settings import load_settings
from hawkeye_core.training.config import TrainSettings

F2 = {
    "hawkeye": (0.50, 0.52, 0.55),
    "no-asg": (0.20, 0.23, 0.24),
    "scene-off": (0.50, 0.40, 0.60),
}


@pytest.fixture
def settings(tmp_path: Path) -> AblationSettings:
    settings = AblationSettings(folder=str(tmp_path), variants=("scene-off", "no-asg", "hawkeye"), seeds=4)
    for row in settings.rows:
        for seed, f2 in enumerate(F2[row.key]):
            folder = settings.paths.evaluation(row, seed)
            folder.mkdir(parents=True)
            values = {"f2": f2, "mean_ap": {"mean": None if row.key == "no-asg" and seed == 0 else f2 / 2}}
            (folder / "results.json").write_text(json.dumps({"rows": [values, {"f2": 1.0}]}))
    return settings


def shown(settings: AblationSettings, done: dict[str, list[int]]) -> str:
    text = StringIO()
    Console(width=160, file=text).print(summary_table(settings, read_found(settings, done)))
    return text.getvalue()


def cells(text: str) -> dict[str, list[str]]:
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    return {name: rest for name, *rest in rows}


def test_the_table_has_means_over_seeds_and_marks_of_paired_tests(settings: AblationSettings) -> None:
    text = shown(settings, {key: [0, 1, 2] for key in F2})
    rows = cells(text)
    assert list(rows) == ["Hawkeye", "w/o ASG", "scene: off"]
    assert rows["Hawkeye"] == ["3", "52.3 ± 2.5", "", "26.2 ± 1.3", ""]
    assert rows["w/o ASG"][:4] == ["3", "22.3 ± 2.1", "**", "11.8 ± 0.4"]
    assert rows["scene: off"][1:] == ["50.0 ± 10.0", "", "25.0 ± 5.0", ""]
    assert "paired t-test over seeds (n = 3)" in " ".join(text.split())
    assert "1 of 3 seeds left out" in " ".join(text.split())  # an mAP that is not defined


def test_rows_that_are_not_there_yet_are_empty_and_pairs_are_of_common_seeds(settings: AblationSettings) -> None:
    text = shown(settings, {"hawkeye": [0, 1], "no-asg": [1]})
    rows = cells(text)
    assert rows["Hawkeye"][:2] == ["2", "51.0 ± 1.4"]
    assert rows["w/o ASG"][:5] == ["1", "23.0", "", "11.5", ""]
    assert rows["scene: off"][:5] == ["0", "-", "", "-", ""]
    assert "No significance test" in " ".join(text.split())
    assert all(row[:5] == ["0", "-", "", "-", ""] for row in cells(shown(settings, {})).values())


def test_a_mark_is_in_brackets_where_hawkeye_is_behind(settings: AblationSettings) -> None:
    for seed in range(3):
        ours, other = (settings.paths.evaluation(settings.rows[k], seed) / "results.json" for k in (0, 1))
        first, second = ours.read_text(), other.read_text()
        ours.write_text(second), other.write_text(first)
    rows = cells(shown(settings, {"hawkeye": [0, 1, 2], "no-asg": [0, 1, 2]}))
    assert rows["w/o ASG"][:3] == ["3", "52.3 ± 2.5", "(**)"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rows": []}', '{"rows": [{"f2": "x", "mean_ap": {"mean": 1}}]}'])
def test_damaged_results_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(HawkeyeError, match=r"results\.json"):
        read_scores(tmp_path)
    (tmp_path / "results.json").write_text('{"rows": [{"f2": 1, "mean_ap": {"mean": 0.5}}]}')
    assert read_scores(tmp_path) == Scores(1.0, 0.5)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("variants=[no-head]", "no variant 'no-head'; there are hawkeye, no-asg"),
        ("preset=large", "no world 'large'"),
        ("select=train", "select"),
        ("seeds=0", "seeds"),
        ("presence=1.5", "presence"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_done(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(AblationSettings, overrides=[override])


def test_validation_needs_a_world_that_has_validation_videos() -> None:
    with pytest.raises(ConfigError, match="'tiny' has no validation videos; `small` has"):
        load_settings(AblationSettings, overrides=["preset=tiny", "select=val"])
    settings = load_settings(AblationSettings, overrides=["select=val"])
    assert settings.paths.segments.name == "validation.jsonl"
    assert settings.paths.evaluations.name == "eval-val"


def test_every_row_is_one_change_of_presets_that_are_the_same_in_both_stages() -> None:
    assert len(set(KEYS)) == len({row.name for row in VARIANTS}) == 7
    assert all(row.name == EvalSettings(name=row.name).name for row in VARIANTS)
    stages = [
        load_settings(TrainSettings, config=f"ablation-stage{n}", package="hawkeye_core.training") for n in (1, 2)
    ]
    assert stages[0].model == stages[1].model
    assert stages[0].backbone == stages[1].backbone
    for row in VARIANTS:
        changed = load_settings(
            TrainSettings, config="ablation-stage2", package="hawkeye_core.training", overrides=row.overrides
        )
        before, after = stages[1].model_dump(), changed.model_dump()
        flat = [values.pop("model") | values for values in (before, after)]
        assert len([key for key in flat[0] if flat[0][key] != flat[1][key]]) == len(row.overrides) <= 1
