"""Entry point of training."""

from __future__ import annotations

from pathlib import Path

from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.trainer import Trainer


def train(settings: TrainSettings) -> Path:
    """Train, and return the run's folder.

    Raises:
        HawkeyeError, StoreError: An input is missing or wrong; nothing was written then.
    """
    trainer = Trainer(settings)
    trainer.setup()
    return trainer.train()
