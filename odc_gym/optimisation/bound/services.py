"""Work of services: tokens are served once, after they have arrived, and are paid in full at most.

A request counts as served when a replica takes it up, so that a pool can be ahead of its capacity by its live requests.
The work of live requests is a store that fills and empties.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.optimisation.bound.episode import Episode
from odc_gym.optimisation.bound.program import Program


class ServiceWork(NamedTuple):
    """Variables of the N services.

    Attributes:
        work: work that is taken up in each cell, (T, N) [reference accelerator-hours].
        live: work of live requests at the end of each cell, (T, N).
    """

    work: np.ndarray
    live: np.ndarray


def offered_work(episode: Episode) -> np.ndarray:
    """Return the work that services have been offered by the end of each cell, (T, C) [accelerator-hours]."""
    arrived = np.cumsum(episode.grid.sums(episode.demand), 0) + episode.backlog
    return np.asarray(arrived * episode.rules.token_s * episode.service / HOUR_S)


def live_work(episode: Episode) -> np.ndarray:
    """Return the work of live requests that fills all replicas of each service, (C,) [accelerator-hours]."""
    rules = episode.rules
    per_replica = rules.batch * rules.request_tokens * rules.token_s / HOUR_S
    return np.asarray(np.where(episode.service, rules.replicas * per_replica, 0.0))


def add_services(program: Program, episode: Episode) -> ServiceWork:
    """Add the work that services take up in each cell.

    A row for each service and cell keeps the work up to the cell within the demand up to it.
    """
    offered = offered_work(episode)[:, episode.service]
    points = episode.points_of_work[episode.service]
    work = program.variables("work of services", offered, np.broadcast_to(points, offered.shape))
    live = program.variables("live requests", np.broadcast_to(live_work(episode)[episode.service], offered.shape))
    limit = program.limits("demand of services", offered)
    cells = np.arange(len(offered))
    later, earlier = np.nonzero(cells[:, None] >= cells[None, :])
    program.add(limit[later], work[earlier], 1.0)
    return ServiceWork(work, live)
