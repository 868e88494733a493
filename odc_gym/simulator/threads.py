"""Threads that run compiled code side by side; it does not hold the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Threads:
    """Pool of threads, started at the first call. A forked process starts its own, because threads are not copied."""

    def __init__(self, count: int) -> None:
        """Prepare a pool of `count` threads."""
        self._count, self._pool, self._process = count, None, 0

    _pool: ThreadPoolExecutor | None

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a call in a thread."""
        if self._pool is None or self._process != os.getpid():
            self._pool, self._process = ThreadPoolExecutor(self._count, "odc-gym"), os.getpid()
        return self._pool.submit(call, *arguments)

    def run(self, calls: Sequence[Callable[[], None]]) -> None:
        """Run calls side by side, the first one in the present thread, and wait for all."""
        others = [self.submit(call) for call in calls[1:]]
        calls[0]()
        for other in others:
            other.result()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._count,)
