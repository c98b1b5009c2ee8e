"""What is told of each frame, as labels: actions, relations, and both of one person at once.

Legend: T frames, V labels.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import write_text
from hawkeye_core.errors import ConfigError
from hawkeye_core.tiny.account import MIN_SPAN_S, Account, Told

FILE = "labels.json"
"""Of a run, where its labels stand."""
LEAST_S = 20.0
"""What is told for less than this of all videos together is no label."""


@dataclass(frozen=True, slots=True)
class LabelBook:
    """The labels, in an order of their own; whom something is told of is no part of a label.

    Args:
        actions: ``hits``, ``walks``.
        relations: ``near a car``, ``in front of a child``.
        both: An action and a relation of one person at once: ``hits while in front of a child``.
    """

    actions: tuple[str, ...]
    relations: tuple[str, ...]
    both: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.actions) + len(self.relations) + len(self.both)

    @classmethod
    def of(cls, accounts: Sequence[Account], *, least_s: float = LEAST_S) -> LabelBook:
        """All labels that are told for long enough."""
        seconds: dict[tuple[int, str], float] = defaultdict(float)
        for account in accounts:
            for kind, name, start_s, end_s in labelled(account.told):
                seconds[kind, name] += end_s - start_s
        kept = [key for key, total in sorted(seconds.items()) if total >= least_s]
        return cls(*(tuple(name for kind, name in kept if kind == wanted) for wanted in range(3)))

    @classmethod
    def read(cls, folder: Path) -> LabelBook | None:
        """That of a run; none if it has none yet.

        Raises:
            ConfigError: The file is damaged.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            kinds = json.loads(path.read_text())
            return cls(*(tuple(map(str, kinds[name])) for name in ("actions", "relations", "both")))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"these are no labels: {error!r}", path=path, remedy="remove the file; the run's settings give them too"
            ) from error

    def write(self, folder: Path) -> None:
        """Beside the weights of a run, whose heads are in this order."""
        write_text(folder / FILE, json.dumps(asdict(self), indent=1) + "\n")

    def frames(self, account: Account, frames: int, fps: float) -> NDArray[np.float32]:
        """[T, V] 1 where a label holds in the middle of a frame."""
        column: dict[tuple[int, str], int] = {}
        for kind, names in enumerate((self.actions, self.relations, self.both)):
            column |= {(kind, name): len(column) + k for k, name in enumerate(names)}
        middle = (np.arange(frames) + 0.5) / fps
        found = np.zeros((frames, len(self)), np.float32)
        for kind, name, start_s, end_s in labelled(account.told):
            place = column.get((kind, name))
            if place is not None:
                found[(middle >= start_s) & (middle < end_s), place] = 1
        return found


def labelled(told: Iterable[Told]) -> list[tuple[int, str, float, float]]:
    """Kind (0 action, 1 relation, 2 both), label, start and end of all that is told."""
    told = list(told)
    found = [(0 if item.action else 1, without_subject(item), item.start_s, item.end_s) for item in told]
    for action in (item for item in told if item.action):
        for relation in (item for item in told if not item.action and item.who == action.who):
            start_s, end_s = max(action.start_s, relation.start_s), min(action.end_s, relation.end_s)
            if end_s - start_s >= MIN_SPAN_S:
                name = f"{without_subject(action)} while {without_subject(relation)}"
                found.append((2, name, start_s, end_s))
    return found


def without_subject(item: Told) -> str:
    """``a man hits`` is ``hits``; men and women are one object: ``near a woman`` is ``near a person``."""
    words = item.key.split()[2:]
    return " ".join("person" if word in ("man", "woman") else word for word in words)


def mean_average_precision(scores: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Mean over the labels that occur of the average precision over frames; equal scores keep their order.

    Args:
        scores: [N, V] higher is likelier.
        truth: [N, V] 0 or 1.
    """
    there = truth.sum(0) > 0
    if not there.any():
        return 0.0
    order = np.argsort(-scores[:, there], axis=0, kind="stable")
    hits = np.take_along_axis(truth[:, there], order, axis=0)
    precision = hits.cumsum(0) / np.arange(1, len(hits) + 1)[:, None]
    return float(((precision * hits).sum(0) / hits.sum(0)).mean())
