"""Under a launcher: the first step of a run that shares its model. `first_step.py CONFIG OUT` writes what it found."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.distributed.tensor import DTensor

from hawkeye_core.settings import load_settings
from hawkeye_core.training import sharding
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.trainer import Trainer


def main(config: str, out: str) -> None:
    trainer = Trainer(load_settings(TrainSettings, config=Path(config), values={}))
    trainer.setup()
    before = trainer.evaluate()  # ahead of any step: no part of the model was called yet
    gradients = {}

    def keep(optimizer: object, args: object, kwargs: object) -> None:
        for name, parameter in trainer.bare.named_parameters():
            if parameter.grad is not None:
                gradients[name] = sharding.whole(parameter.grad)

    shares_weights = sharding.place_of_weights(trainer.accelerator) == sharding.FSDP2
    if shares_weights:
        trainer.optimizer.optimizer.register_step_pre_hook(keep)
    values = trainer.step(*trainer._next(iter(trainer._loader())))
    after = trainer.evaluate()
    parameters = list(trainer.bare.parameters())
    if shares_weights:
        assert all(isinstance(p, DTensor) for p in parameters)
        held = sum(p.to_local().numel() for p in parameters), sum(p.numel() for p in parameters)
    else:
        kept = trainer.optimizer.optimizer.optimizer.state.values()
        held = sum(v["exp_avg"].numel() for v in kept), sum(p.numel() for p in parameters if p.requires_grad)
    if trainer.accelerator.is_main_process:
        found = {"values": values, "before": before, "after": after, "gradients": gradients, "held": held}
        torch.save(found, out)
    trainer.accelerator.wait_for_everyone()


if __name__ == "__main__":
    main(*sys.argv[1:])
