import numpy as np
import pytest

from hawkeye_core.answers.parse import parse_segments
from hawkeye_core.tiny.account import Account, Told, join, merged_spans, sentence, verb
from hawkeye_core.tiny.questions import NOT_SEEN, draw_exchanges, together, when_answer


def _told(start: float, end: float, key: str, who: int = 0, *, action: bool = True) -> Told:
    return Told(start, end, key, key, who, action)


ACCOUNT = Account(
    12.0,
    (
        _told(0.0, 3.0, "a man walks"), _told(3.0, 4.5, "a man falls"), _told(4.5, 12.0, "a man lies"),
        _told(6.0, 9.0, "a woman waves", 1), _told(0.0, 5.0, "a man near a car", action=False),
    ),
    "A street by day. A man falls.",
)  # fmt: skip


@pytest.mark.parametrize(
    ("action", "said"),
    [("sit_down", "sits down"), ("punch", "punches"), ("push", "pushes"), ("lie", "lies"), ("carry", "carries"),
     ("hand_over", "hands over"), ("get_up", "gets up"), ("talk", "talks")],
)  # fmt: skip
def test_a_motions_name_becomes_a_verb(action, said):
    assert verb(action) == said


def test_a_caption_is_said_of_who_it_is():
    assert sentence("woman", "the person swings an arm.") == "a woman swings an arm"
    assert sentence("man", "someone walks.") == "a man walks"


def test_a_cut_has_its_own_clock_and_no_slivers():
    cut = ACCOUNT.cut(2.9, 5.0)
    assert [(i.key, round(i.start_s, 3), round(i.end_s, 3)) for i in cut.told] == [
        ("a man falls", 0.1, 1.6), ("a man lies", 1.6, 2.1), ("a man near a car", 0.0, 2.1),
    ]  # fmt: skip
    assert cut.description == ""
    assert ACCOUNT.cut(0, 12).description


def test_joined_accounts_have_other_people_and_one_clock():
    both = join([ACCOUNT.cut(0, 3), ACCOUNT])
    assert both.duration_s == 15.0
    assert {i.who for i in both.told if i.start_s >= 3} == {1, 2}
    assert any(i.key == "a man falls" and (i.start_s, i.end_s) == (6.0, 7.5) for i in both.told)


def test_short_pauses_are_bridged():
    told = [_told(5, 6, "x"), _told(0, 1, "x"), _told(1.2, 2, "x")]
    assert merged_spans(told) == [(0, 2), (5, 6)]


def test_when_answers_can_be_parsed_and_are_true():
    exchanges = draw_exchanges(ACCOUNT, np.random.default_rng(0), count=40, foreign=["a child runs", "a man falls"])
    assert {e.kind for e in exchanges} == {"when", "what", "list", "describe", "not"}
    spans = {item.key: (item.start_s, item.end_s) for item in ACCOUNT.told}
    spans |= {"a man walks while near a car": (0.0, 3.0), "a man falls while near a car": (3.0, 4.5)}
    spans |= {"a man lies while near a car": (4.5, 5.0)}
    for item in exchanges:
        if item.kind == "when":
            key = item.question.rpartition(": ")[2].rstrip(".")
            found = parse_segments(item.answer, duration_s=12.0)
            assert [(s.start_s, s.end_s) for s in found.segments] == [spans[key]]
        if item.kind == "not":
            assert "a child runs" in item.question or " while " in item.question
            assert item.answer == NOT_SEEN
            assert parse_segments(item.answer, duration_s=12.0).status == "empty"


def test_an_action_and_a_relation_are_asked_for_together():
    near, far = _told(0.0, 5.0, "a man near a car", action=False), _told(6.0, 9.0, "a man on a bench", action=False)
    told = (
        _told(0.0, 3.0, "a man walks"),
        _told(3.5, 4.5, "a man walks"),
        _told(7.0, 9.0, "a woman walks", 1),
        near,
        far,
    )
    assert together(told, "a man walks", "a man near a car") == [(0.0, 3.0), (3.5, 4.5)]
    assert together(told, "a man walks", "a man on a bench") == []
    asked = draw_exchanges(Account(9.0, told), np.random.default_rng(1), count=60)
    answers = {e.question.rpartition(": ")[2]: e.answer for e in asked if " while " in e.question}
    assert answers == {
        "a man walks while near a car.": "From 0.0 to 3.0 seconds. From 3.5 to 4.5 seconds.",
        "a man walks while on a bench.": NOT_SEEN,
    }


def test_what_two_people_do_is_not_together():
    told = (_told(0.0, 3.0, "a man walks"), _told(0.0, 3.0, "a man near a car", 1, action=False))
    assert together(told, "a man walks", "a man near a car") == []


def test_nothing_is_not_seen():
    assert when_answer([]) == NOT_SEEN
    assert draw_exchanges(Account(1.0, ()), np.random.default_rng(0), count=3) == []


def test_equal_seeds_ask_the_same():
    first, second = (draw_exchanges(ACCOUNT, np.random.default_rng(3), count=5) for _ in range(2))
    assert first == second
