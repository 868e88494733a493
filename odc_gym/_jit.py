"""Decorators that compile the core with Numba. All options of Numba are set here.

- `inline`: a physics function with scalar arguments and results. It is always inlined, also into other files.
- `routine`: a function of arrays that kernels call.
- `simd_loop`: a loop over satellites whose arrays never overlap, so that it compiles to SIMD code.
- `kernel`: an entry point that Python calls. `_cache` keeps its compiled code on disk.

Fast-math is never used: the same tables give the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core.compiler import CompilerBase, DefaultPassBuilder

from odc_gym._cache import KernelCache, cache_folders

Function = TypeVar("Function", bound=Callable[..., Any])
# division by zero gives inf, because the branch for an exception would prevent vectorisation
OPTIONS = {"error_model": "numpy"}
COMPILED = not numba.config.DISABLE_JIT
FOLDERS = cache_folders(numba.__version__, OPTIONS) if COMPILED else []


class _NoAlias(CompilerBase):
    """Compiler that treats array arguments like `restrict` pointers of C: the caller ensures that none overlap."""

    def define_pipelines(self) -> list[Any]:
        """Set Numba's internal flag for arguments that do not overlap, and return the usual pipeline."""
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


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
    """Compile an entry point, and keep it on disk."""
    compiled = numba.njit(nogil=True, **OPTIONS)(function)
    if COMPILED:
        compiled._cache = KernelCache(function, FOLDERS)
    return compiled  # type: ignore[no-any-return]
