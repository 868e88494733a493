"""Jobs that arrive around an episode: a doubly stochastic Poisson process for each class, or a trace in its place.

The rate of a class is its mean times an hour-of-day profile, an hourly gamma factor with memory and a ten-minute gamma
factor. Every purpose of every class has its own random stream, so that no class shifts another, and streams are read in
the order of time, so that a longer episode begins like a shorter one. Times are kept on a grid of 2^-10 s: sums of them
are exact, and the last bits of a machine's exponential do not reach the table.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammainccinv, ndtr, ndtri

from odc_gym.scenario import Burst, JobClass, Profile, Region, Slack, Workload
from odc_gym.workload.jobs import GRID, JOB, offered_rate, on_grid
from odc_gym.workload.traces import JobTrace, Trace, keyed_uniform, replay

Floats = npt.NDArray[np.float64]
Jobs = npt.NDArray[np.void]

BIN_S = 600.0
HOUR_S = 3600.0
DAY_S = 86400.0


class Purpose(IntEnum):
    """First entry of a stream's spawn key; the second names the class."""

    HOURS = 101
    BINS = 102
    COUNTS = 103
    TIMES = 104
    DURATIONS = 105
    WIDTHS = 106
    SLACK = 107
    ESTIMATES = 108
    DEMAND_HOURS = 111
    DEMAND_NOISE = 112


def stream(seed: int, purpose: Purpose, class_name: str) -> np.random.Generator:
    """The random stream of one purpose of one class in episode `seed`.

    The class enters by its name, not by its place in the scenario, so that adding a class leaves the others alone.
    """
    key = (int(purpose), zlib.crc32(class_name.encode()))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key)))


def second_of_day(start: datetime) -> float:
    """Time of day in UTC on the time grid [s]; a date without an offset is read as UTC."""
    utc = start.astimezone(UTC) if start.tzinfo else start
    seconds = utc.hour * 3600 + utc.minute * 60 + utc.second + utc.microsecond * 1e-6
    return round(seconds * GRID) / GRID


def daily_profile(profile: Profile, regions: Sequence[Region], utc_h: Floats) -> Floats:
    """Arrival rate over its mean at hours of the day in UTC, all regions together.

    Args:
        profile: shape of a region's local day.
        regions: time zones and shares; shares are taken relative to their sum.
        utc_h: (N,) hours of the day [h], also beyond 24 or below 0.

    Returns:
        (N,) factors with mean 1 over any whole day, even where the floor cuts.

    Source: two harmonics fitted to job submissions of a GPU cluster (Helios Venus, Hu et al., SC'21).
    """
    samples = np.arange(144) / 6.0
    mean = float(np.mean(_regions(profile, regions, samples)))
    return _regions(profile, regions, utc_h) / (mean if mean > 0 else 1.0)


def _regions(profile: Profile, regions: Sequence[Region], utc_h: Floats) -> Floats:
    angle = utc_h * (2 * math.pi / 24)
    cos1, sin1 = np.cos(angle), np.sin(angle)
    cos2, sin2 = cos1 * cos1 - sin1 * sin1, 2 * sin1 * cos1
    (amp1, peak1), (amp2, peak2) = profile.daily, profile.half_daily
    total = np.zeros_like(utc_h)
    for region in regions:
        # cos(2 pi (h + offset - peak) / period), expanded so that the series is evaluated once for all regions
        shift1 = (region.utc_offset_h - peak1) * (2 * math.pi / 24)
        shift2 = (region.utc_offset_h - peak2) * (2 * math.pi / 12)
        wave = amp1 * (math.cos(shift1) * cos1 - math.sin(shift1) * sin1)
        wave += amp2 * (math.cos(shift2) * cos2 - math.sin(shift2) * sin2)
        total += region.share * np.maximum(profile.floor, 1 + profile.amplitude * wave)
    return total / math.fsum(region.share for region in regions)


def hourly_factors(burst: Burst, rng: np.random.Generator, hours: int) -> Floats:
    """Gamma factors with mean 1 and variance `hour_variance`, linked by a Gaussian AR(1) copula.

    Args:
        burst: variance, and the correlation `ar` of the underlying Gaussian from one hour to the next.
        rng: stream to draw from, one number an hour.
        hours: length H.

    Returns:
        (H,) factors.

    Source: Cario and Nelson, "Autoregressive to anything", Operations Research Letters 19 (1996).
    """
    if burst.hour_variance == 0:
        return np.ones(hours)
    fresh = math.sqrt(1 - burst.ar**2)
    normal = rng.standard_normal(hours).tolist()
    for i in range(1, hours):
        normal[i] = burst.ar * normal[i - 1] + fresh * normal[i]
    shape = 1 / burst.hour_variance
    # the upper tail of -z: no quantile is ever infinite
    return np.asarray(gammainccinv(shape, ndtr(-np.array(normal))) / shape, np.float64)


def draw_jobs(
    workload: Workload,
    class_names: Sequence[str],
    seed: int,
    start: datetime,
    before_s: float,
    after_s: float,
    widest: int,
    trace: Trace | None = None,
) -> Jobs:
    """The jobs of one episode that arrive from `before_s` before its start until `after_s` after it.

    Args:
        workload: classes, regions and burstiness.
        class_names: order of the class axis; services are passed over.
        seed: the episode.
        start: start of the episode, UTC.
        before_s: history drawn for the census [s]. With a trace, older jobs that may still run are kept as well.
        after_s: length of the episode [s].
        widest: accelerators of the largest satellite; wider jobs are split into several.
        trace: its jobs replace those of their classes, scaled to each class's share of the offered load.

    Returns:
        (J,) of JOB in order of arrival, ties in order of class and then of drawing.

    Raises:
        TraceError: the trace is too small to be scaled.
    """
    episode = _Episode(workload, seed, start, before_s, after_s)
    tables = []
    for kind, name in enumerate(class_names):
        job_class = workload.classes[name]
        if not isinstance(job_class, JobClass):
            continue
        if trace is not None and name in trace.jobs:
            table = _replayed(trace.jobs[name], job_class, episode)
        else:
            table = _synthetic(name, job_class, episode)
        table["kind"] = kind
        tables.append(_split(table, widest))
    jobs = np.concatenate(tables) if tables else np.empty(0, JOB)
    return jobs[np.argsort(jobs["arrival_s"], kind="stable")]


class _Episode(NamedTuple):
    workload: Workload
    seed: int
    start: datetime
    before_s: float
    after_s: float


def _synthetic(name: str, job_class: JobClass, episode: _Episode) -> Jobs:
    arrival_s = _arrivals(name, job_class.jobs_per_h, episode)
    n, seed = arrival_s.size, episode.seed
    law = job_class.duration_h
    normal = stream(seed, Purpose.DURATIONS, name).standard_normal(n)
    duration_s = np.minimum(law.median * np.exp(law.sigma * normal), law.cut) * HOUR_S
    width = _widths(job_class.width, stream(seed, Purpose.WIDTHS, name).random(n))
    slack = stream(seed, Purpose.SLACK, name).random(n)
    error = stream(seed, Purpose.ESTIMATES, name).standard_normal(n)
    jobs = _table(job_class.slack, episode.workload.estimate_sigma, arrival_s, duration_s, width, slack, error)
    # filtered last: which jobs fall outside must not shift what the others draw
    return jobs[(arrival_s >= -episode.before_s) & (arrival_s < episode.after_s)]


def _arrivals(name: str, jobs_per_h: float, episode: _Episode) -> Floats:
    """Arrivals of whole hours around the start [s]: (N,), in order of ten-minute bins but not within them."""
    workload, seed = episode.workload, episode.seed
    first_h, last_h = -math.ceil(episode.before_s / HOUR_S), math.ceil(episode.after_s / HOUR_S)
    hours, bins = last_h - first_h, 6 * (last_h - first_h)
    begin_s = first_h * HOUR_S + BIN_S * np.arange(bins, dtype=np.float64)
    utc_h = (second_of_day(episode.start) + begin_s + BIN_S / 2) / HOUR_S
    rate = daily_profile(workload.profile, list(workload.regions.values()), utc_h)
    rate *= np.repeat(hourly_factors(workload.burst, stream(seed, Purpose.HOURS, name), hours), 6)
    variance = workload.burst.ten_minute_variance
    if variance > 0:
        rate *= stream(seed, Purpose.BINS, name).standard_gamma(1 / variance, bins) * variance
    mean_jobs = on_grid(rate * (jobs_per_h * workload.rate_scale * BIN_S / HOUR_S))
    jobs = stream(seed, Purpose.COUNTS, name).poisson(mean_jobs)
    place = np.floor(stream(seed, Purpose.TIMES, name).random(int(jobs.sum())) * (BIN_S * GRID)) / GRID
    return np.repeat(begin_s, jobs) + place


def _widths(probability: dict[int, float], uniform: Floats) -> npt.NDArray[np.int32]:
    widths = np.array(sorted(probability), np.int32)
    edges = np.cumsum([probability[int(w)] for w in widths])
    return widths[np.searchsorted(edges[:-1] / edges[-1], uniform, side="right")]


def _replayed(trace: JobTrace, job_class: JobClass, episode: _Episode) -> Jobs:
    workload, time_of_day_s = episode.workload, second_of_day(episode.start)
    ratio = offered_rate(job_class) * workload.rate_scale / trace.offered_rate
    rows = replay(trace, ratio, episode.seed, time_of_day_s, episode.before_s, episode.after_s)
    slack = keyed_uniform(rows.key, Purpose.SLACK)
    error = ndtri(keyed_uniform(rows.key, Purpose.ESTIMATES))
    duration_s, width = trace.duration_s[rows.row], trace.width[rows.row]
    return _table(job_class.slack, workload.estimate_sigma, rows.arrival_s, duration_s, width, slack, error)


def _table(
    slack: Slack,
    estimate_sigma: float,
    arrival_s: Floats,
    duration_s: Floats,
    width: npt.NDArray[np.int32],
    uniform: Floats,
    error: Floats,
) -> Jobs:
    """Fill the columns but `kind`: (N,) from uniform numbers for the slack and normal ones for the estimate."""
    jobs = np.empty(arrival_s.size, JOB)
    duration_s = np.maximum(on_grid(duration_s), 1 / GRID)
    unit_s = duration_s if slack.of == "duration" else HOUR_S
    slack_s = on_grid((slack.low + (slack.high - slack.low) * uniform) * unit_s)
    jobs["arrival_s"] = arrival_s
    jobs["deadline_s"] = arrival_s + slack_s
    jobs["expiry_s"] = arrival_s + 2 * slack_s
    jobs["duration_s"] = duration_s
    jobs["width"] = jobs["gang"] = width
    jobs["members"] = 1
    jobs["work_s"] = duration_s * width
    # the mean of a lognormal is exp(mu + sigma^2 / 2): this mu makes it 1
    factor = np.exp(estimate_sigma * error - estimate_sigma**2 / 2)
    jobs["estimate_s"] = np.maximum(on_grid(jobs["work_s"] * factor), 1 / GRID)
    return jobs


def _split(jobs: Jobs, widest: int) -> Jobs:
    """Cut jobs wider than any satellite into parts of the same duration that are at most `widest` wide."""
    width = jobs["width"]
    if width.size == 0 or int(width.max()) <= widest:
        return jobs
    parts = -(-width // widest)
    split = np.repeat(jobs, parts)
    part = np.arange(split.size) - np.repeat(np.cumsum(parts) - parts, parts)
    whole = split["width"].copy()
    split["width"] = split["gang"] = np.minimum(widest, whole - part * widest)
    split["work_s"] = split["duration_s"] * split["width"]
    split["estimate_s"] *= split["width"] / whole
    return split
