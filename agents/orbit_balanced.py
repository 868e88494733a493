"""Spend the same power all around the orbit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import heat_budget_w, request_power, utilisations
from odc_gym.agents._parameters import number
from odc_gym.agents._placement import ranked_bids
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

ORBIT_WINDOW = 3  # of the forecast's windows: 95 min, an orbit


@dataclass(frozen=True)
class OrbitBalancedParameters:
    """Margin of the balance, chosen on validation episodes; see docs/schedulers.md."""

    power_share: float = number(1.0, 0.1, 2.0)  # of the balanced load that is spent


@scheduler("orbit-balanced", OrbitBalancedParameters)
class OrbitBalanced:
    """Runs each satellite, in light and in shadow, at the constant power that the mean light of its orbit pays for.

    Heat may lower that power; work goes where most of it is left, which is on orbits with little shadow.
    """

    def __init__(self, view: View, parameters: OrbitBalancedParameters | None = None) -> None:
        """Keeps its parameters and the classes' utilisations; a rule without memory."""
        self.parameters = parameters or OrbitBalancedParameters()
        self._utilisation = utilisations(view)

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """It remembers nothing."""

    def act(self, view: View) -> NDArray[Any]:
        """Clock requests by balanced power, bids by what is left of it, all else 0, (B, A)."""
        balanced_w = np.minimum(self._balanced_w(view), heat_budget_w(view))
        actions = view.layout.zeros(view.num_envs)
        view.layout.clocks(actions)[:] = request_power(view, balanced_w, self._utilisation)
        surplus_w = balanced_w - view.observation["power_w"]
        view.layout.bids(actions)[:] = ranked_bids(view, surplus_w)[:, None, :]
        return actions

    def _balanced_w(self, view: View) -> NDArray[Any]:
        """Constant compute power after which an orbit ends with the charge it began with, (B, S) [W].

        With L the array's energy of an orbit, t_d and t_l its time in shadow and light, and q the load:
        eta_c (L - q t_l) = q t_d / eta_d.
        """
        design, ahead = view.design, view.forecast
        light_j = ahead["solar_mean_w"][:, ORBIT_WINDOW] * design["period_s"]
        lit_s = design["period_s"] - ahead["eclipse_length_s"]
        dark_s = ahead["eclipse_length_s"] / (design["eta_charge"] * design["eta_discharge"])
        load_w = self.parameters.power_share * light_j / (lit_s + dark_s)
        return np.asarray(load_w * design["eta_pcdu"] - design["bus_w"])
