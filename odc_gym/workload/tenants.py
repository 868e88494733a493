"""Tenants and outcomes of jobs: columns of a job table that are independent of all other draws.

Their random numbers are keyed by the class, the arrival and the run time of a job, not by its row. Neither the length
of an episode nor a surge therefore shifts them. Jobs that arrive at the same instant have the same tenant.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
import numpy.typing as npt

from odc_gym.scenario import TIERS, JobClass, Workload
from odc_gym.workload.jobs import TIME_GRID, Floats, round_to_grid
from odc_gym.workload.streams import Purpose
from odc_gym.workload.traces import JobTrace, Outcome, keyed_uniform, splitmix64

Jobs = npt.NDArray[np.void]
Keys = npt.NDArray[np.uint64]


def assign_tenants(jobs: Jobs, name: str, workload: Workload, seed: int) -> None:
    """Assign the unowned jobs of a class to tenants by their shares; set tier and price of all jobs."""
    unassigned = jobs["tenant"] < 0
    jobs["tenant"][unassigned] = _choose_tenants(
        workload, keyed_uniform(_job_keys(seed, name, jobs["arrival_s"][unassigned]), Purpose.TENANTS)
    )
    tiers = [tenant.tier for tenant in workload.tenants.values()]
    jobs["tier"] = np.array([TIERS.index(tier) for tier in tiers], np.int32)[jobs["tenant"]]
    jobs["price"] = np.array([getattr(workload.tiers, tier) for tier in tiers])[jobs["tenant"]]


def assign_recorded_tenants(jobs: Jobs, trace: JobTrace, row: npt.NDArray[np.int64], workload: Workload) -> None:
    """Assign jobs of a trace (N,) to tenants.

    All jobs of one recorded owner go to the same tenant, which is drawn by the tenants' shares.
    """
    if trace.tenant is None:
        return
    names = np.array([zlib.crc32(name.encode()) for name in trace.tenants], np.uint64)
    owner = _choose_tenants(workload, keyed_uniform(splitmix64(names), Purpose.TENANTS))
    recorded = trace.tenant[row]
    jobs["tenant"] = np.where(recorded >= 0, owner[recorded], -1)


def apply_early_endings(jobs: Jobs, name: str, job_class: JobClass, seed: int) -> None:
    """Draw the jobs of a class that fail or are cancelled; their work shrinks, and their estimates stay.

    Such a job does the share u^(1/m - 1) of its work for a uniform u; the mean of that share is m. For a small m most
    failures are early, as in the traces of Philly (Jeon et al., ATC'19) and Acme (Hu et al., NSDI'24).
    """
    failed, cancelled = job_class.failed_frac, job_class.cancelled_frac
    if failed + cancelled == 0.0:
        return
    key = splitmix64(_job_keys(seed, name, jobs["arrival_s"]) ^ jobs["duration_s"].view(np.uint64))
    uniform = keyed_uniform(key, Purpose.OUTCOMES)
    stop = keyed_uniform(key, Purpose.STOPS)
    for outcome, mean, selected in (
        (Outcome.FAILED, job_class.failed_after, uniform < failed),
        (Outcome.CANCELLED, job_class.cancelled_after, (uniform >= failed) & (uniform < failed + cancelled)),
    ):
        jobs["outcome"][selected] = outcome
        jobs["duration_s"][selected] *= stop[selected] ** (1.0 / mean - 1.0)
    jobs["duration_s"] = np.maximum(round_to_grid(jobs["duration_s"]), 1.0 / TIME_GRID)
    jobs["work_s"] = jobs["duration_s"] * jobs["total_accelerators"]


def mean_price(workload: Workload) -> float:
    """Return the mean price of a job over its class's value."""
    shares = [tenant.share for tenant in workload.tenants.values()]
    prices = [getattr(workload.tiers, tenant.tier) for tenant in workload.tenants.values()]
    return math.fsum(s * p for s, p in zip(shares, prices, strict=True)) / math.fsum(shares)


def _choose_tenants(workload: Workload, uniform: Floats) -> npt.NDArray[np.int32]:
    """Return the tenants that uniform numbers choose by the tenants' shares, (N,)."""
    edges = np.cumsum([tenant.share for tenant in workload.tenants.values()])
    return np.searchsorted(edges[:-1] / edges[-1], uniform, side="right").astype(np.int32)


def _job_keys(seed: int, name: str, arrival_s: Floats) -> Keys:
    """Return random keys of the jobs of a class from their arrivals, (N,)."""
    episode = splitmix64(np.array([seed], np.uint64)) ^ np.uint64(zlib.crc32(name.encode()))
    return splitmix64(np.ascontiguousarray(arrival_s).view(np.uint64) ^ splitmix64(episode))
