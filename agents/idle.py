"""Scheduler that runs no work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@scheduler("idle")
class Idle:
    """Scheduler that closes and drains every satellite and holds every class.

    It earns nothing, so its score shows the costs of an unused fleet.

    Controls: everything.
    """

    def __init__(self, view: View) -> None:
        """Read nothing from the view: this scheduler has no parameters."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Set every value to −1, (B, A)."""
        return view.layout.zeros(view.num_envs) - 1.0
