"""Prefetches: requests to load memory into the cache before it is read. They change no result."""

from typing import Any

from odc_gym.compilation.modes import JIT_MODE

__all__ = ["prefetch_line"]


def _nothing(array: Any, line: int) -> None:
    """Do nothing: `prefetch_line` without compilation."""


if JIT_MODE:
    from odc_gym.compilation.numba_prefetching import prefetch_line
else:
    prefetch_line = _nothing
