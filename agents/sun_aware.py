"""Budget energy and heat to the next sunrise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import HEAT_GAIN, HEAT_MARGIN_K, heat_budget_w, lit_power_w, request_power, utilisations
from odc_gym.agents._parameters import number
from odc_gym.agents._placement import load_term
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

Array = NDArray[Any]


@dataclass(frozen=True)
class SunAwareParameters:
    """Margins of the budget, chosen on validation episodes."""

    reserve_frac: float = number(0.35, 0.0, 1.0)  # charge above the floor that is left at sunrise
    full_frac: float = number(0.95, 0.0, 2.0)  # charge above which charging is too slow to count on
    heat_margin_k: float = number(HEAT_MARGIN_K, -20.0, 20.0)  # below the junction limit
    heat_gain: float = number(HEAT_GAIN, 0.0, 1.0)  # share of peak power per kelvin of room
    room_gain: float = number(1.0, 0.0, 10.0)  # of bids in room ahead, by how power-hungry the class is
    pack_gain: float = number(1.0, 0.0, 2.0)  # of bids in load; 1 cancels the dispatcher's pull to the least loaded
    least_bid: float = number(-0.4, -1.0, 1.0)  # clear of the bid that closes a satellite


@scheduler("sun-aware", SunAwareParameters)
class SunAware:
    """Spends, within what heat allows, the constant power that leaves a reserve of charge at the next sunrise.

    In shadow that spreads the stored energy, in sunlight it is the array's output less what the next eclipse will take;
    work fills started satellites first, power-hungry classes where there is more room of energy and heat ahead.
    """

    def __init__(self, view: View, parameters: SunAwareParameters | None = None) -> None:
        """Keeps its parameters and the classes' utilisations; a rule without memory."""
        self.parameters = parameters or SunAwareParameters()
        self._utilisation = utilisations(view)

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """It remembers nothing."""

    def act(self, view: View) -> Array:
        """Clock requests by budget, bids by room ahead, all else 0, (B, A)."""
        actions = view.layout.zeros(view.num_envs)
        budget_w = np.minimum(self._energy_budget_w(view), self._heat_budget_w(view))
        view.layout.clocks(actions)[:] = request_power(view, budget_w, self._utilisation)
        view.layout.bids(actions)[:] = self._bids(view)
        return actions

    def _spare_j(self, view: View) -> Array:
        """Stored energy above what is kept at sunrise, (B, S) [J]."""
        kept = view.design["floor_frac"] + self.parameters.reserve_frac
        return np.asarray((view.observation["charge_frac"] - kept) * view.design["capacity_j"])

    def _energy_budget_w(self, view: View) -> Array:
        """Constant compute power that leaves the reserve at the next sunrise, (B, S) [W].

        With S the array's output and q the load beside it, stored energy changes by eta_c (S − q) in sunlight and
        by −q / eta_d in shadow.
        """
        design, ahead = view.design, view.forecast
        spare_j = self._spare_j(view)
        crossing_s = ahead["time_to_crossing_s"]
        light_s = np.clip(crossing_s, 0.0, design["period_s"])
        dark_s = np.where(crossing_s > 0.0, ahead["eclipse_length_s"], np.maximum(-crossing_s, view.decision_period_s))
        lit_w = lit_power_w(view)
        in_w = design["eta_charge"] * light_s
        out_w = dark_s / design["eta_discharge"]
        load_w = (spare_j + lit_w * in_w) / np.maximum(in_w + out_w, view.decision_period_s)
        # a battery that would be full before the eclipse leaves light to spend now
        room_j = np.maximum(self.parameters.full_frac - view.observation["charge_frac"], 0.0) * design["capacity_j"]
        unstored_w = lit_w - np.minimum(room_j / np.maximum(in_w, view.decision_period_s), design["rate_charge_w"])
        load_w = np.where(crossing_s > 0.0, np.maximum(load_w, unstored_w), load_w)
        return np.asarray(load_w * design["eta_pcdu"] - design["bus_w"])

    def _heat_budget_w(self, view: View) -> Array:
        """Compute power that brings the junction to its limit, less a margin, (B, S) [W]."""
        return heat_budget_w(view, self.parameters.heat_margin_k, self.parameters.heat_gain)

    def _bids(self, view: View) -> Array:
        """Bids that fill started satellites first and draw power-hungry classes to room ahead, (B, C, S).

        Room is over the fleet's mean: energy for the next orbit, or heat, whichever is scarcer.
        """
        design, rule = view.design, self.parameters
        orbit_w = view.forecast["solar_mean_w"][:, 3] + self._spare_j(view) / design["period_s"]
        energy = (orbit_w * design["eta_pcdu"] - design["bus_w"]) / design["peak_w"]
        heat = self._heat_budget_w(view) / design["peak_w"]
        room = np.clip(np.minimum(energy, heat), 0.0, 1.0)
        room = room - room.mean(axis=1, keepdims=True)
        hunger = self._utilisation - self._utilisation.mean()
        bids = rule.pack_gain * load_term(view)[:, None, :] + rule.room_gain * hunger[:, None] * room[:, None, :]
        return np.asarray(np.clip(bids, rule.least_bid, 1.0))
