"""Scheduler with constant power over each orbit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import class_utilisations, clock_request_for_power, heat_budget_w
from odc_gym.agents._parameters import number
from odc_gym.agents._placement import ranked_bids
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

ORBIT_WINDOW = 3  # index of the forecast window of 95 min, one orbit


@dataclass(frozen=True)
class OrbitBalancedParameters:
    """Margin of the energy balance, chosen on validation episodes; see docs/schedulers.md."""

    power_share: float = number(1.0, 0.1, 2.0, "share of the balanced load that is used")


@scheduler("orbit-balanced", OrbitBalancedParameters)
class OrbitBalanced:
    """Scheduler that runs each satellite at the constant power of its orbit.

    The power is what the sunlight of the orbit supplies, in light and in shadow; heat can lower it. Work goes to the
    satellites with the most unused power, on orbits with little shadow.

    Controls: placement, clocks.
    """

    def __init__(self, view: View, parameters: OrbitBalancedParameters | None = None) -> None:
        """Store the parameters and the utilisations of the classes; the scheduler is stateless."""
        self.parameters = parameters or OrbitBalancedParameters()
        self._utilisation = class_utilisations(view)

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Request clocks for the balanced power, bid by its unused part; all other values are 0, (B, A)."""
        balanced_w = np.minimum(self._balanced_w(view), heat_budget_w(view))
        actions = view.layout.zeros(view.num_envs)
        view.layout.clocks(actions)[:] = clock_request_for_power(view, balanced_w, self._utilisation)
        unused_w = balanced_w - view.observation["power_w"]
        view.layout.bids(actions)[:] = ranked_bids(view, unused_w)[:, None, :]
        return actions

    def _balanced_w(self, view: View) -> NDArray[Any]:
        """Compute the constant compute power at which charge is the same at both ends of an orbit, (B, S) [W].

        L is the array's energy over an orbit, t_d and t_l the time in shadow and light, and q the load:
        eta_c (L - q t_l) = q t_d / eta_d.
        """
        design, ahead = view.design, view.forecast
        light_j = ahead["solar_mean_w"][:, ORBIT_WINDOW] * design["period_s"]
        lit_s = design["period_s"] - ahead["eclipse_length_s"]
        dark_s = ahead["eclipse_length_s"] / (design["eta_charge"] * design["eta_discharge"])
        load_w = self.parameters.power_share * light_j / (lit_s + dark_s)
        return np.asarray(load_w * design["eta_pcdu"] - design["bus_w"])
