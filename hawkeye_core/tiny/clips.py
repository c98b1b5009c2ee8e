"""Stored video tokens with their accounts; cut, joined and varied into the stretches that the language model reads.

Legend: T frames, D vision width, two tokens a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.tiny.account import Account, join

F32 = NDArray[np.float32]

FRAME_CELLS = 4
"""Stored frame tokens: 2 x 2 cells."""


@dataclass(frozen=True, slots=True)
class TokenClip:
    """Tokens of a stretch of video and what is told of it.

    Args:
        tokens: [T, 5, D] float16: the four cells of the frame, then the object-masked token.
        fps: Frames a second.
        account: What is told.
    """

    tokens: NDArray[np.float16] = field(repr=False)
    fps: float
    account: Account

    def cut(self, start: int, stop: int) -> TokenClip:
        """Frames ``start`` to ``stop``, not included."""
        return TokenClip(self.tokens[start:stop], self.fps, self.account.cut(start / self.fps, stop / self.fps))


def join_clips(parts: Sequence[TokenClip]) -> TokenClip:
    """One after the other."""
    return TokenClip(
        np.concatenate([part.tokens for part in parts]), parts[0].fps, join([part.account for part in parts])
    )


def draw_clip(clips: Sequence[TokenClip], rng: np.random.Generator, *, longest: int) -> TokenClip:
    """A whole video, a part of one, or parts of two or three, of ``longest`` frames at most.

    Joined parts begin and end where nothing does in any video, which makes many stretches of few videos.
    """
    parts = int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))
    found: list[TokenClip] = []
    for part in range(parts):
        clip = clips[int(rng.integers(len(clips)))]
        room = (longest - sum(len(f.tokens) for f in found)) // (parts - part)
        most = min(len(clip.tokens), room)
        length = most if parts == 1 and rng.random() < 0.5 else int(rng.integers(min(int(clip.fps), most), most + 1))
        start = int(rng.integers(len(clip.tokens) - length + 1))
        found.append(clip.cut(start, start + length))
    return join_clips(found)


def two_a_frame(tokens: NDArray[np.float16], rng: np.random.Generator | None) -> F32:
    """[T, 5, D] -> [T, 2, D] in one of the forms in which Hawkeye hands tokens to the projector.

    Without scene modules these are the means of the frame's upper and lower cells. Untrained scene modules hand over
    about the frame's mean and its object-masked token, with a sinusoid of the frame's number added, normalised. A
    projector that has read both takes either from the start.

    Args:
        tokens: As stored.
        rng: Chooses the form and adds some noise; none: upper and lower half as they are.
    """
    values = tokens.astype(np.float32)
    halves = np.stack([values[:, :2].mean(1), values[:, 2:FRAME_CELLS].mean(1)], 1)
    if rng is None:
        return halves
    scene = np.stack([values[:, :FRAME_CELLS].mean(1), values[:, FRAME_CELLS]], 1)
    form = rng.random()
    if form < 0.4:
        pair = halves
    else:
        pair = scene if form < 0.6 else normalised(scene + sinusoids(len(scene), scene.shape[-1])[:, None])
    noise = rng.standard_normal(pair.shape, dtype=np.float32)
    return pair + np.float32(0.1 * rng.random()) * noise


def normalised(tokens: F32) -> F32:
    """Mean 0 and variance 1 over the last axis."""
    centred = tokens - tokens.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


def sinusoids(frames: int, width: int) -> F32:
    """[T, D] as :func:`hawkeye_core.model.time_encoding.sinusoidal_time`."""
    import torch

    from hawkeye_core.model.time_encoding import sinusoidal_time

    return sinusoidal_time(frames, width, like=torch.zeros(1)).numpy()
