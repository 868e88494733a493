"""Scheduler that always asks for the full clock, the default baseline of comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@scheduler("full-clock")
class FullClock:
    """Scheduler that places work by load and asks for the full clock.

    The governor and load shedding of the hardware limit heat and discharge, as on the ground.

    Controls: clocks.
    """

    def __init__(self, view: View) -> None:
        """Read nothing from the view: this scheduler has no parameters."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Request the full clock everywhere; all other values are 0, (B, A)."""
        actions = view.layout.zeros(view.num_envs)
        view.layout.clocks(actions)[:] = 1.0
        return actions
