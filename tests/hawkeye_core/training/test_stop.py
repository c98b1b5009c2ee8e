"""A run that fails while data workers are at work ends; they ignore the signal that would end them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from torch.utils.data import DataLoader, Dataset
from hawkeye_core.training.stop import StopSignal, ignore_stop

class Data(Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, index):
        if index > 2:
            raise ValueError("a damaged shard")
        return index

with StopSignal(sys.argv[1]):
    for _ in DataLoader(Data(), batch_size=None, num_workers=1, worker_init_fn=ignore_stop):
        pass
"""


def test_an_error_of_a_worker_ends_the_process(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "a damaged shard" in ended.stderr
