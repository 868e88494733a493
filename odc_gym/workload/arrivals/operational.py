"""From operational time to the clock: a process of constant rate, bent so that its rate is a given one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from odc_gym.workload.jobs import GRID, Floats

BLOCK = 256  # gaps drawn at a time: which are drawn does not depend on how many are needed


def bend(gaps: Callable[[int], Floats], edge_s: Floats, mean: Floats) -> Floats:
    """Arrivals whose expected number between edges is given, from the gaps of a process of rate 1.

    The sums of the gaps are moments of operational time, which passes as fast as the rate is high.

    Args:
        gaps: draws the next (N,) gaps of mean 1 from a stream.
        edge_s: (K + 1,) edges [s], rising.
        mean: (K,) expected arrivals between them.

    Returns:
        (N,) arrivals in order, on the time grid [s].

    Source: Cinlar, Introduction to Stochastic Processes (1975), chapter 4.7.
    """
    passed = np.concatenate([[0.0], np.cumsum(mean)])
    moments, reached = [], 0.0
    while reached < passed[-1]:
        moments.append(reached + np.cumsum(gaps(BLOCK)))
        reached = float(moments[-1][-1])
    moment = np.concatenate(moments) if moments else np.empty(0)
    moment = moment[moment < passed[-1]]
    k = np.searchsorted(passed, moment, side="right") - 1
    time_s = edge_s[k] + (moment - passed[k]) / mean[k] * (edge_s[k + 1] - edge_s[k])
    return np.asarray(np.floor(time_s * GRID) / GRID, np.float64)
