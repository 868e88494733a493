"""Work of services: tokens are served once, after they have arrived, soon enough, and are paid in full at most.

A request counts as served when a replica takes it up, so that a pool can be ahead of its capacity by its live requests.
The work of live requests is a store that fills and empties.

Requests that wait from one cell to the next form a backlog. While there is a backlog, whoever is served comes too late
for the target. A cell can therefore serve no more in time than arrives in it, but for what a pool holds at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.core.serving.slo_model import MAX_LOAD
from odc_gym.optimisation.bound.episode import Episode
from odc_gym.optimisation.bound.program import Program

LATE_AFTER = 2.0  # delay over the target from which a whole step is late: attainment is sampled within a step


class ServiceWork(NamedTuple):
    """Variables of the N services.

    Attributes:
        work: work that is taken up in each cell, (T, N) [reference accelerator-hours].
        live: work of live requests at the end of each cell, (T, N).
    """

    work: np.ndarray
    live: np.ndarray


def add_services(program: Program, episode: Episode) -> ServiceWork:
    """Add the work that services take up in each cell, its late part, and the backlog at the end of each cell."""
    rules, chosen = episode.rules, episode.service
    points = episode.points_of_work[chosen]
    arrived = arrived_work(episode)[:, chosen]
    first = np.zeros(arrived.shape)
    first[:1] = (episode.backlog * rules.token_s / HOUR_S)[chosen]
    held = held_at_once(episode)[chosen]
    most = np.cumsum(arrived + first, 0)
    work = program.variables("work of services", most, np.broadcast_to(points, most.shape))
    loss = -points * (1.0 - rules.late_value[chosen])
    late = program.variables("late work of services", most, np.broadcast_to(loss, most.shape))
    waits = program.variables("backlog of services", np.broadcast_to(most_waiting(episode)[chosen] + held, most.shape))
    live = program.variables("live requests", np.broadcast_to(live_work(episode)[chosen], most.shape))
    demand = program.limits("demand of services", arrived + first)
    program.add(demand, work, 1.0)
    program.add(demand, waits, 1.0)
    program.add(demand[1:], waits[:-1], -1.0)
    in_time = program.limits("service in time", arrived + held)
    program.add(in_time, work, 1.0)
    program.add(in_time, late, -1.0)
    return ServiceWork(work, live)


def arrived_work(episode: Episode) -> np.ndarray:
    """Return the work that arrives for services in each cell, (T, C) [accelerator-hours]."""
    return np.asarray(episode.grid.sums(episode.demand) * episode.rules.token_s * episode.service / HOUR_S)


def live_work(episode: Episode) -> np.ndarray:
    """Return the work of live requests that fills all replicas of each service, (C,) [accelerator-hours]."""
    rules = episode.rules
    per_replica = rules.batch * rules.request_tokens * rules.token_s / HOUR_S
    return np.asarray(np.where(episode.service, rules.replicas * per_replica, 0.0))


def fastest_work(episode: Episode) -> np.ndarray:
    """Return the most work of a service in an hour, (C,) [accelerator-hours]: that of all accelerators, or its demand.

    Filling batches add to it within a step.
    """
    of_fleet = float((episode.design.accelerators * episode.design.speed).sum())
    hour_steps = HOUR_S / episode.grid.step_s
    of_demand = episode.demand.max(0) * episode.rules.token_s * hour_steps / HOUR_S
    return np.asarray(np.maximum(of_fleet, of_demand) + live_work(episode) * hour_steps)


def most_waiting(episode: Episode) -> np.ndarray:
    """Return the most work that can wait, (C,): requests leave that the present rate cannot serve in their patience."""
    return np.asarray(fastest_work(episode) * episode.rules.patience_s / HOUR_S)


def held_at_once(episode: Episode) -> np.ndarray:
    """Return the work that a pool can hold without making it late, (C,) [accelerator-hours].

    It is the live requests, the queue of a pool at its largest load, and what the fleet serves until the target.
    """
    rules = episode.rules
    variability = 0.5 * (1.0 + np.maximum(rules.prefill_scv, rules.decode_scv))
    queue = variability * MAX_LOAD / (1.0 - MAX_LOAD) * rules.request_tokens * rules.token_s / HOUR_S
    return np.asarray(live_work(episode) + queue + fastest_work(episode) * LATE_AFTER * rules.target_s / HOUR_S)
