"""How fast jobs go: alone as their satellite does, as a gang as its slowest member and its links allow.

The rows of a gang follow each other, see `gangs`; it has its hosts when its last row has one. Scalar code between
physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import RUNNING
from odc_gym.core.network.routes import carry, count_route, route_rate_gb_s, walk

LEAST = 1e-9  # of a rate: below it nothing goes on


@routine
def host_execution_rate(env: Environment, row: int) -> float:
    """Work that the accelerators of one row of a job do in a second while they are active."""
    job, s = env.jobs[row], env.run[row]["host"]
    class_id = job["class_id"]
    clock = env.classes.clock[class_id, s]
    speed = env.design.speed[s] * clock / (env.rules.kappa[class_id] + (1.0 - env.rules.kappa[class_id]) * clock)
    return job["width"] * speed * env.sat.duty[s]


@routine
def execution_rate(env: Environment, row: int) -> float:
    """Work that a running job does in a second while it is active."""
    if env.jobs[row]["num_satellites"] == 1:
        return host_execution_rate(env, row)
    slowest = np.inf
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        slowest = min(slowest, host_execution_rate(env, member))
    return env.jobs[row]["num_satellites"] * slowest * compute_share(env, row, slowest)


@routine
def has_hosts(env: Environment, row: int) -> bool:
    """Whether all rows of a gang have a host: they run, or were given one to see how they would."""
    return env.run[row + env.jobs[row]["num_satellites"] - 1]["host"] >= 0


@routine
def forecast_rate(env: Environment, row: int, s: int) -> float:
    """Work of an accelerator of a job on a satellite in a second, at the requested clocks.

    That of a gang which has its hosts is the one at which all of it would go there; before, it is known for `s` alone.
    """
    job = env.jobs[row]
    class_id = job["class_id"]
    if job["num_satellites"] == 1 or not has_hosts(env, row):
        return env.classes.rate[class_id, s]
    slowest = np.inf
    for member in range(row, row + job["num_satellites"]):
        slowest = min(slowest, env.classes.rate[class_id, env.run[member]["host"]])
    return slowest * compute_share(env, row, slowest * job["width"])


@routine
def next_in_ring(env: Environment, row: int, member: int) -> int:
    """Host of the member after one of a gang's rows, the first after the last."""
    after = member + 1 if member + 1 < row + env.jobs[row]["num_satellites"] else row
    return env.run[after]["host"]


@routine
def iteration_times(env: Environment, row: int, slowest: float) -> tuple[float, float]:
    """Times of an iteration of a gang: compute of the slowest member, and exchange that shows [s].

    An iteration takes its compute on the slowest member and the part of the exchange that does not hide behind it. The
    exchange is a ring: each member sends and receives 2 (m - 1) / m of the gradients at the rate of the slowest way
    between neighbours, which it shares with the transfers that are counted: that of a running gang is one of them.

    Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", J. Parallel
    Distrib. Comput. 69 (2009).

    Args:
        env: the environment.
        row: the first of the gang; all have hosts.
        slowest: work of the accelerators of its slowest member in a second.
    """
    job, tick, rate_gb_s = env.jobs[row], env.scalars[0]["tick"], np.inf
    class_id, more = job["class_id"], 0.0 if env.run[row]["status"] == RUNNING else 1.0
    for member in range(row, row + job["num_satellites"]):
        count = walk(env, env.run[member]["host"], next_in_ring(env, row, member), tick)
        rate_gb_s = min(rate_gb_s, route_rate_gb_s(env, count, more, tick))
    compute_s = env.rules.iteration_s[class_id] * job["width"] / max(slowest, LEAST)
    exchange_s = exchange_gb(env, row) / max(rate_gb_s, LEAST)
    return compute_s, max(0.0, exchange_s - env.rules.overlap[class_id] * compute_s)


@routine
def exchange_gb(env: Environment, row: int) -> float:
    """What each member of a gang sends to the next in an iteration [GB]."""
    members = env.jobs[row]["num_satellites"]
    return 2.0 * (members - 1) / members * env.rules.sync_gb[env.jobs[row]["class_id"]]


@routine
def compute_share(env: Environment, row: int, slowest: float) -> float:
    """Share of the time of a gang in which it computes: for the rest it waits for what of the exchange shows."""
    compute_s, shown_s = iteration_times(env, row, slowest)
    return compute_s / (compute_s + shown_s)


@routine
def count_exchange(env: Environment, row: int) -> None:
    """Count the exchange of a running gang on the links of its ring."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        count = walk(env, env.run[member]["host"], next_in_ring(env, row, member), env.scalars[0]["tick"])
        count_route(env, count, member)


@routine
def carry_exchange(env: Environment, row: int, time_s: float) -> None:
    """Note what the ring of a gang carries in so much time at work."""
    slowest = np.inf
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        slowest = min(slowest, host_execution_rate(env, member))
    compute_s, shown_s = iteration_times(env, row, slowest)
    gb = exchange_gb(env, row) * time_s / (compute_s + shown_s)
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        carry(env, walk(env, env.run[member]["host"], next_in_ring(env, row, member), env.scalars[0]["tick"]), gb)
