"""Tests between rows: the right test for each pair, the two families, and marks where Table 1 shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from hawkeye_core.evaluation.bootstrap import draw_videos
from hawkeye_core.evaluation.folder import Evaluation, read_evaluation
from hawkeye_core.evaluation.per_video import drawn_metrics
from hawkeye_core.evaluation.protocol import Kind
from hawkeye_core.evaluation.significance import holm
from hawkeye_core.evaluation.systems import Study, make_study
from hawkeye_core.report import comparisons as module
from hawkeye_core.report.comparisons import Comparisons, compare_systems
from hawkeye_core.report.crimes import categories_of, second_table
from hawkeye_core.report.summary import lead, verdict
from hawkeye_core.report.tables import first_table, measures_table

from ..evaluation.made_evaluations import VIDEOS, make_evaluation, near_truth

SEEDS = (0, 1, 2, 3, 4)
SHIFTS = {"Hawkeye": 0.2, "w/o ASG": 1.5, "other seeds": 0.3, "one run": 0.9}
KINDS: dict[str, Kind] = {"Hawkeye": "ours", "w/o ASG": "ablation", "other seeds": "baseline", "one run": "baseline"}


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory: pytest.TempPathFactory) -> list[Evaluation]:
    folder = tmp_path_factory.mktemp("compared")
    found = []
    for name, shift in SHIFTS.items():
        for seed in SEEDS if name != "one run" else (0,):
            number = seed + 10 if name == "other seeds" else seed
            said = near_truth(shift + 0.05 * np.sin(7.0 * seed + len(name)))
            path = folder / f"{name.replace('/', '')}-{number}"
            found.append(read_evaluation(make_evaluation(path, name, said, kind=KINDS[name], seed=number)))
    return found


@pytest.fixture(scope="module")
def study(evaluations: list[Evaluation]) -> Study:
    return make_study(evaluations, data="S-D")


@pytest.fixture(scope="module")
def compared(study: Study) -> Comparisons:
    return compare_systems([study], seed=0, draws=300)


def test_each_pair_gets_the_test_that_its_seeds_allow(compared: Comparisons) -> None:
    assert {(one.second, one.metric, one.test) for one in compared.marked} == {
        *(("w/o ASG", f"S-D {metric}", "t-test over seeds") for metric in ("FNRs", "F2", "mAP")),
        *((name, "S-D FNRs", "t-test over videos") for name in ("other seeds", "one run")),
        *((name, f"S-D {m}", "bootstrap over videos") for name in ("other seeds", "one run") for m in ("F2", "mAP")),
    }
    assert {one.second for one in compared.others} >= {"all positive", "random 1 s clips", "oracle 1 s clips"}
    assert {one.test for one in compared.others if one.second == "w/o ASG"} == {
        "t-test over videos", "bootstrap over videos",
    }  # fmt: skip
    assert all(one.first == "Hawkeye" for one in (*compared.marked, *compared.others))


def test_p_values_are_those_of_scipy_corrected_over_the_family(study: Study, compared: Comparisons) -> None:
    one = next(one for one in compared.marked if (one.second, one.metric) == ("w/o ASG", "S-D F2"))
    ours, other = ([run.row.f2 for run in system.runs] for system in study.systems[:2])
    assert one.p == pytest.approx(stats.ttest_rel(ours, other).pvalue)
    assert one.difference == pytest.approx(np.mean(ours) - np.mean(other))
    assert [item.adjusted for item in compared.marked] == pytest.approx(
        holm([item.p for item in compared.marked]), nan_ok=True
    )


def test_table_1_marks_rows_that_differ_and_none_without_a_model(study: Study, compared: Comparisons) -> None:
    table = first_table([study], compared, quoted=True)
    rows = {row.name: row for row in table.rows}
    place = [column.title for column in table.columns].index("S-D F2")
    assert rows["w/o ASG"].cells[place].mark == "**"
    assert not any(cell.mark for row in table.rows if not row.ranked for cell in row.cells)
    assert rows["Hawkeye"].cells[place].value == pytest.approx(100 * np.mean([r.row.f2 for r in study.ours.runs]))
    assert rows["Hawkeye †"].cells[place].value == 45.03
    assert {column.group for column in table.columns} == {"S-D"}
    names = [row.name for row in table.rows]
    assert names[:7] == [*SHIFTS, "all positive", "random 1 s clips", "oracle 1 s clips"]
    tested = sum(not np.isnan(one.p) for one in compared.marked)
    assert 7 <= tested <= 9
    assert any(f"Holm's correction over {tested} comparisons" in note for note in table.footnotes)
    assert "Hawkeye" in lead([study], compared)
    assert "ahead of w/o ASG in F2" in verdict(study, compared)


def test_both_data_sets_stand_side_by_side(evaluations: list[Evaluation], study: Study) -> None:
    sparse = make_study(evaluations[:6], data="S-S")
    found = compare_systems([sparse, study], seed=0, draws=100)
    table = first_table([sparse, study], found, quoted=True)
    assert [column.group for column in table.columns] == ["S-S"] * 7 + ["S-D"] * 7
    rows = {row.name: row for row in table.rows}
    assert np.isnan(rows["one run"].cells[1].value)  # only on S-D
    assert np.isfinite(rows["one run"].cells[8].value)
    assert len(measures_table([sparse, study]).columns) == 20


def test_another_data_set_has_no_heading_and_no_quoted_rows(evaluations: list[Evaluation]) -> None:
    study = make_study(evaluations[:10], data="ReconSim")
    table = first_table([study], compare_systems([study], seed=0, draws=100), quoted=True)
    assert {column.group for column in table.columns} == {""}
    assert "ReconSim" in table.caption
    assert not any("†" in row.name for row in table.rows)
    marked = {row.name: [cell.mark for cell in row.cells] for row in table.rows}
    assert marked["w/o ASG"][1] == "**"


def test_draws_in_parts_equal_draws_at_once(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    run, counts = study.systems[1].runs[0], draw_videos(len(VIDEOS), seed=3, draws=120)
    monkeypatch.setattr(module, "CELLS", 40)  # a few draws at a time
    parts = module._of_run(run, study.truth, counts, 0)
    order = np.random.default_rng(0).permutation(len(run.detections))
    whole = drawn_metrics([run.detections[place] for place in order], study.truth, counts)
    np.testing.assert_array_equal(parts.f2, whole.f2)
    np.testing.assert_array_equal(parts.mean_ap, whole.mean_ap)
    np.testing.assert_array_equal(parts.fnr, whole.fnr)


def test_table_2_is_the_papers_on_s_d_and_by_category_elsewhere(study: Study, evaluations: list[Evaluation]) -> None:
    paper = second_table(study, quoted=True)
    assert len(paper.columns) == 13
    other = second_table(make_study(evaluations, data=""), quoted=True)
    assert [column.name for column in other.columns] == ["Abuse", "Arson"]
    for name in ("Abuse", "Arson"):
        place = [column.name for column in paper.columns].index(name)
        found = [column.name for column in other.columns].index(name)
        for row in other.rows:
            twin = next(item for item in paper.rows if item.name == row.name)
            assert row.cells[found].value == pytest.approx(twin.cells[place].value)


def test_very_many_categories_become_a_few_columns(tmp_path: Path) -> None:
    from dataclasses import replace

    from hawkeye_core.answers.segments import Segment

    segments = tuple(Segment(0.1 * k, 0.1 * k + 0.1, f"<kind {k}>") for k in range(100))
    videos = (replace(VIDEOS[0], segments=segments),)
    assert len(categories_of(videos)) == 16
    assert categories_of(videos)["others"] == 85
    folder = make_evaluation(tmp_path / "a", "x", {"Abuse001": [(0.0, 5.0)]}, videos=videos)
    table = second_table(make_study([read_evaluation(folder)], data=""), quoted=True)
    assert len(table.columns) == 16
