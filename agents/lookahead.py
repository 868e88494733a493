"""Scheduler that plays candidate rules ahead in sampled futures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._parameters import JOINT, choice, number
from odc_gym.agents._starts import start_dials
from odc_gym.agents.base import Scheduler, scheduler
from odc_gym.agents.coolest_first import CoolestFirst
from odc_gym.agents.fullest_battery_first import FullestBatteryFirst
from odc_gym.agents.gang_aware import GangAware
from odc_gym.agents.governor import Governor
from odc_gym.agents.orbit_balanced import OrbitBalanced
from odc_gym.agents.sun_aware import SunAware
from odc_gym.agents.sunlit_first import SunlitFirst
from odc_gym.dial_files import FOLDER
from odc_gym.errors import SchedulerError
from odc_gym.optimisation.planning.branches import Branches
from odc_gym.optimisation.planning.candidates import variations

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

Array = NDArray[Any]

RULES: dict[str, Any] = {
    "coolest-first": CoolestFirst,
    "fullest-battery-first": FullestBatteryFirst,
    "gang-aware": GangAware,
    "governor": Governor,
    "orbit-balanced": OrbitBalanced,
    "sun-aware": SunAware,
    "sunlit-first": SunlitFirst,
}
"""Stateless rules of the package that may be candidates."""
DIALS = "dials"  # stands for the candidates in dials
MOST_SATELLITES = 256  # larger fleets take longer than a second a decision


@dataclass(frozen=True)
class LookaheadParameters:
    """Parameters, chosen on training episodes."""

    horizon_h: float = number(3.0, 0.1, 24.0, "hours that a branch is played")
    futures: float = number(4.0, 2.0, 64.0, "sampled futures of each candidate")
    pool: float = number(16.0, 2.0, 256.0, "futures of an episode, from which choices take some in turns")
    every: float = number(6.0, 1.0, 288.0, "decisions from one choice to the next")
    kept: float = number(5.0, 0.0, 64.0, "best candidates of a choice that are candidates again at the next one")
    variations: float = number(12.0, 0.0, 256.0, "random variations of the dials in force")
    spread: float = number(0.3, 0.0, 2.0, "standard deviation of a varied dial")
    caution: float = number(1.0, 0.0, 10.0, "standard errors by which a gain must exceed 0")
    candidates: str = choice(DIALS, (DIALS, *RULES), "rules that are played ahead")


@scheduler("lookahead", LookaheadParameters)
class Lookahead:
    """Scheduler that plays candidate rules ahead in sampled futures.

    Candidates are settings of the dials, random variations of the best ones, and rules of the package by request. The
    futures keep the present, the light and the scenario's script; arrivals, demand, faults and true work come from
    training episodes. The candidate acts whose mean gain, less its standard error, is highest.

    Controls: everything.

    Source: rollout algorithms with several base policies, Bertsekas, Tsitsiklis and Wu, J. Heuristics 3 (1997).
    """

    plans, data = True, FOLDER

    def __init__(self, view: View, parameters: LookaheadParameters | None = None) -> None:
        """Make the branches, which hold their own copies of the tables of each episode."""
        p = self.parameters = parameters or LookaheadParameters()
        if view.satellites > MOST_SATELLITES:
            raise SchedulerError(
                f"scheduler = lookahead: {view.scenario.name} has {view.satellites} satellites, must be at most "
                f"{MOST_SATELLITES}: a decision would take much longer than a second"
            )
        names = p.candidates.split(JOINT)
        self._rules: list[Scheduler] = [RULES[name](view) for name in names if name != DIALS]
        self._starts = start_dials(view) if DIALS in names else np.zeros((1, view.dials.size))
        self._variations = int(p.variations) if DIALS in names else 0
        self._kept = int(p.kept) if DIALS in names else 0
        self._size = 1 + self._kept + len(self._starts) + self._variations
        self._branches = Branches(view, [self._size, *[1] * len(self._rules)], int(p.futures), int(p.pool))
        ahead = zip((name for name in names if name != DIALS), self._branches.views[1:], strict=True)
        self._ahead: list[Scheduler] = [RULES[name](other) for name, other in ahead]
        self._horizon = max(1, round(p.horizon_h * 3600.0 / view.decision_period_s))
        b = view.num_envs
        self._seeds, self._count = np.full(b, -1), np.zeros(b, np.int64)
        self._dials, self._chosen = np.zeros((b, view.dials.size)), np.full(b, -1)  # rule in force; -1: the dials
        self._best = np.zeros((self._kept, b, view.dials.size))  # best of the last choice

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Forget the episodes of rows; the next action draws the futures of the new ones."""
        self._seeds[mask] = -1

    def act(self, view: View) -> Array:
        """Return the actions of the rules in force, (B, A), after choosing them anew where that is due."""
        self._begin(view)
        due = np.flatnonzero(self._count % int(self.parameters.every) == 0)
        if due.size:
            self._choose(due)
        self._count += 1
        actions = view.actions_of_dials(self._dials)
        for k in np.unique(self._chosen[self._chosen >= 0]).tolist():
            by_rule = self._chosen == k
            actions[by_rule] = self._rules[k].act(view)[by_rule]
        return actions

    def _begin(self, view: View) -> None:
        """Draw futures for the rows that play another episode than at the last decision."""
        new = np.flatnonzero(view.simulator.seeds != self._seeds)
        if new.size:
            self._branches.begin(new)
            self._seeds[new], self._count[new] = view.simulator.seeds[new], 0
            self._dials[new], self._chosen[new] = self._starts[0], -1
            self._best[:, new] = self._starts[0]

    def _choose(self, due: Array) -> None:
        """Play all candidates ahead of the rows `due`, and put the best of each in force."""
        candidates = self._candidates()
        self._branches.fork(due)
        futures = int(self.parameters.futures)
        each = np.repeat(candidates.reshape(-1, candidates.shape[-1]), futures, 0)
        found = [self._branches.returns(0, lambda view: view.actions_of_dials(each), self._horizon)]
        for k, rule in enumerate(self._ahead):
            found.append(self._branches.returns(k + 1, rule.act, self._horizon))
        earned = np.concatenate(found)  # (N, B, F)
        for b in due.tolist():
            in_force = 0 if self._chosen[b] < 0 else self._size + int(self._chosen[b])
            gain = np.ascontiguousarray(earned[:, b] - earned[in_force, b])
            error = gain.std(1, ddof=1) / np.sqrt(futures)
            worth = gain.mean(1) - self.parameters.caution * error
            best = int(np.argmax(worth))
            self._chosen[b] = best - self._size if best >= self._size else -1
            if best < self._size:
                self._dials[b] = candidates[best, b]
            self._best[:, b] = candidates[np.argsort(-worth[: self._size], kind="stable")[: self._kept], b]

    def _candidates(self) -> Array:
        """Return the dials of the candidates, (N, B, D): in force, the best of before, starts, variations."""
        b = len(self._dials)
        varied = np.empty((self._variations, *self._dials.shape))
        for row in range(b):
            origins = np.concatenate([self._dials[None, row], self._best[:, row], self._starts[:1]])
            varied[:, row] = variations(origins, self._variations, self.parameters.spread, int(self._count[row]))
        starts = np.repeat(self._starts[:, None], b, 1)
        return np.concatenate([self._dials[None], self._best, starts, varied])
