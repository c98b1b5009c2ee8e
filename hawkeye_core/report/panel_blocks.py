"""Panels of Figure 5 as parts of the page, with the same data as tables of text.

Legend: S seconds of the video, N experts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.answers.segments import Segment
from hawkeye_core.report.blocks import Image, Lane, PanelBlock, PlainTable
from hawkeye_core.report.drawing import short
from hawkeye_core.report.frames import Picture
from hawkeye_core.report.lanes import bars, curve_svg, router_svg, ticks, tone
from hawkeye_core.report.panels import SAID, Panel
from hawkeye_core.report.stills import share, still

STRIP, KEY = 400, 800
"""Widths of pictures in pixels, of the strip and of the large one."""
ROWS = 60
"""Rows of a table by seconds; of longer videos each stands for several."""
LISTED = 30
"""Segments of a system that are listed."""

Scored = tuple[Segment, float | None]


def panel_blocks(panels: Sequence[Panel]) -> list[PanelBlock]:
    """One block a panel; all pictures share :data:`.stills.BUDGET`."""
    count = sum(len(panel.pictures.frames) + 4 * len(panel.key.frames) for panel in panels)
    return [_block(panel, share(count)) for panel in panels]


def _block(panel: Panel, room: int) -> PanelBlock:
    video = panel.truth.video
    category = panel.truth.category or next((s.category for s in panel.truth.segments if s.category), "")
    kind = (
        short(category, 60) if panel.truth.segments and category else "anomalous" if panel.truth.segments else "normal"
    )
    return PanelBlock(
        title=f"{video} ({kind}, {panel.duration_s:.1f} s)",
        why=panel.why,
        note=panel.pictures.note,
        images=[_image(one, video, width=STRIP, room=room) for one in panel.pictures.frames],
        key=next((_image(one, video, width=KEY, room=4 * room) for one in panel.key.frames), None),
        ticks=ticks(panel.duration_s),
        lanes=_lanes(panel),
        answers=[("truth", "truth", short(panel.sentence, SAID))]
        + [(one.name, tone(place), one.text) for place, one in enumerate(panel.systems)],
        tables=[*_frames_table(panel), _segments_table(panel), *_seconds_table(panel)],
        legend=_legend(panel),
    )


def _image(picture: Picture, video: str, *, width: int, room: int) -> Image:
    words = picture.words or "nothing is known of it"
    alt = f"{video} at {picture.time_s:.1f} s: {words}"
    return still(picture.image, width=width, room=room, alt=alt, caption=f"{picture.time_s:.1f} s")


def _lanes(panel: Panel) -> list[Lane]:
    duration = panel.duration_s
    found = [Lane("truth", "truth", bars([(segment, None) for segment in panel.truth.segments], duration))]
    found += [Lane(one.name, tone(place), bars(one.segments, duration)) for place, one in enumerate(panel.systems)]
    curves = [(place, one) for place, one in enumerate(panel.systems) if one.curve is not None]
    if curves:
        drawn = [(tone(place), one.curve) for place, one in curves if one.curve is not None]
        said = "; ".join(f"{one.name} {_highest(one.curve)}" for _, one in curves if one.curve is not None)
        found.append(
            Lane("anomaly curve", "curves", svg=curve_svg(drawn, duration), alt=f"Anomaly curves, 0 to 1: {said}")
        )
    if panel.router is not None:
        for name, weights in (("router, action", panel.router.action), ("router, object", panel.router.object)):
            means = ", ".join(f"expert {n} {100 * w:.0f} %" for n, w in enumerate(weights.mean(0), start=1))
            alt = f"Routing weights by second; mean: {means}"
            found.append(Lane(name, "routing", svg=router_svg(weights, duration), alt=alt))
    return found


def _highest(curve: NDArray[np.float64]) -> str:
    place = int(curve.argmax())
    return f"is highest at {place} s with {curve[place]:.2f}"


def _legend(panel: Panel) -> list[tuple[str, str]]:
    found = [(tone(place), one.name) for place, one in enumerate(panel.systems) if one.curve is not None]
    if panel.router is not None:
        found += [(f"e{n % 8 + 1}", f"expert {n + 1}") for n in range(min(8, panel.router.action.shape[1]))]
    return found


def _frames_table(panel: Panel) -> list[PlainTable]:
    """What is seen in the frames; none where nothing is known."""
    rows = [(f"{one.time_s:.1f}", one.words) for one in panel.pictures.frames if one.words]
    return [PlainTable("Frames", ("second", "people, objects, relations"), rows)] if rows else []


def _segments_table(panel: Panel) -> PlainTable:
    rows = _listed("truth", [(segment, None) for segment in panel.truth.segments])
    for one in panel.systems:
        rows += _listed(one.name, list(one.segments))
    return PlainTable("Segments", ("system", "from, s", "to, s", "score", "category and reason"), rows)


def _listed(name: str, segments: Sequence[Scored]) -> list[tuple[str, ...]]:
    if not segments:
        return [(name, "–", "–", "–", "none")]  # noqa: RUF001 (a dash)
    rows: list[tuple[str, ...]] = [
        (name, f"{segment.start_s:.1f}", f"{segment.end_s:.1f}", "–" if score is None else f"{score:.2f}",  # noqa: RUF001
         short(", ".join(filter(None, (segment.category, segment.reason))), SAID))
        for segment, score in segments[:LISTED]
    ]  # fmt: skip
    if len(segments) > LISTED:
        rows.append((name, "", "", "", f"and {len(segments) - LISTED} more"))
    return rows


def _seconds_table(panel: Panel) -> list[PlainTable]:
    """Curves and router weights by second; none where there are neither."""
    curves = [one for one in panel.systems if one.curve is not None]
    router = panel.router
    if not curves and router is None:
        return []
    seconds = math.ceil(panel.duration_s)
    count = min(seconds, ROWS)
    head = ["seconds", "truth", *(f"P, {one.name}" for one in curves)]
    if router is not None:
        head += [
            f"{what} {n + 1}" for what in ("action, expert", "object, expert") for n in range(router.action.shape[1])
        ]
    rows = []
    for k in range(count):
        start, stop = math.ceil(k * seconds / count), math.ceil((k + 1) * seconds / count)
        end = min(float(stop), panel.duration_s)
        true = any(s.start_s < end and s.end_s > start for s in panel.truth.segments)
        row = [f"{start} to {end:g}" if end == int(end) else f"{start} to {end:.1f}", "anomalous" if true else ""]
        row += [f"{one.curve[start:stop].max():.2f}" for one in curves if one.curve is not None]
        if router is not None:
            row += [f"{w:.2f}" for part in (router.action, router.object) for w in part[start:stop].mean(0)]
        rows.append(row)
    note = "A row stands for several seconds: the highest P, the mean weights." if count < seconds else ""
    return [PlainTable("By second", head, rows, note)]
