"""docs/model.md points at lines, functions and tests that are there, and its figures are those of the program."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hawkeye_core.cli.console import megabytes
from hawkeye_core.model.summary import SummarySettings, summarize
from hawkeye_core.settings import load_settings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "model.md").read_text()
REFERENCES = re.findall(r"\[`([\w.]+)`\]\(\.\./([\w/]+\.py)\) ([\w.]+):(\d+)-(\d+)", PAGE)


def find(path: Path, name: str) -> ast.stmt:
    body = ast.parse(path.read_text()).body
    found: ast.stmt | None = None
    for part in name.split("."):
        found = next((node for node in body if part in names(node)), None)
        assert found is not None, f"{path.name} has no {name}"
        body = getattr(found, "body", [])
    assert found is not None
    return found


def names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [getattr(node, "name", "")]


def test_there_are_references() -> None:
    assert len(REFERENCES) >= 18
    assert len(REFERENCES) == PAGE.count(".py) ")


@pytest.mark.parametrize(("name", "path", "file", "first", "last"), REFERENCES)
def test_a_reference_is_where_the_page_says(name: str, path: str, file: str, first: str, last: str) -> None:
    node = find(ROOT / path, name)
    assert Path(path).name == file
    assert (node.lineno, node.end_lineno) == (int(first), int(last))


def test_the_tests_it_names_exist() -> None:
    written = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 25
    assert not {name for name in named if f"def {name}(" not in written}


def test_its_figures_are_those_of_the_summary() -> None:
    found = summarize(load_settings(SummarySettings, config="paper-7b", package="hawkeye_core.model"))
    totals = [megabytes(sum(c.values())) for c in (found.training, found.checkpointed, found.inference)]
    assert f"| **all** | {' | '.join(totals)} |" in PAGE
    assert f"{found.total.trained:,} of {found.total.parameters:,} parameters" in PAGE
