"""Settings of the loop that trains the small networks; no heavy imports, so that ``--help`` opens at once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hawkeye_core.settings import Settings

RANDOM = "random"
"""Value of ``start``: new weights."""
SHIPPED = "shipped"
"""Value of ``start``, and of a ``weights`` setting: those that lie in the package."""
FINISHED, FINISHED_PLAIN = "shipped-answers", "shipped-plain"
"""Values of ``start`` in training: the package's finished models, with and without scene modules, to be tuned to other
videos."""


class LoopSettings(Settings):
    """Everything the loop needs to know."""

    run: str
    """Folder of the run; an earlier run there is kept under a numbered name."""
    start: str = RANDOM
    """What training begins with: `random`, `shipped` (go on from the package's weights), or a weights file."""
    resume: bool = False
    """Go on with the run in that folder where its last checkpoint stands."""
    steps: int = Field(default=10_000, ge=1)
    """Optimiser steps."""
    minutes: float | None = Field(default=None, gt=0)
    """Minutes of training at most, evaluations and interruptions left out. The rate then falls with whatever ends
    first, steps or minutes, so that the run ends at a rate of 0 either way; the results then depend on the machine."""
    batch: int = Field(default=16, ge=1, le=4096)
    """Samples a step."""
    lr: float = Field(default=2e-3, gt=0)
    """Highest learning rate."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """Of AdamW; biases and norms are left out."""
    warmup_steps: int = Field(default=200, ge=0)
    """Steps in which the rate rises; behind them it falls as a cosine to 0."""
    clip: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm."""
    ema: float = Field(default=0.998, ge=0, lt=1)
    """Decay a step of the running average of the weights, which is what is evaluated and saved; 0: the weights."""
    eval_every: int = Field(default=1000, ge=1)
    """Steps between evaluations; there is one at the end in any case."""
    log_every: int = Field(default=20, ge=1)
    """Steps between rows of `metrics.jsonl`; each is the mean over these steps."""
    checkpoint_minutes: float = Field(default=3.0, gt=0)
    """Minutes between checkpoints; a killed run loses at most as many."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Decides new weights and the data."""
    threads: int = Field(default=1, ge=1)
    """Threads of the forward and backward pass on a CPU."""
    workers: int = Field(default=1, ge=1, le=256)
    """Processes that make the data. The results depend on their number: each has a stream of its own."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network is trained; `auto`: on a GPU if there is one. Data are made on the CPU either way."""


class PoseSettings(LoopSettings):
    """The loop, and what the crops of people are like."""

    side: int = Field(default=96, ge=32, le=640, multiple_of=32)
    """Side of a crop in pixels of the network's input; small crops around people teach most a minute."""
    held_out: int = Field(default=80, ge=1)
    """Held-out frames each evaluation measures on."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """On a CPU: `bfloat16` computes products and convolutions in it, which a processor that multiplies it (AMX) does
    faster, others more slowly. Weights and losses stay float32."""
