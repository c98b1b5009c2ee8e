"""``hawkeye app``: a page in the browser for one's own videos."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from hawkeye_core.cli.console import errors, out
from hawkeye_core.cli.loading import Checkpoint, Device, Extraction, Presence, Threshold, load_hawkeye


def app_page(
    checkpoint: Checkpoint = "shipped",
    config: Extraction = None,
    device: Device = "auto",
    threshold: Threshold = None,
    presence: Presence = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; others than loopback let others in.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", "-p", min=1, max=65535, help="Port to listen on.")] = 7860,
    max_mb: Annotated[float, typer.Option("--max-mb", help="Largest video, in MB.")] = 500.0,
    max_minutes: Annotated[float, typer.Option("--max-minutes", help="Longest video.")] = 60.0,
    idle_minutes: Annotated[float, typer.Option("--idle-minutes", help="Uploads go when nobody asked so long.")] = 60.0,
    public_url: Annotated[
        str | None, typer.Option("--public-url", help="Address at which a reverse proxy offers the page.")
    ] = None,
) -> None:
    """Open a page in the browser: drop a video, see what was found and why, ask about it.

    The page is for this machine only unless --host says otherwise. Videos are kept in a private temporary folder and
    deleted when their page is closed or idle. Needs the extra `app`. Exit codes: 0 ended; 2 bad settings.

    Example: `hawkeye app`

    Example: `hawkeye app --checkpoint work/runs/stage2 --port 8000 --max-mb 50`
    """
    from hawkeye_core.app.config import AppSettings
    from hawkeye_core.app.serving import require_gradio, serve
    from hawkeye_core.settings import load_settings

    settings = load_settings(AppSettings, values={
        "host": host, "port": port, "max_mb": max_mb, "max_minutes": max_minutes, "idle_minutes": idle_minutes,
        "public_url": public_url,
    })  # fmt: skip
    require_gradio()
    if not settings.loopback:
        errors.print(
            f"[bold yellow]warning:[/] {escape(settings.host)} lets other machines in, without a password and without "
            "encryption; put a reverse proxy with both in front (docs/app.md)"
        )
    hawkeye = load_hawkeye(checkpoint, config, None, device=device, presence=presence, threshold=threshold)
    serve(hawkeye, settings, ready=lambda where: out.print(f"the page is at {escape(where)} (Ctrl-C ends it)"))
