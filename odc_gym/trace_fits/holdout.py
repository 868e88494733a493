"""A generator fitted to one part of a trace beside another part: what it meets, and what the data let any meet."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from odc_gym.trace_fits.generator import Generator, drawn, drawn_sizes
from odc_gym.trace_fits.part import Floats, Part
from odc_gym.trace_fits.statistics import dispersion, distance, peak_over_trough

DRAWS = 40
KS, DISPERSION, PEAK = 0.08, 0.25, 0.20


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


def checks(generator: Generator, first: Part, later: Part, windows_s: tuple[float, ...]) -> list[Check]:
    """Compare a generator with a part that it has not seen.

    Sizes are compared by the distance of distributions, by number and by mass. Arrivals are drawn over the span of the
    later part, at the rate of the first: the statistics are of as many windows, since those of bursts depend on that.

    Args:
        generator: fitted to `first`.
        first: what it knows.
        later: what it does not.
        windows_s: of the dispersion [s].
    """
    sizes = drawn_sizes(generator)
    found = []
    quantities = [name for name in sizes if name != "width"]
    for name in quantities:
        for by_mass in (False, True):
            error = distance(sizes[name], later.sizes[name], by_mass)
            floor = distance(first.sizes[name], later.sizes[name], by_mass)
            label = f"KS of {name}" + (", by mass" if by_mass else "")
            nan = math.nan
            found.append(Check(label, nan, nan, nan, nan, nan, error, floor, KS))
    return found + arrival_checks(generator, first, later, windows_s)


def arrival_checks(generator: Generator, first: Part, later: Part, windows_s: tuple[float, ...]) -> list[Check]:
    """What of `checks` concerns arrivals: dispersion in windows [s], and peak over trough of the day."""
    draws = [drawn(generator, later, {}, seed) for seed in range(DRAWS)]
    found = []
    for window_s in windows_s:
        ours = np.array([dispersion(draw.over(window_s)) for draw in draws])
        seen = dispersion(first.over(window_s)), dispersion(later.over(window_s))
        found.append(_check(f"dispersion at {window_s:g} s", *seen, ours, DISPERSION))
    peak = peak_over_trough(later)
    if not math.isnan(peak):
        ours = np.array([peak_over_trough(draw) for draw in draws])
        found.append(_check("peak/trough of the day", peak_over_trough(first), peak, ours, PEAK))
    return found


def _check(name: str, first: float, later: float, ours: Floats, bound: float) -> Check:
    known = ours[~np.isnan(ours)]  # a draw of a rare and bursty kind may be empty
    middle, low, high = (float(np.quantile(known, q)) for q in (0.5, 0.05, 0.95)) if known.size else (math.nan,) * 3
    return Check(name, first, later, middle, low, high, abs(middle / later - 1), abs(first / later - 1), bound)
