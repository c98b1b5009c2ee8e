"""How fast frames are decoded at 8 a second, against ffmpeg and against reading every frame, in the same run.

    python tests/benchmarks/bench_decode.py [VIDEO ...] [--repeat 5] [--seconds 60] [--json]

Clips of 640 x 480 at 30 frames a second are generated (H.264, and HEVC if the encoder is there); each VIDEO is measured
too. The ways are interleaved; what is printed are medians of wall and CPU seconds (decoder processes included), and
ratios to ours: above 1 means that ours is faster. All ways deliver the same RGB frames into memory, but that ffmpeg's
filter rounds the end up and so may give one or two more, and that ours alone keeps them, in batches.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from hawkeye_core.video.probe import probe
from hawkeye_core.video.sampling import FrameSampler

FPS = 8


def ffmpeg_program() -> str:
    """The system's ffmpeg if there is one, else imageio-ffmpeg's."""
    found = shutil.which("ffmpeg")
    if found is None:
        import imageio_ffmpeg

        found = imageio_ffmpeg.get_ffmpeg_exe()
    return str(found)


def generate(folder: Path, encoder: str, seconds: int) -> Path | None:
    """A clip with motion and noise; ``None`` if ffmpeg lacks the encoder."""
    path = folder / f"{encoder}.mp4"
    source = f"testsrc2=size=640x480:rate=30:duration={seconds},noise=alls=12:allf=t"
    command = [ffmpeg_program(), "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", encoder]
    done = subprocess.run([*command, "-b:v", "1500k", "-pix_fmt", "yuv420p", str(path)], capture_output=True)
    return path if done.returncode == 0 else None


def ours(path: Path) -> int:
    """The sampler, as extraction uses it."""
    return sum(len(batch) for batch in FrameSampler(path, fps=FPS, batch_size=8))


def ffmpeg_pipe(path: Path) -> int:
    """ffmpeg's fps filter with the same choice of frames, RGB through a pipe into one array."""
    info = probe(path)
    frame = np.empty(info.width * info.height * 3, np.uint8)
    filters = ["-vf", f"fps={FPS}:round=up", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-i", str(path), *filters]
    frames = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        pipe = process.stdout
        while pipe is not None and fill(pipe.fileno(), memoryview(frame)):
            frames += 1
    return frames


def fill(descriptor: int, view: memoryview) -> bool:
    """Read until the view is full; false at the end."""
    while len(view):
        count = os.readv(descriptor, [view])
        if count == 0:
            return False
        view = view[count:]
    return True


def every_frame(path: Path) -> int:
    """What most code does: convert every frame with OpenCV, keep those that are due."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    kept, due = 0, 0
    while True:
        ok, image = capture.read()
        if not ok:
            return kept
        if capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 + 1e-6 >= due / FPS:
            cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            kept, due = kept + 1, due + 1


WAYS: dict[str, Callable[[Path], int]] = {"ours": ours, "ffmpeg": ffmpeg_pipe, "every frame": every_frame}


def measure(path: Path, repeat: int) -> dict[str, dict[str, float]]:
    """Median wall and CPU seconds of each way, after one unmeasured turn; the order turns with each repetition."""
    names = list(WAYS)
    wall: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    frames: dict[str, int] = {}
    for turn in range(repeat + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            before, start = os.times(), time.perf_counter()
            frames[name] = WAYS[name](path)
            took, after = time.perf_counter() - start, os.times()
            if turn:
                wall[name].append(took)
                cpu[name].append(sum(after[:4]) - sum(before[:4]))
    return {
        name: {"wall_s": statistics.median(wall[name]), "cpu_s": statistics.median(cpu[name]), "frames": frames[name]}
        for name in names
    }


def report(name: str, result: dict[str, dict[str, float]]) -> None:
    """Print one table."""
    print(f"\n{name}")
    print(f"{'way':<14}{'frames':>8}{'wall s':>9}{'CPU s':>9}{'wall / ours':>13}{'CPU / ours':>13}")
    for way, row in result.items():
        wall, cpu = row["wall_s"] / result["ours"]["wall_s"], row["cpu_s"] / result["ours"]["cpu_s"]
        print(f"{way:<14}{row['frames']:>8.0f}{row['wall_s']:>9.3f}{row['cpu_s']:>9.3f}{wall:>13.2f}{cpu:>13.2f}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path, help="real videos to measure too")
    parser.add_argument("--repeat", type=int, default=5, help="measured repetitions")
    parser.add_argument("--seconds", type=int, default=60, help="length of the generated clips")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of tables")
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        clips = [generate(Path(folder), encoder, arguments.seconds) for encoder in ("libx264", "libx265")]
        for path in [clip for clip in clips if clip is not None] + arguments.videos:
            results[path.name] = measure(path, arguments.repeat)
            if not arguments.json:
                report(path.name, results[path.name])
    if arguments.json:
        print(json.dumps({"benchmark": "decode", "fps": FPS, "cores": os.cpu_count(), "results": results}))


if __name__ == "__main__":
    main()
