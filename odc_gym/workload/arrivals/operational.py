"""From operational time to the clock: a process of constant rate, bent so that its rate is a given one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from odc_gym.workload.jobs import TIME_GRID, Floats

BLOCK = 256  # gaps drawn at a time: which are drawn does not depend on how many are needed


def arrivals_in_clock_time(gaps: Callable[[int], Floats], edge_s: Floats, mean: Floats) -> Floats:
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
    expected = np.concatenate([[0.0], np.cumsum(mean)])
    unit_times, reached = [], 0.0
    while reached < expected[-1]:
        unit_times.append(reached + np.cumsum(gaps(BLOCK)))
        reached = float(unit_times[-1][-1])
    unit_time = np.concatenate(unit_times) if unit_times else np.empty(0)
    unit_time = unit_time[unit_time < expected[-1]]
    interval = np.searchsorted(expected, unit_time, side="right") - 1
    time_s = edge_s[interval] + (unit_time - expected[interval]) / mean[interval] * (
        edge_s[interval + 1] - edge_s[interval]
    )
    return np.asarray(np.floor(time_s * TIME_GRID) / TIME_GRID, np.float64)
