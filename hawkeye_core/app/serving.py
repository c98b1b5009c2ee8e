"""Serves the page: its own door for videos and files beside Gradio's, on loopback unless told otherwise."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import FileResponse, JSONResponse, Response

from hawkeye_core.app.config import INSTALL, AppSettings
from hawkeye_core.app.guard import App, Guard
from hawkeye_core.app.uploads import UploadError, receive
from hawkeye_core.app.visits import Visits
from hawkeye_core.errors import BackendUnavailableError, ConfigError
from hawkeye_core.ground.hawkeye import Hawkeye

GRACE_S = 3
"""Seconds that open connections are given when the server ends."""


def require_gradio() -> None:
    """Import Gradio with its telemetry off.

    Raises:
        BackendUnavailableError: It is not installed.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise BackendUnavailableError(f"the page needs Gradio ({error})", remedy=INSTALL) from error


@contextmanager
def application(hawkeye: Hawkeye, settings: AppSettings) -> Iterator[App]:
    """The page as an ASGI application; afterwards all that was uploaded is deleted.

    Raises:
        BackendUnavailableError: Gradio is not installed.
    """
    require_gradio()
    visits = Visits(idle_s=60 * settings.idle_minutes)
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(visits.root / "gradio")  # read by Gradio while the page is built
    try:
        visits.watch()
        yield _application(hawkeye, visits, settings)
    finally:
        visits.close()
        if before is None:
            os.environ.pop("GRADIO_TEMP_DIR", None)
        else:
            os.environ["GRADIO_TEMP_DIR"] = before


def serve(hawkeye: Hawkeye, settings: AppSettings, *, ready: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        hawkeye: Answers.
        settings: Address and limits.
        ready: Called with the page's address just before it is served.

    Raises:
        ConfigError: The address cannot be listened on.
        BackendUnavailableError: Gradio is not installed.
    """
    import uvicorn

    require_gradio()
    with (
        suppress(KeyboardInterrupt),
        _interrupted_by(signal.SIGTERM),
        listening(settings) as sock,
        application(hawkeye, settings) as app,
    ):
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S,
            proxy_headers=settings.public_url is not None,
        )  # fmt: skip
        ready(address(settings))
        uvicorn.Server(config).run(sockets=[sock])


@contextmanager
def _interrupted_by(number: signal.Signals) -> Iterator[None]:
    """A signal ends the server like Ctrl-C.

    Uvicorn raises it again when it has ended, which would end the process before uploads are deleted.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, interrupt)
    try:
        yield
    finally:
        signal.signal(number, before)


def address(settings: AppSettings) -> str:
    """Where the page is found."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}/"


@contextmanager
def listening(settings: AppSettings) -> Iterator[socket.socket]:
    """A socket on the address of the settings.

    Raises:
        ConfigError: It is taken, or not an address of this machine.
    """
    try:
        info = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        sock = socket.socket(info[0], info[1])
    except OSError as error:
        raise ConfigError(f"{settings.host} is no address of this machine ({error.strerror})") from error
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(info[4])
        except OSError as error:
            raise ConfigError(
                f"{settings.host}:{settings.port} cannot be listened on ({error.strerror})",
                remedy="choose another with --port or --host",
            ) from error
        yield sock


def _application(hawkeye: Hawkeye, visits: Visits, settings: AppSettings) -> App:
    import gradio as gr

    from hawkeye_core.app.page import Page, theme
    from hawkeye_core.app.view import asset

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/hawkeye/upload", _uploading(visits, settings), methods=["POST"], response_model=None)
    app.add_api_route("/hawkeye/media/{token}/{kind}", _media(visits), methods=["GET", "HEAD"], response_model=None)
    gr.mount_gradio_app(
        app, Page(hawkeye, visits, settings).build(), path="/", server_name=settings.host, server_port=settings.port,
        footer_links=[], run_history=False, root_path=settings.public_url, show_error=False, max_file_size=1,
        ssr_mode=False, enable_monitoring=False, pwa=False, mcp_server=False, theme=theme(), css=asset("page.css.j2"),
        allowed_paths=[], blocked_paths=[str(visits.root)],
    )  # fmt: skip
    return Guard(app, names=settings.names())


def _uploading(visits: Visits, settings: AppSettings) -> Callable[[Request], object]:
    async def upload(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        stated = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
        try:
            ticket = await receive(visits, settings, request.stream(), stated=stated)
        except UploadError as error:
            return JSONResponse({"error": error.message}, status_code=error.status)
        return JSONResponse({"ticket": ticket})

    upload.__annotations__ = {"request": Request, "return": Response}  # FastAPI reads them; here they are texts
    return upload


def _media(visits: Visits) -> Callable[[str, str], object]:
    def media(token: str, kind: str) -> Response:
        served = visits.served(token, kind)
        if served is None or not Path(served.path).is_file():
            return JSONResponse({"error": "it is no longer here"}, status_code=404)
        return FileResponse(
            served.path, media_type=served.media_type, filename=served.name, headers={"cache-control": "no-store"}
        )  # fmt: skip

    media.__annotations__ = {"token": str, "kind": str, "return": Response}
    return media
