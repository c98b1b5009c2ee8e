"""The page served on loopback in a thread; the small trained run that the tests of ground have."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hawkeye_core.app.config import AppSettings
from hawkeye_core.app.serving import application
from hawkeye_core.ground.hawkeye import Hawkeye

from ..ground.conftest import ground_run, hawkeye

__all__ = ["ground_run", "hawkeye", "served"]


@dataclass(frozen=True)
class Served:
    """Where the page is, and the private folder of its uploads."""

    url: str
    root: Path


@contextmanager
def served(hawkeye: Hawkeye, folder: Path, **limits: float) -> Iterator[Served]:
    """The page on a free port of loopback, in a thread; afterwards nothing of it may be left."""
    pytest.importorskip("gradio", reason="the extra `app` is not installed")
    import uvicorn

    with socket.socket() as sock, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        sock.bind(("127.0.0.1", 0))
        settings = AppSettings(port=sock.getsockname()[1], **limits)
        with application(hawkeye, settings) as app:
            (root,) = folder.glob("hawkeye-app-*")
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
            thread.start()
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.05)
            yield Served(f"http://127.0.0.1:{settings.port}/", root)
            server.should_exit = True
            thread.join(20)
    assert not root.exists()
