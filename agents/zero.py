"""Trust the environment's own defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@scheduler("zero")
class Zero:
    """Places work on the least loaded satellite and runs each at its sustainable clock of the moment.

    This is the zero action, from which learned schedulers start.
    """

    def __init__(self, view: View) -> None:
        """Needs nothing of the view."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """It remembers nothing."""

    def act(self, view: View) -> NDArray[Any]:
        """Every value 0, (B, A)."""
        return view.layout.zeros(view.num_envs)
