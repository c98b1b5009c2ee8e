"""Answers to scored segments: the tokens of the times, wherever an importer finds them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hawkeye_core.answers.parse import parse_segments
from hawkeye_core.evaluation.baselines.clips import Clip
from hawkeye_core.evaluation.baselines.reading import read_said, tidied
from hawkeye_core.evaluation.baselines.settings import Parser
from hawkeye_core.evaluation.baselines.text_model import Said
from hawkeye_core.evaluation.importers import plain_answer
from hawkeye_core.evaluation.scores import time_score

CLIP = Clip("v", 0, 80, (0,), np.zeros((1, 2, 2, 3), np.uint8))  # 10 s


class Pieces:
    """A tokenizer whose tokens are the pieces it is given."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces

    def decode(self, ids: list[int], *, skip_special_tokens: bool) -> str:
        assert skip_special_tokens
        return "".join(self.pieces[index] for index in ids)


def read(parser: Parser, *pieces: tuple[str, float]) -> list[tuple[float, float, float]]:
    said = Said(tuple(range(len(pieces))), tuple(probability for _, probability in pieces))
    found = read_said(said, Pieces(*(piece for piece, _ in pieces)), CLIP, parser=parser)
    return [(item.segment.start_s, item.segment.end_s, item.score) for item in found.segments]


def mean(*values: float) -> float:
    return math.prod(values) ** (1 / len(values))


@pytest.mark.parametrize(
    ("parser", "pieces", "times", "used"),
    [
        ("hawkeye", [("From ", 1), ("1", 0.5), (".5", 0.8), (" to ", 0.1), ("4", 0.9), (" seconds.", 0.2)],
         (1.5, 4.0), (0.5, 0.8, 0.9)),
        ("seconds", [("From ", 1), ("1", 0.5), ("s to", 0.1), (" 4", 0.9), ("s.", 0.2)], (1.0, 4.0), (0.5, 0.9)),
        ("seconds", [("It starts at ", 1), ("0:01", 0.5), (" and ends at", 0.1), (" 4", 0.9), (" s", 0.2)],
         (1.0, 4.0), (0.5, 0.9)),
        ("seconds", [("<think>From 1 to", 0.3), (" 4?</think>  ", 0.3), ("From  ", 1), ("1", 0.5), ("\n to ", 0.1),
                     ("4", 0.9)], None, None),
        ("seconds", [("<think>From 1 to", 0.3), (" 4?</think>  ", 0.3), ("From  ", 1), ("1", 0.5), ("  to ", 0.1),
                     ("4", 0.9)], (1.0, 4.0), (0.5, 0.9)),
        ("percent", [("From ", 1), ("10", 0.5), ("% to ", 0.1), ("40", 0.9), ("%.", 0.2)], (1.0, 4.0), (0.5, 0.9)),
        ("glue", [("2 men. <glue>[", 1), ("1", 0.5), (",", 0.1), ("99", 0.9), ("]</glue>", 0.2)], (1.0, 10.0),
         (0.5, 0.9)),
    ],
)  # fmt: skip
def test_the_score_is_the_mean_of_the_times_tokens(
    parser: Parser, pieces: list[tuple[str, float]], times: tuple[float, float] | None, used: tuple[float, ...] | None
) -> None:
    found = read(parser, *pieces)
    if times is None or used is None:
        assert found == []
        return
    assert found == [(*times, pytest.approx(mean(*used)))]


def test_merged_times_count_as_in_our_own_answers() -> None:
    pieces = [("From 1 to ", 0.5), ("4", 0.6), (" and from 3 to ", 0.7), ("5", 0.8), (" seconds.", 0.1)]
    assert read("seconds", *pieces) == read("hawkeye", *pieces)


PIECE = st.text(st.sampled_from("From 1 2.5 to <think></think> </s>\n"), max_size=6) | st.sampled_from(
    ["From ", "1.5", " to ", "4", "</think>", "<think>", "  ", "\n", "</s>"]
)


@given(st.lists(PIECE, max_size=12), st.sampled_from(["seconds", "percent", "glue", "hawkeye"]))
def test_any_text_gives_segments_inside_and_scores(pieces: list[str], parser: Parser) -> None:
    for start, end, score in read(parser, *((piece, 0.5) for piece in pieces)):
        assert 0 <= start < end <= 10
        assert score == 0 or score == pytest.approx(0.5)


@given(st.lists(PIECE, max_size=12))
def test_tokens_are_placed_in_order_inside_the_tidied_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    ends = np.cumsum([0, *map(len, pieces)]).tolist()
    plain, spans = tidied(text, list(pairwise(ends)))
    assert plain == plain_answer(text)
    assert all(0 <= start <= end <= len(plain) for start, end in spans)
    assert all(first[1] == second[0] for first, second in pairwise(spans))
    if plain == text:
        for times in parse_segments(text, duration_s=10.0).time_spans:
            assert time_score(times, spans, [0.5] * len(spans)) == pytest.approx(0.5)
