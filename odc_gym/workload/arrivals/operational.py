"""Operational time: a process of rate 1, mapped to clock time so that it has a given rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from odc_gym.workload.jobs import TIME_GRID, Floats

BLOCK = 256  # gaps that are drawn at a time, so that draws do not depend on the number needed


def arrivals_in_clock_time(gaps: Callable[[int], Floats], edge_s: Floats, mean: Floats) -> Floats:
    """Map a renewal process of rate 1 to arrivals with a given expected number between edges.

    The sums of the gaps are instants of operational time, which passes in proportion to the rate.

    Args:
        gaps: draws the next (N,) gaps of mean 1 from a stream.
        edge_s: (K + 1,) rising edges [s].
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
