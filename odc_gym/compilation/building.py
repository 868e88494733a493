"""Compilation of kernels in child processes, with messages about what takes long."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from odc_gym.compilation.keys import KernelPlace
from odc_gym.errors import OdcGymError

POLL_S = 0.25  # time between two looks at the processes
LARGEST = "decide"  # kernel that takes longest, which gets a process of its own


def object_files(kernels: Sequence[KernelPlace], processor: str) -> dict[KernelPlace, bytes]:
    """Compile kernels for a processor, in two processes at once, and return their object files.

    Raises:
        OdcGymError: Numba is not installed, or a process fails.
    """
    if importlib.util.find_spec("numba") is None:
        raise OdcGymError(
            "the simulation core is not compiled for this computer, and Numba, which compiles it, is missing: "
            "pip install 'odc-gym[compile]'"
        )
    groups = [[k for k in kernels if k.function == LARGEST], [k for k in kernels if k.function != LARGEST]]
    children = [_child(group, processor) for group in groups if group]
    try:
        results = _outputs(children)
    except BaseException:
        for child in children:
            child.kill()
        raise
    by_name = {f"{kernel.module}:{kernel.function}": kernel for kernel in kernels}
    return {by_name[name]: content for result in results for name, content in pickle.loads(result).items()}


def _child(kernels: Sequence[KernelPlace], processor: str) -> subprocess.Popen[bytes]:
    """Start a process that compiles kernels with Numba."""
    settings = {"ODC_GYM_JIT": "1", "NUMBA_DISABLE_JIT": "0", "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""}
    settings["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    names = [f"{kernel.module}:{kernel.function}" for kernel in kernels]
    command = [sys.executable, "-W", "ignore", "-m", "odc_gym.compilation.emission", processor, *names]
    return subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _outputs(children: Sequence[subprocess.Popen[bytes]]) -> list[bytes]:
    """Wait for processes, and return what they wrote.

    Raises:
        OdcGymError: a process failed.
    """
    begun = time.monotonic()
    results: dict[int, bytes] = {}
    while len(results) < len(children):
        for k, child in enumerate(children):
            with suppress(subprocess.TimeoutExpired):
                if k not in results:
                    results[k], errors = child.communicate(timeout=POLL_S)
                    if child.returncode != 0:
                        lines = errors.decode(errors="replace").strip().splitlines() or [f"code {child.returncode}"]
                        raise OdcGymError(f"the simulation core cannot be compiled: {lines[-1]}")
        _show_elapsed(time.monotonic() - begun)
    return [results[k] for k in range(len(children))]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that one of several processes compiles and the others wait for its result.

    Where the system has no such locks, each process compiles.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """Print a line about compilation on stderr; worker processes are silent."""
    if multiprocessing.parent_process() is None:
        print(f"odc-gym: {line}", file=sys.stderr, flush=True)


def _show_elapsed(elapsed_s: float) -> None:
    """Show the elapsed time on a terminal."""
    if sys.stderr.isatty() and multiprocessing.parent_process() is None:
        print(f"\rodc-gym: {elapsed_s:.0f} s ", end="", file=sys.stderr, flush=True)
