"""Certificate: the bound that any multipliers of the rows prove, computed without the solver.

For multipliers y >= 0 of the rows `A x <= b` and any x that keeps the rows and its own bounds,

    c x <= y b + (c - A'y) x <= y b + sum over j of max((c - A'y)_j low_j, (c - A'y)_j high_j).

This is weak duality. It holds for every y >= 0, also for one that is far from optimal. Multipliers of a solver that
stopped early, or that are wrong, can only make the bound larger. Source: Neumaier and Shcherbina, Safe bounds in linear
and mixed-integer linear programming, Math. Program. 99 (2004).
"""

from __future__ import annotations

import math

import numpy as np

from odc_gym.optimisation.bound.program import Problem

EPSILON = float(np.finfo(float).eps)


def certified_points(problem: Problem, multipliers: np.ndarray) -> float:
    """Return an upper bound of the programme that the multipliers prove, rounded up [points].

    Sums of N products in floating point are off by at most N epsilon times the sum of their magnitudes. The margin is
    twice that, for the products of the matrix and for the final sum.

    Args:
        problem: the programme.
        multipliers: multipliers of its rows, (M,). Negative ones and those that are not finite count as 0.
    """
    y = np.where(np.isfinite(multipliers), np.maximum(multipliers, 0.0), 0.0)
    transposed = problem.matrix.T.tocsr()
    reduced = problem.objective - transposed @ y
    magnitude = np.abs(problem.objective) + abs(transposed) @ y
    longest = int(np.diff(transposed.indptr).max(initial=0)) + 2
    slack = 2.0 * longest * EPSILON * magnitude  # error of each reduced cost
    largest = np.maximum(np.abs(problem.low), np.abs(problem.high))
    best = np.maximum(reduced * problem.low, reduced * problem.high)
    terms = [*(y * problem.limit).tolist(), *best.tolist(), problem.constant]
    size = math.fsum(abs(term) for term in terms)
    return math.fsum([*terms, float(slack @ largest), 4.0 * EPSILON * size])
