"""Value of executed work that is not paid yet: what a plan that ends before the episode leaves to be earned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from odc_gym.constants import HOUR_S
from odc_gym.core.layout.work import RUNNING, WAITING
from odc_gym.simulator.simulator import Simulator

FINISHES = 0.8
"""Share of the held-back value of begun jobs that counts; some of them will miss their deadlines."""


def unpaid_value(simulator: Simulator) -> NDArray[np.float64]:
    """Return the value of executed work that a payable point or the end of its job will pay, (B,) [points].

    Work since the last payable point counts in full while its job runs. The share held back until the end of a job
    counts by `FINISHES`. Jobs past their deadline are worth the less, the closer their expiry is.
    """
    jobs, run, rules = simulator.jobs, simulator.run, simulator.rules
    clock = simulator.fleet.clock
    now_s = (simulator.scalars["tick"] - clock.warm_up)[:, None] * clock.dt_s
    running, waiting = run["status"] == RUNNING, run["status"] == WAITING
    begun = (running | waiting) & np.isfinite(jobs["work_s"])
    total = np.zeros(simulator.num_envs)
    rows, columns = np.nonzero(begun)
    job, state = jobs[rows, columns], run[rows, columns]
    c = job["class_id"]
    late = (job["expiry_s"] - now_s[rows, 0]) / np.maximum(job["expiry_s"] - job["deadline_s"], 1.0)
    value = rules.value[rows, c] * job["price"] * np.clip(late, 0.0, 1.0) / HOUR_S
    held_back = rules.hold_back[rows, c]
    before_s, safe_s = state["before_s"], state["checkpointed_s"]
    fresh_s = np.maximum(safe_s + state["uncheckpointed_s"] - np.maximum(safe_s, before_s), 0.0)
    paid_s = np.maximum(safe_s - before_s, 0.0)
    worth = (1.0 - held_back) * fresh_s + FINISHES * held_back * (fresh_s + paid_s)
    np.add.at(total, rows, value * worth)
    return np.asarray(total * simulator.parameters.weights.points)
