"""A process of a sharded run on CPUs, for `test_sharding.py`: torchrun starts it, gloo stands for NCCL.

Accelerate shards where it sees GPUs only; everything behind that question is the same on a CPU. So the question is
answered here, and the rest (accelerate, ``fully_shard``, the trainer, the command line) is what runs on GPUs.
"""

from __future__ import annotations

import sys

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType


def main() -> None:
    """``hawkeye train`` with the arguments given."""
    torch.set_num_threads(1)
    state = PartialState(cpu=True)
    state.distributed_type = DistributedType.MULTI_GPU
    from hawkeye_core.cli import main as hawkeye

    sys.argv = ["hawkeye", "train", *sys.argv[1:]]
    hawkeye()


if __name__ == "__main__":
    main()
