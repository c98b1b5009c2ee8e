"""`make test-e2e`: draw clips, extract, train; train again, kill, resume, stop, resume; compare; evaluate.

All through the command line, in processes of their own. Ends with 0 if the disturbed run is the undisturbed one.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMED = {"seconds", "data_wait_s", "tokens_per_s", "mfu", "memory_gb"}
TRAIN = ["steps=30", "accumulate=2", "checkpoint_every=5", "eval_every=15", "eval_new_tokens=16", "workers=2"]


def hawkeye(*arguments: object) -> subprocess.Popen[bytes]:
    """Start the command."""
    return subprocess.Popen([sys.executable, "-m", "hawkeye_core.cli", *map(str, arguments)], stderr=subprocess.DEVNULL)


def done(process: subprocess.Popen[bytes], *, code: int = 0) -> None:
    """Wait, and end the test if the exit code is another."""
    if process.wait(timeout=600) != code:
        sys.exit(f"{process.args} ended with {process.returncode}, not {code}")


def strike(process: subprocess.Popen[bytes], run: Path, *, after: int, number: int) -> None:
    """Send a signal when the metrics have so many lines."""
    path = run / "metrics.jsonl"
    while process.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < after):
        time.sleep(0.01)
    if process.poll() is not None:
        sys.exit(f"the run ended with {process.returncode} before it could be killed")
    process.send_signal(number)


def metrics(run: Path) -> list[dict[str, object]]:
    """Lines without what the clock decides."""
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMED} for line in found]


def main(folder: Path) -> None:
    """All of it."""
    world = folder / "world"
    data = ["--store", folder / "store", "--annotations", world / "segments.jsonl"]
    whole, killed = folder / "whole", folder / "killed"
    done(hawkeye("reconsim", "draw", "--preset", "tiny", "--out", world))
    done(hawkeye("extract", "--videos", world / "videos", "--store", folder / "store", "--config", "tiny-untrained"))
    done(hawkeye("train", *data, "--run", whole, *TRAIN))
    print("trained undisturbed")
    process = hawkeye("train", *data, "--run", killed, *TRAIN)
    strike(process, killed, after=8, number=signal.SIGKILL)
    done(process, code=-signal.SIGKILL)
    print(f"killed after step {len(metrics(killed))}")
    process = hawkeye("train", "--resume", "--run", killed)
    strike(process, killed, after=13, number=signal.SIGTERM)
    done(process)
    print(f"stopped by SIGTERM after step {metrics(killed)[-1]['step']}")
    process = hawkeye("train", "--resume", "--run", killed)
    strike(process, killed, after=19, number=0)
    (killed / "STOP").touch()
    done(process)
    print(f"stopped by the file STOP after step {metrics(killed)[-1]['step']}")
    done(hawkeye("train", "--resume", "--run", killed))
    weights = [(run / "checkpoint" / "trainable.safetensors").read_bytes() for run in (whole, killed)]
    if metrics(whole) != metrics(killed) or weights[0] != weights[1]:
        sys.exit("the resumed run differs from the undisturbed one")
    print(f"same {len(metrics(whole))} lines of metrics, same {len(weights[0])} bytes of weights")
    done(hawkeye("eval", *data, "--run", killed, "--out", folder / "eval"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as name:
            main(Path(name))
