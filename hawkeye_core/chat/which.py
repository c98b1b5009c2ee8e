"""Which windows of a video a question goes to.

1. The question names times ("at 75 s", "from 20 to 30 seconds"): for each time the window that holds it, of several
   that overlap the one in which it lies farthest from the edges. A range's ends may be in two windows.
2. Else, if a segment was spoken of (the last one of the latest answer that has any, or the one that `/why` showed): the
   window that holds the middle of it.
3. Else all windows; their answers are merged.
"""

from __future__ import annotations

from collections.abc import Sequence

from hawkeye_core.answers.segments import Segment
from hawkeye_core.chat.clock import times_in
from hawkeye_core.training.windows import WindowSpec


def windows_asked(question: str, specs: Sequence[WindowSpec], *, focus: Segment | None) -> tuple[int, ...]:
    """Places of the windows, in order.

    Args:
        question: On the clock of the video; times outside of the video do not count (:func:`outside`).
        specs: Windows of the video.
        focus: The segment that was spoken of last.
    """
    named = [time.seconds for time in times_in(question) if time.seconds <= _end(specs)]
    if named:
        return tuple(sorted({window_of(seconds, specs) for seconds in named}))
    if focus is not None:
        return (window_of((focus.start_s + focus.end_s) / 2, specs),)
    return tuple(range(len(specs)))


def window_of(seconds: float, specs: Sequence[WindowSpec]) -> int:
    """Place of the window in which a time lies farthest from the edges; the earlier one of two."""
    return max(range(len(specs)), key=lambda place: (_inside(seconds, specs[place]), -place))


def outside(question: str, specs: Sequence[WindowSpec]) -> list[float]:
    """Times of a question, in seconds, that lie behind the end of the video."""
    return [time.seconds for time in times_in(question) if time.seconds > _end(specs)]


def _inside(seconds: float, spec: WindowSpec) -> float:
    """Seconds to the nearer edge, negative outside."""
    return min(seconds - spec.start_s, spec.start_s + spec.duration_s - seconds)


def _end(specs: Sequence[WindowSpec]) -> float:
    return max(spec.start_s + spec.duration_s for spec in specs)
