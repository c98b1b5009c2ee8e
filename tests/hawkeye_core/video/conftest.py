"""Videos made with ffmpeg whose pictures carry their own frame number, and the slow rule to compare with."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

BITS = 8
WIDTH, HEIGHT = 128, 96


def number_picture(number: int) -> np.ndarray:
    """[96, 128, 3] RGB: the number as eight white or black columns above; red left and blue right below.

    Below lies noise too, so that the pictures, not the container, make up most of the file.
    """
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    step = WIDTH // BITS
    for bit in range(BITS):
        if number >> bit & 1:
            picture[: HEIGHT // 2, bit * step : (bit + 1) * step] = 255
    picture[HEIGHT // 2 :, : WIDTH // 2] = (230, 20, 20)
    picture[HEIGHT // 2 :, WIDTH // 2 :] = (20, 20, 230)
    noise = np.random.default_rng(number).integers(-20, 21, (HEIGHT // 2, WIDTH, 1))
    picture[HEIGHT // 2 :] = np.clip(picture[HEIGHT // 2 :] + noise, 0, 255)
    return picture


def read_number(picture: np.ndarray) -> int:
    """The number in a picture of :func:`number_picture`, at any scale."""
    height, step = picture.shape[0], picture.shape[1] // BITS
    columns = picture[height // 8 : height * 3 // 8].mean(axis=(0, 2))
    middles = [columns[bit * step + step // 4 : (bit + 1) * step - step // 4].mean() for bit in range(BITS)]
    return sum(1 << bit for bit, value in enumerate(middles) if value > 128)


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """The ffmpeg program: imageio-ffmpeg's (the same version everywhere), else the system's."""
    try:
        import imageio_ffmpeg
    except ImportError:
        found = shutil.which("ffmpeg")
        if found is None:
            pytest.skip("no ffmpeg program")
        return found
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@pytest.fixture(scope="session")
def run_ffmpeg(ffmpeg: str) -> Callable[..., None]:
    """Runs ffmpeg with the given arguments."""

    def run(*arguments: object, data: bytes | None = None) -> None:
        command = [ffmpeg, "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
        subprocess.run(command, input=data, check=True, stdin=subprocess.DEVNULL if data is None else None)

    return run


@pytest.fixture(scope="session")
def make_video(run_ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes (once a session) a video of numbered pictures; equal arguments give the same file."""
    folder = tmp_path_factory.mktemp("videos")
    made: dict[str, tuple[object, ...]] = {}

    def make(
        name: str,
        *,
        frames: int,
        rate: str | int | float = 30,
        codec: Sequence[object] = ("-c:v", "libx264", "-preset", "ultrafast"),
        inputs: Sequence[object] = (),
        extra: Sequence[object] = (),
    ) -> Path:
        path, arguments = folder / name, (frames, rate, codec, inputs, extra)
        if made.setdefault(name, arguments) != arguments:
            raise ValueError(f"{name} is made in two ways")
        if not path.exists():
            data = b"".join(number_picture(i).tobytes() for i in range(frames))
            source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", rate, "-i", "-")
            run_ffmpeg(*source, *inputs, *codec, "-threads", 1, "-pix_fmt", "yuv420p", *extra, path, data=data)
        return path

    return make


@dataclass(frozen=True)
class Container:
    """What PyAV finds: exact times of the frames, in presentation order, from the first; and the end of the last."""

    times: list[Fraction]
    end: Fraction


@pytest.fixture(scope="session")
def read_container() -> Callable[[Path], Container]:
    """Reads a video with PyAV."""

    def read(path: Path) -> Container:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = [(frame.pts, frame.duration) for frame in container.decode(stream)]
            base = stream.time_base
        first = frames[0][0]
        times = [(pts - first) * base for pts, _ in frames]
        return Container(times, times[-1] + frames[-1][1] * base)

    return read


def _literal_choice(times: Sequence[Fraction], end: Fraction, fps: int = 8) -> list[int]:
    """The rule, word by word: frame k is the last frame with presentation time <= k / fps; N = round(end x fps)."""
    total = max(1, math.floor(end * fps + Fraction(1, 2)))
    chosen = []
    for k in range(total):
        at_or_before = [i for i, time in enumerate(times) if time <= Fraction(k, fps)]
        chosen.append(at_or_before[-1])
    return chosen


@pytest.fixture(scope="session")
def literal_choice() -> Callable[..., list[int]]:
    """Source frames by the rule, from exact times."""
    return _literal_choice


@pytest.fixture(scope="session")
def numbers_in() -> Callable[..., list[int]]:
    """Numbers read from the pictures of batches."""
    return lambda batches: [read_number(image) for batch in batches for image in batch.images]
