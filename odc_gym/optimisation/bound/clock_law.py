"""Outer polygon of the law of power and speed: work that an accelerator can do for a power, at any clock and duty.

An accelerator that works for a share of the time at clocks x reaches a mean of the points (power(x), work(x)). The
polygon contains all of them, so that columns for its vertices are a relaxation of any choice of clocks.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

SAMPLES = 2001  # clocks at which the law is sampled
TANGENTS = 7
MARGIN = 1e-6  # relative increase of work, above the error of the law between samples


def outer_vertices(power: np.ndarray, work: np.ndarray) -> np.ndarray:
    """Return the vertices of a polygon that contains the points of a law, (V, 2) of power and work.

    A point lies in the polygon if some mean of the vertices and of no power at no work has no more power and no less
    work. The first vertex lies on the line from no power to the clock of most work for a joule.

    Args:
        power: power at ascending clocks, (K,), ascending.
        work: work at the same clocks, (K,), ascending.
    """
    power, work = np.append(0.0, power), np.append(0.0, work)
    hull = upper_hull(power, work)
    curved = np.linspace(power[hull[1]], power[hull[-1]], TANGENTS)
    touching = np.unique(np.append(1, np.searchsorted(power[hull], curved).clip(1, len(hull) - 1)))
    lines = []
    for k in touching:
        a, b = hull[k - 1], hull[k]
        slope = (work[b] - work[a]) / (power[b] - power[a])
        lines.append((slope, float((work - slope * power).max())))
    vertices = [
        (
            (offset - next_offset) / (next_slope - slope),
            (next_slope * offset - slope * next_offset) / (next_slope - slope),
        )
        for (slope, offset), (next_slope, next_offset) in pairwise(lines)
        if slope - next_slope > 1e-9 * slope
    ]
    vertices.append((float(power[-1]), lines[-1][0] * float(power[-1]) + lines[-1][1]))
    return np.array([(p, w * (1.0 + MARGIN)) for p, w in vertices])


def upper_hull(power: np.ndarray, work: np.ndarray) -> np.ndarray:
    """Return the indices of the points of the upper concave hull, ascending (Andrew's monotone chain)."""
    hull: list[int] = []
    for k in range(len(power)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            turn = (power[b] - power[a]) * (work[k] - work[a]) - (work[b] - work[a]) * (power[k] - power[a])
            if turn < 0.0:
                break
            hull.pop()
        hull.append(k)
    return np.array(hull)
