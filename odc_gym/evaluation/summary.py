"""Figures of a comparison: what is said of each scheduler, and of parts of the episodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import OdcGymError
from odc_gym.evaluation import statistics
from odc_gym.evaluation.results import Array, Comparison, SchedulerResult
from odc_gym.evaluation.statistics import Estimate

DEFAULT_BASELINE = "full-clock"
"""The naive operator, against whom differences are taken when it plays."""
LOAD_STRATA = ("low", "medium", "high")


@dataclass(frozen=True)
class SchedulerSummary:
    """The figures of one scheduler, or of the training runs of one learned scheduler."""

    name: str
    runs: int
    score: Estimate
    iqm: Estimate
    worst: float  # mean of the worst tenth of all runs and episodes
    paired: Estimate | None  # mean difference to the baseline on the same episodes; None for the baseline itself
    improvement: Estimate | None  # chance to beat the baseline on an episode


def choose_baseline(names: Sequence[str], wanted: str | None = None) -> str:
    """The scheduler that differences are taken against: the wanted one, else `full-clock`, else the first.

    Args:
        names: who plays, groups of training runs included.
        wanted: one of them, None for the default.

    Raises:
        OdcGymError: the wanted one does not play.
    """
    if wanted is not None and wanted not in names:
        raise OdcGymError(f"baseline = {wanted}: must be one of the compared schedulers ({', '.join(names)})")
    return wanted or (DEFAULT_BASELINE if DEFAULT_BASELINE in names else names[0])


def summarise(comparison: Comparison, baseline: str) -> list[SchedulerSummary]:
    """Figures of every scheduler, best mean score first."""
    table = [_summary(comparison, name, baseline) for name in comparison.names]
    return sorted(table, key=lambda row: -row.score.value)


def _summary(comparison: Comparison, name: str, baseline: str) -> SchedulerSummary:
    scores, reference = comparison.scores(name), comparison.scores(baseline)
    itself = name == baseline
    return SchedulerSummary(
        name=name,
        runs=len(scores),
        score=statistics.estimate(scores),
        iqm=statistics.estimate(scores, statistics.interquartile_mean),
        worst=float(statistics.worst_tenth_mean(scores.reshape(-1))),
        paired=None if itself else statistics.paired_difference(scores, reference),
        improvement=None if itself else statistics.probability_of_improvement(scores, reference),
    )


def load_strata(load: Array) -> dict[str, NDArray[np.int64]]:
    """Episodes by thirds of their load factor.

    Args:
        load: (N,) load factors.

    Returns:
        Name of the stratum to indices of its episodes; empty when there are fewer episodes than strata.
    """
    if len(load) < len(LOAD_STRATA):
        return {}
    parts = np.array_split(np.argsort(load, kind="stable"), len(LOAD_STRATA))
    return {name: np.sort(part) for name, part in zip(LOAD_STRATA, parts, strict=True)}


def select_episodes(comparison: Comparison, episodes: NDArray[np.int64]) -> Comparison:
    """The same comparison on some of its episodes (indices)."""

    def pick(table: Mapping[str, Array]) -> dict[str, Array]:
        return {name: values[episodes] for name, values in table.items()}

    results = {
        n: SchedulerResult(r.score[episodes], pick(r.terms), pick(r.metrics)) for n, r in comparison.results.items()
    }
    return replace(comparison, seeds=comparison.seeds[episodes], load=comparison.load[episodes], results=results)


def known_mean(values: Array) -> float:
    """Mean over the episodes in which the figure exists (a wait exists only where something waited)."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
