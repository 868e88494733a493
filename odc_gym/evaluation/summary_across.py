"""Summary across scenarios: the best scheduler of each scenario, and means over all scenarios.

A score is a percentage of the sustainable output of the scenario's own fleet. Scores of different scenarios can
therefore be averaged, with equal weights. The mean rank does not depend on the scale of any scenario. The paired
difference to the baseline completes the summary. Means over scenarios exist only for schedulers that can operate all
of them.
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
    """Statistics over several scenarios of one scheduler, or of the training runs of one learned scheduler."""

    name: str
    runs: int
    foresighted: bool  # it knows the future
    means: dict[str, float]  # scenario that it can operate, to its mean score
    tied: frozenset[str]  # scenarios in which its paired difference to the best is not resolved
    score: Estimate | None  # mean over scenarios; this and the rest are None unless it can operate all
    rank: Estimate | None  # mean of its ranks among schedulers that can operate all scenarios; 1 is the best
    paired: Estimate | None  # mean difference to the baseline; None for the baseline
    improvement: Estimate | None  # probability to beat the baseline on an episode, mean over scenarios


@dataclass(frozen=True)
class AcrossSummary:
    """Statistics of all schedulers over several scenarios."""

    scenarios: tuple[str, ...]
    baseline: str
    best: dict[str, str]  # scenario to the scheduler with the highest mean score
    rows: list[OverallSummary]  # best mean score first; schedulers that cannot operate every scenario come last


def summarise_across(comparisons: Sequence[Comparison], baseline: str) -> AcrossSummary:
    """Summarise comparisons of the same schedulers on several scenarios.

    Args:
        comparisons: one per scenario, with equally many episodes; episode n has the same seed in all of them.
        baseline: scheduler that can operate every scenario.
    """
    names = list(dict.fromkeys(name for comparison in comparisons for name in comparison.compared))
    best = {comparison.scenario.name: _best(comparison) for comparison in comparisons}
    everywhere = [name for name in names if all(name in comparison.compared for comparison in comparisons)]
    tables = {name: scores_across(comparisons, name) for name in everywhere}
    ranks = dict(zip(everywhere, statistics.mean_ranks(list(tables.values())), strict=True))
    reference = scores_across(comparisons, baseline)
    rows = []
    for name in names:
        scores = tables.get(name)
        pair = None if scores is None or name == baseline else (scores, reference)
        here = [comparison for comparison in comparisons if name in comparison.compared]
        rows.append(
            OverallSummary(
                name=name,
                runs=len(here[0].scores(name)),
                foresighted=name in here[0].foresighted,
                means={c.scenario.name: float(c.scores(name).mean()) for c in here},
                tied=frozenset(c.scenario.name for c in here if _is_tied(c, name, best[c.scenario.name])),
                score=None if scores is None else statistics.estimate(scores),
                rank=ranks.get(name),
                paired=pair and statistics.paired_difference(*pair),
                improvement=pair and statistics.probability_of_improvement(*pair),
            )
        )
    rows.sort(key=lambda row: (row.score is None, -(row.score.value if row.score else np.mean([*row.means.values()]))))
    return AcrossSummary(tuple(c.scenario.name for c in comparisons), baseline, best, rows)


def scores_across(comparisons: Sequence[Comparison], name: str) -> Array:
    """Stack the scores (R, N, P) of a scheduler that can operate all P scenarios."""
    return np.stack([comparison.scores(name) for comparison in comparisons], axis=-1)


def load_strata_across(comparisons: Sequence[Comparison]) -> dict[str, np.ndarray]:
    """Split episodes into thirds by the mean of their load factors over the scenarios.

    A stratum has the same seeds in every scenario. The loads of a seed in several scenarios are correlated, because the
    date and the swings of demand are the same.
    """
    return load_strata(np.mean([comparison.load for comparison in comparisons], axis=0))


def _best(comparison: Comparison) -> str:
    return max(comparison.competitors, key=lambda name: float(comparison.scores(name).mean()))


def _is_tied(comparison: Comparison, name: str, best: str) -> bool:
    """Return whether the paired difference to the best scheduler is not resolved."""
    if name == best:
        return False
    return not statistics.paired_difference(comparison.scores(best), comparison.scores(name)).excludes_zero
