"""Background processes: recognised by id and start time, stopped politely, never a stranger's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flows.place import DATABASE, Place
from flows.processes import Service, flow_run_processes, held, is_alive, stop
from flows.services import main
from hawkeye_core.errors import ConfigError

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


@pytest.fixture
def started() -> Iterator[list[psutil.Process]]:
    processes: list[psutil.Process] = []
    yield processes
    for process in processes:
        if is_alive(process):
            process.kill()


def start(service: Service, command: list[str], started: list[psutil.Process], **variables: str) -> psutil.Process:
    process = service.start(command, port=4200, cwd=service.state, environment=os.environ | variables)
    started.append(process)
    return process


def wait_for_status(process: psutil.Process, *, stopped: bool) -> None:
    """A signal takes a moment; the test's time limit ends a wait in vain."""
    while (process.status() == psutil.STATUS_STOPPED) is not stopped:
        assert is_alive(process)
        time.sleep(0.01)


def wait_for_output(service: Service) -> None:
    while "up" not in service.log.read_text():
        assert service.process() is not None


def test_a_started_process_is_found_again_and_stopped(tmp_path: Path, started: list[psutil.Process]) -> None:
    process = start(Service("worker", tmp_path), SLEEP, started)
    again = Service("worker", tmp_path)
    assert again.process() == process
    assert again.port() == 4200
    assert stop([process], grace_s=20) == []
    assert again.process() is None
    assert again.port() is None


def test_one_that_does_not_listen_is_killed(tmp_path: Path, started: list[psutil.Process]) -> None:
    service = Service("worker", tmp_path)
    process = start(service, STUBBORN, started)
    wait_for_output(service)
    assert stop([process], grace_s=0.3) == [process]
    assert not is_alive(process)


def test_a_recycled_id_is_not_ours(tmp_path: Path, started: list[psutil.Process]) -> None:
    service = Service("server", tmp_path)
    process = start(service, SLEEP, started)
    written = json.loads(service.record.read_text())
    service.record.write_text(json.dumps(written | {"started": written["started"] - 3600}))
    assert service.process() is None
    assert is_alive(process)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_spoilt_record_is_no_process(tmp_path: Path, content: str) -> None:
    service = Service("server", tmp_path)
    service.record.write_text(content)
    assert service.process() is None
    assert service.port() is None


def test_it_lives_in_a_session_of_its_own(tmp_path: Path, started: list[psutil.Process]) -> None:
    process = start(Service("worker", tmp_path), SLEEP, started)
    assert os.getsid(process.pid) == process.pid


def test_a_held_process_does_not_run(tmp_path: Path, started: list[psutil.Process]) -> None:
    service = Service("worker", tmp_path)
    process = start(service, SLEEP, started)
    wait_for_output(service)
    with held(process):
        wait_for_status(process, stopped=True)
    wait_for_status(process, stopped=False)


def test_flow_runs_are_found_by_their_variables(tmp_path: Path, started: list[psutil.Process]) -> None:
    url = "http://127.0.0.1:59999/api"
    ours = start(Service("a", tmp_path), SLEEP, started, PREFECT__FLOW_RUN_ID="run-1", PREFECT_API_URL=url)
    start(Service("b", tmp_path), SLEEP, started, PREFECT__FLOW_RUN_ID="run-2", PREFECT_API_URL="http://else/api")
    wait_for_output(Service("a", tmp_path))
    assert flow_run_processes(url) == {"run-1": ours}


def test_the_profile_and_the_environment_name_the_server(tmp_path: Path) -> None:
    place = Place(tmp_path, 4321)
    place.write_profile()
    assert 'PREFECT_API_URL = "http://127.0.0.1:4321/api"' in place.profiles.read_text()
    variables = place.environment({"PREFECT_API_URL": "https://cloud", "PREFECT_API_KEY": "secret", "PATH": "/bin"})
    assert variables["PREFECT_API_URL"] == place.api_url
    assert variables["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert variables["PATH"] == "/bin"
    assert "PREFECT_API_KEY" not in variables
    assert variables[DATABASE] == f"sqlite+aiosqlite:///{tmp_path}/work/prefect/prefect.db"
    assert place.environment({DATABASE: "postgresql+asyncpg://db"})[DATABASE] == "postgresql+asyncpg://db"


def test_outside_a_project_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no prefect\.yaml here"):
        Place.here()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "prefect.yaml").write_text("deployments: []\n")
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "VIDEOS", "STORE", "CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_taken_port_is_an_error_with_a_remedy(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["up", "--port", str(taken.getsockname()[1])]) == 1
    message = capsys.readouterr().out
    assert "is taken by another program" in message
    assert "make up PORT=" in message


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_a_wrong_port_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    assert main(["up"]) == 2


def test_wrong_settings_start_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "colour=red"]) == 2
    assert "known keys" in capsys.readouterr().out
    assert not (project / "work" / "prefect" / "server.pid").exists()


def test_down_and_status_where_nothing_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down"]) == 0
    assert main(["deploy"]) == 1
    assert "make up" in capsys.readouterr().out
    assert main(["status"]) == 1
    assert "server  not running" in capsys.readouterr().out


def test_it_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.services", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "up,down,status,deploy" in done.stdout
