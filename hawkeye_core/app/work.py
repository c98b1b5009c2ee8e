"""What is done with a video that was sent: extract, answer, take pictures, write files."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from feature_store.errors import StoreError
from feature_store.video_id import safe_stem
from hawkeye_core.app.config import AppSettings
from hawkeye_core.app.pictures import Pictures, take_pictures
from hawkeye_core.app.playable import COPY_TYPE, MEDIA_TYPES
from hawkeye_core.app.view import checkpoint_name
from hawkeye_core.app.visits import Served, Visit
from hawkeye_core.errors import HawkeyeError, VideoError
from hawkeye_core.extraction.run import VIDEO_FAULTS
from hawkeye_core.ground.hawkeye import ANSWER, EXTRACT, Hawkeye
from hawkeye_core.ground.outputs import Format, write_outputs
from hawkeye_core.ground.records import GroundedVideo
from hawkeye_core.ground.stored import StoredVideo
from hawkeye_core.video.probe import probe

FAULTS: tuple[type[BaseException], ...] = (HawkeyeError, StoreError, *VIDEO_FAULTS)
"""What may go wrong with a video; told to its user in words."""
FORMATS: dict[Format, str] = {"json": "application/json", "csv": "text/csv", "srt": "application/x-subrip"}
PICTURES = "pictures"
STAGES = {
    EXTRACT: "1 of 3: looking for people, things and how they stand to one another",
    ANSWER: "2 of 3: answering, window after window",
    PICTURES: "3 of 3: preparing player and pictures",
}

Report = Callable[[str, int, int | None], None]
"""Told of a stage in words, how much of it is done, and how much there is."""


Done = tuple[GroundedVideo, Pictures, StoredVideo]
"""What was found, what is shown of it, and where its features are."""


class StoppedError(HawkeyeError):
    """The user wants no more of it."""


def work_on(hawkeye: Hawkeye, visit: Visit, settings: AppSettings, report: Report) -> Done:
    """Find what is in the video of a visit; afterwards its files can be asked for.

    The features go into a store of the visit's own, which is deleted with it.

    Raises:
        StoppedError: The user wanted it to end.
        HawkeyeError, OSError, ...: :data:`FAULTS`.
    """
    if visit.source is None:
        raise HawkeyeError("the video is no longer here", remedy="send it again")
    info = probe(visit.source)
    _require_short(info.duration_s, settings)

    def step(stage: str, done: int, total: int | None) -> None:
        if visit.stopped.is_set():
            raise StoppedError("stopped")
        if stage == EXTRACT:  # headers may state less than there is
            _require_short(done / own.settings.fps, settings)
        report(STAGES.get(stage, stage), done, total)

    own = copy.copy(hawkeye)
    own.settings = hawkeye.settings.model_copy(update={"store": str(visit.folder / "store")})
    handle = own.extract(visit.source, progress=step)
    found = _as_named(own.ground(handle, progress=step), visit.name)
    pictures = take_pictures(
        found, handle, copy_to=visit.folder / "copy.webm", progress=lambda done, total: step(PICTURES, done, total)
    )
    visit.handle, visit.found = handle, found
    visit.served = _files(visit, found)
    if pictures.copy is not None:
        visit.served["video"] = Served(pictures.copy, COPY_TYPE, None)
    elif pictures.why_none is None:
        visit.served["video"] = Served(visit.source, MEDIA_TYPES[info.container], None)
    return found, pictures, handle


def in_words(error: BaseException, visit: Visit) -> tuple[str, str]:
    """What went wrong and what to do, without names of folders here."""
    if isinstance(error, StoppedError):
        return "stopped", ""
    if isinstance(error, HawkeyeError):
        text, remedy = error.message, error.remedy or ""
    elif isinstance(error, StoreError):
        text, remedy = "its features cannot be kept here", "tell whoever runs this page"
    else:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        text, remedy = f"it cannot be worked on ({reason})", "see whether a player opens it"
    return _without_places(text, visit), _without_places(remedy, visit)


def _without_places(text: str, visit: Visit) -> str:
    for place in (visit.source, visit.folder, visit.folder.parent):
        text = text.replace(str(place), visit.name or "the video") if place is not None else text
    return text


def _as_named(found: GroundedVideo, name: str) -> GroundedVideo:
    """With the names that the user knows; not those of files and folders here."""
    model = replace(found.model, checkpoint=checkpoint_name(found.model))
    return replace(found, video=name, video_id=safe_stem(name), model=model)


def _require_short(seconds: float | None, settings: AppSettings) -> None:
    if seconds is not None and seconds > 60 * settings.max_minutes:
        raise VideoError(
            f"it is longer than the {settings.max_minutes:g} minutes that are allowed here", remedy="cut it shorter"
        )


def _files(visit: Visit, found: GroundedVideo) -> dict[str, Served]:
    written = write_outputs(found, visit.folder, "found", list(FORMATS))
    kinds = {form: Path(path) for form, path in zip(FORMATS, written, strict=True)}
    return {form: Served(kinds[form], kind, f"{found.video_id}.{form}") for form, kind in FORMATS.items()}
