"""Anything at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

_STREAM = 0x5EED  # keeps these draws apart from the streams that make the world from the same seed


@scheduler("random")
class Random:
    """Draws every action uniformly from the action box, from a generator that the episode's seed starts.

    It shows what a score means when nobody decides.
    """

    def __init__(self, view: View) -> None:
        """One generator a row, made when the row's first episode begins."""
        self._generators: dict[int, np.random.Generator] = {}

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Start the generators of the rows (B,) in `mask` from `seeds` (B,)."""
        for row in np.flatnonzero(mask):
            sequence = np.random.SeedSequence(int(seeds[row]), spawn_key=(_STREAM,))
            self._generators[int(row)] = np.random.default_rng(sequence)

    def act(self, view: View) -> NDArray[Any]:
        """Uniform in [−1, 1), (B, A)."""
        actions = view.layout.zeros(view.num_envs)
        for row, action in enumerate(actions):
            action[:] = self._generators[row].uniform(-1.0, 1.0, action.shape)
        return actions
