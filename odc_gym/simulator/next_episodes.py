"""Episodes that a thread begins in advance, while the present ones are played."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, Protocol, Self, TypeVar

from odc_gym.errors import OdcGymError
from odc_gym.simulator.threads import Threads

_BUILDING = threading.Lock()
if hasattr(os, "register_at_fork"):
    # a fork waits until no thread builds: the child would inherit the locks that this thread holds, and never get them
    os.register_at_fork(before=_BUILDING.acquire, after_in_parent=_BUILDING.release, after_in_child=_BUILDING.release)


class Player(Protocol):
    """Part of a simulator that begins an episode."""

    def sibling(self, num_envs: int) -> Self:
        """Return a simulator of the same fleet with `num_envs` rows."""

    def reset(self, seeds: Sequence[int]) -> None:
        """Begin episodes."""


Simulator = TypeVar("Simulator", bound=Player)


class NextEpisodes(Generic[Simulator]):
    """Episodes by number, each begun in a spare simulator with one row.

    The results are the same as without it, because an episode depends on its number alone. Copies and forked processes
    begin without prepared episodes.
    """

    def __init__(self, simulator: Simulator) -> None:
        """Prepare nothing yet.

        Args:
            simulator: simulator that plays the episodes.
        """
        self._simulator = simulator
        self._threads, self._process = Threads(1), os.getpid()
        self._pending: dict[int, Future[Simulator]] = {}
        self._spares: list[Simulator] = []

    def prepare(self, seeds: Iterable[int]) -> None:
        """Begin episodes in the background; those that are no longer wanted are dropped."""
        wanted = dict.fromkeys(seeds)
        if self._process != os.getpid():
            self._process, self._pending, self._spares = os.getpid(), {}, []
        for seed in [seed for seed in self._pending if seed not in wanted]:
            self._pending.pop(seed).cancel()
        for seed in wanted:
            if seed not in self._pending:
                self._pending[seed] = self._threads.submit(self._begun, seed)

    def take(self, seed: int) -> Simulator | None:
        """Return the simulator in which an episode was begun; None if it was not prepared, or could not be built."""
        if seed not in self._pending or self._process != os.getpid():
            return None
        with suppress(OdcGymError):  # the caller builds it again, and raises the error where it belongs
            return self._pending.pop(seed).result()
        return None

    def give_back(self, spare: Simulator) -> None:
        """Take back a simulator of `take` for another episode."""
        self._spares.append(spare)

    def _begun(self, seed: int) -> Simulator:
        with _BUILDING:
            spare = self._spares.pop() if self._spares else self._simulator.sibling(1)
            spare.reset([seed])
        return spare

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._simulator,)
