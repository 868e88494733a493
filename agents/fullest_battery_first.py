"""Scheduler that places work by battery charge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._placement import ranked_bids
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@scheduler("fullest-battery-first")
class FullestBatteryFirst:
    """Scheduler that places work on the highest charge, however busy it is.

    Only satellites where the work fits count. Every satellite runs at its current sustainable clock.

    Controls: placement.
    """

    def __init__(self, view: View) -> None:
        """Read nothing from the view: this scheduler has no parameters."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Bid by charge, the highest first; all other values are 0, (B, A)."""
        actions = view.layout.zeros(view.num_envs)
        view.layout.bids(actions)[:] = ranked_bids(view, view.observation["charge_frac"])[:, None, :]
        return actions
