"""When a job writes its next checkpoint: after a fixed amount of work, or as often as surprises make it worth while.

A surprise is a stop that nobody saw coming: an upset, a failed accelerator, a trip, an outage. Of the others, see
`foresight`, jobs write a checkpoint first.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.core.network.execution_rate import forecast_rate

PRIOR_S = 100.0 * 3600.0  # accelerator-seconds that the scenario's rate of surprises weighs beside what is seen
LEAST = 1e-12  # of a rate of stops [1/s] or of work: below it nothing stops


@routine
def surprises_per_s(env: Environment, accelerators: int, satellites: int) -> float:
    """Rate of surprises [1/s] for a job of so many accelerators on so many satellites, by all that were seen so far.

    Accelerators fail one by one, compute goes off by satellites. The first rate begins as that of the scenario's upsets
    and failures, and is then the mean of a gamma distribution that has seen the surprises of all accelerators held.
    """
    scalars = env.scalars[0]
    chip = (env.policy.surprises_per_s * PRIOR_S + scalars["chip_stops"]) / (PRIOR_S + scalars["held_s"])
    satellite = scalars["off_stops"] / max(scalars["hosted_s"], 1.0)
    return accelerators * chip + satellites * satellite


@routine
def interval_work(most_s: float, adapts: float, stall_s: float, stops_per_s: float, rate: float) -> float:
    """Work of an accelerator from one checkpoint to the next [reference accelerator-seconds].

    sqrt(2 C M) of time at work, for checkpoints that take C and surprises that come every M on the average: as much
    time then goes into writing as into work that is done again.

    Source: Young, Communications of the ACM 17(9), 1974; first order of Daly, Future Generation Computer Systems 22(3),
    2006. Its higher orders are below C, which here is a part of a step.

    Args:
        most_s: the fixed interval, or the longest.
        adapts: 1 it follows the surprises, 0 it is fixed.
        stall_s: C, time to write a checkpoint [s].
        stops_per_s: 1 / M.
        rate: work of an accelerator in a second.
    """
    if adapts < 0.5:
        return most_s
    best_s = np.sqrt(2.0 * stall_s / max(stops_per_s, LEAST))
    return min(most_s, max(best_s, stall_s) * max(rate, LEAST))


@routine
def unit_work(env: Environment, row: int, s: int) -> float:
    """Work of an accelerator of a job on a satellite from one payable point to the next."""
    job, rules = env.jobs[row], env.rules
    class_id = job["class_id"]
    if rules.adapts[class_id] < 0.5:
        return rules.unit_s[class_id]
    stops_per_s = surprises_per_s(env, job["total_accelerators"], job["num_satellites"])
    return interval_work(rules.unit_s[class_id], 1.0, rules.stall_s[class_id], stops_per_s, forecast_rate(env, row, s))


@routine
def checkpoint_age_s(run: np.void, now_s: float) -> float:
    """Since a job began the oldest of its work that a surprise would take [s]; 0 if there is none."""
    return now_s - run["uncheckpointed_since_s"] if run["uncheckpointed_s"] > 0.0 else 0.0
