"""Words of a comparison: intervals, verdicts, and the sentences that begin and end a report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from odc_gym.evaluation import statistics
from odc_gym.evaluation.results import Array, Comparison
from odc_gym.evaluation.statistics import Estimate
from odc_gym.evaluation.summary_across import scores_across

FEW_EPISODES = 10
"""Episodes below which intervals are rough."""


def interval(estimate: Estimate, form: str = ".2f") -> str:
    """Return the interval in parentheses, or nothing if there is none; ends are rounded on their own."""
    return "" if math.isnan(estimate.low) else f"({estimate.low:{form}} to {estimate.high:{form}})"


def with_interval(estimate: Estimate, form: str = ".2f", sign: str = "") -> str:
    """Return the value with its interval, as in `88.11 (86.25 to 90.05)`; only the value has the sign."""
    return f"{estimate.value:{sign}{form}} {interval(estimate, form)}".rstrip()


def verdict(difference: Estimate, more: str = "better", less: str = "worse") -> str:
    """Return the verdict on a difference: open unless its interval excludes 0."""
    if not difference.excludes_zero:
        return "open"
    return more if difference.value > 0 else less


def episodes(comparison: Comparison) -> str:
    """Return the number of episodes in words."""
    count = len(comparison.seeds)
    return f"{count} episode{'' if count == 1 else 's'}"


def answer(place: str, ranked: Sequence[str], scores: Sequence[Array], baseline: str) -> str:
    """Return the answer of a comparison in one line.

    Args:
        place: scenario or scenarios.
        ranked: schedulers, best first.
        scores: their scores, as of `statistics.paired_difference`.
        baseline: scheduler to which the others are compared; the second best takes its place if it leads itself.
    """
    best = f"{place}: {ranked[0]} scores highest, {scores[0].mean():.2f}"
    if len(ranked) == 1:
        return f"{place}: {ranked[0]} scores {scores[0].mean():.2f}."
    other = ranked.index(baseline) if baseline in ranked[1:] else 1
    difference = statistics.paired_difference(scores[0], scores[other])
    return f"{best}; {difference.value:+.2f} over {ranked[other]}: {verdict(difference)}."


def sentence(comparisons: Sequence[Comparison], ranked: Sequence[str], baseline: str) -> str:
    """Return the verdict on the best scheduler, beside the baseline and the second best, as a sentence.

    Args:
        comparisons: one per scenario.
        ranked: schedulers that can operate all scenarios, best first.
        baseline: scheduler to which the others are compared.
    """
    first = comparisons[0]
    played = episodes(first) if len(comparisons) == 1 else f"{len(comparisons)} scenarios x {episodes(first)}"
    few = len(first.seeds) < FEW_EPISODES
    warning = f"; too few for a claim, take {FEW_EPISODES} or more" if few else ""
    best = ranked[0]
    best_scores = scores_across(comparisons, best)
    others = [name for name in dict.fromkeys([baseline, *ranked[1:2]]) if name != best]
    if not others:
        score = with_interval(statistics.estimate(best_scores))
        return f"Verdict ({played}{warning}): {best} scores {score}; no other scheduler is compared."
    parts = [_relation(other, best_scores, scores_across(comparisons, other)) for other in others]
    return f"Verdict ({played}{warning}): {best} is {', and '.join(parts)}."


def gain_sentence(trained: Array, start: Array, count: str) -> str:
    """Return what a training gained over its start on the same episodes, as a sentence.

    Args:
        trained: scores (N,) of the trained policy.
        start: scores (N,) of the policy with which the training began.
        count: number of episodes in words.
    """
    if (trained == start).all():
        return f"training gained nothing: the chosen policy acts like its start ({count})"
    gain = statistics.paired_difference(trained, start)
    text = f"{with_interval(gain, sign='+')} over its start ({count})"
    if not gain.excludes_zero:
        return f"training: no clear gain, {text}"
    return f"training {'gained' if gain.value > 0 else 'lost'} {text}"


def _relation(other: str, scores: Array, reference: Array) -> str:
    """Return the relation of the best scheduler to another one."""
    difference = statistics.paired_difference(scores, reference)
    figures = with_interval(difference, sign="+")
    return f"{'better than' if difference.excludes_zero else 'level with'} {other}, {figures}"
