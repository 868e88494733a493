"""Execution rates of jobs on one satellite and of gangs.

A job on one satellite works at the rate of its host. The slowest member and the links limit the rate of a gang. The
rows of a gang follow each other, see `core.jobs.gangs`. A gang has its hosts when its last row has one.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import RUNNING
from odc_gym.core.network.routes import count_route, record_carried, route_rate_gb_s, trace_route

MIN_RATE = 1e-9  # floor of a rate in a denominator


@routine
def host_execution_rate(env: Environment, row: int) -> float:
    """Return the work that the accelerators of one row of a job do per second while active."""
    job, s = env.jobs[row], env.run[row]["host"]
    class_id = job["class_id"]
    clock = env.classes.clock[class_id, s]
    speed = env.design.speed[s] * clock / (env.rules.kappa[class_id] + (1.0 - env.rules.kappa[class_id]) * clock)
    return job["width"] * speed * env.sat.duty[s]


@routine
def execution_rate(env: Environment, row: int) -> float:
    """Return the work that a running job does per second while it is active."""
    if env.jobs[row]["num_satellites"] == 1:
        return host_execution_rate(env, row)
    slowest = np.inf
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        slowest = min(slowest, host_execution_rate(env, member))
    return env.jobs[row]["num_satellites"] * slowest * compute_share(env, row, slowest)


@routine
def has_hosts(env: Environment, row: int) -> bool:
    """Return whether all rows of a gang have a host, because it runs or for a forecast."""
    return env.run[row + env.jobs[row]["num_satellites"] - 1]["host"] >= 0


@routine
def forecast_rate(env: Environment, row: int, s: int) -> float:
    """Return the work per second of an accelerator of a job on satellite `s`, at the requested clocks.

    For a gang with hosts, it is the rate of the whole gang on these hosts. For a gang without hosts, it is the rate on
    `s` alone.
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
def next_host_in_ring(env: Environment, row: int, member: int) -> int:
    """Return the host of the next member of a gang; the first member follows the last."""
    next_row = member + 1 if member + 1 < row + env.jobs[row]["num_satellites"] else row
    return env.run[next_row]["host"]


@routine
def iteration_times(env: Environment, row: int, slowest: float) -> tuple[float, float]:
    """Return the compute time and the exposed exchange time of a gang's iteration [s].

    The compute time is that of the slowest member. The exposed time is the part of the exchange that does not overlap
    with compute. The exchange is a ring: each member sends and receives 2 (m - 1) / m of the gradients. Its rate is
    that of the slowest route between neighbours. The exchange shares these routes with the counted transfers. The
    exchange of a running gang is one of these transfers.

    Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", J. Parallel
    Distrib. Comput. 69 (2009).

    Args:
        env: the environment.
        row: first row of the gang; all rows have hosts.
        slowest: work that the accelerators of the slowest member do per second.
    """
    job, tick, rate_gb_s = env.jobs[row], env.scalars[0]["tick"], np.inf
    class_id, extra_transfers = job["class_id"], 0.0 if env.run[row]["status"] == RUNNING else 1.0
    for member in range(row, row + job["num_satellites"]):
        num_nodes = trace_route(env, env.run[member]["host"], next_host_in_ring(env, row, member), tick)
        rate_gb_s = min(rate_gb_s, route_rate_gb_s(env, num_nodes, extra_transfers, tick))
    compute_s = env.rules.iteration_s[class_id] * job["width"] / max(slowest, MIN_RATE)
    exchange_s = exchange_gb(env, row) / max(rate_gb_s, MIN_RATE)
    return compute_s, max(0.0, exchange_s - env.rules.overlap[class_id] * compute_s)


@routine
def exchange_gb(env: Environment, row: int) -> float:
    """Return the data that each member of a gang sends to the next in an iteration [GB]."""
    members = env.jobs[row]["num_satellites"]
    return 2.0 * (members - 1) / members * env.rules.sync_gb[env.jobs[row]["class_id"]]


@routine
def compute_share(env: Environment, row: int, slowest: float) -> float:
    """Return the share of time in which a gang computes.

    For the rest, it waits for the exposed part of the exchange.
    """
    compute_s, exposed_s = iteration_times(env, row, slowest)
    return compute_s / (compute_s + exposed_s)


@routine
def count_exchange(env: Environment, row: int) -> None:
    """Count the exchange of a running gang on the links of its ring."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        num_nodes = trace_route(
            env, env.run[member]["host"], next_host_in_ring(env, row, member), env.scalars[0]["tick"]
        )
        count_route(env, num_nodes, member)


@routine
def record_exchange(env: Environment, row: int, time_s: float) -> None:
    """Record the data that the ring of a gang carries in `time_s` seconds at work."""
    slowest = np.inf
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        slowest = min(slowest, host_execution_rate(env, member))
    compute_s, exposed_s = iteration_times(env, row, slowest)
    gb = exchange_gb(env, row) * time_s / (compute_s + exposed_s)
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        record_carried(
            env,
            trace_route(env, env.run[member]["host"], next_host_in_ring(env, row, member), env.scalars[0]["tick"]),
            gb,
        )
