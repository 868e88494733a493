"""Scheduler that budgets energy and heat until the next sunrise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import (
    HEAT_GAIN,
    HEAT_MARGIN_K,
    class_utilisations,
    clock_request_for_power,
    heat_budget_w,
    sunlit_power_w,
)
from odc_gym.agents._parameters import number
from odc_gym.agents._placement import load_term
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

Array = NDArray[Any]


@dataclass(frozen=True)
class SunAwareParameters:
    """Margins of the budget, chosen on validation episodes."""

    reserve_frac: float = number(0.35, 0.0, 1.0, "charge above the floor that remains at sunrise")
    full_frac: float = number(0.95, 0.0, 2.0, "charge above which charging is too slow to plan with")
    heat_margin_k: float = number(HEAT_MARGIN_K, -20.0, 20.0, "margin below the junction limit")
    heat_gain: float = number(HEAT_GAIN, 0.0, 1.0, "share of peak power per kelvin of room")
    room_gain: float = number(
        1.0, 0.0, 10.0, "gain of bids by the room ahead, times the relative utilisation of the class"
    )
    pack_gain: float = number(1.0, 0.0, 2.0, "gain of bids by load; 1 cancels the load term of the dispatcher")
    least_bid: float = number(-0.4, -1.0, 1.0, "lowest bid, above the bid that closes a satellite")


@scheduler("sun-aware", SunAwareParameters)
class SunAware:
    """Scheduler that spends energy down to a reserve at the next sunrise.

    The power is constant and limited by heat. In shadow it spreads the stored energy; in sunlight it is the array
    output less the demand of the next eclipse. Work fills satellites in use first; classes of high power go where more
    energy and heat room is ahead.

    Controls: placement, clocks.
    """

    def __init__(self, view: View, parameters: SunAwareParameters | None = None) -> None:
        """Store the parameters and the utilisations of the classes; the scheduler is stateless."""
        self.parameters = parameters or SunAwareParameters()
        self._utilisation = class_utilisations(view)

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> Array:
        """Request clocks by the budget, bid by the room ahead; all other values are 0, (B, A)."""
        actions = view.layout.zeros(view.num_envs)
        budget_w = np.minimum(self._energy_budget_w(view), self._heat_budget_w(view))
        view.layout.clocks(actions)[:] = clock_request_for_power(view, budget_w, self._utilisation)
        view.layout.bids(actions)[:] = self._bids(view)
        return actions

    def _spare_j(self, view: View) -> Array:
        """Compute the stored energy above the reserve at sunrise, (B, S) [J]."""
        kept = view.design["floor_frac"] + self.parameters.reserve_frac
        return np.asarray((view.observation["charge_frac"] - kept) * view.design["capacity_j"])

    def _energy_budget_w(self, view: View) -> Array:
        """Compute the constant compute power that leaves the reserve at the next sunrise, (B, S) [W].

        S is the array output and q the load. Stored energy changes by eta_c (S − q) in sunlight and by −q / eta_d in
        shadow.
        """
        design, ahead = view.design, view.forecast
        spare_j = self._spare_j(view)
        crossing_s = ahead["time_to_crossing_s"]
        light_s = np.clip(crossing_s, 0.0, design["period_s"])
        dark_s = np.where(crossing_s > 0.0, ahead["eclipse_length_s"], np.maximum(-crossing_s, view.decision_period_s))
        sunlit_w = sunlit_power_w(view)
        charging_s = design["eta_charge"] * light_s
        discharging_s = dark_s / design["eta_discharge"]
        load_w = (spare_j + sunlit_w * charging_s) / np.maximum(charging_s + discharging_s, view.decision_period_s)
        # a battery that is full before the eclipse leaves output that must be used now
        room_j = np.maximum(self.parameters.full_frac - view.observation["charge_frac"], 0.0) * design["capacity_j"]
        unstored_w = sunlit_w - np.minimum(
            room_j / np.maximum(charging_s, view.decision_period_s), design["rate_charge_w"]
        )
        load_w = np.where(crossing_s > 0.0, np.maximum(load_w, unstored_w), load_w)
        return np.asarray(load_w * design["eta_pcdu"] - design["bus_w"])

    def _heat_budget_w(self, view: View) -> Array:
        """Compute the compute power that brings the junction to its limit, less a margin, (B, S) [W]."""
        return heat_budget_w(view, self.parameters.heat_margin_k, self.parameters.heat_gain)

    def _bids(self, view: View) -> Array:
        """Compute bids that fill satellites in use first and send classes of high power to room ahead, (B, C, S).

        Room is the scarcer of energy for the next orbit and heat, relative to the mean of the fleet.
        """
        design, gains = view.design, self.parameters
        orbit_w = view.forecast["solar_mean_w"][:, 3] + self._spare_j(view) / design["period_s"]
        energy = (orbit_w * design["eta_pcdu"] - design["bus_w"]) / design["peak_w"]
        heat = self._heat_budget_w(view) / design["peak_w"]
        room = np.clip(np.minimum(energy, heat), 0.0, 1.0)
        room = room - room.mean(axis=1, keepdims=True)
        relative_utilisation = self._utilisation - self._utilisation.mean()
        bids = (
            gains.pack_gain * load_term(view)[:, None, :]
            + gains.room_gain * relative_utilisation[:, None] * room[:, None, :]
        )
        return np.asarray(np.clip(bids, gains.least_bid, 1.0))
