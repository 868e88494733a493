"""Scheduler that offers work to the satellites in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._placement import ranked_bids
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@scheduler("round-robin")
class RoundRobin:
    """Scheduler that offers new work to the satellites in turns.

    The fixed order begins one satellite further at each decision. No sensor is read, and every satellite runs at its
    current sustainable clock.

    Controls: placement.
    """

    def __init__(self, view: View) -> None:
        """Make one counter of turns a row."""
        self._turn = np.zeros(view.num_envs, dtype=np.int64)

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Return to the first satellite in the rows (B,) of `mask`."""
        self._turn[mask] = 0

    def act(self, view: View) -> NDArray[Any]:
        """Bid highest on the satellite whose turn it is, less on each next one; all other values are 0, (B, A)."""
        turns_away = (np.arange(view.satellites) - self._turn[:, None]) % view.satellites
        self._turn += 1
        actions = view.layout.zeros(view.num_envs)
        view.layout.bids(actions)[:] = ranked_bids(view, -turns_away)[:, None, :]
        return actions
