"""What the page takes and gives: names, origins, uploads, files; who waits, and what is deleted when."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from hawkeye_core.app import serving
from hawkeye_core.app.config import AppSettings
from hawkeye_core.app.playable import PlayableCopy, is_playable
from hawkeye_core.app.uploads import UploadError, receive, shown_name
from hawkeye_core.app.visits import CONVERSATIONS, Visits
from hawkeye_core.app.work import in_words
from hawkeye_core.errors import BackendUnavailableError, ConfigError, NotAVideoError
from hawkeye_core.ground.records import ModelNote
from hawkeye_core.video.probe import probe

from ..ground.conftest import write_clip
from .conftest import Served, served


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    note = ModelNote("nothing", "nowhere", (), "tests of doors")
    with served(SimpleNamespace(note=note), tmp_path_factory.mktemp("page")) as found:  # type: ignore[arg-type]
        yield found


@pytest.fixture
def visits():
    now = [1000.0]
    found = Visits(idle_s=60, clock=lambda: now[0])
    found.now = now  # type: ignore[attr-defined]
    yield found
    found.close()


def ask(url: str, *, data: bytes | None = None, **headers: str) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=named)) as reply:
            return reply.status, reply.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")


def test_only_the_doors_of_the_page_are_open(page: Served, tmp_path: Path) -> None:
    status, index = ask(page.url)
    assert (status, "fonts.googleapis" in index, "cdn" in index) == (200, False, False)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    assert ask(page.url, Host="evil.example")[0] == 403  # a name that resolves to 127.0.0.1
    assert ask(f"{page.url}hawkeye/upload", data=b"x", Origin="https://evil.example")[0] == 403
    for path in ("gradio_api/upload", "gradio_api/file=/etc/passwd", f"gradio_api/file={secret}", "file=/etc/passwd",
                 "gradio_api/proxy=http://example.org/", "gradio_api/stream/x", "monitoring", "gradio_api/%66ile=/x",
                 "gradio_api//file=/etc/passwd", "docs"):  # fmt: skip
        status, text = ask(page.url + path)
        assert status in (403, 404), path
        assert "root:" not in text
    for path in ("hawkeye/media/x/video", "hawkeye/media/../../etc/passwd", "hawkeye/media/%2e%2e/video"):
        assert ask(page.url + path)[0] == 404
    config = json.loads(ask(f"{page.url}config")[1])
    for place in range(len(config["dependencies"])):
        file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
        event = {"data": [file], "fn_index": place, "session_hash": "someone"}
        status, text = ask(f"{page.url}gradio_api/queue/join", data=json.dumps(event).encode(),
                           Content_Type="application/json")  # fmt: skip
        assert (status, "files cannot be sent" in text) == (403, True)
    assert ask(f"{page.url}gradio_api/run/predict", data=b"[" * 100_000, Content_Type="application/json")[0] == 403


def test_who_comes_second_is_told_the_place(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gradio")
    begun, go, at_once = threading.Event(), threading.Event(), []

    def slow(*_: object) -> None:
        at_once.append(1)
        begun.set()
        assert go.wait(30)
        raise NotAVideoError(f"{len(at_once)} at once")

    monkeypatch.setattr("hawkeye_core.app.page.work_on", slow)
    config = json.loads(ask(f"{page.url}config")[1])
    (find,) = [place for place, one in enumerate(config["dependencies"]) if one.get("api_name") == "find"]

    def join(session: str) -> None:
        event = {"data": [], "fn_index": find, "session_hash": session}
        status, text = ask(f"{page.url}gradio_api/queue/join", data=json.dumps(event).encode(),
                           Content_Type="application/json")  # fmt: skip
        assert status == 200, text

    try:
        join("first")
        assert begun.wait(20)
        join("second")
        with urllib.request.urlopen(f"{page.url}gradio_api/queue/data?session_hash=second", timeout=20) as stream:
            messages = (json.loads(line[5:]) for line in stream if line.startswith(b"data:"))
            place = next(one for one in messages if one["msg"] == "estimation")
            assert (place["rank"], place["queue_size"]) == (0, 1)
            assert len(at_once) == 1
            go.set()
            done = next(one for one in messages if one["msg"] == "process_completed")
        assert "2 at once" in done["output"]["data"][0]
    finally:
        go.set()


def test_uploads_have_limits_and_no_name(visits: Visits) -> None:
    settings = AppSettings(max_mb=0.001, waiting=2)

    async def parts(*found: bytes) -> AsyncIterator[bytes]:
        for part in found:
            yield part

    def send(*found: bytes, stated: int | None = None) -> str:
        return asyncio.run(receive(visits, settings, parts(*found), stated=stated))

    for found, stated, words in (((b"x",), 2000, "larger than the 0.001 MB"), ((b"x" * 600,) * 2, 5, "larger than"),
                                 ((), 0, "is empty")):  # fmt: skip
        with pytest.raises(UploadError, match=words):
            send(*found, stated=stated)
    assert list(visits.uploads.iterdir()) == []
    ticket = send(b"abc", b"def")
    (path,) = visits.uploads.iterdir()
    assert (path.name, path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (ticket, b"abcdef", 0o600)
    assert stat.S_IMODE(visits.root.stat().st_mode) == 0o700
    send(b"second")
    with pytest.raises(UploadError, match="too many"):
        send(b"third")
    visit = visits.of("someone")
    for wrong in ("../v", "", ".", f"../uploads/{ticket}", str(path)):
        assert visits.take(wrong, visit) is None
    assert visits.take(ticket, visit).read_bytes() == b"abcdef"
    assert visits.take(ticket, visit) is None
    assert shown_name("../../etc/pass\x1bwd") == r"pass\x1bwd"
    assert (shown_name("C:\\a\\b.mp4"), shown_name("a/"), len(shown_name("x" * 999))) == ("b.mp4", "video", 120)


def test_what_is_idle_goes_and_what_works_stays(visits: Visits) -> None:
    idle, busy, leaving = visits.of("idle"), visits.of("busy"), visits.of("leaving")
    busy.busy = 1
    old, _ = visits.ticket()
    (visits.uploads / old).write_bytes(b"x")
    os.utime(visits.uploads / old, (1, 1))
    visits.leave("leaving")
    visits.leave("busy")
    assert (leaving.folder.exists(), busy.folder.exists(), busy.stopped.is_set()) == (False, True, True)
    visits.now[0] += 59
    visits.sweep()
    assert idle.folder.exists()
    visits.now[0] += 1
    visits.sweep()
    assert (idle.folder.exists(), busy.folder.exists(), list(visits.uploads.iterdir())) == (False, True, [])
    busy.busy = 0
    visits.sweep()
    assert not busy.folder.exists()
    talkers = [visits.of(str(number)) for number in range(CONVERSATIONS + 2)]
    for number, one in enumerate(talkers):
        one.seen = float(number)
        visits.keep_conversation(one)
        one.conversation = object()  # type: ignore[assignment]
    assert [one.conversation is None for one in talkers] == [True, True] + [False] * CONVERSATIONS
    visits.close()
    assert not visits.root.exists()


def test_errors_name_no_folder(visits: Visits) -> None:
    visit = visits.of("someone")
    visit.name, visit.source = "cam.mp4", visit.folder / "video"
    error = NotAVideoError(f"{visit.source} is broken", path=visit.source, remedy=f"look at {visit.source}")
    assert in_words(error, visit) == ("cam.mp4 is broken", "look at cam.mp4")
    assert in_words(MemoryError(), visit)[0] == "it cannot be worked on (MemoryError)"


def test_a_copy_is_made_of_what_browsers_do_not_play(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "camera.mp4"))  # MPEG-4 part 2
    assert not is_playable(info)
    capture = cv2.VideoCapture(str(info.path))
    image = capture.read()[1]
    capture.release()
    whole, slow = PlayableCopy(tmp_path / "a.webm", fps=8), PlayableCopy(tmp_path / "b.webm", fps=8, longest_s=0)
    for copy in (whole, slow):
        for _ in range(10):
            copy.add(image)
    assert whole.close() == tmp_path / "a.webm"
    assert is_playable(probe(tmp_path / "a.webm"))
    assert slow.close() is None
    assert not (tmp_path / "b.webm").exists()
    assert "too long" in str(slow.failed)


def test_a_missing_gradio_a_taken_port_and_other_hosts_are_told(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    import signal
    import socket

    from hawkeye_core.cli import app_page

    assert AppSettings(host="0.0.0.0").names() is None
    assert "a.example" in (AppSettings(public_url="https://a.example/x").names() or ())
    with pytest.raises(ValueError, match="whole address"):
        AppSettings(public_url="a.example")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = AppSettings(port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match=r"(?s)cannot be listened on.*--port"), serving.listening(settings):
            pass
    with pytest.raises(KeyboardInterrupt), serving._interrupted_by(signal.SIGTERM):
        os.kill(os.getpid(), signal.SIGTERM)
    monkeypatch.setattr(serving, "serve", lambda *_, **__: None)
    monkeypatch.setattr(app_page, "load_hawkeye", lambda *_, **__: None)
    monkeypatch.setattr(serving, "require_gradio", lambda: None)
    app_page.app_page(host="0.0.0.0")
    assert "without a password" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setitem(__import__("sys").modules, "gradio", None)
    with pytest.raises(BackendUnavailableError, match=r"(?s)needs Gradio.*pip install \"hawkeye-iasdig\[app\]\""):
        serving.require_gradio()
