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

    A point lies in the polygon if some mean of the vertices has no more power and no less work. The line from the first
    vertex to no power at no work belongs to the polygon.

    Args:
        power: power at ascending clocks, (K,), ascending.
        work: work at the same clocks, (K,), ascending.
    """
    hull = upper_hull(power, work)
    curved = np.linspace(power[hull[min(1, len(hull) - 1)]], power[hull[-1]], TANGENTS)
    touching = np.unique(np.searchsorted(power[hull], curved).clip(0, len(hull) - 1))
    lines = []
    for k in touching:
        i, j = (k - 1, k) if k > 0 else (0, 1)
        slope = (work[hull[j]] - work[hull[i]]) / max(power[hull[j]] - power[hull[i]], 1e-12)
        lines.append((slope, float((work - slope * power).max())))
    vertices = [(float(power[0]), lines[0][0] * float(power[0]) + lines[0][1])]
    for (slope, offset), (next_slope, next_offset) in pairwise(lines):
        at = (next_offset - offset) / (slope - next_slope) if slope > next_slope else power[0]
        vertices.append((at, slope * at + offset))
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
