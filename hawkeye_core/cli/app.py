"""The root of the command line: sub-commands, and errors in words instead of tracebacks."""

from __future__ import annotations

import logging
import sys

import typer

from feature_store.errors import StoreError
from hawkeye_core import __version__
from hawkeye_core.cli.app_page import app_page
from hawkeye_core.cli.chat import chat
from hawkeye_core.cli.console import errors
from hawkeye_core.cli.data import app as data_app
from hawkeye_core.cli.evaluate import evaluate
from hawkeye_core.cli.extract import extract
from hawkeye_core.cli.ground import ground
from hawkeye_core.cli.model import app as model_app
from hawkeye_core.cli.reconsim import app as reconsim_app
from hawkeye_core.cli.report import report
from hawkeye_core.cli.store import app as store_app
from hawkeye_core.cli.tiny import app as tiny_app
from hawkeye_core.cli.train import train
from hawkeye_core.cli.watch import watch
from hawkeye_core.errors import HawkeyeError

app = typer.Typer(
    name="hawkeye",
    help="Find and ground implicit anomalous sentiment in surveillance and drone video.\n\n"
    "The path: `hawkeye extract` reads each video once and fills a feature store; `hawkeye train` learns from the "
    "store without decoding a frame; `hawkeye eval` prints FNR, F2 and mAP@tIoU; `hawkeye report` makes tables, "
    "figures and a page of evaluations. `hawkeye store` looks into the store.\n\nOf a video of your own: `hawkeye "
    "ground`, `hawkeye chat`, `hawkeye app`, `hawkeye watch`.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("extract")(extract)
app.add_typer(store_app, name="store")
app.add_typer(data_app, name="data")
app.add_typer(model_app, name="model")
app.add_typer(tiny_app, name="tiny")
app.add_typer(reconsim_app, name="reconsim")
app.command("train")(train)
app.command("eval")(evaluate)
app.command("report")(report)
app.command("ground")(ground)
app.command("chat")(chat)
app.command("watch")(watch)
app.command("app")(app_page)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hawkeye {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log what happens inside."),
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 some videos failed, 2 bad input or settings, 130 interrupted."""
    try:
        app()
    except (HawkeyeError, StoreError, OSError) as error:
        errors.print(f"[bold red]error:[/] {_escape(str(error))}")
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("[yellow]interrupted; what was finished is kept, run the same command to continue[/]")
        sys.exit(130)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
