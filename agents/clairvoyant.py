"""Scheduler that knows the future, as a yardstick for those that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._parameters import number
from odc_gym.agents._starts import start_dials
from odc_gym.agents.base import scheduler
from odc_gym.dial_files import FOLDER
from odc_gym.errors import SchedulerError
from odc_gym.optimisation.planning.clairvoyant_search import SearchSize, clairvoyant_plan

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

Array = NDArray[Any]

MOST_SATELLITES = 256  # the search of a larger fleet takes hours


@dataclass(frozen=True)
class ClairvoyantParameters:
    """Size of the search."""

    branches: float = number(32.0, 2.0, 1024.0, "branches at each block of time")
    block: float = number(12.0, 1.0, 288.0, "decisions of a block")
    rounds: float = number(8.0, 0.0, 100.0, "rounds of constant settings before the first pass")
    passes: float = number(2.0, 1.0, 100.0, "times that the episode is searched")
    spread: float = number(0.4, 0.0, 2.0, "standard deviation of a changed dial")


@scheduler("clairvoyant", ClairvoyantParameters)
class Clairvoyant:
    """Scheduler that knows the future, for orientation only.

    It searches the dials of each decision in the true future of the episode, with all arrivals, demand, faults and true
    work. Its actions attain its score, so the best possible is at least as high. No policy may learn from it.

    Controls: everything.
    """

    plans = knows_future = True
    data = FOLDER

    def __init__(self, view: View, parameters: ClairvoyantParameters | None = None) -> None:
        """Store the parameters; each episode is searched at its first decision."""
        p = self.parameters = parameters or ClairvoyantParameters()
        if view.satellites > MOST_SATELLITES:
            raise SchedulerError(
                f"scheduler = clairvoyant: {view.scenario.name} has {view.satellites} satellites, must be at most "
                f"{MOST_SATELLITES}: its search would take hours"
            )
        self._starts = start_dials(view)
        self._size = SearchSize(
            branches=max(int(p.branches), len(self._starts)),
            block=int(p.block),
            passes=int(p.passes),
            rounds=int(p.rounds),
            spread=p.spread,
        )

        self._seeds, self._count = np.full(view.num_envs, -1), np.zeros(view.num_envs, np.int64)
        self._plans: list[Array] = [np.zeros((0, view.dials.size))] * view.num_envs

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Forget the plans of rows; the next action searches them."""
        self._seeds[mask] = -1

    def act(self, view: View) -> Array:
        """Return the next actions of the plans, (B, A); an ended episode repeats the last one."""
        for b in np.flatnonzero(view.simulator.seeds != self._seeds).tolist():
            self._plans[b], _ = clairvoyant_plan(view.simulator, b, self._starts, self._size)
            self._seeds[b], self._count[b] = view.simulator.seeds[b], 0
        at = zip(self._plans, self._count.tolist(), strict=True)
        dials = np.stack([plan[min(k, len(plan) - 1)] for plan, k in at])
        self._count += 1
        return view.actions_of_dials(dials)
