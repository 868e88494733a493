"""A generator fitted to one part of a trace beside another part: what it meets, and what the data let any meet."""

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
    """One quantity of a later part.

    Attributes:
        name: of the quantity.
        first: of the part that the generator was fitted to; NaN where there is none to tell, as of a distance.
        later: of the other part.
        ours: of the generator: the median of its draws, or its distance from the later part.
        low: of the draws, what a twentieth stays below.
        high: of the draws, what a twentieth exceeds.
        error: of ours: relative to the later part, or the distance itself.
        floor: the same error of the first part itself, in place of the generator.
        bound: the largest error that is wanted.
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
        """Met; out of reach where the parts of the data differ by more than the bound themselves; or missed."""
        return "met" if self.holds else "missed" if self.floor <= self.bound else "parts differ"


def holdout_checks(
    generator: FittedGenerator, first: TraceSegment, later: TraceSegment, windows_s: tuple[float, ...]
) -> list[Check]:
    """Compare a generator with a part that it has not seen.

    Sizes are compared by the distance of distributions, by number and by mass. Arrivals are drawn over the span of the
    later part, at the rate of the first: the statistics are of as many windows, since those of bursts depend on that.

    Args:
        generator: fitted to `first`.
        first: what it knows.
        later: what it does not.
        windows_s: of the dispersion [s].
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
    """What of `checks` concerns arrivals: dispersion in windows [s], and peak over trough of the day."""
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
    known = ours[~np.isnan(ours)]  # a draw of a rare and bursty kind may be empty
    middle, low, high = (float(np.quantile(known, q)) for q in (0.5, 0.05, 0.95)) if known.size else (math.nan,) * 3
    return Check(name, first, later, middle, low, high, abs(middle / later - 1), abs(first / later - 1), bound)
