"""Arrivals whose draws are as bursty as what was observed: simulation takes out what short parts do to moments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from odc_gym.scenario import Arrivals
from odc_gym.trace_fits.part import Floats, Part, windows_of
from odc_gym.trace_fits.statistics import dispersion

FIRST_SEED, DRAWS = 1000, 48
ROUNDS = 3
CLOSE = 0.1  # a difference of dispersions, as a logarithm, that is mostly the scatter of the median of draws
MOST = 3.0  # that a dispersion is raised or lowered by


def tuned(fit: Callable[[Floats], Arrivals], draw: Callable[[Arrivals, int], Part], part: Part) -> Arrivals:
    """Arrivals for which the median dispersion of draws as long as a part is that of the part.

    Dispersion of a short part is usually less than that of the process: what changes slowly changes little within it,
    and a burst that is rare is usually not in it. So draws of arrivals that have the dispersion observed have less, and
    the fit is repeated to more, in proportion, unless it is close. The closest of the rounds is kept.

    Args:
        fit: arrivals to factors on the dispersions observed in the two windows of the part, (2,).
        draw: of arrivals and a seed, counts over the span of the part.
        part: observed.

    Source: Gourieroux, Renault and Touzi, "Calibration by simulation for small sample bias correction", in Mariano,
    Schuermann and Weeks, Simulation-Based Inference in Econometrics (2000).
    """
    _, windows_s = windows_of(part.span_s)
    seen = np.array([dispersion(part.over(w)) for w in windows_s])
    factor = np.ones(seen.size)
    found: list[tuple[float, Arrivals]] = []
    for _ in range(ROUNDS):
        arrivals = fit(factor)
        draws = [draw(arrivals, FIRST_SEED + k) for k in range(DRAWS)]
        ours = np.nanmedian([[dispersion(d.over(w)) for w in windows_s] for d in draws], axis=0)
        off = np.log(seen / ours)
        if not np.isfinite(off).all():  # too few windows or arrivals to tell
            return arrivals
        found.append((float(np.abs(off).max()), arrivals))
        if found[-1][0] < CLOSE:
            break
        factor = np.clip(factor * np.exp(off), 1 / MOST, MOST)
    return min(found, key=lambda each: each[0])[1]
