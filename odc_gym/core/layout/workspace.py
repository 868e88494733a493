"""Work arrays of the compiled core. Kernels allocate nothing; each call that may run at the same time needs its own."""

from __future__ import annotations

from typing import NamedTuple

from odc_gym.compilation.array_types import Boolx1, Float64x1, Float64x2
from odc_gym.core.layout.network import Traffic
from odc_gym.core.layout.search import Search


class Workspace(NamedTuple):
    """Work arrays of one call of `decide`."""

    scratch: Float64x2  # (SCRATCH, P) of `core.spacecraft.step`
    sky: Float64x2  # (field, P) of Sky: the present step
    action: Float64x2  # (2, C) urgencies and clock offsets of the action
    dials: Float64x1  # (D,) dials that an action stands for
    bids: Float64x1  # (A,) action of the mode `bids` that dials stand for
    free_from_s: Float64x1  # (S,) time at which a blocked job can start
    candidate: Boolx1  # (S,) satellites for which a blocked job may wait
    spot_accelerators: Float64x1  # (S,) accelerators of spot jobs
    releases: Float64x2  # (2, J) expected releases: time, accelerators
    can_start: Boolx1  # (J,) waiting jobs that a satellite can take
    uses_links: Boolx1  # (J,) running jobs that may transfer data: gangs, and those that wait for data
    capacity: Float64x2  # (4, P) of a replica on each satellite: throughput, prefill and decode time, slots
    urgency_factor: Float64x1  # (C,) factor of the ranks of a class
    tenant_factor: Float64x1  # (N,) factor of the ranks of a tenant
    prompts: Float64x2  # (3, PROMPTS) terms of the sums of `ttft_attainment`
    traffic: Traffic
    search: Search
