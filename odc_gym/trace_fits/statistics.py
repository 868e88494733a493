"""Statistics of arrivals and sizes, computed the same way for recorded and for drawn segments."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from odc_gym.constants import DAY_S, HOUR_S
from odc_gym.trace_fits.segment import Floats, SizeSample, TraceSegment

QUANTILES = (0.1, 0.5, 0.9, 0.99)


def dispersion(counts: Floats) -> float:
    """Return the variance of counts over their mean: 1 for a Poisson process, NaN for fewer than two windows."""
    return float(counts.var(ddof=1) / counts.mean()) if counts.size > 1 and counts.any() else math.nan


def coefficient_of_variation(gaps_s: Floats) -> float:
    """Return the standard deviation of gaps between arrivals over their mean; 1 for a Poisson process."""
    return float(gaps_s.std() / gaps_s.mean()) if gaps_s.size > 1 and gaps_s.any() else math.nan


def hours_of_day(segment: TraceSegment) -> Floats:
    """Return the arrivals by hour of day over their mean, (24,).

    Each hour is normalised by the time that the segment covers of it.
    """
    middle_s = segment.begin_s + segment.window_s * (np.arange(segment.counts.size) + 0.5)
    hour = (middle_s // HOUR_S).astype(np.int64) % 24
    covered = np.bincount(hour, minlength=24)
    mean = np.bincount(hour, segment.counts, 24) / np.maximum(covered, 1)
    return np.asarray(mean / mean[covered > 0].mean(), np.float64)


def peak_to_trough(segment: TraceSegment) -> float:
    """Return the mean arrivals of the busiest over the calmest hour of day; NaN for less than a day."""
    if not segment.daily or segment.span_s < DAY_S:
        return math.nan
    hours = hours_of_day(segment)
    return float(hours.max() / hours.min()) if hours.min() > 0 else math.inf


def days_of_week(segment: TraceSegment) -> Floats | None:
    """Return the arrivals by day of the week over their mean, (7,), Monday first.

    The result is None for a segment without dates or of less than a week.
    """
    if segment.weekday is None or segment.span_s < 7 * DAY_S:
        return None
    middle_s = segment.begin_s + segment.window_s * (np.arange(segment.counts.size) + 0.5)
    day = ((middle_s // DAY_S).astype(np.int64) + segment.weekday) % 7
    mean = np.bincount(day, segment.counts, 7) / np.bincount(day, minlength=7)
    return np.asarray(mean / mean.mean(), np.float64)


def sample_weights(sizes: SizeSample, by_mass: bool) -> Floats:
    """Return the weights of the values: their frequencies, or frequency times mass."""
    counted: Floats = sizes.frequency * sizes.mass if by_mass else sizes.frequency
    return counted


def quantiles(sizes: SizeSample, by_mass: bool = False, share: tuple[float, ...] = QUANTILES) -> Floats:
    """Return the values up to which given shares of the weight lie."""
    order = np.argsort(sizes.value, kind="stable")
    total = np.cumsum(sample_weights(sizes, by_mass)[order])
    at = np.searchsorted(total, np.asarray(share) * total[-1])
    found: Floats = sizes.value[order][np.minimum(at, total.size - 1)]
    return found


def ks_distance(a: SizeSample, b: SizeSample, by_mass: bool = False) -> float:
    """Return the Kolmogorov-Smirnov distance of two weighted samples.

    It is the largest difference of their distribution functions.
    """
    values = np.concatenate([a.value, b.value])
    wa, wb = sample_weights(a, by_mass), sample_weights(b, by_mass)
    steps = np.concatenate([wa / wa.sum(), -wb / wb.sum()])
    order = np.argsort(values, kind="stable")
    last = np.append(np.diff(values[order]) > 0, True)
    gap: npt.NDArray[np.float64] = np.cumsum(steps[order])[last]
    return float(np.abs(gap).max())
