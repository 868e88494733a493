"""Results of a comparison: score, reward terms and KPIs of every scheduler in every episode."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.scenario import Scenario
from odc_gym.workload.traces import TraceFile, trace_files

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SchedulerResult:
    """Results of one scheduler, one entry per episode, in the order of the comparison's seeds."""

    score: Array  # (N,) sum of rewards; 100 = the fleet's sustainable output at the scenario's mix of classes
    terms: dict[str, Array]  # reward term: (N,) sum over the episode
    metrics: dict[str, Array]  # KPI: (N,)
    waterfall: dict[str, Array] = field(default_factory=dict)  # part of `simulator.waterfall`: (N,) [accelerator-h]
    energy: dict[str, Array] = field(default_factory=dict)  # part of `simulator.energy_flow`: (N,) [kWh]
    seconds: float = math.nan  # mean time that the scheduler took for a decision of one episode; NaN: read from a store


TABLES = ("terms", "metrics", "waterfall", "energy")
"""Fields of `SchedulerResult` that map names to values by episode."""

TraceFiles = str | TraceFile | tuple[str | TraceFile, ...] | None
"""File of a trace, several files, or None; a file with options is a record."""


@dataclass(frozen=True)
class Comparison:
    """Results of several schedulers on the same episodes of one scenario."""

    scenario: Scenario
    seeds: NDArray[np.int64]  # (N,)
    results: dict[str, SchedulerResult]
    load: Array  # (N,) load factor: offered work over sustainable work
    trace: TraceFiles = None
    groups: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # name to its training runs, which are keys of `results`
    absent: Mapping[str, str] = field(default_factory=dict)  # scheduler that cannot operate the scenario, to the reason
    foresighted: frozenset[str] = frozenset()  # schedulers that know the future: no competitors, for orientation only

    @property
    def trace_files(self) -> tuple[TraceFile, ...]:
        """Files of the trace; empty without a trace."""
        return trace_files(self.trace)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the schedulers, then of the groups of training runs."""
        return (*self.results, *self.groups)

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of schedulers and groups, without the single runs of the groups."""
        members = {run for runs in self.groups.values() for run in runs}
        return tuple(name for name in self.names if name not in members)

    @property
    def competitors(self) -> tuple[str, ...]:
        """Names of `compared` that do not know the future; all if there is no other."""
        return tuple(name for name in self.compared if name not in self.foresighted) or self.compared

    def runs(self, name: str) -> list[SchedulerResult]:
        """Return the results of a group's training runs, or the one result of a scheduler."""
        return [self.results[run] for run in self.groups.get(name, (name,))]

    def scores(self, name: str) -> Array:
        """Return the scores (R, N) of a group's R training runs, or (1, N) of a scheduler."""
        return np.stack([run.score for run in self.runs(name)])

    def terms(self, name: str) -> dict[str, Array]:
        """Return the reward terms (N,), averaged over training runs."""
        return _mean_over_runs([run.terms for run in self.runs(name)])

    def metrics(self, name: str) -> dict[str, Array]:
        """Return the KPIs (N,), averaged over training runs."""
        return _mean_over_runs([run.metrics for run in self.runs(name)])

    def waterfall(self, name: str) -> dict[str, Array]:
        """Return the parts of the waterfall (N,) [accelerator-h], averaged over training runs."""
        return _mean_over_runs([run.waterfall for run in self.runs(name)])

    def energy(self, name: str) -> dict[str, Array]:
        """Return the parts of the energy flow (N,) [kWh], averaged over training runs."""
        return _mean_over_runs([run.energy for run in self.runs(name)])


def concatenate_results(parts: Sequence[SchedulerResult]) -> SchedulerResult:
    """Concatenate one scheduler's results on consecutive episodes."""

    def join(table: str) -> dict[str, Array]:
        tables = [getattr(part, table) for part in parts]
        return {name: np.concatenate([each[name] for each in tables]) for name in tables[0]}

    score = np.concatenate([part.score for part in parts])
    seconds = np.average([part.seconds for part in parts], weights=[part.score.size for part in parts])
    tables: dict[str, Any] = {table: join(table) for table in TABLES}
    return SchedulerResult(score, **tables, seconds=float(seconds))


def _mean_over_runs(tables: list[dict[str, Array]]) -> dict[str, Array]:
    return {key: np.mean([table[key] for table in tables], axis=0) for key in tables[0]}
