"""Branches: simulators that continue an episode under candidate rules, each in the same sampled futures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from odc_gym.optimisation.planning.futures import Future, Present, hide_true_readings, load_futures, write_future
from odc_gym.optimisation.planning.unpaid import unpaid_value
from odc_gym.simulator.simulator import Simulator
from odc_gym.simulator.view import View

Array = NDArray[Any]


class Rule(Protocol):
    """Scheduler that a branch follows; `odc_gym.agents.Scheduler` satisfies it."""

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin the episodes of the rows where `mask` (B,) is set."""

    def act(self, view: Any) -> Array:
        """Return actions (B, A) for the current view."""


class Branches:
    """Branches of the episodes of a view: one simulator for each rule, with a row for each episode and future.

    Attributes:
        futures: number of sampled futures of each episode, F.
        rules: rules of the branches, made for their simulators.
    """

    def __init__(self, view: View, makers: Sequence[Callable[[View], Rule]], futures: int) -> None:
        """Make simulators of the view's fleet.

        Args:
            view: view of B episodes.
            makers: for each rule, a callable that makes it for a view.
            futures: number of futures of each episode.
        """
        self._source: Simulator = view.simulator
        self.futures = futures
        self._branches = [self._source.sibling(view.num_envs * futures, 1) for _ in makers]
        self.rules = [make(branch.view) for make, branch in zip(makers, self._branches, strict=True)]
        self._drawn: list[list[Future]] = [[] for _ in range(view.num_envs)]

    def begin(self, rows: Array) -> None:
        """Draw the futures of the episodes that begin in rows, (N,)."""
        first, *others = self._branches
        for row in rows.tolist():
            self._drawn[row] = load_futures(first, self._rows_of(row), self._source, row)
            for branch in others:
                for at in self._rows_of(row).tolist():
                    branch.take_parameters(at, first, at)
        for branch in others:
            branch.share_tables(first)

    def returns(self, rows: Array, horizon: int) -> Array:
        """Return what each rule earns from the present on, (rules, N, F).

        It is the sum of rewards, and the value of executed work that is not paid yet, in points.

        Args:
            rows: rows of the view whose episodes go on, (N,).
            horizon: number of decisions; the end of an episode ends its branches.
        """
        self._fork(rows)
        found = np.zeros((len(self._branches), rows.size, self.futures))
        chosen = np.concatenate([self._rows_of(row) for row in rows.tolist()])
        for k, (branch, rule) in enumerate(zip(self._branches, self.rules, strict=True)):
            found[k] = _played(branch, rule, horizon)[chosen].reshape(rows.size, self.futures)
        return found

    def _rows_of(self, row: int) -> Array:
        return row * self.futures + np.arange(self.futures)

    def _fork(self, rows: Array) -> None:
        """Copy the present states to the branches, and write the futures into their tables."""
        first = self._branches[0]
        for row in rows.tolist():
            at = self._rows_of(row)
            for branch in self._branches:
                branch.take_state(at, self._source, row)
                hide_true_readings(branch, at, self._source, row)
            write_future(first, at, Present.of_row(self._source, row), self._drawn[row])
            for branch in self._branches[1:]:
                branch.scalars["next_event"][at] = first.scalars["next_event"][at]
        for branch in self._branches:
            branch.observe()


def _played(branch: Simulator, rule: Rule, horizon: int) -> Array:
    """Play some decisions of all rows of a branch under a rule, and return what they earn, (rows,) [points]."""
    total = -unpaid_value(branch)
    rule.reset(branch.view, np.ones(branch.num_envs, np.bool_), branch.seeds.copy())
    for _ in range(horizon):
        branch.step(rule.act(branch.view))
        total += branch.reward
        if branch.truncated.all():
            break
    return np.asarray(total + np.where(branch.truncated, 0.0, unpaid_value(branch)))
