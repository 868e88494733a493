"""Gangs: jobs that span several satellites of one lasting neighbourhood and advance in step.

A gang gets all of its satellites or none. In the job table, one row for each further satellite follows its first row.
Column `num_satellites` of the first row counts these rows and itself. The first row holds work, checkpoints and pay.
Each row has a host and holds accelerators there. `core.network.execution_rate` computes the rate of a gang.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.hosting import add_running, take_accelerators, use_extra_accelerators
from odc_gym.core.jobs.waiting import (
    NOWHERE,
    feasible,
    may_host,
    pays_in_time,
    respects_reservation,
    score_of,
    transfer_time_s,
)
from odc_gym.core.layout.environment import Environment
from odc_gym.core.network.routes import topology


@routine
def are_neighbours(env: Environment, s: int, other: int, class_id: int) -> bool:
    """Return whether inter-satellite links join two satellites as a class of gangs requires.

    The class limits the number of hops, and sets the number of steps for which the route must last.
    """
    epoch = topology(env, env.scalars[0]["tick"])
    hops = env.links.hops[epoch, s, other]
    lasting_steps = env.links.expiry_step[epoch, s, other] - env.scalars[0]["tick"]
    return 0 <= hops <= env.rules.gang_hops[class_id] and lasting_steps >= env.rules.lasting_steps[class_id]


@routine
def choose_gang_hosts(env: Environment, row: int, now_s: float) -> bool:
    """Choose the hosts of a gang, write them to its rows, and return whether there are enough.

    The first host is the feasible satellite with the highest score that has enough feasible neighbours. The other hosts
    are its neighbours with the highest scores.
    """
    job, num_candidates = env.jobs[row], 0
    for s in range(env.num_satellites):
        num_candidates += 1 if may_host(env, row, s, now_s) else 0
    if num_candidates < job["num_satellites"]:
        return False
    score, first_host = np.inf, NOWHERE
    for _ in range(num_candidates):
        score, first_host = next_best_host(env, row, score, first_host, now_s)
        if feasible(env, row, first_host, now_s) and choose_hosts_around(env, row, first_host, now_s):
            return True
    return False


@routine
def next_best_host(env: Environment, row: int, score: float, last: int, now_s: float) -> tuple[float, int]:
    """Return the score and the index of the next satellite with room, in descending order of score.

    Args:
        env: the environment.
        row: first row of the gang.
        score: score of the last satellite, inf at the beginning.
        last: the last satellite, NOWHERE at the beginning. Among equal scores, the lower index comes first.
        now_s: time since the start of the episode [s].
    """
    best, found = -np.inf, NOWHERE
    for s in range(env.num_satellites):
        if may_host(env, row, s, now_s):
            candidate_score = score_of(env, s, env.jobs[row]["class_id"], env.jobs[row]["width"])
            if candidate_score > best and (candidate_score < score or (candidate_score == score and s > last)):
                best, found = candidate_score, s
    return best, found


@routine
def choose_hosts_around(env: Environment, row: int, first_host: int, now_s: float) -> bool:
    """Assign a gang to a satellite and its best neighbours, and return whether there are enough.

    To each member, a route must last long enough for its share of the data. The gang as a whole must be paid in time
    and respect reservations. It starts when its last member is ready, and works at the common execution rate.

    Args:
        env: the environment.
        row: first row of the gang.
        first_host: satellite of the first row.
        now_s: time since the start of the episode [s].
    """
    job = env.jobs[row]
    class_id, width, end = job["class_id"], job["width"], row + job["num_satellites"]
    env.run[row]["host"] = first_host
    for member in range(row + 1, end):
        best, chosen = -np.inf, NOWHERE
        for s in range(env.num_satellites):
            if may_host(env, row, s, now_s) and are_neighbours(env, first_host, s, class_id):
                score = score_of(env, s, class_id, width)
                if (
                    score > best
                    and not is_among_hosts(env, row, member, s)
                    and transfer_time_s(env, member, row, s) < np.inf
                ):
                    best, chosen = score, s
        env.run[member]["host"] = chosen
        if chosen == NOWHERE:
            break
    if env.run[end - 1]["host"] != NOWHERE and gang_can_start(env, row, now_s):
        return True
    clear_hosts(env, row)
    return False


@routine
def gang_can_start(env: Environment, row: int, now_s: float) -> bool:
    """Return whether a gang on the hosts in its rows is paid in time and respects reservations."""
    can_start = pays_in_time(env, row, env.run[row]["host"], now_s)
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        can_start = can_start and respects_reservation(env, row, env.run[member]["host"], now_s)
    return can_start


@routine
def clear_hosts(env: Environment, row: int) -> None:
    """Clear the hosts in the rows of a job that does not run."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        env.run[member]["host"] = NOWHERE


@routine
def is_among_hosts(env: Environment, row: int, end: int, s: int) -> bool:
    """Return whether a row from `row` up to, but not including, `end` has host `s`."""
    count = 0
    for member in range(row, end):
        count += env.run[member]["host"] == s
    return count > 0


@routine
def start_gang(env: Environment, row: int, now_s: float) -> None:
    """Start a gang on the hosts in its rows; each member brings its share of the data."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        use_extra_accelerators(env, member, row, env.run[member]["host"], now_s)
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        take_accelerators(env, member, row, env.run[member]["host"], now_s)
    add_running(env, row, now_s)


@routine
def is_connected(env: Environment, row: int) -> bool:
    """Return whether inter-satellite links connect all members of a running gang to its first."""
    epoch = topology(env, env.scalars[0]["tick"])
    for member in range(row + 1, row + env.jobs[row]["num_satellites"]):
        if env.links.hops[epoch, env.run[row]["host"], env.run[member]["host"]] < 0:
            return False
    return True


@routine
def disconnects_next(env: Environment, row: int) -> bool:
    """Return whether the tables show that a running gang loses a route by the next step."""
    tick = env.scalars[0]["tick"]
    epoch = topology(env, tick)
    for member in range(row + 1, row + env.jobs[row]["num_satellites"]):
        if env.links.expiry_step[epoch, env.run[row]["host"], env.run[member]["host"]] <= tick + 1:
            return True
    return False
