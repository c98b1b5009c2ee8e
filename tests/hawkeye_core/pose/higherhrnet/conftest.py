"""Data for the HigherHRNet tests: parameters made from their names, and maps with people planted at known places.

The reference numbers under tests/data/pose were measured on exactly these data, so every seed, constant and rounding
here is part of them.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hawkeye_core.pose.aggregate import ScoreMaps
from hawkeye_core.scene import FrameBatch

DATA = Path(__file__).parents[3] / "data" / "pose"
MEAN = np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1)
STD = np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1)
MIRROR = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
DAMPED = re.compile(r"\.bn3\.weight$|(branches|deconv_layers)\..*\.bn2\.weight$|fuse_layers\..*\.weight$")
FIGURE = np.array(
    [(0, 0), (.06, -.04), (-.06, -.04), (.12, -.02), (-.12, -.02), (.20, .15), (-.20, .15), (.28, .35), (-.28, .35),
     (.30, .52), (-.30, .52), (.13, .50), (-.13, .50), (.14, .75), (-.14, .75), (.15, 1.0), (-.15, 1.0)]
)  # fmt: skip
"""Joints of the planted figure, in units of its size, from its nose."""
THREE = [
    {"id": 0, "at": (28.3, 14.6), "size": 60.0, "tag": 1.5, "amp": 0.95, "hidden": ()},
    {"id": 1, "at": (66.7, 20.2), "size": 55.0, "tag": 4.5, "amp": 0.80, "hidden": (3, 9)},
    {"id": 2, "at": (102.4, 26.9), "size": 50.0, "tag": -2.0, "amp": 0.65, "hidden": (0, 15, 16)},
]


def filled(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The parameter or buffer of that name: a pure function of name and shape."""
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    draw = np.random.RandomState(zlib.crc32(key.encode()))
    if leaf == "running_var":
        value = 0.5 + draw.random_sample(shape)
    elif leaf in ("running_mean", "bias"):
        value = 0.1 * draw.standard_normal(shape)
    elif len(shape) > 1:
        value = draw.standard_normal(shape) * (1.2 / np.sqrt(float(np.prod(shape[1:]))))
    else:
        value = 0.5 + draw.random_sample(shape)
        value = value * 0.2 if DAMPED.search(key) else value
    return np.asarray(value, np.float64).astype(np.float32)


def fill(module: torch.nn.Module) -> None:
    """Give every parameter and buffer its value by name."""
    with torch.no_grad():
        for key, tensor in module.state_dict().items():
            tensor.copy_(torch.from_numpy(filled(key, tuple(tensor.shape))))


def images(case: str) -> torch.Tensor:
    """Network input of a case such as ``noise_512`` or ``block_512x640`` (height x width)."""
    kind, sides = case.split("_")
    h, w = (int(side) for side in (sides.split("x") * 2)[:2])
    cell = {"noise": 1, "block": 32}[kind]
    x = np.random.RandomState(0).rand(1, 3, h // cell, w // cell).astype(np.float32)
    return torch.from_numpy((x.repeat(cell, axis=2).repeat(cell, axis=3) - MEAN) / STD)


def _rounded(maps: np.ndarray) -> np.ndarray:
    return np.round(maps, 6).astype(np.float32)


def _cells(person: dict[str, Any], cell: float) -> np.ndarray:
    """[17, 2] joints as fractional indices of a map whose cells are ``cell`` units wide; 1: they are given so."""
    xy = np.array(person["at"]) + person["size"] * FIGURE
    return xy if cell == 1 else xy / cell - 0.5


def heat(people: list[dict[str, Any]], h: int, w: int, *, seed: int, sigma: float = 2.0, cell: float = 1) -> np.ndarray:
    """[17, h, w] the highest Gaussian of anybody, and uniform noise up to 0.02."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    maps = np.zeros((17, h, w))
    for person in people:
        for j, (px, py) in enumerate(_cells(person, cell)):
            if j not in person["hidden"]:
                amp = person["amp"] - 0.02 * ((5 * j + 3 * person["id"]) % 7)
                maps[j] = np.maximum(maps[j], amp * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)))
    return _rounded(maps + 0.02 * np.random.RandomState(seed).random_sample(maps.shape))


def tags(people: list[dict[str, Any]], h: int, w: int, *, seed: int, radius: int = 3, cell: float = 1) -> np.ndarray:
    """[17, h, w] noise, and the person's tag in a square around each joint, hidden ones too; later people on top."""
    noise = 0.05 * np.random.RandomState(seed).standard_normal((17, h, w))
    maps = noise.copy()
    for person in people:
        for j, (px, py) in enumerate(np.rint(_cells(person, cell)).astype(int)):
            square = np.s_[
                j, max(py - radius, 0) : max(py + radius + 1, 0), max(px - radius, 0) : max(px + radius + 1, 0)
            ]
            maps[square] = noise[square] + person["tag"] + 0.01 * j
    return _rounded(maps)


def _three_people() -> tuple[np.ndarray, np.ndarray]:
    return heat(THREE, 96, 128, seed=7), tags(THREE, 96, 128, seed=8)[None]


def _hard() -> tuple[np.ndarray, np.ndarray]:
    """Near tags, a foreign one, one joint twice, a peak near the threshold and one below it."""
    people = [THREE[0], {**THREE[1], "tag": 2.2}, THREE[2]]
    h = heat(people, 96, 128, seed=7).astype(np.float64)
    t = np.stack([tags(people, 96, 128, seed=8), tags(people, 96, 128, seed=9)]).astype(np.float64)
    t[1] += 0.05
    y, x = np.mgrid[0:96, 0:128].astype(np.float64)
    for j, px, py, amp, tag in [
        (5, 10.2, 80.7, 0.50, 9.0), (10, 20.6, 88.3, 0.45, 1.62),
        (13, 90.4, 8.8, 0.098, 1.5), (14, 60.4, 8.8, 0.080, 1.5),
    ]:  # fmt: skip
        h[j] = np.maximum(h[j], amp * np.exp(-((x - px) ** 2 + (y - py) ** 2) / 8))
        r, c = round(py), round(px)
        t[:, j, r - 3 : r + 4, c - 3 : c + 4] = np.array([tag, tag + 0.1])[:, None, None]
    return _rounded(h), _rounded(t)


def _empty() -> tuple[np.ndarray, np.ndarray]:
    h, t = np.random.RandomState(3).random_sample((17, 32, 48)), np.random.RandomState(4).standard_normal((17, 32, 48))
    return _rounded(0.09 * h), _rounded(t)[None]


def _random() -> tuple[np.ndarray, np.ndarray]:
    h = np.random.RandomState(11).random_sample((17, 64, 64)) ** 8
    return _rounded(h), np.moveaxis(_rounded(2 * np.random.RandomState(12).standard_normal((17, 64, 64, 2))), -1, 0)


def _crowd() -> tuple[np.ndarray, np.ndarray]:
    """36 people, more than take part in grouping."""

    def people(component: int) -> list[dict[str, Any]]:
        tag = np.random.RandomState(40 + component).uniform(-60, 60, 36)
        return [
            {"id": i, "at": (20 + 40 * (i % 6) + 0.3, 8 + 40 * (i // 6) + 0.6), "size": 26.0, "tag": float(tag[i]),
             "amp": 0.95 - 0.01 * i, "hidden": ()}
            for i in range(36)
        ]  # fmt: skip

    t = [tags(people(k), 256, 256, seed=18 + k, radius=1) for k in (0, 1)]
    return heat(people(0), 256, 256, seed=17, sigma=1.0), np.stack(t)


def _as_maps(h: np.ndarray, t: np.ndarray) -> ScoreMaps:
    return ScoreMaps(torch.from_numpy(h)[None], torch.from_numpy(t).transpose(0, 1)[None].contiguous())


def _outputs(width: int, height: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What a network that sees three people gives for a frame and its mirror image: [2, 34, ..] and [2, 17, ..]."""
    m = min(width, height)
    people = [
        {"id": i, "at": (x * width, y * height), "size": size * m, "tag": tag, "amp": amp, "hidden": hidden}
        for i, (x, y, size, tag, amp, hidden) in enumerate(
            [(0.22, 0.12, 0.62, 1.5, 0.95, ()), (0.52, 0.20, 0.55, 4.5, 0.85, (3, 9)),
             (0.82, 0.30, 0.45, -2.0, 0.75, (0, 15, 16))]
        )
    ]  # fmt: skip
    results = []
    for seed, shift in ((0, 0.0), (100, 0.1)):
        seen = [{**p, "tag": p["tag"] + shift} for p in people]
        maps = [
            heat(seen, height // 4, width // 4, seed=21 + seed, cell=4),
            tags(seen, height // 4, width // 4, seed=22 + seed, cell=4),
            heat(seen, height // 2, width // 2, seed=23 + seed, cell=2),
        ]
        if seed:
            maps = [m[MIRROR][..., ::-1] for m in maps]
        results.append((np.concatenate(maps[:2]), maps[2]))
    (coarse, fine), (coarse_mirrored, fine_mirrored) = results
    return (
        torch.from_numpy(np.stack((coarse, coarse_mirrored))),
        torch.from_numpy(np.stack((fine, fine_mirrored))),
    )


def _frames(pictures: np.ndarray) -> FrameBatch:
    k = np.arange(len(pictures))
    return FrameBatch("video", k, k / 8, k / 8, k, pictures)


@pytest.fixture(scope="session")
def planted() -> SimpleNamespace:
    """Makers of planted maps and network outputs."""
    makers = {"three_people": _three_people, "hard": _hard, "empty": _empty, "random": _random, "crowd": _crowd}
    return SimpleNamespace(maps=lambda name: _as_maps(*makers[name]()), raw=makers, outputs=_outputs)


@pytest.fixture(scope="session")
def by_name() -> SimpleNamespace:
    """Parameters made from their names, and inputs of the forward references."""
    return SimpleNamespace(array=filled, fill=fill, images=images)


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Any]:
    """Reads a file of reference numbers."""
    return lambda name: json.loads((DATA / name).read_text())


@pytest.fixture(scope="session")
def key_table() -> list[tuple[str, tuple[int, ...], float, int]]:
    """Key, shape, sum and CRC-32 of the filled tensor, for every entry of the published W32 state dict."""
    rows = [line.split("\t") for line in (DATA / "w32_keys.tsv").read_text().splitlines()[1:]]
    return [(k, tuple(int(n) for n in s.split("x") if n), float(total), int(crc, 16)) for k, s, total, crc in rows]


@pytest.fixture(scope="session")
def frames() -> Callable[[np.ndarray], FrameBatch]:
    """Wraps pictures [B, H, W, 3] as consecutive frames."""
    return _frames


@pytest.fixture(scope="session")
def pictures() -> Callable[..., np.ndarray]:
    """Smooth random pictures, in which an untrained network sees people."""

    def make(count: int, width: int, height: int, *, seed: int = 0) -> np.ndarray:
        import cv2

        coarse = np.random.default_rng(seed).integers(0, 256, (count, 9, 12, 3), dtype=np.uint8)
        return np.stack([cv2.resize(c, (width, height), interpolation=cv2.INTER_CUBIC) for c in coarse])

    return make
