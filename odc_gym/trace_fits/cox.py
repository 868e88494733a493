"""Fit of a Cox process by moments: cron and array arrivals, daily and weekly profile, and random rate factors."""

from __future__ import annotations

import math

import numpy as np

from odc_gym.constants import DAY_S, HOUR_S
from odc_gym.scenario import Burst, CoxArrivals, Cron, Profile, Region
from odc_gym.trace_fits.segment import Floats, TraceSegment
from odc_gym.trace_fits.statistics import dispersion
from odc_gym.workload.arrivals.profile import weekly_profile

CRON_PERIODS_S = (300.0, 600.0, 900.0, 1800.0, 3600.0)  # periods that are tested for cron
MIN_TICK_SHARE = 0.5  # smallest share of ticks that have a cron arrival
PROFILE_FLOOR = 0.05
UNIT_FACTORS: Floats = np.ones(2)
MAX_VARIANCE = 30.0  # a gamma factor of more variance is nearly always 0


def fit_cox(segment: TraceSegment, fit_cron: bool, factor: Floats = UNIT_FACTORS) -> CoxArrivals:
    """Fit a Cox process to the mean, the profile and the dispersions at 60, 600 and 3600 s of a segment.

    The fit has twelve numbers: the rate, four of the profile, the weekend factor, two variances, the autocorrelation,
    the mean size of arrays, and share and period of cron. An amplitude of the profile counts only as far as it exceeds
    the scatter between days. Let v be the variance of the product of random factors, and A the dispersion of arrays.
    Windows that expect m arrivals then have the dispersion A + m v. The variance of cron arrivals is subtracted from
    the observed variance. All arrivals together thus have the observed dispersion, even where cron pauses at times.

    Args:
        segment: the observed segment, of at least two days.
        fit_cron: whether to look for cron arrivals.
        factor: (2,) factors on the dispersions at 600 and 3600 s.
    """
    cron = _detect_cron(segment) if fit_cron else None
    counts = _subtract_cron(segment, cron)
    weekend = fit_weekend(segment, counts)
    profile = fit_profile(segment, counts)
    dispersions = [_dispersion_without_cron(segment, cron, w) for w in (60.0, 600.0, 3600.0)]
    arrays = max(1.0, (10 * dispersions[0] - dispersions[1]) / 9)
    mean = float(counts.mean()) / segment.window_s
    targets = zip(factor * dispersions[1:], (600.0, 3600.0), strict=True)
    ten_minute_moment, hour_moment = (1 + max(0.0, float(d - arrays) / (mean * w)) for d, w in targets)
    slow_moment = max((6 * hour_moment - ten_minute_moment) / 5, 1.0)
    fixed = _mean_square_profile(profile, weekend)
    hour_variance = min(max(slow_moment / fixed - 1, 0.0), MAX_VARIANCE)
    ten_minute_variance = min(max(ten_minute_moment / slow_moment - 1, 0.0), MAX_VARIANCE)
    burst = Burst(
        hour_variance=round(hour_variance, 4),
        ten_minute_variance=round(ten_minute_variance, 4),
        ar=_hourly_autocorrelation(segment, counts, profile, weekend, hour_variance) if hour_variance > 0 else 0.0,
    )
    return CoxArrivals(
        kind="cox", profile=profile, burst=burst, weekend=weekend, array_mean=round((arrays + 1) / 2, 3), cron=cron
    )


def _sum_windows(counts: Floats, own_s: float, window_s: float) -> Floats:
    """Return the counts in windows of `window_s`, from counts in windows of `own_s`."""
    num_windows = round(window_s / own_s)
    return np.asarray(counts[: counts.size // num_windows * num_windows].reshape(-1, num_windows).sum(1), np.float64)


def _dispersion_without_cron(segment: TraceSegment, cron: Cron | None, window_s: float) -> float:
    """Return the dispersion of all other arrivals for which the total dispersion is as observed."""
    counts = segment.counts_per_window(window_s)
    if cron is None:
        return dispersion(counts)
    ticks, chance = window_s / cron.period_s, cron.share * segment.rate_per_h * cron.period_s / HOUR_S
    cron_variance = ticks * chance * (1 - (chance if ticks > 1 else ticks * chance))
    others = (1 - min(cron.share, 0.99)) * float(counts.mean())
    return max(float(counts.var(ddof=1)) - cron_variance, 0.0) / others


def _detect_cron(segment: TraceSegment) -> Cron | None:
    """Detect cron arrivals: some minute of each period that has arrivals far more often than the other minutes.

    Let c be the probability that a tick has a cron arrival. The tick's minute is then empty 1 - c times as often as the
    other minutes.
    """
    candidates: list[tuple[float, float]] = []
    for period_s in CRON_PERIODS_S:
        num_windows = round(period_s / segment.window_s)
        empty_share = (
            segment.counts[: segment.counts.size // num_windows * num_windows].reshape(-1, num_windows) == 0
        ).mean(0)
        typical = float(np.median(empty_share))
        if typical > 0.05:
            candidates.append((1 - float(empty_share.min()) / typical, period_s))
    best = max(candidates, default=(0.0, 0.0))[0]
    if best < MIN_TICK_SHARE:
        return None
    # multiples of a period are regular as well, so the shortest good period is taken
    chance, period_s = next((c, p) for c, p in candidates if c > 0.8 * best)
    share = chance * HOUR_S / period_s / segment.rate_per_h
    return Cron(share=round(min(share, 1.0), 4), period_s=period_s)


def _subtract_cron(segment: TraceSegment, cron: Cron | None) -> Floats:
    """Return the counts less the expected number of cron arrivals."""
    if cron is None:
        return segment.counts
    num_windows = round(cron.period_s / segment.window_s)
    whole = segment.counts[: segment.counts.size // num_windows * num_windows].reshape(-1, num_windows).copy()
    tick = int((whole == 0).mean(0).argmin())
    chance = cron.share * segment.rate_per_h * cron.period_s / HOUR_S
    whole[:, tick] = np.maximum(whole[:, tick] - chance * (whole[:, tick] > 0), 0)
    return whole.ravel()


def fit_profile(segment: TraceSegment, counts: Floats) -> Profile:
    """Fit two harmonics of the day, each as far as its mean over days exceeds its scatter."""
    day = round(DAY_S / segment.window_s)
    days = counts[: counts.size // day * day].reshape(-1, day)
    hour = (segment.begin_s + segment.window_s * (np.arange(day) + 0.5)) / HOUR_S
    waves = []
    for cycles in (1, 2):
        each = 2 * (days @ np.exp(2j * np.pi * cycles * hour / 24)) / day / counts.mean()
        noise = each.var() / max(each.size - 1, 1)
        height = math.sqrt(max(abs(each.mean()) ** 2 - float(noise), 0.0))
        peak_h = float(np.angle(each.mean()) * 24 / (2 * np.pi * cycles)) % (24 / cycles)
        waves.append((round(height, 4), round(peak_h, 2)))
    return Profile(amplitude=1.0, floor=PROFILE_FLOOR, daily=waves[0], half_daily=waves[1])


def fit_weekend(segment: TraceSegment, counts: Floats) -> float:
    """Return the mean rate of Saturdays and Sundays over that of weekdays.

    The result is 1 for a segment without dates or of less than two weeks.
    """
    if segment.weekday is None or segment.span_s < 14 * DAY_S:
        return 1.0
    middle_s = segment.begin_s + segment.window_s * (np.arange(counts.size) + 0.5)
    free = ((middle_s // DAY_S).astype(np.int64) + segment.weekday) % 7 >= 5
    return round(max(float(counts[free].mean() / counts[~free].mean()), 0.01), 4)


def _mean_square_profile(profile: Profile, weekend: float) -> float:
    """Return the mean square of the deterministic part of the rate; a flat rate has 1."""
    return float(np.mean(weekly_factor(profile, weekend, np.arange(0, 168, 0.25)) ** 2))


def weekly_factor(profile: Profile, weekend: float, hour: Floats) -> Floats:
    """Return the deterministic rate factor at hours since a Monday's midnight on the trace's own clock, (N,)."""
    return weekly_profile(profile, [Region(utc_offset_h=0, share=1)], hour, weekend, 0)


def _hourly_autocorrelation(
    segment: TraceSegment, counts: Floats, profile: Profile, weekend: float, variance: float
) -> float:
    """Return the correlation of the hourly factor between consecutive hours, from products of hourly counts."""
    hours = _sum_windows(counts, segment.window_s, HOUR_S)
    hour = np.asarray(segment.begin_s / HOUR_S + np.arange(hours.size) + 0.5 + 24 * (segment.weekday or 0), np.float64)
    fixed = weekly_factor(profile, weekend, hour)
    products = float((hours[1:] * hours[:-1]).mean() / hours.mean() ** 2)
    known = float((fixed[1:] * fixed[:-1]).mean() / fixed.mean() ** 2)
    return round(min(max((products / known - 1) / variance, 0.0), 0.98), 4)
