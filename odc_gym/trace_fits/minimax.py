"""Nonlinear minimax fits: sequential linear programs in a trust region."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linprog

from odc_gym.trace_fits.segment import Floats

INITIAL_BOX, MAX_BOX, MIN_BOX = 0.3, 1.0, 1e-4  # largest step in each number
MAX_STEPS = 40
DIFFERENCE_STEP = 1e-4  # step of the finite differences
ACTIVE_FRAC = 0.3  # smaller errors, as a share of the largest, are left out of a step
ACCEPTED_GAIN, TRUSTED_GAIN = 0.1, 0.6  # shares of the predicted gain: the step is taken, the box grows
MIN_GAIN = 2e-5  # a smaller predicted gain ends the search


def minimise_max_error(errors: Callable[[Floats], Floats], start: Floats) -> tuple[Floats, float]:
    """Minimise the largest of several errors, starting near `start`.

    Args:
        errors: (E,) signed errors of (N,) numbers; give an error with both signs if its absolute value counts.
        start: (N,) start of the search.

    Returns:
        The (N,) numbers at a local minimum, and the largest error there.

    Source: Madsen, "An algorithm for minimax solution of overdetermined systems of non-linear equations", IMA Journal
    of Applied Mathematics 16 (1975).
    """
    x, current, box = start, errors(start), INITIAL_BOX
    for _ in range(MAX_STEPS):
        slope = np.stack(
            [(errors(x + DIFFERENCE_STEP * unit) - current) / DIFFERENCE_STEP for unit in np.eye(x.size)], axis=1
        )
        active = current > ACTIVE_FRAC * current.max()
        while True:
            step, predicted = _bounded_step(slope[active], current[active], box)
            if box < MIN_BOX or current.max() - predicted < MIN_GAIN:
                return x, float(current.max())
            trial = errors(x + step)
            gain = (current.max() - trial.max()) / (current.max() - predicted)
            if gain > ACCEPTED_GAIN:
                break
            box /= 3
        x, current = x + step, trial
        if gain > TRUSTED_GAIN:
            box = min(2 * box, MAX_BOX)
    return x, float(current.max())


def _bounded_step(slope: Floats, current: Floats, box: float) -> tuple[Floats, float]:
    """Return the step within a box that minimises the largest of the linearised errors, and that error."""
    count = slope.shape[1]
    rows = np.column_stack([slope, -np.ones(current.size)])
    bounds = [(-box, box)] * count + [(None, None)]
    solution = linprog(np.append(np.zeros(count), 1.0), A_ub=rows, b_ub=-current, bounds=bounds, method="highs-ds")
    if solution.x is None:  # the solver may fail on numbers of very different size
        return np.zeros(count), float(current.max())
    return solution.x[:-1], float(solution.x[-1])
