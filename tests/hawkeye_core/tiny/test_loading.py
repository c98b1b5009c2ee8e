"""Batches from several processes, and their way to a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

import cv2
import pytest
import torch
from torch import Tensor

from hawkeye_core.tiny.loading import device_of, loader, one_thread_a_process, to_device


class Counting:
    """Batch k of a seed is [seed, k]."""

    def batches(self, seed: int, start: int) -> Iterator[Tensor]:
        for number in count(start):
            yield torch.tensor([seed, number])


def first(workers: int, *, start: int = 0, amount: int = 9) -> list[list[int]]:
    batches = iter(loader(Counting(), seed=5, start=start, workers=workers))
    return [batch.tolist() for batch in islice(batches, amount)]


def test_one_process_gives_the_tasks_own_stream() -> None:
    assert first(1) == [[5, k] for k in range(9)]


def test_each_process_has_a_stream_of_its_own() -> None:
    found = first(3)
    seeds = [seed for seed, _ in found]
    assert len(set(seeds)) == 3
    assert seeds == seeds[:3] * 3
    assert [number for _, number in found] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert found == first(3)


@pytest.mark.parametrize("start", [1, 2, 3, 4, 7])
def test_going_on_gives_what_would_have_come(start: int) -> None:
    assert first(3, start=start, amount=5) == first(3, amount=start + 5)[start:]


@dataclass(frozen=True)
class Batch:
    name: str
    pair: tuple[Tensor, Tensor]
    more: dict[str, Tensor]


def test_all_tensors_of_a_batch_are_moved() -> None:
    batch = Batch("a", (torch.zeros(2), torch.zeros(3)), {"x": torch.zeros(1)})
    moved = to_device(batch, torch.device("meta"))
    assert moved.name == "a"
    assert [t.device.type for t in (*moved.pair, moved.more["x"])] == ["meta"] * 3
    assert batch.pair[0].device.type == "cpu"


def test_a_device_by_name() -> None:
    assert device_of("cpu").type == "cpu"
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_drawing_takes_one_thread_and_gives_the_others_back() -> None:
    before = cv2.getNumThreads()
    with one_thread_a_process():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before
