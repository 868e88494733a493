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


@dataclass(frozen=True)
class WorkCells:
    """Work of jobs by cell: one entry for each job and cell in which its work is worth anything.

    Attributes:
        job: row of the job table, (N,).
        cell: cell, (N,).
        class_id: class, (N,).
        most: most work that the job can do in the cell, (N,) [reference accelerator-hours].
        points: points for each unit of it, (N,).
    """

    job: np.ndarray
    cell: np.ndarray
    class_id: np.ndarray
    most: np.ndarray
    points: np.ndarray


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
    return WorkCells(rows[job], cell, class_id[job], most / HOUR_S, value[job, cell])


def left_s(episode: Episode) -> np.ndarray:
    """Return the work of each job that can still be paid, (J,): all beyond its last checkpoint.

    Work since then may be lost and done again, which is paid.
    """
    return np.asarray(episode.jobs["work_s"] - episode.run["checkpointed_s"])


def add_jobs(program: Program, episode: Episode, cells: WorkCells) -> np.ndarray:
    """Add the work of all jobs, with a row for the work of each job, and return its variables, (N,)."""
    variable = program.variables("work of jobs", cells.most, cells.points)
    rows, row = np.unique(cells.job, return_inverse=True)
    limit = program.limits("work of each job", left_s(episode)[rows] / HOUR_S)
    program.add(limit[row], variable, 1.0)
    return variable


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
    return np.where(decay_s > 0.0, decays, falls)
