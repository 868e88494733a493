"""Statistics of scores: means that resist outliers, and how sure a difference is.

Scores are arrays (N,) of one value an episode, (R, N) when a learned scheduler was trained R times, or (R, N, P) when
the episodes were played on P scenarios. Every scheduler plays the same N episodes, so differences are taken episode by
episode. Intervals come from the bootstrap: training runs are drawn first, then episodes, with replacement, the same
draw of episodes for all schedulers and scenarios. The scenarios are never drawn: they are what they are, and episode n
begins on the same date in each of them, so that its scores there are no independent observations.

Source: Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice" (interquartile mean,
probability of improvement); Hesterberg 2015, "What teachers should know about the bootstrap" (expanded percentiles).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
"""Maps (..., M) values to (...) figures."""

CONFIDENCE = 0.95
RESAMPLES = 10_000
_SEED = 20_260_101  # any fixed number: equal scores must give equal intervals
_CELLS = 4_000_000  # resampled values held in memory at once


@dataclass(frozen=True)
class Estimate:
    """A figure with its confidence interval; the interval is (nan, nan) when one observation leaves it open."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low > 0.0 or self.high < 0.0


def mean(values: Array) -> Array:
    """Mean over the last axis."""
    return np.asarray(values.mean(axis=-1))


def interquartile_mean(values: Array) -> Array:
    """Mean of the middle half over the last axis: a quarter of the M values, rounded down, is cut at each end."""
    count = values.shape[-1]
    cut = count // 4
    return np.asarray(np.sort(values, axis=-1)[..., cut : count - cut].mean(axis=-1))


def worst_tenth_mean(values: Array) -> Array:
    """Mean of the lowest tenth over the last axis, at least one value."""
    worst = math.ceil(values.shape[-1] / 10)
    return np.asarray(np.sort(values, axis=-1)[..., :worst].mean(axis=-1))


def estimate(scores: ArrayLike, statistic: Statistic = mean, confidence: float = CONFIDENCE) -> Estimate:
    """A figure of one scheduler's scores with its interval.

    Args:
        scores: (N,), (R, N) or (R, N, P).
        statistic: what to take of all values.
        confidence: nominal coverage of the interval.

    Raises:
        ValueError: empty, not one to three axes, or not finite.
    """
    table = _table(scores)
    figures = np.concatenate(
        [
            statistic(_take(table, runs, episodes).reshape(len(episodes), -1))
            for runs, episodes in _draws((table.shape[0],), table.shape[1], table.size)
        ]
    )
    return _estimate(float(statistic(table.reshape(-1))), figures, _units(table.shape), confidence)


def paired_difference(scores: ArrayLike, baseline: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Mean of scores − baseline over the same episodes, with its interval.

    Args:
        scores: (N,), (R, N) or (R, N, P).
        baseline: (N,), (Q, N) or (Q, N, P), column n on the same episode as column n of `scores`.
        confidence: nominal coverage of the interval.

    Raises:
        ValueError: empty, not one to three axes, not finite, or different numbers of episodes or scenarios.
    """
    return _paired(scores, baseline, lambda a, b: a.mean(axis=1) - b.mean(axis=1), confidence)


def probability_of_improvement(scores: ArrayLike, baseline: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Chance that a run of one scheduler scores higher than a run of the other on the same episode; a tie counts half.

    Args:
        scores: (N,), (R, N) or (R, N, P).
        baseline: (N,), (Q, N) or (Q, N, P), column n on the same episode as column n of `scores`.
        confidence: nominal coverage of the interval.

    Raises:
        ValueError: empty, not one to three axes, not finite, or different numbers of episodes or scenarios.
    """

    def wins(a: Array, b: Array) -> Array:
        difference = a[:, :, None] - b[:, None]  # (K, R, Q, N, P)
        return np.asarray((0.5 * (np.sign(difference) + 1.0)).mean(axis=(1, 2)))

    return _paired(scores, baseline, wins, confidence)


def mean_ranks(tables: Sequence[ArrayLike], confidence: float = CONFIDENCE) -> list[Estimate]:
    """Rank of each scheduler by its mean score on a scenario, averaged over the scenarios: 1 is the best.

    Schedulers with equal means share the mean of their ranks.

    Args:
        tables: for each scheduler its scores (R, N, P), R its own, N and P the same for all.
        confidence: nominal coverage of the intervals.

    Raises:
        ValueError: empty, not one to three axes, not finite, or different numbers of episodes or scenarios.
    """
    scores = [_table(table) for table in tables]
    _require_same([table.shape[1:] for table in scores])
    cells = max(sum(table.size for table in scores), len(scores) ** 2 * scores[0].shape[2])
    figures = []
    for *runs, episodes in _draws(tuple(len(table) for table in scores), scores[0].shape[1], cells):
        means = [_take(table, chosen, episodes).mean(axis=(1, 2)) for table, chosen in zip(scores, runs, strict=True)]
        figures.append(_ranks(np.stack(means, axis=-1)))
    ranks = np.concatenate(figures)
    values = _ranks(np.stack([table.mean(axis=(0, 1)) for table in scores], axis=-1)[None])[0]
    units = min(_units(table.shape) for table in scores)
    return [_estimate(float(value), ranks[:, k], units, confidence) for k, value in enumerate(values)]


def _ranks(means: Array) -> Array:
    """Mean ranks (K, A) over P scenarios of A schedulers with mean scores (K, P, A)."""
    above = means[..., None, :] > means[..., :, None]
    equal = means[..., None, :] == means[..., :, None]
    return np.asarray((0.5 + above.sum(axis=-1) + 0.5 * equal.sum(axis=-1)).mean(axis=1))


def expanded_percentile(figures: Array, units: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval from resampled figures, widened for few observations.

    The plain percentile interval of a mean is too narrow by about sqrt((n−1)/n)·z/t; its two probabilities are moved
    outwards so that the interval of a normal mean equals Student's.

    Source: Hesterberg 2015, section 5.2.

    Args:
        figures: (K,) the statistic of K resamples.
        units: number n of independent observations that were resampled.
        confidence: nominal coverage.
    """
    if units < 2:
        return math.nan, math.nan
    student = float(stdtrit(units - 1, (1.0 - confidence) / 2.0))
    tail = NormalDist().cdf(math.sqrt(units / (units - 1)) * student)
    low, high = np.quantile(figures, [tail, 1.0 - tail])
    return float(low), float(high)


def _paired(
    scores: ArrayLike, baseline: ArrayLike, per_episode: Callable[[Array, Array], Array], confidence: float
) -> Estimate:
    """Mean over episodes and scenarios of `per_episode`, which maps (K, R, N, P) and (K, Q, N, P) to (K, N, P)."""
    ours, theirs = _table(scores), _table(baseline)
    _require_same([ours.shape[1:], theirs.shape[1:]])
    figures = []
    cells = len(ours) * theirs.size
    whole = per_episode(ours[None], theirs[None])[0]
    alone = len(ours) == len(theirs) == 1  # no runs to draw: what is taken of each episode is always the same
    for ours_runs, theirs_runs, episodes in _draws((len(ours), len(theirs)), ours.shape[1], cells):
        values = (
            whole[episodes]
            if alone
            else per_episode(_take(ours, ours_runs, episodes), _take(theirs, theirs_runs, episodes))
        )
        figures.append(values.reshape(len(values), -1).mean(axis=-1))
    value = float(whole.mean())
    units = min(_units(ours.shape), _units(theirs.shape))
    return _estimate(value, np.concatenate(figures), units, confidence)


@lru_cache(maxsize=8)  # the same for every pair of schedulers; a few tables come in turns
def _draws(runs: tuple[int, ...], episodes: int, cells: int) -> list[tuple[NDArray[np.int64], ...]]:
    """Blocks of K resamples: indices (K, R) for each entry of `runs`, then (K, N) of episodes.

    Args:
        runs: training runs of each side.
        episodes: N.
        cells: values that one resample makes, which limit K.
    """
    rng = np.random.default_rng(_SEED)
    block = max(1, min(RESAMPLES, _CELLS // cells))
    draws = []
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        chosen = [rng.integers(0, r, (size, r)) if r > 1 else np.zeros((size, 1), np.int64) for r in runs]
        draws.append((*chosen, rng.integers(0, episodes, (size, episodes))))
    return draws


def _take(table: Array, runs: NDArray[np.int64], episodes: NDArray[np.int64]) -> Array:
    """Resampled tables (K, R, N, P)."""
    return np.asarray(table[runs[:, :, None], episodes[:, None, :]])


def _units(shape: tuple[int, ...]) -> int:
    """Observations that limit the interval: the episodes, or fewer training runs when there are several."""
    runs, episodes, _ = shape
    return episodes if runs == 1 else min(runs, episodes)


def _estimate(value: float, figures: Array, units: int, confidence: float) -> Estimate:
    low, high = expanded_percentile(figures, units, confidence)
    return Estimate(value, low, high)


def _table(scores: ArrayLike) -> Array:
    """Scores as (R, N, P)."""
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    table = table[:, :, None] if table.ndim == 2 else table
    if table.ndim != 3 or table.size == 0 or not np.isfinite(table).all():
        raise ValueError(
            f"scores must be finite with shape (N,), (R, N) or (R, N, P), N >= 1, got shape {np.shape(scores)}"
        )
    return table


def _require_same(shapes: Sequence[tuple[int, ...]]) -> None:
    """Shapes (N, P) of schedulers that are compared."""
    if len(set(shapes)) > 1:
        raise ValueError(f"paired scores must cover the same episodes and scenarios, got {sorted(set(shapes))}")
