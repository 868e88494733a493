"""Branches: batches that continue the episodes of a view in sampled futures, for candidate rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.optimisation.planning.futures import (
    Future,
    Present,
    hide_true_readings,
    load_tables,
    other_episodes,
    write_future,
)
from odc_gym.optimisation.planning.unpaid import unpaid_value
from odc_gym.simulator.simulator import Simulator
from odc_gym.simulator.view import View
from odc_gym.tables.episode.tables import build_episode

Array = NDArray[Any]
Policy = Callable[[View], Array]
"""Callable that returns the actions of all rows of a batch of branches, (rows, A)."""


class Branches:
    """Branches of the B episodes of a view, in F sampled futures of each.

    Candidates come in groups. A group of N candidates is one batch whose rows are (N, B, F), so that one call of its
    policy acts for all of them. All candidates meet the same futures. Each episode has a pool of futures, of which
    forks take F in turns: a candidate that is best by chance in some futures meets others at the next fork.

    Attributes:
        views: view of each group, for the policies.
    """

    def __init__(self, view: View, sizes: Sequence[int], futures: int, pool: int = 0) -> None:
        """Make a batch for each group.

        Args:
            view: view of B episodes.
            sizes: number of candidates of each group.
            futures: number of futures of each episode at a fork, F.
            pool: number of futures to take them from; at least F.
        """
        self._source: Simulator = view.simulator
        self._shapes = [(size, view.num_envs, futures) for size in sizes]
        self._batches = [self._source.sibling(int(np.prod(shape)), 1) for shape in self._shapes]
        self.views = [batch.view for batch in self._batches]
        self._futures: list[list[Future]] = [[] for _ in range(view.num_envs)]
        self._forks = np.zeros(view.num_envs, np.int64)
        self._count, self._pool = futures, max(pool, futures)

    def begin(self, rows: Array) -> None:
        """Draw the futures of the episodes that have begun in rows, (N,)."""
        for row in rows.tolist():
            seed = int(self._source.seeds[row])
            others = other_episodes(seed, self._pool)
            tables = [build_episode(self._source.fleet, seed, other) for other in others]
            futures = [Future.of_tables(*pair) for pair in zip(others, tables, strict=True)]
            for k in range(self._count):
                for group, batch in enumerate(self._batches):
                    load_tables(batch, self._rows(group, row)[:, k], tables[k], futures, self._source, row)
            self._futures[row], self._forks[row] = futures, 0

    def fork(self, rows: Array) -> None:
        """Continue from the present of rows, (N,)."""
        for row in rows.tolist():
            present = Present.of_row(self._source, row)
            for group, batch in enumerate(self._batches):
                at = self._rows(group, row)
                batch.take_state(at.ravel(), self._source, row)
                hide_true_readings(batch, at.ravel(), self._source, row)
            for k in range(self._count):
                future = self._futures[row][(self._forks[row] * self._count + k) % self._pool]
                quantile = (k + 0.5) / self._count
                targets = [(batch, self._rows(g, row)[:, k]) for g, batch in enumerate(self._batches)]
                write_future(targets, present, future, quantile)
            self._forks[row] += 1
        for batch in self._batches:
            batch.observe(np.arange(batch.num_envs))

    def returns(self, group: int, policy: Policy, horizon: int) -> Array:
        """Play some decisions from the fork, and return what each candidate earns, (N, B, F) [points].

        It is the sum of rewards and the gain in executed work that is not paid yet.

        Args:
            group: group of candidates; each plays once after a fork.
            policy: actions of the group's rows, which are (N, B, F).
            horizon: number of decisions; the end of an episode ends its branches.
        """
        batch = self._batches[group]
        total = -unpaid_value(batch)
        for _ in range(horizon):
            batch.step(policy(batch.view))
            total += batch.reward
            if batch.truncated.all():
                break
        total += np.where(batch.truncated, 0.0, unpaid_value(batch))
        return total.reshape(self._shapes[group])

    def _rows(self, group: int, row: int) -> Array:
        """Return the rows of a group that continue a row of the view, (N, F)."""
        shape = self._shapes[group]
        return np.arange(int(np.prod(shape))).reshape(shape)[:, row]
