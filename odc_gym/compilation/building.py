"""Compilation of kernels in child processes, the lock around it, and messages about what takes long."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from odc_gym.compilation.keys import KernelPlace
from odc_gym.errors import OdcGymError

PROCESSES = 2  # compilers at once; each takes 0.7 GB of memory
LARGEST = "decide"  # kernel that takes longest, which gets a process of its own
POLL_S = 0.1  # time between two looks at a process or a lock
LONG_WAIT_S = 2.0  # time of waiting for another process that is announced


class Target(NamedTuple):
    """Kernel to compile, and the processor that will run it."""

    place: KernelPlace
    processor: str


def object_files(targets: Sequence[Target]) -> dict[Target, bytes]:
    """Compile kernels, in two processes at once, and return their object files.

    Raises:
        OdcGymError: Numba is not installed, or a process fails.
    """
    if importlib.util.find_spec("numba") is None:
        raise OdcGymError(
            "the simulation core is not compiled for this computer, and Numba, which compiles it, is missing: "
            "pip install 'odc-gym[compile]'"
        )
    pending, begun = deque(_groups(targets)), time.monotonic()
    running: dict[subprocess.Popen[bytes], list[Target]] = {}
    found: dict[Target, bytes] = {}
    try:
        while pending or running:
            while pending and len(running) < PROCESSES:
                group = pending.popleft()
                running[_child(group)] = group
            for child in list(running):
                if (output := _output(child)) is not None:
                    found |= zip(running.pop(child), pickle.loads(output), strict=True)
            _show_elapsed(time.monotonic() - begun)
    finally:
        for child in running:
            child.kill()
            child.communicate()
        _clear_elapsed()
    return found


def _groups(targets: Sequence[Target]) -> list[list[Target]]:
    """Return the targets in groups for one process each, the longest first."""
    groups: dict[tuple[bool, str], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.place.function != LARGEST, target.processor), []).append(target)
    return [group for _, group in sorted(groups.items())]


def _child(group: Sequence[Target]) -> subprocess.Popen[bytes]:
    """Start a process that compiles kernels for one processor with Numba."""
    processor = group[0].processor
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    settings = {"ODC_GYM_JIT": "1", "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""}
    settings["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    names = [f"{target.place.module}:{target.place.function}" for target in group]
    # -P: the current folder may hold files that are called like modules
    command = [sys.executable, "-P", "-W", "ignore", "-m", "odc_gym.compilation.emission", processor, *names]
    return subprocess.Popen(command, env=kept | settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _output(child: subprocess.Popen[bytes]) -> bytes | None:
    """Return what a process wrote, or None if it still runs.

    Raises:
        OdcGymError: the process failed.
    """
    try:
        output, errors = child.communicate(timeout=POLL_S)
    except subprocess.TimeoutExpired:
        return None
    if child.returncode != 0:
        raise OdcGymError(
            f"the simulation core cannot be compiled: {_reason(child.returncode, errors.decode(errors='replace'))}"
        )
    return output


def _reason(code: int, errors: str) -> str:
    """Return the line of a traceback that names the error; Numba's errors have further lines behind it."""
    lines = errors.strip().splitlines()
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return (named or lines or [f"the compiler ended with code {code}"])[-1]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that one of several processes compiles and the others wait for its result.

    Where the system has no such locks, each process compiles.
    """
    try:
        import fcntl  # noqa: F401
    except ImportError:
        yield
        return
    with open(folder / ".lock", "ab") as lock:
        _wait_for(lock)
        yield


def _wait_for(lock: IO[bytes]) -> None:
    """Take a lock, and tell if another process holds it for long."""
    import fcntl

    begun, announced = time.monotonic(), False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not announced and time.monotonic() - begun > LONG_WAIT_S:
                say("waiting for another process, which compiles the simulation core")
                announced = True
            time.sleep(POLL_S)
        except OSError:  # a file system without locks
            return
        else:
            return


def say(line: str, for_all: bool = False) -> None:
    """Print a line about compilation on stderr.

    Worker processes are silent, unless the line is of the one process that compiles for all.
    """
    if for_all or _is_main():
        print(f"odc-gym: {line}", file=sys.stderr, flush=True)


def _is_main() -> bool:
    return multiprocessing.parent_process() is None


def _show_elapsed(elapsed_s: float) -> None:
    """Show the elapsed time on a terminal, in the place of the time shown before."""
    if sys.stderr.isatty() and _is_main():
        print(f"\rodc-gym: {elapsed_s:.0f} s", end="", file=sys.stderr, flush=True)


def _clear_elapsed() -> None:
    """Remove the elapsed time from a terminal."""
    if sys.stderr.isatty() and _is_main():
        print("\r" + " " * 20 + "\r", end="", file=sys.stderr, flush=True)
