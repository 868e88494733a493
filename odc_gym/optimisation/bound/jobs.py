"""Work of jobs: each job does its work between arrival and expiry, and is paid by the time at which it does it.

A unit of work is paid at its checkpoint, and its held-back share when the job ends. Both come after the work itself,
and value never rises with time. The programme therefore pays each unit as if it were checkpointed at the beginning of
its cell, and the held-back share as if the job ended at the earliest possible time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.core.layout.work import ABSENT, RUNNING, WAITING
from odc_gym.optimisation.bound.episode import Episode
from odc_gym.optimisation.bound.program import Program

MOST_ENTRIES = 100_000  # jobs times cells from which jobs are pooled
POOL_CELLS = 4  # cells within which the times of the jobs of a pool agree


@dataclass(frozen=True)
class WorkCells:
    """Work of jobs by cell: one entry for each job and cell in which its work is worth anything.

    Jobs of a large fleet share the variables of a pool.

    Attributes:
        job: row of the job table, (N,).
        cell: cell, (N,).
        class_id: class, (N,).
        most: most work that the job can do in the cell, (N,) [reference accelerator-hours].
        points: points for each unit of it, (N,).
        pool: pool of each job in the table, (J,); -1: it has no entry.
        variable: place of the variable of an entry among those of all, (N,).
    """

    job: np.ndarray
    cell: np.ndarray
    class_id: np.ndarray
    most: np.ndarray
    points: np.ndarray
    pool: np.ndarray
    variable: np.ndarray


def work_cells(episode: Episode) -> WorkCells:
    """Return the cells in which jobs can do work that is paid."""
    rows = payable_rows(episode)
    jobs, run, grid, rules = episode.jobs[rows], episode.run[rows], episode.grid, episode.rules
    class_id = jobs["class_id"]
    fastest = jobs["total_accelerators"] * episode.design.speed.max()
    ready_s = earliest_work_s(episode, rows)
    progress_s = run["checkpointed_s"] + run["uncheckpointed_s"]
    done_s = ready_s + np.maximum(jobs["work_s"] - progress_s, 0.0) / fastest
    begin = np.maximum(grid.edges_s[None, :-1], ready_s[:, None])
    last_s = np.ceil(jobs["expiry_s"] / grid.step_s) * grid.step_s  # a job leaves at the end of a step
    end = np.minimum(grid.edges_s[None, 1:], last_s[:, None])
    whole = np.where(done_s > grid.edges_s[-1], np.inf, done_s)[:, None]
    held_back = rules.hold_back[class_id][:, None]
    value = (1.0 - held_back) * lateness(episode, rows, begin)
    value += held_back * lateness(episode, rows, np.maximum(begin, whole))
    value *= (episode.points_of_work[class_id] * jobs["price"])[:, None]
    job, cell = np.nonzero((end > begin) & (value > 0.0))
    most = np.minimum(fastest[job] * (end - begin)[job, cell], left_s(episode)[rows[job]])
    pool = np.full(len(episode.jobs), -1)
    pool[rows[job]] = job
    if len(job) > MOST_ENTRIES:
        times_s = [ready_s, jobs["deadline_s"], jobs["expiry_s"], whole[:, 0]]
        pool[rows[job]] = _pools(episode, [class_id, jobs["price"]], times_s)[job]
    variable = np.unique(pool[rows[job]] * grid.cells + cell, return_inverse=True)[1].ravel()
    return WorkCells(rows[job], cell, class_id[job], most / HOUR_S, value[job, cell], pool, variable)


def _pools(episode: Episode, kinds: list[np.ndarray], times_s: list[np.ndarray]) -> np.ndarray:
    """Return the pool of each job, (N,): jobs of the same kinds whose times agree within some cells."""
    edges = np.append(episode.grid.edges_s[:-1:POOL_CELLS], episode.grid.edges_s[-1])
    keys = [*kinds, *(np.searchsorted(edges, time_s, "right") for time_s in times_s)]
    return np.unique(np.stack(keys, 1).astype(float), axis=0, return_inverse=True)[1].ravel()


def add_jobs(program: Program, episode: Episode, cells: WorkCells) -> np.ndarray:
    """Add the work of all jobs, with a row for the work of each job or pool, and return the variables, (V,).

    A pool has the work and the rates of all its jobs, and the best of their values.
    """
    number = int(cells.variable.max(initial=-1)) + 1
    most, points = np.bincount(cells.variable, cells.most, number), np.zeros(number)
    np.maximum.at(points, cells.variable, cells.points)
    variable = program.variables("work of jobs", most, points)
    members = np.flatnonzero(cells.pool >= 0)
    names, place = np.unique(cells.pool[members], return_inverse=True)
    limit = program.limits(
        "work of each job", np.bincount(place.ravel(), left_s(episode)[members], len(names)) / HOUR_S
    )
    _, first = np.unique(cells.variable, return_index=True)
    program.add(limit[np.searchsorted(names, cells.pool[cells.job[first]])], variable, 1.0)
    return variable


def class_and_cell(cells: WorkCells) -> tuple[np.ndarray, np.ndarray]:
    """Return class and cell of each variable of the work of jobs, (V,) each."""
    _, first = np.unique(cells.variable, return_index=True)
    return cells.class_id[first], cells.cell[first]


def left_s(episode: Episode) -> np.ndarray:
    """Return the work of each job that can still be paid, (J,): all beyond its last checkpoint.

    Work since then may be lost and done again, which is paid.
    """
    return np.asarray(episode.jobs["work_s"] - episode.run["checkpointed_s"])


def payable_rows(episode: Episode) -> np.ndarray:
    """Return the rows of the job table that can still be paid, (N,): first rows of jobs that are not over."""
    jobs, status = episode.jobs, episode.run["status"]
    alive = (status == ABSENT) | (status == WAITING) | (status == RUNNING)
    finite = np.isfinite(jobs["arrival_s"]) & (jobs["arrival_s"] < episode.grid.edges_s[-1])
    return np.flatnonzero(alive & finite & (jobs["num_satellites"] > 0) & ~episode.service[jobs["class_id"]])


def earliest_work_s(episode: Episode, rows: np.ndarray) -> np.ndarray:
    """Return the earliest time at which a job can work [s]: a job that does not run yet must start first."""
    jobs, runs = episode.jobs[rows], episode.run["status"][rows] == RUNNING
    start_s = np.where(runs, 0.0, episode.rules.init_s[jobs["class_id"]])
    return np.asarray(np.maximum(jobs["arrival_s"], 0.0) + start_s)


def lateness(episode: Episode, rows: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """Return the share of value that is still paid at times of each job, (N, T), as `core.jobs.waiting` does."""
    jobs = episode.jobs[rows]
    arrival, deadline, expiry = (jobs[name][:, None] for name in ("arrival_s", "deadline_s", "expiry_s"))
    decay_s = episode.rules.decay_s[jobs["class_id"]][:, None]
    age = np.where(np.isfinite(at_s), at_s - arrival, 1e12)
    decays = np.exp(-np.clip(age / np.maximum(decay_s, 1e-9), -4.0, 4.0)) * (1.0 + 1e-8) * (at_s < expiry)
    falls = np.clip((expiry - at_s) / np.maximum(expiry - deadline, 1.0), 0.0, 1.0)
    return np.asarray(np.where(decay_s > 0.0, decays, falls))
