"""The grids on which laws of serving are tabulated, and their tables: see `serving_tables`."""

from typing import NamedTuple

import numpy as np

LOADS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.99])
"""Utilisations of the tables; a queue is never taken to be nearer to 1, where it would have no mean."""
OCTAVES = 12  # numbers of servers of the tables: 1, 2, 4, ..., 2048
BASES = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.7])
"""Shares of a request's time at a full batch that it takes on its own: what does not grow with the batch."""
PREFILLS = 2.0 ** np.arange(-3.0, 1.1, 0.5)
"""Targets of the time per token over the prefill time of a request, over their ratio at full clock."""
SLACKS = np.append(0.001, np.linspace(0.04, 1.0, 25))
"""Shares of the target of the time per token that decode steps leave."""
PROMPTS = 16  # bins of the prompts of a service, equally likely but for the last ones


class Serving(NamedTuple):
    """Tables that the laws of serving look up. The first axis of each is the environment in a batch."""

    waits: np.ndarray  # (1 + BASES, OCTAVES, LOADS) -ln P of all servers taken; first of prefill, then of slots by base
    paces: np.ndarray  # (C, 2, PREFILLS, SLACKS, LOADS): time per token is met by one replica, and by one of many
    prompts: np.ndarray  # (C, PROMPTS + 1) edges of bins of prefill times at full clock [s]
    shares: np.ndarray  # (C, PROMPTS) requests in each bin
