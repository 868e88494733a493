"""Decorators of compiled functions.

- `inline`: a physics function with scalar arguments and results. It is always inlined, also into other files.
- `routine`: a function of arrays that kernels call. It must not allocate arrays.
- `simd_loop`: a routine whose arrays never overlap, so that its loop over satellites compiles to SIMD code.

Indices are never negative: compiled code does not count them from the end of an array.

Python that calls such a function runs it as plain Python in every mode; only kernels call the compiled form.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from odc_gym.compilation.modes import JIT_MODE

__all__ = ["inline", "routine", "simd_loop"]

Function = TypeVar("Function", bound=Callable[..., Any])


def _unchanged(function: Function) -> Function:
    return function


if JIT_MODE:
    from odc_gym.compilation.pipelines import inline, routine, simd_loop
else:
    inline = routine = simd_loop = _unchanged
