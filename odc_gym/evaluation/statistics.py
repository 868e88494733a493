"""Statistics of scores: robust means, and confidence intervals of means, differences and ranks.

Scores are arrays (N,) with one value per episode. They are (R, N) if a learned scheduler was trained R times, and
(R, N, P) if the episodes were played on P scenarios. All schedulers play the same N episodes, so differences are taken
episode by episode.

Intervals come from the bootstrap. Training runs are drawn first, then episodes, with replacement. The draw of episodes
is the same for all schedulers and scenarios. Scenarios are fixed and never drawn. Episode n begins on the same date in
every scenario, so its scores in several scenarios are not independent observations.

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
"""Function that maps values (..., M) to a statistic (...)."""

CONFIDENCE = 0.95
RESAMPLES = 10_000
_SEED = 20_260_101  # any constant: equal scores must give equal intervals
_MAX_VALUES = 4_000_000  # maximum number of resampled values in memory


@dataclass(frozen=True)
class Estimate:
    """Value of a statistic with its confidence interval. The interval of a single observation is (nan, nan)."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Return whether the whole interval lies on one side of 0."""
        return self.low > 0.0 or self.high < 0.0


def mean(values: Array) -> Array:
    """Compute the mean over the last axis."""
    return np.asarray(values.mean(axis=-1))


def interquartile_mean(values: Array) -> Array:
    """Compute the mean over the last axis without a quarter of the M values, rounded down, at each end."""
    count = values.shape[-1]
    cut = count // 4
    return np.asarray(np.sort(values, axis=-1)[..., cut : count - cut].mean(axis=-1))


def worst_tenth_mean(values: Array) -> Array:
    """Compute the mean of the lowest tenth over the last axis, of at least one value."""
    worst = math.ceil(values.shape[-1] / 10)
    return np.asarray(np.sort(values, axis=-1)[..., :worst].mean(axis=-1))


def estimate(scores: ArrayLike, statistic: Statistic = mean, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a statistic of one scheduler's scores with its interval.

    Args:
        scores: (N,), (R, N) or (R, N, P).
        statistic: statistic of all values.
        confidence: nominal coverage of the interval.

    Raises:
        ValueError: empty, not one to three axes, or not finite.
    """
    table = _table(scores)
    resampled = np.concatenate(
        [
            statistic(_take(table, runs, episodes).reshape(len(episodes), -1))
            for runs, episodes in _draws((table.shape[0],), table.shape[1], table.size)
        ]
    )
    return _estimate(float(statistic(table.reshape(-1))), resampled, _units(table.shape), confidence)


def paired_difference(scores: ArrayLike, baseline: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the mean of scores − baseline over the same episodes, with its interval.

    Args:
        scores: (N,), (R, N) or (R, N, P).
        baseline: (N,), (Q, N) or (Q, N, P), column n on the same episode as column n of `scores`.
        confidence: nominal coverage of the interval.

    Raises:
        ValueError: empty, not one to three axes, not finite, or different numbers of episodes or scenarios.
    """
    return _paired(scores, baseline, lambda a, b: a.mean(axis=1) - b.mean(axis=1), confidence)


def probability_of_improvement(scores: ArrayLike, baseline: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the probability that a run of one scheduler beats a run of the other on an episode; a tie counts half.

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
    """Estimate the mean rank of each scheduler over the scenarios.

    Each scenario ranks the schedulers by mean score, 1 is the best. Schedulers with equal means share the mean of their
    ranks.

    Args:
        tables: scores (R, N, P) of each scheduler; R may differ between schedulers, N and P may not.
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
    """Compute mean ranks (K, A) over P scenarios of A schedulers with mean scores (K, P, A)."""
    above = means[..., None, :] > means[..., :, None]
    equal = means[..., None, :] == means[..., :, None]
    return np.asarray((0.5 + above.sum(axis=-1) + 0.5 * equal.sum(axis=-1)).mean(axis=1))


def expanded_percentile(figures: Array, units: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Compute the percentile interval of resampled statistics, widened for few observations.

    The plain percentile interval of a mean is too narrow by a factor of about sqrt((n−1)/n)·z/t. The function moves its
    two probabilities outwards, so that the interval of a normal mean equals Student's.

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
    """Estimate the mean over episodes and scenarios of `per_episode`: (K, R, N, P) and (K, Q, N, P) to (K, N, P)."""
    ours, theirs = _table(scores), _table(baseline)
    _require_same([ours.shape[1:], theirs.shape[1:]])
    figures = []
    cells = len(ours) * theirs.size
    whole = per_episode(ours[None], theirs[None])[0]
    alone = len(ours) == len(theirs) == 1  # no runs to draw: the value of each episode is the same in all resamples
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


@lru_cache(maxsize=8)  # all pairs of schedulers use the same draws; calls alternate between a few shapes
def _draws(runs: tuple[int, ...], episodes: int, cells: int) -> list[tuple[NDArray[np.int64], ...]]:
    """Draw blocks of K resamples: indices (K, R) for each entry of `runs`, then indices (K, N) of episodes.

    Args:
        runs: number of training runs R of each scheduler.
        episodes: number of episodes N.
        cells: number of values of one resample, which limits K.
    """
    rng = np.random.default_rng(_SEED)
    block = max(1, min(RESAMPLES, _MAX_VALUES // cells))
    draws = []
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        chosen = [rng.integers(0, r, (size, r)) if r > 1 else np.zeros((size, 1), np.int64) for r in runs]
        draws.append((*chosen, rng.integers(0, episodes, (size, episodes))))
    return draws


def _take(table: Array, runs: NDArray[np.int64], episodes: NDArray[np.int64]) -> Array:
    """Return the resampled scores (K, R, N, P)."""
    return np.asarray(table[runs[:, :, None], episodes[:, None, :]])


def _units(shape: tuple[int, ...]) -> int:
    """Return the number of observations that limits the interval: the episodes, or fewer training runs if several."""
    runs, episodes, _ = shape
    return episodes if runs == 1 else min(runs, episodes)


def _estimate(value: float, figures: Array, units: int, confidence: float) -> Estimate:
    low, high = expanded_percentile(figures, units, confidence)
    return Estimate(value, low, high)


def _table(scores: ArrayLike) -> Array:
    """Convert scores to shape (R, N, P)."""
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    table = table[:, :, None] if table.ndim == 2 else table
    if table.ndim != 3 or table.size == 0 or not np.isfinite(table).all():
        raise ValueError(
            f"scores must be finite with shape (N,), (R, N) or (R, N, P), N >= 1, got shape {np.shape(scores)}"
        )
    return table


def _require_same(shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise ValueError unless the shapes (N, P) of compared schedulers are equal."""
    if len(set(shapes)) > 1:
        raise ValueError(f"paired scores must cover the same episodes and scenarios, got {sorted(set(shapes))}")
