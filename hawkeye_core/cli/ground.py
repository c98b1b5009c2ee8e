"""``hawkeye ground``: segments with reasons and evidence in one's own videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table

from hawkeye_core.cli.console import errors, out, progress_bar
from hawkeye_core.cli.loading import Checkpoint, Device, Extraction, Presence, Store, Threshold, load_hawkeye
from hawkeye_core.errors import ConfigError, HawkeyeError

if TYPE_CHECKING:
    from hawkeye_core.ground.hawkeye import Hawkeye
    from hawkeye_core.ground.records import GroundedVideo

OUT = "work/ground"
FAILED, BAD_INPUT, FOUND, INTERRUPTED = 1, 2, 3, 130
CELL = 200
"""Most letters of a text in the table; the files have all of it."""


def ground(
    videos: Annotated[list[str], typer.Argument(help="Video files, folders, or patterns such as 'cams/*.mp4'.")],
    checkpoint: Checkpoint = "shipped",
    config: Extraction = None,
    store: Store = None,
    device: Device = "auto",
    folder: Annotated[
        str | None, typer.Option("--out", "-o", help=f"Folder for the files; unset: {OUT}. Alone it means --json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write NAME.json: everything (docs/ground.md).")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write NAME.csv: a row a segment.")] = False,
    as_srt: Annotated[bool, typer.Option("--srt", help="Write NAME.srt: subtitles for players.")] = False,
    as_vtt: Annotated[bool, typer.Option("--vtt", help="Write NAME.vtt: subtitles for browsers.")] = False,
    overlay: Annotated[
        str | None,
        typer.Option("--overlay", help="Write the video with what was found drawn on it: an .mp4 file, or a folder."),
    ] = None,
    threshold: Threshold = None,
    presence: Presence = None,
    curve: Annotated[bool, typer.Option("--curve/--no-curve", help="Ask about every second too.")] = True,
    exit_on_anomaly: Annotated[
        bool, typer.Option("--exit-on-anomaly", help="Exit with 3 if anything was found.")
    ] = False,
) -> None:
    """Find segments in your own videos, say why, and show what was seen.

    Exit codes: 0 done; 1 some videos failed (the others are done); 2 bad input or settings; 3 with --exit-on-anomaly:
    something was found; 130 interrupted. What was extracted is kept: a second run of the same video is instant.

    Example: `hawkeye ground video.mp4`

    Example: `hawkeye ground cams --out found --json --srt --overlay found`
    """
    from hawkeye_core.video.discover import find_videos

    flags = {"json": as_json, "csv": as_csv, "srt": as_srt, "vtt": as_vtt}
    chosen = [form for form, wanted in flags.items() if wanted]
    if folder is not None and not chosen:
        chosen = ["json"]
    paths = find_videos(videos)
    places = _overlays(overlay, paths)
    if chosen:
        _require_folder(Path(folder or OUT))
    try:
        hawkeye = load_hawkeye(
            checkpoint, config, store, device=device, presence=presence, threshold=threshold, curve=curve
        )
        found, failed = _each(hawkeye, paths, folder=Path(folder or OUT), formats=chosen, overlays=places)
    except KeyboardInterrupt:
        errors.print("[yellow]interrupted; what was extracted is kept, run the same command to continue[/]")
        raise typer.Exit(INTERRUPTED) from None
    if failed:
        errors.print(f"[red]{failed} of {len(paths)} videos failed[/]")
        raise typer.Exit(FAILED)
    if exit_on_anomaly and found:
        raise typer.Exit(FOUND)


def _each(
    hawkeye: Hawkeye, paths: Sequence[Path], *, folder: Path, formats: Sequence[str],
    overlays: Sequence[Path] | None,
) -> tuple[int, int]:  # fmt: skip
    """Segments found in all videos, and how many videos failed; a bad one does not stop the others."""
    from feature_store.errors import StoreError
    from hawkeye_core.extraction.run import VIDEO_FAULTS
    from hawkeye_core.ground.outputs import output_names

    found = failed = 0
    for place, (path, name) in enumerate(zip(paths, output_names(paths), strict=True)):
        label = f"{place + 1}/{len(paths)} {name}"
        overlay = None if overlays is None else overlays[place]
        try:
            video, written = _one(hawkeye, path, label, folder / name, formats=formats, overlay=overlay)
        except (HawkeyeError, StoreError, *VIDEO_FAULTS) as error:
            failed += 1
            words = str(error) if isinstance(error, HawkeyeError | StoreError) else f"{type(error).__name__}: {error}"
            errors.print(f"[red]failed:[/] {escape(words if str(path) in words else f'{path}: {words}')}")
            continue
        found += len(video.segments)
        _show(video, written)
    return found, failed


def _one(
    hawkeye: Hawkeye, path: Path, label: str, stem: Path, *, formats: Sequence[str], overlay: Path | None
) -> tuple[GroundedVideo, list[Path]]:
    """What is found in one video, and the files of it that were written."""
    from hawkeye_core.ground.outputs import FORMATS, write_outputs
    from hawkeye_core.ground.overlay import write_overlay

    with progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            """A bar for each stage, made when it begins."""
            if stage not in tasks:
                tasks[stage] = bar.add_task(f"{escape(label)}: {stage}", total=None)
            bar.update(tasks[stage], completed=done, total=total)

        handle = hawkeye.extract(path, progress=report)
        video = hawkeye.ground(handle, progress=report)
        written = write_outputs(video, stem.parent, stem.name, [form for form in FORMATS if form in formats])
        if overlay is not None:
            written.append(
                write_overlay(video, handle, overlay, progress=lambda done, total: report("drawing", done, total))
            )
    return video, written


def _show(video: GroundedVideo, written: Sequence[Path]) -> None:
    """The table of one video on standard output."""
    from hawkeye_core.ground.words import seen
    from hawkeye_core.report.drawing import short

    count = len(video.segments)
    said = f"{count} segment{'' if count == 1 else 's'}" if count else "nothing found"
    head = f"{escape(short(video.video, CELL))} ({video.duration_s:.1f} s): {said}"
    if count:
        table = Table(title=head, title_justify="left")
        for name in ("start", "end", "category", "score", "reason", "seen"):
            table.add_column(name, justify="right" if name in ("start", "end", "score") else "left", overflow="fold")
        for one in video.segments:
            texts = (one.category, f"{one.score:.2f}", one.reason, seen(one.evidence))
            cells = (escape(short(text, CELL)) for text in texts)
            table.add_row(f"{one.start_s:.1f}", f"{one.end_s:.1f}", *cells)
        out.print(table)
    else:
        out.print(head)
    unread = sum(answer.status == "unparsed" for answer in video.answers)
    if unread:
        out.print(f"  [yellow]{unread} of {len(video.answers)} answers could not be read[/]")
    if video.note:
        label = "partial" if video.status == "partial" else "note"
        out.print(f"  [yellow]{label}: {escape(short(video.note, CELL))}[/]")
    for path in written:
        out.print(f"  {escape(str(path))}")


def _overlays(overlay: str | None, paths: Sequence[Path]) -> list[Path] | None:
    """Where the overlay of each video goes."""
    if overlay is None:
        return None
    place = Path(overlay)
    if place.suffix.lower() == ".mp4" and not place.is_dir():
        if len(paths) > 1:
            raise ConfigError(
                f"one file is named for {len(paths)} videos", path=overlay, remedy="give a folder to --overlay"
            )
        if place.resolve() == paths[0].resolve():
            raise ConfigError("is the video itself", path=overlay, remedy="name another file")
        _require_folder(place.parent)
        return [place]
    from hawkeye_core.ground.outputs import output_names

    _require_folder(place)
    return [place / f"{name}.overlay.mp4" for name in output_names(paths)]


def _require_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"no folder can be made there ({error.strerror})", path=folder) from error
