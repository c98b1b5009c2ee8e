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
    stage1: Annotated[
        bool, typer.Option("--stage1", help="Images with described regions and motions with captions instead.")
    ] = False,
) -> None:
    """Draw four short clips with known segments, for trying the path where no video is at hand.

    With `--stage1`: six images, seven motions of a second, regions.jsonl and motions.jsonl, for trying stage 1.
    """
    from hawkeye_core.datasets.sample_clips import write_sample_clips
    from hawkeye_core.datasets.sample_stage1 import write_sample_stage1

    if stage1:
        for path in write_sample_stage1(folder):
            out.print(str(path))
        return
    paths, annotations = write_sample_clips(folder)
    for path in (*paths, annotations):
        out.print(str(path))
