"""Bound of the score of an episode, and where it binds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from odc_gym.errors import ArgumentError
from odc_gym.optimisation.bound.accelerators import add_accelerators
from odc_gym.optimisation.bound.certificate import certified_points
from odc_gym.optimisation.bound.energy import add_energy
from odc_gym.optimisation.bound.episode import Episode, episode_of
from odc_gym.optimisation.bound.jobs import add_jobs, work_cells
from odc_gym.optimisation.bound.program import Problem, Program
from odc_gym.optimisation.bound.services import add_services
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator
from odc_gym.workload import TraceSource

CELL_S = 1800.0  # length of a cell
MOST_NONZEROS = 4_000_000  # coefficients of a programme that fits a small machine
SOURCES = {
    "light": ("power",),
    "storage": ("battery", "charge at the end"),
    "accelerators": ("accelerators",),
    "work offered": ("work of each job", "demand of services", "service in time"),
}
"""Groups of rows by what is scarce where they bind."""


@dataclass(frozen=True)
class Bound:
    """Upper bound of the score of an episode.

    Attributes:
        points: no scheduler's score in the episode exceeds it.
        seed: number of the episode.
        binds: points that each scarce thing accounts for, by name: its multipliers times what there is of it.
        rows: number of rows of the programme.
        columns: number of its variables.
        seconds: time to build, solve and certify it [s].
        status: message of the solver; the bound holds whatever it says.
    """

    points: float
    seed: int
    binds: dict[str, float]
    rows: int
    columns: int
    seconds: float
    status: str


def bound_of(scenario: Scenario, seed: int, trace: TraceSource | None = None, cell_s: float = CELL_S) -> Bound:
    """Return an upper bound of the score of an episode.

    Args:
        scenario: the scenario.
        seed: number of the episode.
        trace: recorded jobs or requests, as for a `Simulator`.
        cell_s: length of the cells of time in which the programme plans [s]. Shorter cells are tighter and take longer.

    Raises:
        ArgumentError: the programme is too large.
        OdcGymError: the episode cannot be built.
    """
    simulator = Simulator(scenario, trace=trace)
    return bound_of_episode(simulator, seed, cell_s)


def bound_of_episode(simulator: Simulator, seed: int, cell_s: float = CELL_S) -> Bound:
    """Return an upper bound of the score of an episode that row 0 of a simulator begins; see `bound_of`."""
    begun = time.perf_counter()
    simulator.reset([seed], rows=[0])
    problem = programme(episode_of(simulator, 0, cell_s))
    if problem.matrix.nnz > MOST_NONZEROS:
        raise ArgumentError(
            f"scenario = {simulator.scenario.name}: the programme of its bound has {problem.matrix.nnz} coefficients, "
            f"must be <= {MOST_NONZEROS}"
        )
    multipliers, status = solve(problem)
    points = certified_points(problem, multipliers)
    binds = {
        name: float(sum(multipliers[problem.rows[row]] @ problem.limit[problem.rows[row]] for row in rows))
        for name, rows in SOURCES.items()
    }
    rows, columns = problem.matrix.shape
    return Bound(points, seed, binds, rows, columns, time.perf_counter() - begun, status)


def programme(episode: Episode) -> Problem:
    """Return the programme of an episode."""
    program = Program()
    cells = work_cells(episode)
    jobs = add_jobs(program, episode, cells)
    services = add_services(program, episode)
    work = add_accelerators(program, episode, cells, jobs, services)
    add_energy(program, episode, work)
    return program.problem()


def solve(problem: Problem) -> tuple[np.ndarray, str]:
    """Return multipliers of the rows, (M,), and the solver's message. They are 0 where the solver has none."""
    from scipy.optimize import linprog

    bounds = np.stack([problem.low, problem.high], 1)
    # SciPy's stubs do not know sparse arrays
    arguments: dict[str, Any] = {"A_ub": problem.matrix, "b_ub": problem.limit, "bounds": bounds}
    found = linprog(-problem.objective, **arguments, method="highs-ipm")
    # HiGHS: Huangfu and Hall, Math. Program. Comput. 10 (2018)
    marginals = getattr(getattr(found, "ineqlin", None), "marginals", None)
    multipliers = np.zeros(len(problem.limit)) if marginals is None else -np.asarray(marginals, float)
    return multipliers, str(found.message)
