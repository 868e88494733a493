"""Arrivals whose draws are as bursty as what was observed: simulation takes out what short parts do to moments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from odc_gym.scenario import Arrivals
from odc_gym.trace_fits.segment import Floats, TraceSegment, window_lengths
from odc_gym.trace_fits.statistics import dispersion

FIRST_SEED, NUM_DRAWS = 1000, 48
MAX_ROUNDS = 3
TOLERANCE = 0.1  # a difference of dispersions, as a logarithm, that is mostly the scatter of the median of draws
MAX_FACTOR = 3.0  # that a dispersion is raised or lowered by


def tune_to_dispersion(
    fit: Callable[[Floats], Arrivals], draw: Callable[[Arrivals, int], TraceSegment], segment: TraceSegment
) -> Arrivals:
    """Arrivals for which the median dispersion of draws as long as a part is that of the part.

    Dispersion of a short part is usually less than that of the process: what changes slowly changes little within it,
    and a burst that is rare is usually not in it. So draws of arrivals that have the dispersion observed have less, and
    the fit is repeated to more, in proportion, unless it is close. The closest of the rounds is kept.

    Args:
        fit: arrivals to factors on the dispersions observed in the two windows of the part, (2,).
        draw: of arrivals and a seed, counts over the span of the part.
        segment: observed.

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
        if not np.isfinite(log_ratio).all():  # too few windows or arrivals to tell
            return arrivals
        candidates.append((float(np.abs(log_ratio).max()), arrivals))
        if candidates[-1][0] < TOLERANCE:
            break
        factor = np.clip(factor * np.exp(log_ratio), 1 / MAX_FACTOR, MAX_FACTOR)
    return min(candidates, key=lambda each: each[0])[1]
