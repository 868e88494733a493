"""The grids on which laws of serving are tabulated, and their tables: see `serving_tables`."""

from typing import NamedTuple

import numpy as np

from odc_gym.core.layout.rows import rows_of_environment

LOADS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.99])
"""Utilisations of the tables; a queue is never taken to be nearer to 1, where it would have no mean."""
OCTAVES = 12  # numbers of servers of the tables: 1, 2, 4, ..., 2048
BASES = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.7])
"""Shares of a request's time at a full batch that it takes on its own: what does not grow with the batch."""
PREFILLS = 2.0 ** np.arange(-3.0, 1.1, 0.5)
"""Targets of the time per token over the prefill time of a request, over their ratio at full clock."""
SLACKS = np.append(0.001, np.linspace(0.04, 1.0, 25))
"""Shares of the target of the time per token that decode steps leave."""
OFFERED = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 9.0])
"""Replicas' worth of work that requests would be, were each decoded alone, over the replicas there are."""
IDLE_OCTAVES = 7  # numbers of replicas of the table of idle ones: 1, 2, 4, ..., 64
PROMPTS = 16  # bins of the prompts of a service, equally likely but for the last ones


class Serving(NamedTuple):
    """Tables that the laws of serving look up. The first axis of each is the environment in a batch."""

    waits: np.ndarray  # (1 + BASES, OCTAVES, LOADS) -ln P of all servers taken; first of prefill, then of slots by base
    idles: np.ndarray  # (IDLE_OCTAVES, OFFERED, LOADS) -ln of the share of replicas that are idle
    paces: np.ndarray  # (C, 3, PREFILLS, SLACKS, LOADS) log odds to meet the time per token: one, one of many, all full
    prompts: np.ndarray  # (C, PROMPTS + 1) edges of bins of prefill times at full clock [s]
    shares: np.ndarray  # (C, PROMPTS) requests in each bin


serving_of = rows_of_environment(Serving)
"""Compiled function that picks the tables of an environment."""
