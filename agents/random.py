"""Scheduler with random actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

_SPAWN_KEY = 0x5EED  # separates this random stream from those that make the world from the same seed


@scheduler("random")
class Random:
    """Scheduler that draws every action uniformly from the action box.

    The seed of the episode seeds the generator. The score is that of an operator without any knowledge.

    Controls: everything.
    """

    def __init__(self, view: View) -> None:
        """Prepare one generator a row; `reset` makes it when an episode begins."""
        self._generators: dict[int, np.random.Generator] = {}

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Seed the generators of the rows (B,) in `mask` with `seeds` (B,)."""
        for row in np.flatnonzero(mask):
            sequence = np.random.SeedSequence(int(seeds[row]), spawn_key=(_SPAWN_KEY,))
            self._generators[int(row)] = np.random.default_rng(sequence)

    def act(self, view: View) -> NDArray[Any]:
        """Draw every value uniformly from [−1, 1), (B, A)."""
        actions = view.layout.zeros(view.num_envs)
        for row, action in enumerate(actions):
            action[:] = self._generators[row].uniform(-1.0, 1.0, action.shape)
        return actions
