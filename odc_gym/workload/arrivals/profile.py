"""Profile of day and week: the mean rate by hour, day of the week and time zone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from odc_gym.scenario import Profile, Region
from odc_gym.workload.jobs import TIME_GRID, Floats


def second_of_day(start: datetime) -> float:
    """Return the time of day in UTC on the time grid [s]; a date without an offset is read as UTC."""
    utc = start.astimezone(UTC) if start.tzinfo else start
    seconds = utc.hour * 3600 + utc.minute * 60 + utc.second + utc.microsecond * 1e-6
    return round(seconds * TIME_GRID) / TIME_GRID


def weekday(start: datetime) -> int:
    """Return the day of the week in UTC, Monday = 0."""
    return (start.astimezone(UTC) if start.tzinfo else start).weekday()


def daily_profile(profile: Profile, regions: Sequence[Region], utc_h: Floats) -> Floats:
    """Return the arrival rate of all regions over its mean, at hours of the day in UTC.

    Args:
        profile: shape of a region's local day.
        regions: time zones and shares; shares are relative to their sum.
        utc_h: (N,) hours of the day [h]; values beyond 24 or below 0 are allowed.

    Returns:
        (N,) factors with mean 1 over any whole day, even where the floor cuts.

    Source: two harmonics fitted to job submissions of a GPU cluster (Helios Venus, Hu et al., SC'21).
    """
    return weekly_profile(profile, regions, utc_h, 1.0, 0)


def weekly_profile(
    profile: Profile, regions: Sequence[Region], utc_h: Floats, weekend: float, first_day: int
) -> Floats:
    """Return the daily profile times the factor of each region's local day of the week.

    Args:
        profile: shape of a region's local day.
        regions: time zones and shares.
        utc_h: (N,) hours since the midnight that begins day `first_day` in UTC [h].
        weekend: rate of a Saturday or Sunday over that of a weekday.
        first_day: weekday of that midnight, Monday = 0.

    Returns:
        (N,) factors with mean 1 over any whole week.
    """
    mean = _daily_mean(profile, tuple(regions))
    factor = None if weekend == 1.0 else np.array([1.0] * 5 + [weekend] * 2) * (7 / (5 + 2 * weekend))
    if factor is not None:
        factor = np.roll(factor, -first_day)
    return _mean_rate(profile, regions, utc_h, factor) / (mean if mean > 0 else 1.0)


@lru_cache(maxsize=64)
def _daily_mean(profile: Profile, regions: tuple[Region, ...]) -> float:
    """Return the mean over a day of the rate of all regions, where the floor may cut it."""
    return float(np.mean(_mean_rate(profile, regions, np.arange(144) / 6.0, None)))


def _mean_rate(profile: Profile, regions: Sequence[Region], utc_h: Floats, day_factor: Floats | None) -> Floats:
    """Return the rate of all regions, weighted by their shares, (N,)."""
    angle = utc_h * (2 * math.pi / 24)
    cos1, sin1 = np.cos(angle), np.sin(angle)
    cos2, sin2 = cos1 * cos1 - sin1 * sin1, 2 * sin1 * cos1
    (amp1, peak1), (amp2, peak2) = profile.daily, profile.half_daily
    total = np.zeros_like(utc_h)
    for region in regions:
        # cos(2 pi (h + offset - peak) / period), expanded so that all regions share one evaluation of the series
        shift1 = (region.utc_offset_h - peak1) * (2 * math.pi / 24)
        shift2 = (region.utc_offset_h - peak2) * (2 * math.pi / 12)
        wave = amp1 * (math.cos(shift1) * cos1 - math.sin(shift1) * sin1)
        wave += amp2 * (math.cos(shift2) * cos2 - math.sin(shift2) * sin2)
        rate = np.maximum(profile.floor, 1 + profile.amplitude * wave)
        if day_factor is not None:
            rate *= day_factor[np.floor((utc_h + region.utc_offset_h) / 24).astype(np.int64) % 7]
        total += region.share * rate
    return total / math.fsum(region.share for region in regions)
