"""Scheduler that keeps the defaults of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@scheduler("zero")
class Zero:
    """Scheduler that places work by load and runs at sustainable clocks.

    This is the zero action, the first action of learned schedulers.

    Controls: nothing.
    """

    def __init__(self, view: View) -> None:
        """Read nothing from the view: this scheduler has no parameters."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Set every value to 0, (B, A)."""
        return view.layout.zeros(view.num_envs)
