"""Summary of a comparison on one scenario: statistics of each scheduler, and selections of episodes by load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import OdcGymError
from odc_gym.evaluation import statistics
from odc_gym.evaluation.results import TABLES, Array, Comparison
from odc_gym.evaluation.statistics import Estimate

DEFAULT_BASELINES = ("zero", "full-clock")
"""Default baselines in order: the operator's default, then the naive operator; the first that is compared."""
LOAD_STRATA = ("low", "medium", "high")


@dataclass(frozen=True)
class SchedulerSummary:
    """Statistics of one scheduler, or of the training runs of one learned scheduler."""

    name: str
    runs: int
    foresighted: bool  # it knows the future
    score: Estimate
    iqm: Estimate
    worst: float  # mean of the worst tenth of all runs and episodes
    paired: Estimate | None  # mean difference to the baseline on the same episodes; None for the baseline itself
    improvement: Estimate | None  # probability to beat the baseline on an episode


def choose_baseline(names: Sequence[str], wanted: str | None = None) -> str:
    """Return the baseline, the scheduler to which all others are compared.

    Args:
        names: names of the compared schedulers, groups of training runs included.
        wanted: one of these names; None selects the first of `DEFAULT_BASELINES` that is compared, else the first name.

    Raises:
        OdcGymError: `wanted` is not one of the names.
    """
    if wanted is not None and wanted not in names:
        raise OdcGymError(f"baseline = {wanted}: must be one of the compared schedulers ({', '.join(names)})")
    return wanted or next((name for name in DEFAULT_BASELINES if name in names), names[0])


def summarise(comparison: Comparison, baseline: str) -> list[SchedulerSummary]:
    """Return a summary of every scheduler, best mean score first."""
    summaries = [_summary(comparison, name, baseline) for name in comparison.names]
    return sorted(summaries, key=lambda summary: -summary.score.value)


def _summary(comparison: Comparison, name: str, baseline: str) -> SchedulerSummary:
    scores, reference = comparison.scores(name), comparison.scores(baseline)
    is_baseline = name == baseline
    return SchedulerSummary(
        name=name,
        runs=len(scores),
        foresighted=name in comparison.foresighted,
        score=statistics.estimate(scores),
        iqm=statistics.estimate(scores, statistics.interquartile_mean),
        worst=float(statistics.worst_tenth_mean(scores.reshape(-1))),
        paired=None if is_baseline else statistics.paired_difference(scores, reference),
        improvement=None if is_baseline else statistics.probability_of_improvement(scores, reference),
    )


def load_strata(load: Array) -> dict[str, NDArray[np.int64]]:
    """Split episodes into thirds by their load factor.

    Args:
        load: (N,) load factors.

    Returns:
        Name of each stratum to the indices of its episodes; empty if there are fewer episodes than strata.
    """
    if len(load) < len(LOAD_STRATA):
        return {}
    parts = np.array_split(np.argsort(load, kind="stable"), len(LOAD_STRATA))
    return {name: np.sort(part) for name, part in zip(LOAD_STRATA, parts, strict=True)}


def select_episodes(comparison: Comparison, episodes: NDArray[np.int64]) -> Comparison:
    """Return the comparison restricted to some of its episodes, given as indices."""

    def pick(table: Mapping[str, Array]) -> dict[str, Array]:
        return {name: values[episodes] for name, values in table.items()}

    results = {}
    for name, result in comparison.results.items():
        tables: dict[str, Any] = {table: pick(getattr(result, table)) for table in TABLES}
        results[name] = replace(result, score=result.score[episodes], **tables)
    return replace(comparison, seeds=comparison.seeds[episodes], load=comparison.load[episodes], results=results)


def select_schedulers(comparison: Comparison, names: Sequence[str]) -> Comparison:
    """Return the comparison restricted to some of its schedulers, without groups."""
    return replace(comparison, results={name: comparison.results[name] for name in names}, groups={})


def known_mean(values: Array) -> float:
    """Average over the episodes in which the value is finite. A waiting time, for example, needs a job that waited."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
