"""Scheduler that reduces clocks by temperature and charge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import clock_request
from odc_gym.agents._parameters import number
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@dataclass(frozen=True)
class GovernorParameters:
    """Bands over which the clock falls from full to lowest, chosen on validation episodes."""

    heat_band_k: float = number(10.0, 0.1, 100.0, "room to the junction limit over which the clock falls [K]")
    charge_band_frac: float = number(0.65, 0.01, 1.0, "charge above the floor over which the clock falls")


@scheduler("governor", GovernorParameters)
class Governor:
    """Scheduler that lowers the clock with rising heat and falling charge.

    The clock falls linearly as the junction nears its limit or the charge its floor; the lower of the two counts. The
    scheduler uses no forecast, and the least loaded satellite takes new work.

    Controls: clocks.
    """

    def __init__(self, view: View, parameters: GovernorParameters | None = None) -> None:
        """Store the parameters; the scheduler is stateless."""
        self.parameters = parameters or GovernorParameters()

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Request the derated clocks; all other values are 0, (B, A)."""
        observed, design, bands = view.observation, view.design, self.parameters
        heat_room = (design["limit_k"] - observed["junction_k"]) / bands.heat_band_k
        charge_room = (observed["charge_frac"] - design["floor_frac"]) / bands.charge_band_frac
        derate = np.clip(np.minimum(heat_room, charge_room), 0.0, 1.0)
        clock = design["x_min"] + (1.0 - design["x_min"]) * derate
        actions = view.layout.zeros(view.num_envs)
        view.layout.clocks(actions)[:] = clock_request(clock, observed["clock_sustainable"], design["x_min"])
        return actions
