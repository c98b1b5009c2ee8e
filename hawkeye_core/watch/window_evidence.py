"""Evidence for a segment of one window, from the scenes in memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from feature_store.window import WindowColumns
from hawkeye_core.evaluation.folder import RouterWeights
from hawkeye_core.evaluation.window_answers import WindowAnswer
from hawkeye_core.ground.evidence import Seen, Span, evidence_of
from hawkeye_core.ground.records import Evidence
from hawkeye_core.training.windows import WindowSpec
from hawkeye_core.watch.scene_ring import SceneRing


def window_evidence(ring: SceneRing, spec: WindowSpec, answer: WindowAnswer, span: Span) -> Evidence:
    """Who moved, what held and how the experts were weighed in a segment, times on the stream's clock.

    Args:
        ring: Holds the window's frames.
        spec: The window.
        answer: What was said about it; "outside" of the routing weights is the rest of the window.
        span: The segment, within the window.
    """
    base = int(spec.start_s)  # whole seconds, as curve and weights are by second
    first = round(base * spec.fps)

    def read(start: int, stop: int) -> WindowColumns:
        low, high = max(start + first, spec.start), min(stop + first, spec.stop)
        return replace(ring.columns(low, high), start=low - first, stop=high - first)

    router = None if answer.router is None else answer.router.values.astype(np.float32)  # [S, 2, N]
    seen = Seen(
        read,
        n_frames=spec.stop - first,
        fps=spec.fps,
        curve=None if answer.curve is None else [float(value) for value in answer.curve.values],
        router=None if router is None else RouterWeights(router[:, 0], router[:, 1]),
    )
    local = [(item.segment.start_s - base, item.segment.end_s - base) for item in answer.segments]
    return _later(evidence_of(seen, (span[0] - base, span[1] - base), spans=local), base)


def _later(evidence: Evidence, seconds: float) -> Evidence:
    return replace(
        evidence,
        frames=tuple(time_s + seconds for time_s in evidence.frames),
        people=tuple(
            replace(item, start_s=item.start_s + seconds, end_s=item.end_s + seconds) for item in evidence.people
        ),
        triplets=tuple(
            replace(item, start_s=item.start_s + seconds, end_s=item.end_s + seconds) for item in evidence.triplets
        ),
    )
