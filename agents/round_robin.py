"""Take turns."""

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
    """Offers new work to the satellites in a fixed order that begins one satellite further at each decision.

    It looks at no sensor, and runs every satellite at its sustainable clock of the moment.
    """

    def __init__(self, view: View) -> None:
        """One turn counter a row."""
        self._turn = np.zeros(view.num_envs, dtype=np.int64)

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin with the first satellite in the rows (B,) of `mask`."""
        self._turn[mask] = 0

    def act(self, view: View) -> NDArray[Any]:
        """Bids that fall from the satellite whose turn it is, all else 0, (B, A)."""
        after = (np.arange(view.satellites) - self._turn[:, None]) % view.satellites
        self._turn += 1
        actions = view.layout.zeros(view.num_envs)
        view.layout.bids(actions)[:] = ranked_bids(view, -after)[:, None, :]
        return actions
