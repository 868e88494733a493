"""Features of single waiting jobs, one row for each job: the block `jobs` of dict observations."""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.waiting import is_replica, lateness_factor, placement_gb, remaining_estimate
from odc_gym.core.layout.environment import Environment
from odc_gym.interface.assignment import NOBODY
from odc_gym.interface.observations import Feature, encode_one, record_of

QUEUED = (
    Feature("width", "accelerators", 0.0, 1.0, "widest", False, "accelerators that the job needs on one satellite"),
    Feature(
        "remaining_work_s",
        "accelerator s",
        0.0,
        7200.0,
        "",
        True,
        "estimated remaining work; for a replica, accelerators x 1 h",
    ),
    Feature(
        "slack_s", "s", 0.0, 14400.0, "", True, "slack: deadline - now - estimated remaining run time; 0 for a replica"
    ),
    Feature("lateness", "", 0.0, 1.0, "", False, "share of the value that is still paid for work that is finished now"),
    Feature(
        "wait_s",
        "s",
        0.0,
        7200.0,
        "",
        True,
        "time since the arrival of the job, or since the autoscaler requested the replica",
    ),
    Feature(
        "safe_frac", "", 0.0, 1.0, "", False, "checkpointed work as a share of the estimated work; 0 for a replica"
    ),
    Feature(
        "transfer_gb",
        "GB",
        0.0,
        100.0,
        "",
        True,
        "data that a placement brings to a satellite that holds none of it: model, input and state",
    ),
    Feature("feasible_frac", "", 0.0, 1.0, "", False, "share of the satellites that can take the job now"),
)
QUEUED_CLASS = (Feature("is_class", "", 0.0, 1.0, "", False, "1 if the job belongs to the class, else 0"),)
SEEN_JOB = record_of("JobFeatures", QUEUED)(*range(len(QUEUED)))
"""Index of each feature of a job by its name."""


def job_size(classes: int) -> int:
    """Return the number of features of a job, 8 + C."""
    return len(QUEUED) + classes * len(QUEUED_CLASS)


@routine
def measure_jobs(seen: np.ndarray, slots: np.ndarray, mask: np.ndarray, env: Environment, now_s: float) -> None:
    """Measure the features of the visible jobs.

    Args:
        seen: features, [K, F + C]; rows without a job are 0. Written.
        slots: rows of the visible jobs in the job table, (K,); `NOBODY` where no job is.
        mask: feasibility of each satellite, then of waiting, (K, S + 1).
        env: the environment.
        now_s: seconds since the episode's start.
    """
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
    """Encode the features of the visible jobs as the block `jobs` of an observation.

    Args:
        out: encoded features, [K, G] float32; rows without a job are 0. Written.
        present: 1 for each row that holds a job, else 0, (K,). Written.
        seen: measured features, [K, G].
        slots: rows of the visible jobs in the job table, (K,); `NOBODY` where no job is.
        code: `observations.encoding` of the features.
    """
    for k in range(seen.shape[0]):
        present[k] = slots[k] != NOBODY
        for f in range(seen.shape[1]):
            out[k, f] = encode_one(seen[k, f], code, f, 0) if slots[k] != NOBODY else 0.0
