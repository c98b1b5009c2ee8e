"""Stage-1 samples to batches: as in stage 2, with each sample's own question and answer."""

from __future__ import annotations

import math

from hawkeye_core.training.collate import Collator
from hawkeye_core.training.stage1.dataset import Stage1Sample, Stage1Spec
from hawkeye_core.training.windows import WindowSample, WindowSpec


class Stage1Collator(Collator):
    """Makes batches of :class:`Stage1Sample`.

    A prompt is ``USER: 0.0s<tokens of the motion>1.0s<tokens of the image>\\n<question> ASSISTANT:``. The image has
    the time text of the next whole second to itself, so its two tokens can be told from the motion's; for motions of
    whole seconds this is what stage 2 writes for as many frames.
    """

    tells_frames = False

    def prompt_ids(self, spec: WindowSpec) -> list[int]:
        """Token ids of one sample's question."""
        if not isinstance(spec, Stage1Spec):
            raise TypeError(f"{type(spec).__name__} is not the spec of a stage-1 sample")
        return self.join_prompt(_runs(spec), spec.question)

    def training_ids(self, sample: WindowSample) -> list[int]:
        """Token ids of one sample's question; here each has one anyhow."""
        return self.prompt_ids(sample.spec)

    def answer_ids(self, sample: WindowSample) -> list[int]:
        """Token ids of one sample's answer, ended."""
        if not isinstance(sample, Stage1Sample):
            raise TypeError(f"{type(sample).__name__} is not a stage-1 sample")
        return self.end_answer(sample.answer)


def _runs(spec: Stage1Spec) -> list[tuple[int, int]]:
    """(second, frames) of the motion's seconds, then of the image."""
    frames: dict[int, int] = {}
    for k in range(spec.motion):
        frames[int(k / spec.fps)] = frames.get(int(k / spec.fps), 0) + 1
    image = [(math.ceil(spec.motion / spec.fps), 1)] * (spec.stop - spec.motion)
    return [*frames.items(), *image]
