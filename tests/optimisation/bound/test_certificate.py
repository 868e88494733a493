"""The certificate: any multipliers give an upper bound, and rounding never takes it below the exact value."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_array

from odc_gym.optimisation.bound.certificate import certified_points
from odc_gym.optimisation.bound.program import Problem, Program


def random_problem(seed, rows=30, columns=40):
    """Return a programme with finite bounds and its optimum."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < 0.3)
    low, high = -rng.random(columns), rng.random(columns) * 10.0 ** rng.integers(-3, 4, columns)
    limit = matrix @ (low + 0.3 * (high - low)) + rng.random(rows)
    objective = rng.normal(size=columns)
    problem = Problem(objective, csr_array(matrix), limit, low, high, 1.5, {}, {})
    found = linprog(-objective, A_ub=matrix, b_ub=limit, bounds=np.stack([low, high], 1), method="highs")
    assert found.status == 0
    return problem, -found.fun + 1.5, -found.ineqlin.marginals


def exact_points(problem, multipliers):
    """Return the bound of multipliers without rounding."""
    y = [max(Fraction(0), Fraction(float(v))) for v in multipliers]
    dense = problem.matrix.toarray()
    total = Fraction(problem.constant) + sum(a * Fraction(float(b)) for a, b in zip(y, problem.limit, strict=True))
    for j, c in enumerate(problem.objective):
        reduced = Fraction(float(c)) - sum(y[i] * Fraction(float(dense[i, j])) for i in np.flatnonzero(dense[:, j]))
        total += max(reduced * Fraction(float(problem.low[j])), reduced * Fraction(float(problem.high[j])))
    return total


@pytest.mark.parametrize("seed", range(5))
def test_good_multipliers_give_the_optimum(seed):
    """Catches a sign of rows, bounds or constant that is wrong."""
    problem, optimum, multipliers = random_problem(seed)
    assert optimum - 1e-7 <= certified_points(problem, multipliers) <= optimum + 1e-5


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("harm", ["noise", "flipped", "zero", "huge", "shuffled", "nan"])
def test_bad_multipliers_only_loosen_it(seed, harm):
    """Catches a certificate that trusts the solver."""
    problem, optimum, good = random_problem(seed)
    rng = np.random.default_rng(seed)
    harmed = {
        "noise": good + rng.normal(size=good.shape),
        "flipped": -good,
        "zero": 0.0 * good,
        "huge": good * 1e6,
        "shuffled": rng.permutation(good),
        "nan": np.where(rng.random(good.shape) < 0.5, np.nan, np.inf),
    }[harm]
    assert certified_points(problem, harmed) >= optimum - 1e-9 * abs(optimum)


@pytest.mark.parametrize("seed", range(5))
def test_rounding_never_takes_it_below_the_exact_value(seed):
    """Catches a margin that is too small, by arithmetic with fractions."""
    problem, _, multipliers = random_problem(seed)
    assert Fraction(certified_points(problem, multipliers)) >= exact_points(problem, multipliers)


def test_blocks_and_rows_of_a_programme():
    """Catches blocks whose indices, bounds or coefficients land elsewhere."""
    program = Program(constant=2.0)
    x = program.variables("x", np.array([[1.0, 2.0], [3.0, 4.0]]), 1.0)
    y = program.variables("y", np.array([5.0]), low=-1.0)
    row = program.limits("sum", np.array([7.0, 8.0]))
    program.add(row[:, None], x, 2.0)
    program.add(row[0], y, -1.0)
    problem = program.problem()
    assert problem.matrix.toarray().tolist() == [[2, 2, 0, 0, -1], [0, 0, 2, 2, 0]]
    assert problem.high.tolist() == [1, 2, 3, 4, 5]
    assert problem.low.tolist() == [0, 0, 0, 0, -1]
    assert problem.objective.tolist() == [1, 1, 1, 1, 0]
    assert problem.rows["sum"] == slice(0, 2)
