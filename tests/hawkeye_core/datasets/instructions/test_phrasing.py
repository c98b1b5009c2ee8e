"""Which question is asked about which video."""

from __future__ import annotations

import pytest

from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.datasets.instructions.phrasing import QUESTIONS, question_for


def test_a_phrasing_depends_on_video_and_seed_alone() -> None:
    names = [f"video{k}" for k in range(600)]
    first = [question_for(name, seed=0) for name in names]
    assert first == [question_for(name, seed=0) for name in reversed(names)][::-1]
    assert first != [question_for(name, seed=1) for name in names]
    counts = [first.count(question) for question in QUESTIONS]
    assert min(counts) > 60  # 100 each on average


def test_one_phrasing_is_the_papers() -> None:
    assert {question_for(f"v{k}", seed=k, phrasings=1) for k in range(20)} == {INSTRUCTION}


@pytest.mark.parametrize("phrasings", [0, len(QUESTIONS) + 1])
def test_other_numbers_are_refused(phrasings: int) -> None:
    with pytest.raises(ValueError, match="phrasings"):
        question_for("v", seed=0, phrasings=phrasings)
