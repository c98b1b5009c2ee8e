"""``hawkeye chat``: a conversation about one video."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import TaskID

from hawkeye_core.cli.console import errors, out, progress_bar
from hawkeye_core.cli.loading import Checkpoint, Device, Extraction, Presence, Store, Threshold, load_hawkeye


def chat(
    video: Annotated[str, typer.Argument(help="A video file.")],
    checkpoint: Checkpoint = "shipped",
    config: Extraction = None,
    store: Store = None,
    device: Device = "auto",
    threshold: Threshold = None,
    presence: Presence = None,
    ask: Annotated[bool, typer.Option("--ask/--no-ask", help="Ask the paper's question first.")] = True,
) -> None:
    """Talk about a video: the paper's question first, then yours.

    What the model has read of the video is kept, so follow-up questions are answered at once. `/help` lists commands.
    Questions may come from a pipe. Exit codes: 0 done; 2 bad input, or an error in a piped conversation; 130 Ctrl-C at
    the prompt.

    Example: `hawkeye chat video.mp4`

    Example: `printf 'Who is at the door?\\n/why\\n/save talk.md\\n' | hawkeye chat video.mp4`
    """
    from hawkeye_core.chat.escaping import visible

    hawkeye = load_hawkeye(checkpoint, config, store, device=device, presence=presence, threshold=threshold)
    with progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=None)
            bar.update(tasks[stage], completed=done, total=total)

        handle = hawkeye.extract(video, progress=report)
    from hawkeye_core.chat.session import Session, evidence_in
    from hawkeye_core.chat.terminal import talk

    conversation = hawkeye.chat(handle)
    count = len(conversation.specs)
    windows = f", {count} windows" if count > 1 else ""
    errors.print(escape(f"{visible(video)}: {conversation.duration_s:.1f} s{windows}; /help lists commands"))
    if handle.note:
        errors.print(escape(f"partial: {visible(handle.note)}"), style="yellow")
    session = Session(conversation, video, hawkeye.note, evidence_in(handle), out, errors)
    code = talk(session, ask=ask)
    if code:
        raise typer.Exit(code)
