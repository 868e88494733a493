"""What an agent sees of single waiting jobs, a row of features each: the block `jobs` of dict observations."""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.waiting import is_replica, lateness_factor, placement_gb, remaining_estimate
from odc_gym.core.layout.environment import Environment
from odc_gym.interface.assignment import NOBODY
from odc_gym.interface.observations import Feature, encode_one, record_of

QUEUED = (
    Feature("width", "accelerators", 0.0, 1.0, "widest", False, "accelerators that it needs, all on one satellite"),
    Feature("remaining_work_s", "accelerator s", 0.0, 7200.0, "", True, "estimated work left; a replica's: 1 h"),
    Feature("slack_s", "s", 0.0, 14400.0, "", True, "deadline - now - estimated rest; a replica's: 0"),
    Feature("lateness", "", 0.0, 1.0, "", False, "share of its value that finished work is still paid"),
    Feature("wait_s", "s", 0.0, 7200.0, "", True, "since its arrival, or since the replica was wanted"),
    Feature("safe_frac", "", 0.0, 1.0, "", False, "share of its estimate that is done and safe"),
    Feature("transfer_gb", "GB", 0.0, 100.0, "", True, "data that a placement brings over the link"),
    Feature("feasible_frac", "", 0.0, 1.0, "", False, "share of the satellites that can take it now"),
)
QUEUED_CLASS = (Feature("is_class", "", 0.0, 1.0, "", False, "1: the job is of the class"),)
SEEN_JOB = record_of("JobFeatures", QUEUED)(*range(len(QUEUED)))
"""Index of each feature of a job by its name."""


def job_size(classes: int) -> int:
    """Number of features of a job, 8 + C."""
    return len(QUEUED) + classes * len(QUEUED_CLASS)


@routine
def measure_jobs(seen: np.ndarray, slots: np.ndarray, mask: np.ndarray, env: Environment, now_s: float) -> None:
    """Fill the features of the visible jobs, [K, F + C]; rows of `NOBODY` are 0."""
    for k in range(slots.shape[0]):
        for f in range(seen.shape[1]):
            seen[k, f] = 0.0
        if slots[k] == NOBODY:
            continue
        job, run = env.jobs[slots[k]], env.run[slots[k]]
        service = is_replica(env, slots[k])
        left = job["total_accelerators"] * HOUR_S if service else remaining_estimate(job, run)
        feasible = 0.0
        for s in range(env.num_satellites):
            feasible += 1.0 if mask[k, s] else 0.0
        seen[k, SEEN_JOB.width] = job["width"]
        seen[k, SEEN_JOB.remaining_work_s] = left
        seen[k, SEEN_JOB.slack_s] = 0.0 if service else job["deadline_s"] - now_s - left / job["total_accelerators"]
        seen[k, SEEN_JOB.lateness] = 1.0 if service else lateness_factor(env, slots[k], now_s)
        seen[k, SEEN_JOB.wait_s] = now_s - (run["since_s"] if service else job["arrival_s"])
        seen[k, SEEN_JOB.safe_frac] = 0.0 if service else run["checkpointed_s"] / job["estimate_s"]
        seen[k, SEEN_JOB.transfer_gb] = placement_gb(env, slots[k])
        seen[k, SEEN_JOB.feasible_frac] = feasible / env.num_satellites
        seen[k, len(SEEN_JOB) + job["class_id"]] = 1.0


@routine
def encode_jobs(out: np.ndarray, present: np.ndarray, seen: np.ndarray, slots: np.ndarray, code: np.ndarray) -> None:
    """Write the block `jobs`, [K, G] float32, and which of its rows hold a job, (K,)."""
    for k in range(seen.shape[0]):
        present[k] = slots[k] != NOBODY
        for f in range(seen.shape[1]):
            out[k, f] = encode_one(seen[k, f], code, f, 0) if slots[k] != NOBODY else 0.0
