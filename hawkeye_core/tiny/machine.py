"""What a training ran on, for its record and its card."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def hardware(device: torch.device | None = None, *, threads: int = 1, workers: int = 1) -> str:
    """A GPU or the threads of a processor, in words.

    Args:
        device: Where the network was; none: the CPU.
        threads: Of the network on a CPU.
        workers: Processes that made the data.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    cores = f"{os.cpu_count()} x {model}"
    if device is not None and device.type == "cuda":
        return f"one {torch.cuda.get_device_name(device)}, data made by {workers} processes on {cores}"
    return f"{'one thread' if threads == 1 else f'{threads} threads'} of {cores}"
