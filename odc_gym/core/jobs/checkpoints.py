"""Checkpoint intervals: a fixed amount of work, or the interval that suits the rate of unforeseen stops.

An unforeseen stop is an upset, a failed accelerator, a trip or an outage. Jobs write a checkpoint before all other
stops, see `core.jobs.shed_warning`.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.core.network.execution_rate import forecast_rate

PRIOR_S = 100.0 * 3600.0  # accelerator-seconds: weight of the scenario's stop rate beside the observed stops
MIN_RATE = 1e-12  # floor of a rate of stops [1/s] and of a work rate


@routine
def unforeseen_stops_per_s(env: Environment, accelerators: int, satellites: int) -> float:
    """Return the estimated rate of unforeseen stops of a job [1/s], from all stops observed so far.

    Accelerators fail one by one, and the compute of a satellite goes off as a whole. The rate of an accelerator begins
    at the scenario's rate of upsets and failures. It is the mean of a gamma distribution, updated by the stops of all
    held accelerators. The rate of a satellite is the number of its stops over the time for which it hosted jobs.

    Args:
        env: the environment.
        accelerators: number of accelerators of the job.
        satellites: number of satellites of the job.
    """
    scalars = env.scalars[0]
    accelerator_rate = (env.policy.stops_per_s * PRIOR_S + scalars["chip_stops"]) / (PRIOR_S + scalars["held_s"])
    satellite_rate = scalars["off_stops"] / max(scalars["hosted_s"], 1.0)
    return accelerators * accelerator_rate + satellites * satellite_rate


@routine
def interval_work(longest_s: float, adapts: float, stall_s: float, stops_per_s: float, rate: float) -> float:
    """Return the work of an accelerator from one checkpoint to the next [reference accelerator-seconds].

    The best interval is sqrt(2 C M) of time at work. A checkpoint takes C, and unforeseen stops come every M on
    average. At this interval, writing takes as much time as work that is done again.

    Source: Young, Communications of the ACM 17(9), 1974; first order of Daly, Future Generation Computer Systems 22(3),
    2006. Daly's higher orders are below C, which is a part of a step here.

    Args:
        longest_s: the fixed interval, or the longest one [reference accelerator-seconds].
        adapts: 1 if the interval follows the rate of stops, 0 if it is fixed.
        stall_s: C, the time to write a checkpoint [s].
        stops_per_s: 1 / M [1/s].
        rate: work rate of an accelerator [reference accelerator-seconds per second].
    """
    if adapts < 0.5:
        return longest_s
    best_s = np.sqrt(2.0 * stall_s / max(stops_per_s, MIN_RATE))
    return min(longest_s, max(best_s, stall_s) * max(rate, MIN_RATE))


@routine
def payable_interval_work(env: Environment, row: int, s: int) -> float:
    """Return the work of an accelerator of a job on satellite `s` between two payable points.

    The unit is reference accelerator-seconds.
    """
    job, rules = env.jobs[row], env.rules
    class_id = job["class_id"]
    if rules.adapts[class_id] < 0.5:
        return rules.unit_s[class_id]
    stops_per_s = unforeseen_stops_per_s(env, job["total_accelerators"], job["num_satellites"])
    return interval_work(rules.unit_s[class_id], 1.0, rules.stall_s[class_id], stops_per_s, forecast_rate(env, row, s))


@routine
def checkpoint_age_s(run: np.void, now_s: float) -> float:
    """Return the time since a job began its oldest uncheckpointed work [s]; 0 if it has none."""
    return now_s - run["uncheckpointed_since_s"] if run["uncheckpointed_s"] > 0.0 else 0.0
