"""What about a video makes an answer worth less, in a sentence."""

from __future__ import annotations

import cv2

from hawkeye_core.ground.stored import StoredVideo
from hawkeye_core.video.capture import open_capture

CHUNK = 4096
"""Frames whose counts are read together."""
LOOKS = 5
"""Places of a file that are looked at."""
DARK = 16
"""Brightness, of 255, below which a pixel is black: that of black in video of limited range."""

NO_PEOPLE = "no people were found in any frame, so nothing speaks for an answer but objects"
NOTHING = "neither people nor objects were found in any frame, so nothing speaks for an answer"
SINGLE = "it is a single picture, in which nothing can move"
BLACK = "its pictures are black: nobody and nothing can be seen"


def note_on(handle: StoredVideo) -> str | None:
    """Why a video is partial, and that nobody or nothing is seen in it; None if there is nothing to say."""
    people, objects = counts(handle)
    seen = None
    if not people:
        seen = BLACK if is_black(handle.video) else NO_PEOPLE if objects else NOTHING
    single = SINGLE if handle.n_frames == 1 else None
    return "; ".join(part for part in (handle.note, single, seen) if part) or None


def counts(handle: StoredVideo) -> tuple[int, int]:
    """People and objects over all frames."""
    people = objects = 0
    for start in range(0, handle.n_frames, CHUNK):
        window = handle.columns(start, min(start + CHUNK, handle.n_frames))
        people += 0 if window.pose is None else int(window.pose.n_people.sum())
        objects += 0 if window.relations is None else int(window.relations.n_objects.sum())
    return people, objects


def is_black(path: str) -> bool:
    """Whether the pictures at a few places of a file are black all over; False if it cannot be read."""
    capture = open_capture(path)
    try:
        count = max(1, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        looked = 0
        for number in sorted({place * count // LOOKS for place in range(LOOKS)}):
            if number:
                capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            good, image = capture.read()
            if good and int(image.max()) > DARK:
                return False
            looked += bool(good)
        return looked > 0
    finally:
        capture.release()
