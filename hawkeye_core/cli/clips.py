"""``hawkeye clips``: draw the sample clips that the demo uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hawkeye_core.cli.console import out


def clips(
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for videos/ and segments.jsonl.")] = Path(
        "work/demo"
    ),
) -> None:
    """Draw four short clips with known segments, for trying the path where no video is at hand."""
    from hawkeye_core.datasets.sample_clips import write_sample_clips

    paths, annotations = write_sample_clips(folder)
    for path in (*paths, annotations):
        out.print(str(path))
