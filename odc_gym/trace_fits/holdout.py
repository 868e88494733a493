"""Hold-out checks: a generator fitted to one segment of a trace, compared with another segment."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from odc_gym.trace_fits.generator import FittedGenerator, draw_segment, size_samples
from odc_gym.trace_fits.segment import Floats, TraceSegment
from odc_gym.trace_fits.statistics import dispersion, ks_distance, peak_to_trough

NUM_DRAWS = 40
KS_BOUND, DISPERSION_BOUND, PEAK_BOUND = 0.08, 0.25, 0.20


class Check(NamedTuple):
    """Comparison of one quantity with a held-out segment.

    Attributes:
        name: name of the quantity.
        first: value of the fitted segment; NaN where a segment alone has none, as for a distance.
        later: value of the held-out segment; NaN for a distance.
        ours: value of the generator: the median of its draws; NaN for a distance.
        low: 5 % quantile of the draws.
        high: 95 % quantile of the draws.
        error: error of the generator: relative to the held-out segment, or the distance itself.
        floor: error of the fitted segment itself, taken in place of the generator.
        bound: largest acceptable error.
    """

    name: str
    first: float
    later: float
    ours: float
    low: float
    high: float
    error: float
    floor: float
    bound: float

    @property
    def holds(self) -> bool:
        """Whether the error is within the bound."""
        return self.error <= self.bound

    @property
    def verdict(self) -> str:
        """Verdict on the error: `met`, `missed` or `parts differ`.

        `parts differ` means that the two segments themselves differ by more than the bound.
        """
        return "met" if self.holds else "missed" if self.floor <= self.bound else "parts differ"


def holdout_checks(
    generator: FittedGenerator, first: TraceSegment, later: TraceSegment, windows_s: tuple[float, ...]
) -> list[Check]:
    """Compare a generator with a segment that the fit has not seen.

    Sizes are compared by the Kolmogorov-Smirnov distance of the distributions, by number and by mass. Arrivals are
    drawn over the span of the held-out segment at the rate of the fitted one. Statistics of bursts depend on the
    number of windows, so draws and segment have equally many.

    Args:
        generator: generator fitted to `first`.
        first: the fitted segment.
        later: the held-out segment.
        windows_s: windows of the dispersion [s].
    """
    sizes = size_samples(generator)
    found = []
    quantities = [name for name in sizes if name != "width"]
    for name in quantities:
        for by_mass in (False, True):
            error = ks_distance(sizes[name], later.sizes[name], by_mass)
            floor = ks_distance(first.sizes[name], later.sizes[name], by_mass)
            label = f"KS of {name}" + (", by mass" if by_mass else "")
            nan = math.nan
            found.append(Check(label, nan, nan, nan, nan, nan, error, floor, KS_BOUND))
    return found + arrival_checks(generator, first, later, windows_s)


def arrival_checks(
    generator: FittedGenerator, first: TraceSegment, later: TraceSegment, windows_s: tuple[float, ...]
) -> list[Check]:
    """Compare the arrivals only: dispersion in windows [s], and peak over trough of the day."""
    draws = [draw_segment(generator, later, {}, seed) for seed in range(NUM_DRAWS)]
    found = []
    for window_s in windows_s:
        ours = np.array([dispersion(draw.counts_per_window(window_s)) for draw in draws])
        seen = dispersion(first.counts_per_window(window_s)), dispersion(later.counts_per_window(window_s))
        found.append(_arrival_check(f"dispersion at {window_s:g} s", *seen, ours, DISPERSION_BOUND))
    peak = peak_to_trough(later)
    if not math.isnan(peak):
        ours = np.array([peak_to_trough(draw) for draw in draws])
        found.append(_arrival_check("peak/trough of the day", peak_to_trough(first), peak, ours, PEAK_BOUND))
    return found


def _arrival_check(name: str, first: float, later: float, ours: Floats, bound: float) -> Check:
    known = ours[~np.isnan(ours)]  # a draw of rare and bursty arrivals may be empty
    middle, low, high = (float(np.quantile(known, q)) for q in (0.5, 0.05, 0.95)) if known.size else (math.nan,) * 3
    return Check(name, first, later, middle, low, high, abs(middle / later - 1), abs(first / later - 1), bound)
