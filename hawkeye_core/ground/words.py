"""Records in words, for tables, subtitles and overlays."""

from __future__ import annotations

from collections.abc import Sequence

from hawkeye_core.ground.records import Evidence, GroundedSegment, HeldTriplet, MovedPerson


def title(segment: GroundedSegment) -> str:
    """``fighting (0.59)``."""
    return f"{segment.category or 'an implicit anomalous sentiment'} ({segment.score:.2f})"


def moved(people: Sequence[MovedPerson], *, joints: int = 2) -> str:
    """The person that moved most: ``right wrist 0.39, left ankle 0.21 frame heights a second``; empty without one."""
    said = [f"{_plain(joint.joint)} {joint.speed:.2f}" for person in people[:1] for joint in person.joints[:joints]]
    return f"{', '.join(said)} frame heights a second" if said else ""


def held(triplets: Sequence[HeldTriplet], *, most: int = 2) -> str:
    """``man holding phone (62 % of the time), ...``; empty without triplets."""
    said = [f"{t.subject} {t.predicate} {t.object} ({100 * t.share:.0f} % of the time)" for t in triplets[:most]]
    return ", ".join(said)


def routed(evidence: Evidence) -> str:
    """``experts 40/60 on actions (else 55/45), 39/61 on objects (else 54/46)``; empty without a router."""
    found = evidence.router
    if found is None:
        return ""
    parts = [
        f"{_percents(within)} on {what}" + (f" (else {_percents(rest)})" if rest else "")
        for what, within, rest in (
            ("actions", found.action, found.rest_action), ("objects", found.object, found.rest_object),
        ) if within
    ]  # fmt: skip
    return f"experts {', '.join(parts)}" if parts else ""


def seen(evidence: Evidence) -> str:
    """What moved and what held, in a line; empty if nothing was seen."""
    parts = (("moved: ", moved(evidence.people)), ("held: ", held(evidence.triplets)))
    return "; ".join(f"{name}{words}" for name, words in parts if words)


def clock(seconds: float, *, point: str = ".") -> str:
    """``01:02:03.500``; hours may have more digits."""
    whole = round(seconds * 1000)
    minutes, millis = divmod(whole, 60_000)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{millis // 1000:02d}{point}{millis % 1000:03d}"


def _plain(joint: str) -> str:
    return joint.replace("_", " ")


def _percents(weights: Sequence[float]) -> str:
    return "/".join(f"{100 * weight:.0f}" for weight in weights)
