"""Times in questions and answers, which windows they mean, and pieces of text as they come."""

from __future__ import annotations

import pytest

from hawkeye_core.answers.segments import Segment
from hawkeye_core.chat.clock import MovedPieces, moved, times_in
from hawkeye_core.chat.escaping import visible
from hawkeye_core.chat.pieces import TextPieces
from hawkeye_core.chat.plot import curve_lines
from hawkeye_core.chat.which import outside, windows_asked
from hawkeye_core.model.tiny import byte_tokenizer
from hawkeye_core.training.windows import WindowSpec

SPECS = [WindowSpec("v", start, start + 512, 8.0) for start in (0, 384, 768)]  # 0 to 64, 48 to 112, 96 to 160 s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("who is at the door at 75 s?", [75]),
        ("what happens at 75?", [75]),
        ("from 20 to 30.5 seconds", [20, 30.5]),
        ("Between 5 s and 01:15, who moves?", [5, 75]),
        ("12-15s or 1:02:03?", [12, 15, 3723]),
        ("in second 7 and 8 seconds later", [7, 8]),
        ("do 2 of 20 men carry 3 bags, at 5.5.1 of 4 to 6?", []),
        ("is it 3sided?", []),
        ("", []),
    ],
)
def test_what_counts_as_a_time(text: str, seconds: list[float]) -> None:
    assert [time.seconds for time in times_in(text)] == seconds


def test_times_are_moved_and_nothing_else() -> None:
    text = "From 3.0 to 5.0 seconds, there exists theft, as a man of 20 takes 2 bags. Again at 01:15."
    later = "From 51.0 to 53.0 seconds, there exists theft, as a man of 20 takes 2 bags. Again at 123.0 seconds."
    assert moved(text, 48.0) == later
    assert moved(later, -48.0, duration_s=64.0) == text.replace("01:15", "64.0 seconds")
    assert moved("from 40 to 75 s?", -48.0) == "from 0.0 to 27.0 s?"
    assert moved(text, 0.0) is text
    assert moved(f"at {'9' * 400} s", -1.0) == f"at {'9' * 400} s"
    pieces = MovedPieces(48.0)
    shown = [pieces.add(char) for char in text]
    assert "".join(shown) + pieces.rest() == later
    assert [piece for piece in shown if piece] == [later[: later.index("Again")]]  # a sentence at once
    through = MovedPieces(0.0)
    assert [through.add(char) for char in "at 3 s"] == [*"at 3 s"]


def test_the_windows_a_question_goes_to() -> None:
    def asked(question: str, focus: Segment | None = None) -> tuple[int, ...]:
        return windows_asked(question, SPECS, focus=focus)

    assert asked("who is at 75 s?") == (1,)
    assert asked("at 50 s?") == (0,)  # 14 s from the end of the first, 2 s from the beginning of the second
    assert asked("at 62 s?") == (1,)
    assert asked("from 10 to 150 s?") == (0, 2)
    assert asked("who?") == (0, 1, 2)
    assert asked("who?", Segment(100.0, 104.0)) == (1,)
    assert asked("and at 900 s?", Segment(140.0, 150.0)) == (2,)
    assert asked("who at 10 s?", Segment(140.0, 150.0)) == (0,)
    assert outside("at 10 and 900 s?", SPECS) == [900.0]


def test_pieces_are_whole_characters_and_together_the_text() -> None:
    tokenizer = byte_tokenizer()
    ids = tokenizer.encode("日é", add_special_tokens=False)
    pieces = TextPieces(tokenizer)
    assert [pieces.add(token) for token in ids] == ["", "", "日", "", "é"]
    assert pieces.rest() == ""
    broken = [*ids[:2], *ids[3:], *ids, ids[0]]  # a character without its end, and one at the very end
    pieces = TextPieces(tokenizer)
    shown = [pieces.add(token) for token in broken] + [pieces.rest()]
    assert "".join(shown) == tokenizer.decode(broken)
    assert shown[-1] == "\ufffd"


def test_nothing_of_an_answer_can_steer_the_terminal() -> None:
    text = "a\x1b[2Jb\r\u202ec\udcff[red]\n\x9b日"
    assert visible(text) == "a\\x1b[2Jb\\r\\u202ec\\udcff[red]\n\\x9b日"


def test_a_plot_shows_every_peak_and_the_segments() -> None:
    curve = [0.0] * 600
    curve[301] = 1.0
    lines = curve_lines(curve, [Segment(300.0, 330.0), Segment(599.9, 600.0)], duration_s=600.0, width=66)
    assert lines[0] == " 1.0  " + " " * 30 + "█"
    assert lines[-2] == " " * 6 + " " * 30 + "━━━" + " " * 26 + "━"
    assert lines[-1].endswith("600.0 s")
    assert max(map(len, lines)) <= 66
    plain = curve_lines([0.5, float("1")], [], duration_s=1.5, width=20, plain=True)
    assert all(line.isascii() for line in plain)
