"""The naive operator, the reference of every comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@scheduler("full-clock")
class FullClock:
    """Places work on the least loaded satellite and always asks for the full clock.

    Heat and charge are left to the hardware's own governor and load shedding, as on the ground.
    """

    def __init__(self, view: View) -> None:
        """Needs nothing of the view."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """It remembers nothing."""

    def act(self, view: View) -> NDArray[Any]:
        """Clock requests 1, all else 0, (B, A)."""
        actions = view.layout.zeros(view.num_envs)
        view.layout.clocks(actions)[:] = 1.0
        return actions
