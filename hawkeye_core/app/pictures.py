"""The pictures of a page, in one pass over the video: stills with what was seen drawn on them, and a copy to play."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hawkeye_core.app.playable import PlayableCopy, is_playable
from hawkeye_core.ground.overlay import drawn_frame as drawn
from hawkeye_core.ground.records import GroundedVideo
from hawkeye_core.ground.stored import StoredVideo
from hawkeye_core.report.blocks import Image
from hawkeye_core.report.stills import share, still
from hawkeye_core.video.sampling import FrameSampler

WIDTH = 640
"""Pixels of a still, at most."""
MOST = 300
"""Stills of a page, at most; the later segments of a video with hundreds have none."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is shown of a video.

    Args:
        stills: By the number of the sampled frame.
        copy: To play in place of the video; None: the video plays as it is, or nothing does.
        why_none: Why nothing plays, or None.
    """

    stills: Mapping[int, Image]
    copy: Path | None
    why_none: str | None


def take_pictures(
    found: GroundedVideo, handle: StoredVideo, *, copy_to: Path, progress: Callable[[int, int], None]
) -> Pictures:
    """Read the video once, up to what is needed of it.

    Args:
        found: Its segments name the frames.
        handle: Where its features are.
        copy_to: Where a copy goes if one is needed.
        progress: Told of frames done, and how many there are; it may raise to end it.

    Raises:
        VideoError: The file can no longer be read.
    """
    wanted = wanted_frames(found, handle)
    room = share(len(wanted))
    stills: dict[int, Image] = {}
    with FrameSampler(handle.video, fps=handle.fps, batch_size=1) as sampler:
        copy = None if is_playable(sampler.info) else PlayableCopy(copy_to, fps=handle.fps)
        last = handle.n_frames - 1 if copy else max(wanted, default=-1)
        try:
            for number, batch in enumerate(sampler if last >= 0 else ()):
                if copy is not None:
                    copy.add(batch.images[0])
                if number in wanted:
                    words = f"{number / handle.fps:.1f} s, with skeletons, boxes and relations"
                    pixels = drawn(batch.images[0], handle, number)
                    stills[number] = still(pixels, width=WIDTH, room=room, alt=words)
                progress(number + 1, last + 1)
                if number >= last:
                    break
        finally:
            path = None if copy is None else copy.close()
    return Pictures(stills, path, None if copy is None else copy.failed)


def wanted_frames(found: GroundedVideo, handle: StoredVideo) -> set[int]:
    """Numbers of the sampled frames that show the segments best."""
    times = [time for segment in found.segments for time in segment.evidence.frames][:MOST]
    return {frame_number(time, handle) for time in times}


def frame_number(time: float, handle: StoredVideo) -> int:
    """The sampled frame of an instant."""
    return min(round(time * handle.fps), handle.n_frames - 1)
