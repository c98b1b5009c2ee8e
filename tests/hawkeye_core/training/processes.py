"""Processes for tests to start, stop and kill, forked from one that has imported everything.

A new interpreter spends most of its life in a test on imports, eight seconds of CPU; a forked process begins at once.
In all else it is one: memory, signals, exit code and generators of its own. What `accelerate launch` gives the
processes of a configuration it is asked for here; the launcher itself is run by one test of each way (:func:`launch`).
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_multi_gpu_env

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "hawkeye_core/training/accelerate"
DDP, FSDP2, ZERO2 = (CONFIGS / f"{name}.yaml" for name in ("ddp", "fsdp2", "deepspeed"))
ON_CPU = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "DS_ACCELERATOR": "cpu", "PYTHONPATH": str(ROOT)}
CLI = "hawkeye_core.cli"

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["hawkeye_core.training.run", "hawkeye_core.evaluation.run", "torch.utils.tensorboard"])


class Started:
    """What :func:`start` has started: one process, or those of a launcher.

    Args:
        arguments: As of ``python -m MODULE ARGUMENTS`` or ``python FILE ARGUMENTS``.
        module: Of that command, or a file's path.
        ranks: Environment of each process.
    """

    def __init__(self, arguments: tuple[str, ...], *, module: str, ranks: list[dict[str, str]]) -> None:
        descriptor, self.output = tempfile.mkstemp(prefix="hawkeye-test-")
        os.close(descriptor)
        self.processes = [_context.Process(target=_run, args=(module, arguments, env, self.output)) for env in ranks]
        with patch.dict(os.environ, ON_CPU):  # what the first of all is forked from has one thread too
            for process in self.processes:
                process.start()

    @property
    def running(self) -> bool:
        """Whether the first one is."""
        return self.processes[0].exitcode is None

    def signal(self, number: int) -> None:
        """To all of them."""
        for process in self.processes:
            if process.exitcode is None and process.pid is not None:
                os.kill(process.pid, number)

    def ended(self, *, code: int = 0, timeout: float = 150) -> str:
        """Wait for the end; returns what they wrote. It is an error if an exit code is another."""
        limit = time.monotonic() + timeout
        for process in self.processes:
            process.join(max(0.0, limit - time.monotonic()))
        self.signal(signal.SIGKILL)
        output = Path(self.output).read_text()
        Path(self.output).unlink()
        assert [process.exitcode for process in self.processes] == [code] * len(self.processes), output
        return output


def start(*arguments: str, module: str = CLI, way: Path | None = None) -> Started:
    """``python -m hawkeye_core.cli ARGUMENTS``, or another module or file; with ``way`` as `accelerate launch` does."""
    return Started(arguments, module=module, ranks=[{}] if way is None else _ranks(way))


def launch(way: Path, *arguments: str, module: str = CLI) -> subprocess.Popen[str]:
    """By `accelerate launch` itself, without GPUs."""
    own = os.environ.get("PYTHONPATH", "")
    env = os.environ | ON_CPU | {"PYTHONPATH": os.pathsep.join([str(ROOT), own]).rstrip(os.pathsep)}
    begin = ["-m", "accelerate.commands.launch", "--config_file", str(way), "--main_process_port", "0"]
    program = [module] if module.endswith(".py") else ["-m", module]
    return subprocess.Popen(
        [sys.executable, *begin, *program, *arguments], cwd=ROOT, text=True, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def launched(process: subprocess.Popen[str]) -> str:
    """Wait for what :func:`launch` began; returns what it wrote, with its exit code in the last line."""
    try:
        output = process.communicate(timeout=240)[0]
    except subprocess.TimeoutExpired:
        process.terminate()  # the launcher ends its processes
        raise
    return f"{output}\nexit code {process.returncode}"


def wait_for_lines(started: Started | subprocess.Popen[str], run: Path, count: int) -> None:
    """Until the metrics of a run have so many lines, or the process has ended."""
    path = run / "metrics.jsonl"
    while started.running if isinstance(started, Started) else started.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.005)


def _ranks(way: Path) -> list[dict[str, str]]:
    """The environment that the launcher gives each process of a configuration."""
    arguments = launch_command_parser().parse_args(
        ["--config_file", str(way), "--main_process_port", "0", "program"]
    )  # fmt: skip
    arguments = _validate_launch_command(arguments)[0]
    env = {name: value for name, value in prepare_multi_gpu_env(arguments).items() if os.environ.get(name) != value}
    count = int(arguments.num_processes)
    env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(arguments.main_process_port)}
    env |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    return [env | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


def _run(module: str, arguments: tuple[str, ...], env: dict[str, str], output: str) -> None:
    multiprocessing.set_start_method(None, force=True)  # the system's own, for what this process starts
    os.environ.update(ON_CPU | env)
    os.chdir(ROOT)
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = [module, *arguments]
    if module.endswith(".py"):
        runpy.run_path(module, run_name="__main__")
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
