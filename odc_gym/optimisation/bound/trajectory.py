"""Trajectory of an episode as a point of the programme, the check that the programme relaxes the simulator.

A follower samples a simulator after each decision. It notes the work of each job and service that was not lost later,
in the cell in which it was done for the last time, and the stored energy at the end of each cell. The other variables
are those that suit these best: `point_of` finds them. A trajectory for which there are none refutes the programme.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from odc_gym.constants import HOUR_S, KWH_J
from odc_gym.optimisation.bound.energy import sunlight
from odc_gym.optimisation.bound.episode import Episode
from odc_gym.optimisation.bound.jobs import work_cells
from odc_gym.optimisation.bound.program import Problem
from odc_gym.simulator.simulator import Simulator


class Follower:
    """Follower of an episode.

    Args:
        simulator: simulator whose row is at the start of the episode.
        row: row of the batch.
        episode: facts of the episode.

    Attributes:
        jobs_s: work of each row of the job table by cell, (J, T) [reference accelerator-seconds].
        services_s: work of each class that is a service by cell, (C, T), likewise.
        stored_kwh: stored energy of each group at the end of each cell, (G, T).
        unserved_kwh: energy for bus and compute that is not served in each cell, (G, T).
        load_kwh: energy for bus and compute, with the losses of conversion, in each cell, (G, T).
        score: score so far [points].
    """

    def __init__(self, simulator: Simulator, row: int, episode: Episode) -> None:
        self.simulator, self.row, self.episode = simulator, row, episode
        cells, classes = episode.grid.cells, len(episode.class_names)
        self.jobs_s, self.services_s = np.zeros((len(episode.jobs), cells)), np.zeros((classes, cells))
        self.stored_kwh, self.unserved_kwh, self.load_kwh = np.zeros((3, episode.groups, cells))
        self.score, self._decision = 0.0, 0
        self._before_s, self._progress_s = self._progress()
        self._credited_s = np.zeros(classes)

    def _progress(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the work of each job that counts as done before the episode, and its progress, (J,) each."""
        run = self.simulator.run[self.row]
        return run["before_s"].copy(), run["checkpointed_s"] + run["uncheckpointed_s"]

    def sample(self) -> None:
        """Note what the last decision has done."""
        simulator, row, clock = self.simulator, self.row, self.simulator.fleet.clock
        cell = int(self.episode.grid.step_cell[self._decision * clock.steps])
        self._decision += 1
        before_s, progress_s = self._progress()
        redone_s = np.where(before_s < self._before_s, before_s, np.inf)
        kept_s = np.minimum(np.minimum(self._progress_s, progress_s), redone_s)
        move_level(self.jobs_s, cell, self._progress_s, kept_s, progress_s)
        self._before_s, self._progress_s = before_s, progress_s
        credited_s = np.maximum(simulator.ledger.credited_s[row] * self.episode.service, 0.0)
        move_level(self.services_s, cell, self._credited_s, np.minimum(self._credited_s, credited_s), credited_s)
        self._credited_s = credited_s
        n, sat = simulator.satellites, simulator.sat
        stored_j = sat.charge_frac[row, :n] * simulator.design.capacity_j[row, :n] * sat.capacity_left[row, :n]
        self.stored_kwh[:, cell] = self.episode.total(stored_j) / KWH_J
        for kept_kwh, account in ((self.unserved_kwh, sat.unserved_j), (self.load_kwh, sat.electric_j)):
            kept_kwh[:, cell] = self.episode.total(account[row, :n]) / KWH_J - kept_kwh[:, :cell].sum(1)
        self.score += simulator.row_reward(row)


def move_level(work: np.ndarray, cell: int, before: np.ndarray, kept: np.ndarray, now: np.ndarray) -> None:
    """Move levels of work down to `kept` and up to `now`: lost work leaves the last cells, new work joins `cell`.

    Args:
        work: work by cell, (N, T); written.
        cell: present cell.
        before: levels before, (N,).
        kept: lowest levels since then, (N,).
        now: present levels, (N,).
    """
    for i in np.flatnonzero(before > kept):
        lost = before[i] - kept[i]
        for k in range(cell, -1, -1):
            taken = min(lost, work[i, k])
            work[i, k] -= taken
            lost -= taken
    work[:, cell] += now - kept


def pinned(problem: Problem, episode: Episode, follower: Follower) -> Problem:
    """Return the programme whose work, stored energy and largest loads are those of a trajectory.

    Work that the programme has no variable for is left out: it is worth nothing. Rows are added that keep the loads of
    each cell within those of the trajectory.
    """
    from scipy.sparse import vstack

    low, high = problem.low.copy(), problem.high.copy()
    cells = work_cells(episode)
    values = {
        "work of jobs": np.bincount(cells.variable, follower.jobs_s[cells.job, cells.cell] / HOUR_S),
        "work of services": follower.services_s[episode.service].T.ravel() / HOUR_S,
        "stored energy": follower.stored_kwh.ravel(),
    }
    for name, value in values.items():
        index = problem.blocks[name].index.ravel()
        low[index] = high[index] = value
    unserved = problem.blocks["unserved"].index
    high[unserved] = np.minimum(high[unserved], follower.unserved_kwh)
    rows = problem.rows["power"]
    loads = problem.matrix[rows].tolil()
    for name in ("charging", "discharging"):
        loads[:, problem.blocks[name].index.ravel()] = 0.0
    limit = problem.limit[rows] - sunlight(episode).ravel() + follower.load_kwh.ravel()
    return replace(
        problem,
        matrix=vstack([problem.matrix, loads.tocsr()]).tocsr(),
        limit=np.concatenate([problem.limit, limit]),
        low=low,
        high=high,
    )


def point_of(problem: Problem) -> np.ndarray:
    """Return the point of a programme that violates its rows least, and among these one of the best, (N,).

    Rows are relaxed together by one variable that costs more than any gain.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack

    rows = len(problem.limit)
    relaxed = hstack([problem.matrix, csr_array(-np.ones((rows, 1)))]).tocsr()
    cost = np.append(-problem.objective, 1e4)
    bounds = np.stack([np.append(problem.low, 0.0), np.append(problem.high, 1e6)], 1)
    # SciPy's stubs do not know sparse arrays
    arguments: dict[str, Any] = {"A_ub": relaxed, "b_ub": problem.limit, "bounds": bounds}
    found = linprog(cost, **arguments, method="highs")
    if found.x is None:
        raise ArithmeticError(f"no point: {found.message}")
    return np.asarray(found.x[:-1])
