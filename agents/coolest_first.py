"""Put work where it is cool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._placement import ranked_bids
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@scheduler("coolest-first")
class CoolestFirst:
    """Places work on the feasible satellite with the coolest junction, however busy it is.

    Every satellite runs at its sustainable clock of the moment.
    """

    def __init__(self, view: View) -> None:
        """Needs nothing of the view."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """It remembers nothing."""

    def act(self, view: View) -> NDArray[Any]:
        """Bids by coolness, all else 0, (B, A)."""
        actions = view.layout.zeros(view.num_envs)
        view.layout.bids(actions)[:] = ranked_bids(view, -view.observation["junction_k"])[:, None, :]
        return actions
