"""Everything that is known about one drawn video. Times in seconds, boxes and joints in pixels of the frame.

Legend: T frames, P people, E entities (people first, then props), J = 17 COCO joints, J3 = 22 body joints.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.answers.segments import Segment

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ActionSpan:
    """One person does one thing for a while."""

    person: int
    start_s: float
    end_s: float
    action: str
    """Name in the motion library (``walk``, ``hit``, ...)."""
    caption: str
    """A sentence of HumanML3D's kind: ``a person swings the right arm down``."""


@dataclass(frozen=True, slots=True)
class RelationSpan:
    """One relation holds for a while; subject and object are entity numbers, the predicate a name of Visual Genome."""

    subject: int
    predicate: str
    object: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class VideoTruth:
    """All labels of a video."""

    video: str
    split: str
    fps: float
    width: int
    height: int
    view: str
    """``oblique``, ``overhead``, ``drone`` ..."""
    place: str
    light: str
    scenario: str
    """Name in the table of scenarios; says which confounder a normal video is."""
    entities: tuple[str, ...]
    """[E] object classes of Visual Genome."""
    n_people: int
    keypoints: F32 = field(repr=False)  # [T, P, J, 3] as hawkeye_core.datasets.reconsim.stage.Seen has them
    boxes: F32 = field(repr=False)  # [T, E, 4], NaN where the entity is not in the picture
    visible: F32 = field(repr=False)  # [T, E]
    body: F32 = field(repr=False)  # [T, P, J3, 3] metres in the world, z up
    actions: tuple[ActionSpan, ...]
    relations: tuple[RelationSpan, ...]
    segments: tuple[Segment, ...]
    description: str = ""
    """One sentence on what is seen, as a video caption would say it."""

    @property
    def n_frames(self) -> int:
        """T."""
        return len(self.boxes)

    @property
    def duration_s(self) -> float:
        """T / fps."""
        return self.n_frames / self.fps

    def triplets(self, frame: int, *, visible: float = 0.3) -> list[tuple[int, str, int]]:
        """Relations that hold in a frame between entities that are seen in it, in the order of :attr:`relations`.

        Args:
            frame: Its number.
            visible: Share of both entities that must be seen.
        """
        time = (frame + 0.5) / self.fps
        seen = (self.visible[frame] >= visible) & np.isfinite(self.boxes[frame, :, 0])
        return [
            (span.subject, span.predicate, span.object)
            for span in self.relations
            if span.start_s <= time < span.end_s and seen[span.subject] and seen[span.object]
        ]
