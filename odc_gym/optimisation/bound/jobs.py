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
    """Variables of the work of jobs: one for each job and cell in which it is worth anything.

    Attributes:
        variable: index of the variable, (N,).
        job: row of the job table, (N,).
        cell: cell, (N,).
        class_id: class, (N,).
    """

    variable: np.ndarray
    job: np.ndarray
    cell: np.ndarray
    class_id: np.ndarray


def add_jobs(program: Program, episode: Episode) -> WorkCells:
    """Add the work of all jobs: variables in reference accelerator-hours, and a row for the work of each job."""
    rows = payable_rows(episode)
    jobs, grid, rules = episode.jobs[rows], episode.grid, episode.rules
    class_id = jobs["class_id"]
    fastest = jobs["total_accelerators"] * episode.design.speed.max()
    left_s = jobs["work_s"] - episode.run["checkpointed_s"][rows]
    ready_s = earliest_work_s(episode, rows)
    progress_s = episode.run["checkpointed_s"][rows] + episode.run["uncheckpointed_s"][rows]
    done_s = ready_s + np.maximum(jobs["work_s"] - progress_s, 0.0) / fastest
    begin = np.maximum(grid.edges_s[None, :-1], ready_s[:, None])
    end = np.minimum(grid.edges_s[None, 1:], jobs["expiry_s"][:, None])
    whole = np.where(done_s > grid.edges_s[-1], np.inf, done_s)[:, None]
    held_back = rules.hold_back[class_id][:, None]
    value = (1.0 - held_back) * lateness(episode, rows, begin)
    value += held_back * lateness(episode, rows, np.maximum(begin, whole))
    value *= (episode.points_of_work[class_id] * jobs["price"])[:, None]
    job, cell = np.nonzero((end > begin) & (value > 0.0))
    most = np.minimum(fastest[job] * (end - begin)[job, cell], left_s[job])
    variable = program.variables("work of jobs", most / HOUR_S, value[job, cell])
    limit = program.limits("work of each job", left_s / HOUR_S)
    program.add(limit[job], variable, 1.0)
    return WorkCells(variable, rows[job], cell, class_id[job])


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
