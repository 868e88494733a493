"""The least largest error: nonlinear Chebyshev fits by linear programs in a box that grows and shrinks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linprog

from odc_gym.trace_fits.part import Floats

BOX, LARGEST_BOX, SMALLEST_BOX = 0.3, 1.0, 1e-4  # how far a step may go in each number
STEPS = 40
NUDGE = 1e-4  # of a difference quotient
NEAR = 0.3  # share of the largest error below which an error cannot become the largest in a step
CREDIBLE, GOOD = 0.1, 0.6  # share of the gain that was promised: a step is taken, the box grows
IDLE = 2e-5  # a promise that is not worth a step


def least_largest(errors: Callable[[Floats], Floats], start: Floats) -> tuple[Floats, float]:
    """The numbers near a start for which the largest of several errors is least, and that error.

    Args:
        errors: (E,) signed errors of (N,) numbers; give one that counts either way twice, once with each sign.
        start: (N,) where the search begins.

    Source: Madsen, "An algorithm for minimax solution of overdetermined systems of non-linear equations", IMA Journal
    of Applied Mathematics 16 (1975).
    """
    x, now, box = start, errors(start), BOX
    for _ in range(STEPS):
        slope = np.stack([(errors(x + NUDGE * unit) - now) / NUDGE for unit in np.eye(x.size)], axis=1)
        active = now > NEAR * now.max()
        while True:
            step, promised = _step(slope[active], now[active], box)
            if box < SMALLEST_BOX or now.max() - promised < IDLE:
                return x, float(now.max())
            then = errors(x + step)
            gain = (now.max() - then.max()) / (now.max() - promised)
            if gain > CREDIBLE:
                break
            box /= 3
        x, now = x + step, then
        if gain > GOOD:
            box = min(2 * box, LARGEST_BOX)
    return x, float(now.max())


def _step(slope: Floats, now: Floats, box: float) -> tuple[Floats, float]:
    """The step within a box for which the largest of linear errors is least, and that error."""
    count = slope.shape[1]
    rows = np.column_stack([slope, -np.ones(now.size)])
    bounds = [(-box, box)] * count + [(None, None)]
    found = linprog(np.append(np.zeros(count), 1.0), A_ub=rows, b_ub=-now, bounds=bounds, method="highs-ds")
    if found.x is None:  # numbers of very different size defeat the solver: stay
        return np.zeros(count), float(now.max())
    return found.x[:-1], float(found.x[-1])
