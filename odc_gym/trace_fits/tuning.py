"""Tuning of fitted arrivals by simulation, which removes the bias of moments of short segments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from odc_gym.scenario import Arrivals
from odc_gym.trace_fits.segment import Floats, TraceSegment, window_lengths
from odc_gym.trace_fits.statistics import dispersion

FIRST_SEED, NUM_DRAWS = 1000, 48
MAX_ROUNDS = 3
TOLERANCE = 0.1  # log ratio of dispersions; smaller ones are mostly sampling error of the median
MAX_FACTOR = 3.0  # largest factor on a dispersion


def tune_to_dispersion(
    fit: Callable[[Floats], Arrivals], draw: Callable[[Arrivals, int], TraceSegment], segment: TraceSegment
) -> Arrivals:
    """Tune arrivals until draws as long as a segment have the segment's dispersion in the median.

    The dispersion of a short segment is usually below that of the process. Slow changes are small within the segment,
    and a rare burst is usually missing from it. Draws of arrivals with the observed dispersion therefore have less. The
    function repeats the fit with proportionally larger dispersions until the draws are close. It returns the closest of
    the rounds.

    Args:
        fit: fits arrivals, given (2,) factors on the observed dispersions in the two windows of the segment.
        draw: draws counts over the span of the segment, given arrivals and a seed.
        segment: the observed segment.

    Source: Gourieroux, Renault and Touzi, "Calibration by simulation for small sample bias correction", in Mariano,
    Schuermann and Weeks, Simulation-Based Inference in Econometrics (2000).
    """
    _, windows_s = window_lengths(segment.span_s)
    observed = np.array([dispersion(segment.counts_per_window(w)) for w in windows_s])
    factor = np.ones(observed.size)
    candidates: list[tuple[float, Arrivals]] = []
    for _ in range(MAX_ROUNDS):
        arrivals = fit(factor)
        draws = [draw(arrivals, FIRST_SEED + k) for k in range(NUM_DRAWS)]
        drawn = np.nanmedian([[dispersion(d.counts_per_window(w)) for w in windows_s] for d in draws], axis=0)
        log_ratio = np.log(observed / drawn)
        if not np.isfinite(log_ratio).all():  # too few windows or arrivals for a dispersion
            return arrivals
        candidates.append((float(np.abs(log_ratio).max()), arrivals))
        if candidates[-1][0] < TOLERANCE:
            break
        factor = np.clip(factor * np.exp(log_ratio), 1 / MAX_FACTOR, MAX_FACTOR)
    return min(candidates, key=lambda each: each[0])[1]
