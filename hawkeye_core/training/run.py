"""Entry point of training."""

from __future__ import annotations

from pathlib import Path

from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.stop import StopSignal
from hawkeye_core.training.trainer import Trainer


def train(settings: TrainSettings) -> Path:
    """Train, and return the run's folder. SIGTERM and Ctrl-C write a checkpoint and return.

    Raises:
        HawkeyeError, StoreError: An input is missing or wrong; nothing was written then.
    """
    with StopSignal(settings.run) as stop:
        trainer = Trainer(settings, stop)
        trainer.setup()
        return trainer.train()
