"""Scheduler that solves a linear program for the next hours, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import class_utilisations, clock_request_for_power
from odc_gym.agents._parameters import number
from odc_gym.agents._starts import start_dials
from odc_gym.agents.base import scheduler
from odc_gym.dial_files import FOLDER
from odc_gym.optimisation.planning.fluid_inputs import fluid_inputs
from odc_gym.optimisation.planning.fluid_plan import FluidPlan, fluid_plan

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

Array = NDArray[Any]


@dataclass(frozen=True)
class MpcParameters:
    """Parameters, chosen on training episodes."""

    horizon_h: float = number(3.0, 0.5, 12.0, "hours that the program covers")
    slot_min: float = number(15.0, 5.0, 60.0, "length of a slot of the program [min]")
    every: float = number(3.0, 1.0, 288.0, "decisions from one program to the next")
    bid_gain: float = number(
        0.3, 0.0, 2.0, "gain of bids by planned less running accelerators, over those of a satellite"
    )
    urgency_gain: float = number(
        0.3, 0.0, 2.0, "gain of urgencies by the logarithm of planned over running accelerators"
    )
    most_urgency: float = number(0.6, 0.0, 1.0, "largest change of an urgency")


@scheduler("mpc", MpcParameters)
class Mpc:
    """Scheduler that solves a linear program of the next hours.

    The program divides accelerators by class and clock in slots of a quarter of an hour. It knows the light, limits of
    heat, the battery with prices of wear, waiting work, and the mean work and demand to come. The first slot becomes
    clock requests, bids and urgencies.

    Controls: placement, clocks, urgency.

    Source: model predictive control by linear programs, solved by HiGHS (Huangfu and Hall, Math. Prog. Comp. 10, 2018).
    """

    plans, data = True, FOLDER

    def __init__(self, view: View, parameters: MpcParameters | None = None) -> None:
        """Store the parameters; the plans of the rows are solved when they are due."""
        self.parameters = parameters or MpcParameters()
        self._utilisation = class_utilisations(view)
        self._base = start_dials(view)[0]
        self._count = np.zeros(view.num_envs, np.int64)
        self._seeds = np.full(view.num_envs, -1)
        self._plans: list[tuple[FluidPlan, Array] | None] = [None] * view.num_envs

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Let the rows solve a new plan at their next decision."""
        self._seeds[mask] = -1

    def act(self, view: View) -> Array:
        """Return the actions of the plans, (B, A); the dials' rule acts where the solver failed."""
        new = view.simulator.seeds != self._seeds
        self._seeds[new], self._count[new] = view.simulator.seeds[new], 0
        actions = view.actions_of_dials(self._base)
        power_w = np.full((view.num_envs, view.satellites), np.nan)
        for b in range(view.num_envs):
            if self._count[b] % int(self.parameters.every) == 0:
                self._plans[b] = self._plan(view, b)
            plan = self._plans[b]
            if plan is not None:
                power_w[b] = self._follow(view, actions, b, *plan)
        self._count += 1
        requests = clock_request_for_power(view, power_w, self._utilisation)
        clocks = view.layout.clocks(actions)
        clocks[:] = np.where(np.isfinite(power_w), requests, clocks)
        return actions

    def _plan(self, view: View, b: int) -> tuple[FluidPlan, Array] | None:
        """Solve the plan of a row, and return it with the group of each satellite."""
        slot_s = 60.0 * self.parameters.slot_min
        slots = max(1, round(3600.0 * self.parameters.horizon_h / slot_s))
        given = fluid_inputs(view.simulator, b, slots, slot_s)
        plan = fluid_plan(given)
        return None if plan is None else (plan, given.group)

    def _follow(self, view: View, actions: Array, b: int, plan: FluidPlan, group: Array) -> Array:
        """Write bids and urgencies of a row's plan, and return the planned powers, (S,) [W]."""
        p, running = self.parameters, view.observation["running"][b]
        planned = plan.accelerators[group].T  # (C, S)
        bids = view.layout.bids(actions)[b]
        change = p.bid_gain * (planned - running) / view.design["accelerators"][b]
        bids[:] = np.where(bids > view.scenario.dispatch.close, np.clip(bids + change, -0.4, 1.0), bids)
        wanted, held = planned.sum(1), running.sum(1)
        change = p.urgency_gain * np.log2((wanted + 1.0) / (held + 1.0))
        urgency = view.layout.urgency(actions)
        urgency[b] = np.clip(urgency[b] + np.clip(change, -p.most_urgency, p.most_urgency), -0.85, 1.0)
        return np.asarray(plan.power_w[group])
