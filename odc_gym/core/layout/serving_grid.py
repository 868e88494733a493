"""Grids of the serving tables, and the tables by name; `odc_gym.tables.fleet.serving_tables` computes them."""

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.array_types import Float64x3, Float64x4, Float64x6
from odc_gym.core.layout.rows import rows_of_environment

LOADS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.99])
"""Utilisations of the tables. The last one is the model's upper limit: at 1 a queue has no mean."""
OCTAVES = 12  # length of the axis of servers: 1, 2, 4, ..., 2048
BASES = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.7])
"""Shares of a request's time at a full batch that do not grow with the batch."""
PREFILLS = 2.0 ** np.arange(-3.0, 1.1, 0.5)
"""Ratios of the target of the time per token to a request's prefill time, relative to this ratio at full clock."""
SLACKS = np.append(0.001, np.linspace(0.04, 1.0, 25))
"""Shares of the target of the time per token that decode steps leave for prefills."""
OFFERED = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 9.0])
"""Offered work over the capacity of the replicas, if each request were decoded alone."""
IDLE_OCTAVES = 7  # length of the axis of replicas in the idle table: 1, 2, 4, ..., 64
PROMPTS = 16  # number of bins of prompt lengths of a service; the bins of the longest prompts are less likely


class Serving(NamedTuple):
    """Tables that the serving model looks up. In a batch, each has the environment as an additional first axis.

    Constants in the shapes stand for their lengths. The second axis of `paces` is a single replica, one of many
    replicas, and a replica whose slots are all busy.
    """

    waits: Float64x4  # (1 + BASES, OCTAVES, LOADS) -ln P(all servers busy): of prefill first, then of slots by base
    idles: Float64x4  # (IDLE_OCTAVES, OFFERED, LOADS) -ln of the share of idle replicas
    paces: Float64x6  # (C, 3, PREFILLS, SLACKS, LOADS) log odds that the time per token meets its target
    prompts: Float64x3  # (C, PROMPTS + 1) edges of bins of prefill times at full clock [s]
    shares: Float64x3  # (C, PROMPTS) share of requests in each bin


serving_of = rows_of_environment(Serving)
"""Compiled function that selects the serving tables of one environment of a batch."""
