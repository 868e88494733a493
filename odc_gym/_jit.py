"""Decorators that compile the core with Numba, and the cache of compiled code. All options of Numba are set here.

- `inline`: a physics function with scalar arguments and results. It is always inlined, also into other files.
- `routine`: a function of arrays that kernels call.
- `simd_loop`: a loop over satellites whose arrays never overlap, so that it compiles to SIMD code.
- `kernel`: an entry point that Python calls. Its compiled code is kept in a cache on disk.

Fast-math is never used: the same tables give the same bits on every machine.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.compiler import CompilerBase, DefaultPassBuilder

Function = TypeVar("Function", bound=Callable[..., Any])
# division by zero gives inf, because the branch for an exception would prevent vectorisation
OPTIONS = {"error_model": "numpy"}
COMPILED = not numba.config.DISABLE_JIT
ROOT = Path(__file__).parent
COMPILED_PARTS = ("_jit.py", "_reference.py", "constants.py", "physics", "core", "interface")
"""Files and folders of the package that contain compiled code or are imported by it."""


class _NoAlias(CompilerBase):
    """Compiler that treats array arguments like `restrict` pointers of C: the caller ensures that none overlap."""

    def define_pipelines(self) -> list[Any]:
        """Set Numba's internal flag for arguments that do not overlap, and return the usual pipeline."""
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


def compiled_sources(root: Path = ROOT) -> list[Path]:
    """Return the files that contain compiled code, including those in nested folders, in a fixed order."""
    found: list[Path] = []
    for part in COMPILED_PARTS:
        found += sorted((root / part).rglob("*.py")) if (root / part).is_dir() else [root / part]
    return found


def _cache_folder() -> str | None:
    """Return a writable cache folder, named by a hash of all compiled sources; None if there is none.

    The hash is needed because Numba does not notice edits in imported files.
    """
    digest = hashlib.blake2b(repr((numba.__version__, OPTIONS)).encode(), digest_size=8)
    for source in compiled_sources():
        digest.update(source.read_bytes())
    chosen = os.environ.get("ODC_GYM_CACHE")
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "odc-gym"
    for folder in [Path(chosen)] if chosen else [user, Path(tempfile.gettempdir()) / f"odc-gym-{os.getuid()}"]:
        try:
            path = folder / digest.hexdigest()
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                return str(path)
        except OSError:
            continue
    warnings.warn("odc-gym found no writable cache folder: the core is compiled anew in each process", stacklevel=2)
    return None


_FOLDER = _cache_folder() if COMPILED else None


def announce_compilation() -> None:
    """Print that the core is being compiled, if the cache holds no compiled code."""
    if COMPILED and (_FOLDER is None or not any(Path(_FOLDER).rglob("*.nbi"))):
        print("odc-gym: compiling the simulation core, a minute or two, once for each version", file=sys.stderr)


def inline(function: Function) -> Function:
    """Compile a scalar function into its callers, because a call that is not inlined would prevent vectorisation."""
    return numba.njit(forceinline=True, **OPTIONS)(function)  # type: ignore[no-any-return]


def routine(function: Function) -> Function:
    """Compile a function of arrays that kernels call."""
    return numba.njit(**OPTIONS)(function)  # type: ignore[no-any-return]


def simd_loop(function: Function) -> Function:
    """Compile a loop over satellites to SIMD code.

    Its arrays must not overlap, and it must not be called from Python.
    """
    return numba.njit(pipeline_class=_NoAlias, **OPTIONS)(function)  # type: ignore[no-any-return]


def kernel(function: Function) -> Function:
    """Compile an entry point, and cache it on disk if a cache folder is writable."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER or before
    try:
        return numba.njit(cache=_FOLDER is not None, nogil=True, **OPTIONS)(function)  # type: ignore[no-any-return]
    finally:
        numba.config.CACHE_DIR = before
