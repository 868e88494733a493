"""Sizes of jobs and requests: draws, means and variances of their distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from odc_gym.scenario import JobClass, RequestSizes, ServiceClass
from odc_gym.scenario.sizes import Law, Mixture, mean_of

Floats = npt.NDArray[np.float64]

NORMAL_SCORES = np.linspace(-4.5, 4.5, 181)
MIXTURE_INTERVALS = (0.0, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.997, 0.999, 0.9997, 0.9999, 1.0)
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(16)


def law_quantiles(law: Law, share: Floats) -> Floats:
    """Return the quantiles of a distribution at shares of any shape."""
    level, logarithm = quantile_table(law)
    return np.asarray(np.exp(np.interp(share, level, logarithm)), np.float64)


def quantile_table(law: Law) -> tuple[Floats, Floats]:
    """Return rising shares and the logarithms of their quantiles, between which interpolation is linear.

    The table of a mixture of lognormals is fine where its components have their mass.
    """
    if not isinstance(law, Mixture):
        level, value = np.array(law).T
        return level, np.log(value)
    weight, median, sigma = np.array(law.lognormals).T
    return mixture_quantile_table(weight / weight.sum(), np.log(median), sigma, math.log(law.cut))


def mixture_quantile_table(
    weight: Floats, mean: Floats, sigma: Floats, cut: float, scores: Floats = NORMAL_SCORES
) -> tuple[Floats, Floats]:
    """Return the quantile table of a mixture of normals with a limit, tabulated at normal scores of each component.

    Draws beyond the limit count as the limit.
    """
    value = np.sort(np.append((mean + np.outer(scores, sigma)).ravel(), cut))
    value = value[: np.searchsorted(value, cut) + 1]
    share = ndtr((value[:, None] - mean) / sigma) @ weight
    share[0] = 0.0
    return np.append(share, 1.0), np.append(value, cut)  # draws beyond the limit count as the limit


def durations_h(job_class: JobClass, normal: Floats) -> Floats:
    """Return run times at full clock from normal scores, (N,) [h]."""
    if job_class.sizes is not None:
        return law_quantiles(job_class.sizes.duration_h, ndtr(normal))
    law = job_class.duration_h
    assert law is not None  # a job class has one of the two
    return np.minimum(law.median * np.exp(law.sigma * normal), law.cut)


def widths(job_class: JobClass, normal: Floats, uniform: Floats) -> npt.NDArray[np.int32]:
    """Return the accelerators of jobs, (N,), from normal scores of their run times and independent uniform numbers."""
    width, edges = width_distribution(job_class.width)
    if job_class.sizes is not None and job_class.sizes.width_correlation != 0:
        rho = job_class.sizes.width_correlation
        uniform = ndtr(rho * normal + math.sqrt(1 - rho**2) * ndtri(uniform))
    return width[np.searchsorted(edges, uniform, side="right")]


def width_distribution(probability: Mapping[int, float]) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the widths in order, and the shares of jobs below each width but the first."""
    width = np.array(sorted(probability), np.int32)
    edges = np.cumsum([probability[int(w)] for w in width])
    return width, np.asarray(edges[:-1] / edges[-1], np.float64)


def conditional_width_shares(law: tuple[npt.NDArray[np.int32], Floats], rho: float, share: Floats) -> Floats:
    """Return the shares of the widths at quantiles of the run time, (N, W).

    Run time and width are linked by a Gaussian copula with correlation `rho`.
    """
    _, edges = law
    below = ndtr((ndtri(edges) - rho * ndtri(share)[:, None]) / math.sqrt(1 - rho**2))
    return np.asarray(np.diff(below, prepend=0.0, append=1.0), np.float64)


def conditional_mean_width(law: tuple[npt.NDArray[np.int32], Floats], rho: float, share: Floats) -> Floats:
    """Return the mean width of jobs at quantiles of the run time, (N,)."""
    return np.asarray(conditional_width_shares(law, rho, share) @ law[0], np.float64)


def mean_work_h(job_class: JobClass) -> float:
    """Return the mean accelerator time of a job of a class with `sizes` [h].

    It is the integral over quantiles u of the run time at u times the mean width at u. Gauss-Legendre quadrature is
    applied between knots, where the run time is an exponential of u. A mixture has fixed intervals instead, which are
    short in the tail.
    """
    sizes = job_class.sizes
    assert sizes is not None  # other classes have a closed form
    law, total = width_distribution(job_class.width), 0.0
    knots = MIXTURE_INTERVALS if isinstance(sizes.duration_h, Mixture) else [share for share, _ in sizes.duration_h]
    for low, high in pairwise(knots):
        share = low + (high - low) * (1 + GAUSS_NODES) / 2
        work = law_quantiles(sizes.duration_h, share) * conditional_mean_width(law, sizes.width_correlation, share)
        total += float((GAUSS_WEIGHTS * work).sum()) * (high - low) / 2
    return total


def token_moments(service_class: ServiceClass, sizes: RequestSizes) -> tuple[float, float]:
    """Return mean and variance of a request of a service, in the service's unit.

    The unit is an output token with its mean input.
    """
    mean = variance = 0.0
    parts = (
        (sizes.input_tokens, service_class.prefill_ms_per_token),
        (sizes.output_tokens, service_class.decode_ms_per_token),
    )
    for knots, ms_per_token in parts:
        relative_cost = ms_per_token / service_class.accelerator_ms_per_token
        first = mean_of(knots)
        mean += relative_cost * first
        variance += relative_cost**2 * (mean_of(knots, 2) - first**2)
    return mean, variance
