"""Arrivals of a Cox process: its rate is random, and given the rate it is a Poisson process.

The rate is the mean times a profile of day and week, an autocorrelated hourly gamma factor and a ten-minute gamma
factor. Arrivals may come in arrays of several at once. A share of them may be cron arrivals, at regular times.
"""

from __future__ import annotations

import math

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.scenario import CoxArrivals, Cron
from odc_gym.workload.arrivals.factors import hourly_factors
from odc_gym.workload.arrivals.profile import second_of_day, weekday, weekly_profile
from odc_gym.workload.jobs import TIME_GRID, Floats, round_to_grid
from odc_gym.workload.streams import Period, Purpose, class_stream

BIN_S = 600.0
BINS_PER_HOUR = 6


def rate_factors(arrivals: CoxArrivals, name: str, period: Period) -> tuple[Floats, Floats]:
    """Draw the rate over its mean in ten-minute bins of the whole hours that cover a period.

    Returns:
        (K,) begins of the bins from the start [s], and (K,) factors of mean 1.
    """
    workload, seed = period.workload, period.seed
    profile, burst = arrivals.profile or workload.profile, arrivals.burst or workload.burst
    first_h, last_h = -math.ceil(period.before_s / HOUR_S), math.ceil(period.after_s / HOUR_S)
    hours = last_h - first_h
    begin_s = first_h * HOUR_S + BIN_S * np.arange(BINS_PER_HOUR * hours, dtype=np.float64)
    utc_h = (second_of_day(period.start) + begin_s + BIN_S / 2) / HOUR_S
    regions = list(workload.regions.values())
    rate = weekly_profile(profile, regions, utc_h, arrivals.weekend, weekday(period.start))
    rate *= np.repeat(hourly_factors(burst, class_stream(seed, Purpose.HOURS, name), hours), BINS_PER_HOUR)
    variance = burst.ten_minute_variance
    if variance > 0:
        rate *= class_stream(seed, Purpose.BINS, name).standard_gamma(1 / variance, BINS_PER_HOUR * hours) * variance
    return begin_s, rate


def draw(arrivals: CoxArrivals, name: str, per_h: float, period: Period) -> Floats:
    """Draw the arrivals in the whole hours that cover a period [s]: (N,), in no order within ten-minute bins.

    Args:
        arrivals: the process.
        name: class whose streams are used.
        per_h: mean rate [1/h].
        period: period of the draw.
    """
    begin_s, rate = rate_factors(arrivals, name, period)
    cron, seed = arrivals.cron, period.seed
    random_per_h = per_h * (1 - cron.share) if cron else per_h
    mean = round_to_grid(rate * (random_per_h / arrivals.array_mean * BIN_S / HOUR_S))
    arrays = class_stream(seed, Purpose.COUNTS, name).poisson(mean)
    total = int(arrays.sum())
    place = np.floor(class_stream(seed, Purpose.TIMES, name).random(total) * (BIN_S * TIME_GRID)) / TIME_GRID
    time_s = np.repeat(begin_s, arrays) + place
    if arrivals.array_mean > 1:
        time_s = np.repeat(time_s, class_stream(seed, Purpose.ARRAYS, name).geometric(1 / arrivals.array_mean, total))
    if cron and cron.share > 0:
        time_s = np.concatenate([time_s, _cron_arrivals(cron, name, per_h, period)])
    return time_s


def _cron_arrivals(cron: Cron, name: str, per_h: float, period: Period) -> Floats:
    """Draw the cron arrivals at full periods of UTC [s].

    Each tick has the whole part of the mean number, and one more at random.
    """
    origin_s = second_of_day(period.start) % cron.period_s
    first = math.ceil((origin_s - math.ceil(period.before_s / HOUR_S) * HOUR_S) / cron.period_s)
    last = math.floor((origin_s + math.ceil(period.after_s / HOUR_S) * HOUR_S) / cron.period_s)
    tick_s = cron.period_s * np.arange(first, last + 1) - origin_s
    arrivals_per_tick = per_h * cron.share * cron.period_s / HOUR_S
    max_arrivals = math.floor(arrivals_per_tick) + 1  # rows of random numbers have this length whatever is drawn
    uniform = class_stream(period.seed, Purpose.CRON, name).random((tick_s.size, max_arrivals + 1))
    number = math.floor(arrivals_per_tick) + (uniform[:, 0] < arrivals_per_tick - math.floor(arrivals_per_tick))
    delay_s = cron.jitter_s * uniform[:, 1:]
    drawn = np.arange(max_arrivals) < number[:, None]
    return round_to_grid((tick_s[:, None] + delay_s)[drawn])


def dispersion(arrivals: CoxArrivals) -> float:
    """Return the variance over mean of counts given the rate.

    It is that of the number of arrivals in an array: 2 m - 1 for arrays of mean m.
    """
    return 2 * arrivals.array_mean - 1
