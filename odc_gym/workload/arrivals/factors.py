"""Random factors of rates: gamma-distributed with mean 1, and autocorrelated."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammainccinv, ndtr

from odc_gym.scenario import Burst
from odc_gym.workload.jobs import Floats


def hourly_factors(burst: Burst, rng: np.random.Generator, hours: int) -> Floats:
    """Draw the factors of consecutive hours of a workload, (hours,)."""
    return gamma_factors(burst.hour_variance, burst.ar, rng, hours)


def gamma_factors(variance: float, ar: float, rng: np.random.Generator, count: int) -> Floats:
    """Draw gamma factors with mean 1, linked by a Gaussian AR(1) copula.

    Args:
        variance: variance of a factor; 0 draws nothing.
        ar: correlation of the underlying Gaussian between consecutive factors.
        rng: stream that gives one number a factor.
        count: number of factors N.

    Returns:
        (N,) factors.

    Source: Cario and Nelson, "Autoregressive to anything", Operations Research Letters 19 (1996).
    """
    if variance == 0:
        return np.ones(count)
    fresh = math.sqrt(1 - ar**2)
    normal = rng.standard_normal(count).tolist()
    for i in range(1, count):
        normal[i] = ar * normal[i - 1] + fresh * normal[i]
    shape = 1 / variance
    # the upper tail of -z keeps every quantile finite
    return np.asarray(gammainccinv(shape, ndtr(-np.array(normal))) / shape, np.float64)
