"""Counts of a watch, as its status lines and its summary tell them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts so far.

    Args:
        done: Sampled frames that went through the networks.
        dropped: Sampled frames dropped because too many waited.
        held: Frames filled in: the one before, where theirs were dropped or never came.
        left: Frames that waited when the watch was stopped.
        windows: Windows answered.
        skipped: Windows left out because a later one was due at once.
        unparsed: Windows whose answer could not be read.
        events: Events found.
        alerts: Alerts given.
        files: Of a folder: files handled.
        failed: Of a folder: files that could not be used.
        breaks: Gaps too long to be held.
        reconnects: How often a live source was lost and found again.
        lag_s: Seconds between the arrival of the last frame done and now.
        seconds: Wall time by stage.
    """

    done: int = 0
    dropped: int = 0
    held: int = 0
    left: int = 0
    windows: int = 0
    skipped: int = 0
    unparsed: int = 0
    events: int = 0
    alerts: int = 0
    files: int = 0
    failed: int = 0
    breaks: int = 0
    reconnects: int = 0
    lag_s: float | None = None
    seconds: dict[str, float] = field(default_factory=lambda: {"networks": 0.0, "answers": 0.0, "evidence": 0.0})

    def spend(self, stage: str, seconds: float) -> None:
        """Add wall time to a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def stream_line(self, *notes: str) -> str:
        """Of a stream, in one line."""
        lag = "-" if self.lag_s is None else f"{self.lag_s:.1f} s"
        parts = [
            f"lag {lag}", f"frames {self.done} done, {self.dropped} dropped",
            f"windows {self.windows} answered, {self.skipped} skipped", f"events {self.events}",
            f"alerts {self.alerts}", f"reconnects {self.reconnects}", *[note for note in notes if note],
        ]  # fmt: skip
        return " | ".join(parts)

    def folder_line(self, *notes: str) -> str:
        """Of a folder, in one line."""
        parts = [f"files {self.files} done, {self.failed} failed", f"alerts {self.alerts}", *[n for n in notes if n]]
        return " | ".join(parts)

    def summary(self, *notes: str) -> str:
        """The last words about a stream."""
        times = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in self.seconds.items())
        more = f"held {self.held}, left {self.left}, breaks {self.breaks}, unparsed answers {self.unparsed}"
        return f"{self.stream_line(*notes)} | {more} | {times}"
