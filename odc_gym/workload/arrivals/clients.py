"""Arrivals from clients: renewal processes whose rates follow the day and are redrawn in every window.

Source: Xiang et al., "ServeGen: workload characterization and generation of large language model serving in
production", arXiv:2505.09999 (2025).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import gamma as gamma_function

from odc_gym.constants import HOUR_S
from odc_gym.scenario import ClientArrivals
from odc_gym.workload.arrivals.factors import gamma_factors
from odc_gym.workload.arrivals.operational import arrivals_in_clock_time
from odc_gym.workload.arrivals.profile import second_of_day, weekday, weekly_profile
from odc_gym.workload.jobs import Floats
from odc_gym.workload.streams import Period, Purpose, class_stream


def zipf_shares(clients: int, zipf: float) -> Floats:
    """Return the share of each client in the mean rate, (N,), largest first."""
    weight: Floats = np.arange(1, clients + 1, dtype=np.float64) ** -zipf
    return np.asarray(weight / weight.sum(), np.float64)


def client_rates(arrivals: ClientArrivals, name: str, period: Period) -> tuple[Floats, Floats]:
    """Draw the rates of the clients over the total mean rate, in windows of whole hours around the start.

    Returns:
        (K + 1,) edges of the windows from the start [s], and (N, K) rates, which sum to 1 over clients on average.
    """
    begin_s = -math.ceil(period.before_s / HOUR_S) * HOUR_S
    windows = math.ceil((math.ceil(period.after_s / HOUR_S) * HOUR_S - begin_s) / arrivals.window_s)
    edge_s = begin_s + arrivals.window_s * np.arange(windows + 1, dtype=np.float64)
    utc_h = (second_of_day(period.start) + edge_s[:-1] + arrivals.window_s / 2) / HOUR_S
    regions = list(period.workload.regions.values())
    profile = arrivals.profile or period.workload.profile
    common = weekly_profile(profile, regions, utc_h, arrivals.weekend, weekday(period.start))
    factor = np.empty((arrivals.number, windows))
    for client in range(arrivals.number):
        rng = class_stream(period.seed, Purpose.CLIENT_RATES, f"{name}/{client}")
        factor[client] = gamma_factors(arrivals.rate_variance, arrivals.ar, rng, windows)
    return edge_s, zipf_shares(arrivals.number, arrivals.zipf)[:, None] * factor * common


def draw(arrivals: ClientArrivals, name: str, per_h: float, period: Period) -> Floats:
    """Draw the arrivals in the whole hours that cover a period [s]: (N,), client by client.

    Args:
        arrivals: the process.
        name: class whose streams are used.
        per_h: mean rate of all clients [1/h].
        period: period of the draw.
    """
    edge_s, relative = client_rates(arrivals, name, period)
    mean = relative * (per_h * arrivals.window_s / HOUR_S)
    drawn = []
    for client in range(arrivals.number):
        rng = class_stream(period.seed, Purpose.CLIENT_GAPS, f"{name}/{client}")
        drawn.append(arrivals_in_clock_time(_gap_sampler(arrivals, rng), edge_s, mean[client]))
    return np.concatenate(drawn)


def _gap_sampler(arrivals: ClientArrivals, rng: np.random.Generator) -> Callable[[int], Floats]:
    """Return a function that draws gaps of mean 1 from a stream."""
    if arrivals.gaps == "gamma":
        shape = arrivals.gap_cv**-2
        return lambda count: rng.standard_gamma(shape, count) / shape
    shape = weibull_shape(arrivals.gap_cv)
    mean = float(gamma_function(1 + 1 / shape))
    return lambda count: rng.weibull(shape, count) / mean


def weibull_shape(cv: float) -> float:
    """Return the shape of the Weibull distribution with a given coefficient of variation.

    It solves cv^2 + 1 = G(1 + 2 / k) / G(1 + 1 / k)^2 for k.
    """

    def excess(k: float) -> float:
        return float(gamma_function(1 + 2 / k) / gamma_function(1 + 1 / k) ** 2) - 1 - cv**2

    from scipy.optimize import brentq  # it takes a quarter of the time of an import, and few workloads need it

    return float(brentq(excess, 0.1, 50.0))


def dispersion(arrivals: ClientArrivals) -> float:
    """Return the variance over mean of counts given the rates, for windows with many arrivals: cv^2.

    Source: Cox, Renewal Theory (1962), section 4.2.
    """
    return arrivals.gap_cv**2
