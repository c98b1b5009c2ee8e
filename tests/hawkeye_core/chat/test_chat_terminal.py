"""The loop and its commands, on a scripted model; files it writes; and the real command on a pseudo-terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from rich.console import Console
from typer.testing import CliRunner

from feature_store.fingerprint import FAMILIES, Fingerprint
from feature_store.store import FeatureStore
from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.chat.session import Session, evidence_in
from hawkeye_core.chat.terminal import Terminal, piped_lines
from hawkeye_core.chat.turns import MAX_QUESTION
from hawkeye_core.ground.records import ModelNote
from hawkeye_core.ground.stored import StoredVideo

from ..ground.conftest import GroundRun, ground_run  # noqa: F401 - a fixture

ROOT = Path(__file__).resolve().parents[3]
FIGHT = " From 1.0 to 2.0 seconds, there exists fighting, as a [bold]man[/] hits\x1b[31m a man."
NONE = " No implicit anomalous sentiment is present."


def arguments_of(run: GroundRun) -> list[str]:
    """Of the command; the store holds the clip."""
    store = str(Path(run.run).parent / "store")
    return ["chat", str(run.clip), "-m", run.run, "-c", run.config, "-s", store, "--device", "cpu"]


class Talk:
    """A session with what it printed."""

    def __init__(self, conversation, video: str, store: Path) -> None:
        digests = {family: Fingerprint(family, "made-up", "1", "untrained", {}).digest for family in FAMILIES}
        handle = StoredVideo.find(FeatureStore.open(store), video, Path(video).stem, digests)
        self.out, self.errors = io.StringIO(), io.StringIO()
        note = ModelNote("Hawkeye", "runs/x", ("untrained features",), "nothing")
        consoles = (Console(file=file, width=100, soft_wrap=True, highlight=False) for file in (self.out, self.errors))
        self.session = Session(conversation, video, note, evidence_in(handle), *consoles)

    def run(self, *lines: str | BaseException, ask: bool = True, keyboard: bool = False) -> int:
        left = [*lines, EOFError()]

        def read() -> str:
            line = left.pop(0)
            if isinstance(line, BaseException):
                raise line
            return line

        return Terminal(self.session, keyboard=keyboard, read=read).run(ask=ask)


@pytest.fixture
def talk(make_predictor, converse, store: Path) -> Callable[..., Talk]:
    predictor = make_predictor(seed=0, tokens=110)
    return lambda video="short": Talk(converse(predictor, video), f"/v/{video}.mp4", store)


def test_a_conversation_with_every_command(talk, script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script += [FIGHT, " Two men."]
    mine = talk()
    code = mine.run("Who is it?", "/segments", "/why 1", "/plot", "/plot curve.png", "/save", "/save 'my talk.md'",
                    "/history", "/help", "", "/reset", "/history", "/quit", "never read")  # fmt: skip
    said = mine.out.getvalue()
    assert code == 0
    assert mine.errors.getvalue() == ""
    assert said.startswith("From 1.0 to 2.0 seconds, there exists fighting, as a [bold]man[/] hits\\x1b[31m a man.\n"
                           "> Who is it?\nTwo men.\n> /segments\n")  # fmt: skip
    assert "\x1b" not in said
    assert re.search(r"│ 1 │ +1\.0 │ 2\.0 │ fighting │ +0\.50 │ a \[bold\]man", said)
    why = said.partition("> /why 1\n")[2].partition("> /plot")[0]
    assert why.startswith("1. 1.0 to 2.0 s: fighting (0.50), as a [bold]man[/] hits")
    assert re.search(r"moved +\w.* frame heights a second", why)
    assert re.search(r"held +\w+.* % of the time", why)
    assert re.search(r"experts +\d+/\d+ on actions", why)
    assert re.search(r"curve +0\.\d\d at its highest\n   frames +1\.\d s", why)
    assert "━━" in said
    assert cv2.imread("curve.png").shape == (300, 1000, 3)
    assert said.rstrip().endswith("the video is not read again\n> /history")
    saved = json.loads(Path("short-chat.json").read_text())
    assert (saved["version"], saved["duration_s"], saved["model"]["good_for"]) == (1, 3.75, "nothing")
    assert saved["segments"][0]["reason"] == "a [bold]man[/] hits\x1b[31m a man"
    assert [item["question"] for item in saved["exchanges"]] == [INSTRUCTION, "Who is it?"]
    assert saved["exchanges"][1]["windows"] == [
        {"start_s": 0.0, "end_s": 3.75, "asked": "Who is it?", "said": " Two men.", "status": "unparsed",
         "complete": True}
    ]  # fmt: skip
    text = Path("my talk.md").read_text()
    assert "> From 1.0 to 2.0 seconds, there exists fighting, as a \\[bold\\]man\\[/\\] hits" in text
    assert "\x1b" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.png", "my talk.md", "short-chat.json"]


def test_windows_of_a_long_video_speak_in_turn_on_one_clock(talk, script) -> None:
    script += [NONE, FIGHT, NONE, NONE, NONE, " Yes, at 1.0 seconds.", " No."]
    mine = talk("long")
    assert mine.run("Is it he at 11 s?", "And there?") == 0
    said = mine.out.getvalue()
    assert "\n[2.5 to 6.5 s] From 3.5 to 4.5 seconds, there exists fighting" in said  # the second one's, moved by 2.5 s
    assert "\nAll together: From 3.5 to 4.5 seconds, there exists fighting" in said
    assert "> Is it he at 11 s?\n[7.5 to 11.5 s] Yes, at 8.5 seconds.\n" not in said
    assert "> Is it he at 11 s?\n[10.0 to 14.0 s] Yes, at 11.0 seconds.\n" in said
    assert "> And there?\n[2.5 to 6.5 s] No.\n" in said  # the window of the last segment
    reply = mine.session.conversation.history[1].replies[0]
    assert (reply.asked, reply.said) == ("Is it he at 1.0 s?", " Yes, at 1.0 seconds.")


def test_errors_are_said_and_a_script_ends_with_2(talk, script, tmp_path: Path) -> None:
    script += [NONE]
    mine = talk()
    (tmp_path / "mine.json").write_text("kept")
    lines = ["/why", "/nothing", "/why 7", "/plot x.jpg", "/save x.txt", f"/save {tmp_path}/mine.json",
             f"/save {tmp_path}/mine.json/below.md", "/save a\x00b.md", "x" * (MAX_QUESTION + 1), "/all"]  # fmt: skip
    assert mine.run("/why", "/plot", ask=False) == 2
    assert mine.errors.getvalue().count("/ask asks it") == 2
    assert mine.run(*lines) == 2
    told = mine.errors.getvalue()
    assert told.count("error: ") == 2 + len(lines)
    for words in ("no segment was found", "no command /nothing", "as .png", "as .json or .md", "there already",
                  "cannot be written (File exists)", "cannot be printed", "10000 characters", "is empty"):  # fmt: skip
        assert words in told
    assert (tmp_path / "mine.json").read_text() == "kept"
    assert mine.run("/nothing", ask=False, keyboard=True) == 0
    assert mine.run(KeyboardInterrupt(), ask=False, keyboard=True) == 130


def test_ctrl_c_stops_an_answer_and_of_a_script_everything(talk, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = talk()
    assert mine.run("/quit") == 0
    say, shown = Session.say, 0

    def interrupted(self, text: str, **options) -> None:
        nonlocal shown
        shown += not text.startswith(">")
        if shown == 3:
            raise KeyboardInterrupt
        say(self, text, **options)

    monkeypatch.setattr(Session, "say", interrupted)
    assert mine.run("Who?", "/history", ask=False, keyboard=True) == 0
    assert "stopped; this question is forgotten" in mine.errors.getvalue()
    assert len(mine.session.conversation.history) == 1
    shown = 0
    assert mine.run("Who?", "/history", ask=False) == 130
    assert len(mine.session.conversation.history) == 1


def test_a_line_without_end_is_read_in_bounded_parts_and_refused(talk) -> None:
    read = piped_lines(io.StringIO("x" * 50_000 + "\nnext\nlast"))
    first = read()
    assert MAX_QUESTION < len(first) <= MAX_QUESTION + 2
    assert [read(), read()] == ["next\n", "last"]
    with pytest.raises(EOFError):
        read()


@pytest.mark.slow
def test_the_command_on_a_pseudo_terminal(ground_run: GroundRun, tmp_path: Path) -> None:  # noqa: F811
    slow = (  # so that an answer is still being given when Ctrl-C comes
        "import time; from hawkeye_core.chat.decode import Greedy; say = Greedy.__call__; "
        "Greedy.__call__ = lambda self, logits: (time.sleep(0.03), say(self, logits))[1]; "
        "from hawkeye_core.cli import main; main()"
    )
    arguments = arguments_of(ground_run)
    child, terminal = pty.fork()
    if not child:
        os.chdir(tmp_path)
        extra = {"HAWKEYE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "200"}
        os.execve(sys.executable, [sys.executable, "-c", slow, *arguments], os.environ | extra)
    seen = ""

    def until(words: str) -> str:
        nonlocal seen
        end = time.monotonic() + 120
        while words not in seen:
            assert time.monotonic() < end, seen
            if select.select([terminal], [], [], 1.0)[0]:
                seen += os.read(terminal, 4096).decode(errors="replace")
        before, _, seen = seen.partition(words)
        return before

    def type_in(text: str) -> None:
        os.write(terminal, text.encode())

    try:
        until("/help lists commands")
        first = until("> ")
        assert "From 0.5 to 1.5 seconds, there exists fighting, as a man hits a man." in first
        type_in("Is it night?\n")
        until("Is it night?\r\n")
        while not seen.strip():  # the answer has begun
            seen += os.read(terminal, 4096).decode(errors="replace")
        type_in("\x03")
        until("stopped; this question is forgotten")
        until("> ")
        type_in("/why\n")
        assert "1. 0.5 to 1.5 s: fighting" in until("frames")
        until("> ")
        type_in("/save talk.json\n")
        until("written: talk.json")
        until("> ")
        type_in("\x04")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        os.close(terminal)  # which ends what still runs on it
    assert len(json.loads((tmp_path / "talk.json").read_text())["exchanges"]) == 1
    history = tmp_path / "cache" / "chat-history"
    assert history.read_text().splitlines() == ["Is it night?", "/why", "/save talk.json"]
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_the_command_with_questions_from_a_pipe(ground_run: GroundRun) -> None:  # noqa: F811
    from hawkeye_core.cli.app import app

    arguments = arguments_of(ground_run)
    done = CliRunner().invoke(app, arguments, input=b"/segments\n\xff?\n/why 2\n")
    assert done.exit_code == 2
    assert "fighting" in done.stdout
    assert "\n> \ufffd?\n" in done.stdout
    assert "there is no segment 2" in done.stderr
    assert "good for nothing" in done.stderr
    quiet = CliRunner().invoke(app, [*arguments, "--no-ask"], input="/quit\n")
    assert (quiet.exit_code, quiet.stdout) == (0, "")
