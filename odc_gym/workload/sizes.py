"""How big jobs and requests are: draws, means and variances of their laws."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from odc_gym.scenario import JobClass, RequestSizes, ServiceClass
from odc_gym.scenario.sizes import LEVELS, mean_of

Floats = npt.NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


def at_shares(knots: tuple[float, ...], share: Floats) -> Floats:
    """Values below which shares of all draws lie, any shape; the logarithm is linear between knots."""
    return np.asarray(np.exp(np.interp(share, LEVELS, np.log(knots))), np.float64)


def durations_h(job_class: JobClass, normal: Floats) -> Floats:
    """Run times at full clock of normal scores, (N,) [h]."""
    if job_class.sizes is not None:
        return at_shares(job_class.sizes.duration_h, ndtr(normal))
    law = job_class.duration_h
    assert law is not None  # a job class has the one or the other
    return np.minimum(law.median * np.exp(law.sigma * normal), law.cut)


def widths(job_class: JobClass, normal: Floats, uniform: Floats) -> npt.NDArray[np.int32]:
    """Accelerators of jobs, (N,), from the normal scores of their run times and independent uniform numbers."""
    width, edges = _widths(job_class)
    if job_class.sizes is not None and job_class.sizes.width_correlation != 0:
        rho = job_class.sizes.width_correlation
        uniform = ndtr(rho * normal + math.sqrt(1 - rho**2) * ndtri(uniform))
    return width[np.searchsorted(edges, uniform, side="right")]


def _widths(job_class: JobClass) -> tuple[npt.NDArray[np.int32], Floats]:
    """Widths in order, and the shares of jobs below each but the first."""
    width = np.array(sorted(job_class.width), np.int32)
    edges = np.cumsum([job_class.width[int(w)] for w in width])
    return width, np.asarray(edges[:-1] / edges[-1], np.float64)


def mean_work_h(job_class: JobClass) -> float:
    """Mean accelerator time of a job of a class with `sizes` [h].

    It is the integral over shares u of the run time at u times the mean width given its normal score: Gauss-Legendre
    between the knots, where the run time is an exponential.
    """
    sizes = job_class.sizes
    assert sizes is not None  # of the other classes there is a closed form
    width, edges = _widths(job_class)
    rho, total = sizes.width_correlation, 0.0
    for low, high in pairwise(LEVELS):
        share = low + (high - low) * (1 + NODES) / 2
        beyond = ndtr((rho * ndtri(share)[:, None] - ndtri(edges)) / math.sqrt(1 - rho**2))
        mean_width = width[0] + beyond @ np.diff(width)
        total += float((WEIGHTS * at_shares(sizes.duration_h, share) * mean_width).sum()) * (high - low) / 2
    return total


def token_moments(service_class: ServiceClass, sizes: RequestSizes) -> tuple[float, float]:
    """Mean and variance of a request of a service, in its unit: an output token with its mean input."""
    mean = variance = 0.0
    parts = (
        (sizes.input_tokens, service_class.prefill_ms_per_token),
        (sizes.output_tokens, service_class.decode_ms_per_token),
    )
    for knots, ms_per_token in parts:
        each = ms_per_token / service_class.accelerator_ms_per_token
        first = mean_of(knots)
        mean += each * first
        variance += each**2 * (mean_of(knots, 2) - first**2)
    return mean, variance
