"""Figures across scenarios: who wins where, and who over all.

A score is in percent of what the scenario's fleet can sustain, so that the plain mean over scenarios means something;
each scenario weighs the same. Beside it stand the mean rank, which no scale of a scenario can sway, and the paired
difference to the baseline. What is averaged over scenarios exists only for schedulers that can operate all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from odc_gym.evaluation import statistics
from odc_gym.evaluation.results import Array, Comparison
from odc_gym.evaluation.statistics import Estimate
from odc_gym.evaluation.summary import load_strata


@dataclass(frozen=True)
class OverallSummary:
    """Figures of one scheduler, or of the training runs of one learned scheduler, over several scenarios."""

    name: str
    runs: int
    means: dict[str, float]  # scenario that it can operate: mean score
    tied: frozenset[str]  # scenarios where its paired difference to the best is not resolved
    score: Estimate | None  # mean over scenarios; None, as the next, unless it can operate all of them
    rank: Estimate | None  # by mean score among the schedulers that can operate all, 1 is the best; mean over scenarios
    paired: Estimate | None  # mean difference to the baseline; None for the baseline itself
    improvement: Estimate | None  # chance to beat the baseline on an episode, mean over scenarios


@dataclass(frozen=True)
class AcrossSummary:
    """Figures of all schedulers over several scenarios."""

    scenarios: tuple[str, ...]
    baseline: str
    best: dict[str, str]  # scenario: the scheduler with the highest mean
    rows: list[OverallSummary]  # best mean score first, then those that cannot operate every scenario


def summarise_across(comparisons: Sequence[Comparison], baseline: str) -> AcrossSummary:
    """Figures over scenarios.

    Args:
        comparisons: one a scenario, of the same schedulers on equally many episodes, episode n of each with one seed.
        baseline: a scheduler that can operate every scenario.
    """
    names = list(dict.fromkeys(name for comparison in comparisons for name in comparison.compared))
    best = {comparison.scenario.name: _best(comparison) for comparison in comparisons}
    everywhere = [name for name in names if all(name in comparison.compared for comparison in comparisons)]
    tables = {name: scores_across(comparisons, name) for name in everywhere}
    ranks = dict(zip(everywhere, statistics.mean_ranks(list(tables.values())), strict=True))
    reference = scores_across(comparisons, baseline)
    rows = []
    for name in names:
        ours, itself = tables.get(name), name == baseline
        against = None if ours is None or itself else (ours, reference)
        here = [comparison for comparison in comparisons if name in comparison.compared]
        rows.append(
            OverallSummary(
                name=name,
                runs=len(here[0].scores(name)),
                means={c.scenario.name: float(c.scores(name).mean()) for c in here},
                tied=frozenset(c.scenario.name for c in here if _is_tied(c, name, best[c.scenario.name])),
                score=None if ours is None else statistics.estimate(ours),
                rank=ranks.get(name),
                paired=against and statistics.paired_difference(*against),
                improvement=against and statistics.probability_of_improvement(*against),
            )
        )
    rows.sort(key=lambda row: (row.score is None, -(row.score.value if row.score else np.mean([*row.means.values()]))))
    return AcrossSummary(tuple(c.scenario.name for c in comparisons), baseline, best, rows)


def scores_across(comparisons: Sequence[Comparison], name: str) -> Array:
    """Scores (R, N, P) of a scheduler that can operate all P scenarios."""
    return np.stack([comparison.scores(name) for comparison in comparisons], axis=-1)


def load_strata_across(comparisons: Sequence[Comparison]) -> dict[str, np.ndarray]:
    """Episodes by thirds of their load factor's mean over the scenarios: the same seeds in each of them.

    The loads of a seed in several scenarios are related: its date is the same, and so are swings of demand.
    """
    return load_strata(np.mean([comparison.load for comparison in comparisons], axis=0))


def _best(comparison: Comparison) -> str:
    return max(comparison.compared, key=lambda name: float(comparison.scores(name).mean()))


def _is_tied(comparison: Comparison, name: str, best: str) -> bool:
    """Whether the paired difference to the best is not resolved."""
    if name == best:
        return False
    return not statistics.paired_difference(comparison.scores(best), comparison.scores(name)).excludes_zero
