"""``python -m flows.services up|down|status|deploy``: Prefect server and worker of this project, on loopback.

Exit codes: 0 as asked, 1 something does not run (``status``: not everything is up), 2 the settings are wrong.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from rich.console import Console

from flows.deploy import deploy
from flows.names import DEPLOYMENT, FLOW, LIMIT, POOL
from flows.place import DEFAULT_PORT, Place
from flows.processes import Service, flow_run_processes, held, stop
from flows.server_api import ServerApi, ServerError, wait_until
from flows.settings_cli import add_settings_options, read_settings
from hawkeye_core.errors import ConfigError, HawkeyeError
from hawkeye_core.extraction.config import ExtractSettings

START_TIMEOUT_S = 120.0
RUN_GRACE_S = 30.0
"""A flow run has this long to leave its videos and report, before it is killed."""

out = Console(soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parse(arguments)
    try:
        place = Place.here(_port(options))
        if options.command == "status":
            return status(_running(place))
        with _alone(place):
            if options.command == "down":
                down(_running(place))
                return 0
            settings = read_settings(options, environment=os.environ)
            if options.command == "deploy":
                _say_deployed(_require_server(place), settings)
            else:
                up(place, settings)
    except ConfigError as error:
        out.print(f"error: {error}", style="red", markup=False)
        return 2
    except HawkeyeError as error:
        out.print(f"error: {error}", style="red", markup=False)
        return 1
    return 0


def up(place: Place, settings: ExtractSettings) -> None:
    """Start what does not run yet, wait until it answers, and deploy.

    Raises:
        ServerError: The port is taken, or a process did not come up; the message has the end of its log.
    """
    start_server(place)
    place.write_profile()
    _say_deployed(place, settings)
    start_worker(place)
    out.print(f"\npage    {place.url}\nrun     prefect deployment run {FLOW}/{DEPLOYMENT} --watch\nstop    make down")
    foreign = os.environ.get("PREFECT_API_URL")
    if foreign and foreign != place.api_url:
        out.print(f"note: PREFECT_API_URL={foreign} in your shell sends `prefect` there instead", style="yellow")


def start_server(place: Place) -> None:
    """Start the server and wait until it answers; leaves a running one as it is."""
    server = Service("server", place.state)
    port = server.port()
    if port not in (None, place.port):
        raise ServerError(f"the server of this project runs on port {port}", remedy="`make down` first")
    with ServerApi(place.api_url) as api:
        begun = time.monotonic()
        if port is None:
            _refuse_taken(place)
            command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
            command += ["--port", str(place.port), "--analytics-off"]
            server.start(command, port=place.port, cwd=place.root, environment=place.environment())
        if not wait_until(
            api.is_healthy, timeout_s=START_TIMEOUT_S, still_possible=lambda: server.process() is not None
        ):
            raise ServerError(f"the server did not come up\n{server.log_tail()}", path=server.log)
    took = "already running" if port is not None else f"started in {time.monotonic() - begun:.1f} s"
    out.print(f"server  {took}: {place.url} (process {_pid(server)}, log {server.log.relative_to(place.root)})")


def start_worker(place: Place) -> None:
    """Start the worker and wait until it polls; leaves a running one as it is.

    Runs that an earlier worker left behind are marked as crashed first, unless their process still runs.
    """
    worker = Service("worker", place.state)
    if worker.process() is not None:
        out.print(f"worker  already running (process {_pid(worker)})")
        return
    with ServerApi(place.api_url) as api:
        alive = flow_run_processes(place.api_url)
        for name in api.crash_lost_runs(POOL, alive=alive):
            out.print(f"run     {name} was left behind by an earlier worker: marked as crashed")
        if not alive:
            api.free_slots(LIMIT)
        begun, moment = time.monotonic(), time.time()
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
        command += ["--name", f"hawkeye-{place.port}"]
        worker.start(command, port=place.port, cwd=place.root, environment=place.environment())
        polls = partial(api.worker_seen_since, POOL, moment)
        if not wait_until(polls, timeout_s=START_TIMEOUT_S, still_possible=partial(_runs, worker)):
            raise ServerError(f"the worker did not come up\n{worker.log_tail()}", path=worker.log)
    log = worker.log.relative_to(place.root)
    out.print(f"worker  started in {time.monotonic() - begun:.1f} s (process {_pid(worker)}, log {log})")


def _say_deployed(place: Place, settings: ExtractSettings) -> None:
    for line in deploy(place, settings):
        out.print(f"deploy  {line}")


def down(place: Place) -> None:
    """Stop flow runs, worker and server, in this order, and wait for each.

    The worker is held meanwhile, so that it starts no other run; the runs leave their videos at the next batch and
    report while the server still listens.
    """
    worker, server = Service("worker", place.state), Service("server", place.state)
    runs = []
    with held(worker.process()):
        runs = list(flow_run_processes(place.api_url).values())
        _say_stopped(f"{len(runs)} flow run(s)", runs, stop(runs, grace_s=RUN_GRACE_S))
    for service in (worker, server):
        if service is server:
            _report_lost_runs(place, service)
        process = service.process()
        found = [process] if process else []
        _say_stopped(service.name, found, stop(found, grace_s=RUN_GRACE_S))
        service.forget()


def _report_lost_runs(place: Place, server: Service) -> None:
    """While the server still listens: mark as crashed what could not report for itself."""
    with ServerApi(place.api_url) as api:
        if server.process() is not None and api.is_healthy():
            api.crash_lost_runs(POOL, alive=flow_run_processes(place.api_url))


def _say_stopped(name: str, stopped: Sequence[object], killed: Sequence[object]) -> None:
    if stopped:
        out.print(f"{name:<7} stopped{' (had to be killed)' if killed else ''}")


def status(place: Place) -> int:
    """Print what runs; returns 0 when server, worker and deployment are there."""
    server, worker = Service("server", place.state), Service("worker", place.state)
    with ServerApi(place.api_url) as api:
        healthy = server.process() is not None and api.is_healthy()
        deployed = healthy and api.has_deployment(FLOW, DEPLOYMENT)
        runs = [f"{run['name']} ({run['state']['name']})" for run in api.unfinished_runs(POOL)] if deployed else []
    out.print(f"server  {f'{place.url} (process {_pid(server)})' if healthy else 'not running'}")
    out.print(f"worker  {f'process {_pid(worker)}' if worker.process() else 'not running'}")
    out.print(f"deploy  {f'{FLOW}/{DEPLOYMENT}' if deployed else 'none'}")
    out.print(f"runs    {', '.join(runs) or 'none under way'}")
    return 0 if healthy and deployed and worker.process() else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m flows.services", description=str(__doc__).splitlines()[0])
    parser.add_argument("command", choices=("up", "down", "status", "deploy"))
    add_settings_options(parser)
    parser.add_argument("--port", type=int, help=f"port on 127.0.0.1 (default: PORT or {DEFAULT_PORT})")
    return parser.parse_intermixed_args(arguments)


def _port(options: argparse.Namespace) -> int:
    text = options.port or os.environ.get("PORT") or DEFAULT_PORT
    try:
        port = int(text)
    except ValueError as error:
        raise ConfigError(f"PORT={text!r} is not a number") from error
    if not 1 <= port <= 65535:
        raise ConfigError(f"port {port} is not between 1 and 65535")
    return port


def _running(place: Place) -> Place:
    """The same project with the port its server runs on, if it runs."""
    return replace(place, port=Service("server", place.state).port() or place.port)


def _require_server(place: Place) -> Place:
    running = _running(place)
    with ServerApi(running.api_url) as api:
        if Service("server", place.state).process() is None or not api.is_healthy():
            raise ServerError("the server of this project does not run", remedy="make up")
    return running


def _refuse_taken(place: Place) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", place.port))
        except OSError as error:
            raise ServerError(
                f"port {place.port} is taken by another program ({error.strerror})",
                remedy="make up PORT=<another port>",
            ) from error


def _runs(service: Service) -> bool:
    return service.process() is not None


def _pid(service: Service) -> str:
    process = service.process()
    return str(process.pid) if process else "gone"


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """Two of these commands at once would start two servers; the second waits."""
    place.state.mkdir(parents=True, exist_ok=True)
    with (place.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
