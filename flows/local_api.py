"""A Prefect API inside this process, for runs without a server.

Prefect's own answer, a temporary server in a second process, takes 10 s (17 s with a new database), dies with Ctrl-C
before the run can report, and outlives a killed parent. A thread dies with its process, needs no second import, and
starts in half a second from a copy of an empty, already migrated database.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from hawkeye_core.errors import HawkeyeError

if TYPE_CHECKING:
    import uvicorn

START_TIMEOUT_S = 120.0


class LocalApiError(HawkeyeError):
    """Prefect's API did not start inside this process."""


@contextmanager
def local_api(state: Path) -> Iterator[str]:
    """Run Prefect's API in a thread, on a free loopback port, and point this process at it.

    Prefect reads its settings once, so this must be entered before anything imports it.

    Args:
        state: Folder that keeps the empty database between runs; made if it does not exist.

    Yields:
        The API's URL.

    Raises:
        LocalApiError: The API did not start.
    """
    with tempfile.TemporaryDirectory(prefix="hawkeye-prefect-") as home, closing(_loopback_socket()) as listener:
        blank = state / f"blank-{version('prefect')}.db"
        database = Path(home) / "prefect.db"
        if blank.is_file():
            shutil.copyfile(blank, database)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        os.environ.update(_environment(Path(home), database, url))
        logging.getLogger("prefect.flow_runs").addFilter(_has_no_address)
        server, thread = _start(listener)
        try:
            if not blank.is_file():
                _keep_blank(database, blank)
            yield url
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def _loopback_socket() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    return listener


def _has_no_address(record: logging.LogRecord) -> bool:
    """Drop the line that invites to a page which is not there."""
    return not str(record.msg).startswith("View at")


def _environment(home: Path, database: Path, url: str) -> dict[str, str]:
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",  # nobody could read them afterwards
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
    }


def _start(listener: socket.socket) -> tuple[uvicorn.Server, threading.Thread]:
    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app(ephemeral=True, final=True), log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="prefect-api", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise LocalApiError("Prefect's API did not start in this process", remedy="see the messages above")
        time.sleep(0.02)
    return server, thread


def _keep_blank(database: Path, blank: Path) -> None:
    """Keep a copy of the migrated, still empty database; the first run of a project pays 4 s for it, once."""
    blank.parent.mkdir(parents=True, exist_ok=True)
    partial = blank.with_suffix(f".tmp-{os.getpid()}")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(partial)) as target:
        source.backup(target)
    partial.replace(blank)
