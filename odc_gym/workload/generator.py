"""Job tables of an episode, from a random process for each class or from a trace in its place.

Each purpose of each class has its own random stream, so no class shifts another. Streams are read in order of time,
so a longer episode begins like a shorter one. Times lie on a grid of 2^-10 s. Their sums are therefore exact, and
rounding differences of a machine's exponential do not reach the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from odc_gym.constants import GROUND, HOUR_S, MINUTE_S
from odc_gym.scenario import Gang, JobClass, Workload
from odc_gym.workload.arrivals import draw_arrivals
from odc_gym.workload.arrivals.profile import second_of_day
from odc_gym.workload.captures import Captured
from odc_gym.workload.jobs import JOB, TIME_GRID, Floats, joined, offered_rate, round_to_grid
from odc_gym.workload.sizes import durations_h, widths
from odc_gym.workload.streams import Period, Purpose, class_stream
from odc_gym.workload.surges import RateWindow, max_rate_factor, mean_rate_factor
from odc_gym.workload.tenants import apply_early_endings, assign_recorded_tenants, assign_tenants
from odc_gym.workload.traces import JobTrace, Outcome, Replay, Trace, keyed_uniform, replay, replay_as_is

Jobs = npt.NDArray[np.void]

EXPIRY_DECAY_TIMES = 4.0  # a job that is paid by age expires after this many decay times


def draw_jobs(
    workload: Workload,
    class_names: Sequence[str],
    seed: int,
    start: datetime,
    before_s: float,
    after_s: float,
    widest: int,
    trace: Trace | None = None,
    surges: Sequence[RateWindow] = (),
    captured: Mapping[str, Captured] | None = None,
) -> Jobs:
    """Draw the jobs that arrive from `before_s` before the start of an episode until `after_s` after it.

    Args:
        workload: classes, regions and burstiness.
        class_names: order of the class axis; services are skipped.
        seed: seed of the episode.
        start: start of the episode, UTC.
        before_s: history drawn for the census [s]. With a trace, older jobs that may still run are kept as well.
        after_s: length of the episode [s].
        widest: accelerators of the largest satellite; wider jobs are split into several.
        trace: its jobs replace those of their classes, scaled to each class's share of the offered load unless the
            trace is replayed as it was recorded.
        surges: windows in which more or fewer jobs arrive.
        captured: arrivals of the classes whose jobs satellites capture.

    Returns:
        (J,) of JOB in order of arrival, ties in order of class and then of drawing.

    Raises:
        TraceError: the trace is too small to be scaled.
    """
    episode = Period(workload, seed, start, before_s, after_s, surges)
    tables = []
    for class_id, name in enumerate(class_names):
        job_class = workload.classes[name]
        if not isinstance(job_class, JobClass):
            continue
        recorded = trace.jobs.get(name) if trace is not None else None
        if recorded is not None:
            table = _replayed_jobs(recorded, job_class, episode)
        elif job_class.captures is not None:
            table = _captured_jobs(name, job_class, episode, (captured or {})[name])
        else:
            table = _jobs_with_surges(name, job_class, episode)
        if recorded is None:  # recorded run times already end early
            apply_early_endings(table, name, job_class, seed)
        assign_tenants(table, name, workload, seed)
        table["class_id"] = class_id
        table = _split_wide_jobs(table, widest)
        as_is = recorded is not None and recorded.recorded is not None  # these jobs keep their recorded width
        tables.append(table if job_class.gang is None or as_is else _expand_gangs(name, job_class.gang, seed, table))
    jobs = joined([np.empty(0, JOB), *tables])
    return jobs.take(np.argsort(jobs["arrival_s"], kind="stable"))


def _jobs_with_surges(name: str, job_class: JobClass, episode: Period) -> Jobs:
    """Draw jobs of a random process, with extra jobs of a second process in surges.

    The first process does not depend on the surges. Surges keep all of its jobs, and lulls remove some of them.
    """
    surges, max_factor = episode.surges, max_rate_factor(episode.surges, name)
    jobs = _random_jobs(name, job_class, 1.0, episode)
    if not surges:
        return jobs
    parts = [_thinned(jobs, np.minimum(_surge_factors(jobs, name, episode), 1.0), name, episode)]
    if max_factor > 1.0:
        extra_jobs = _random_jobs(f"{name}/surge", job_class, max_factor - 1.0, episode)
        share = np.maximum(_surge_factors(extra_jobs, name, episode) - 1.0, 0.0) / (max_factor - 1.0)
        parts.append(_thinned(extra_jobs, share, f"{name}/surge", episode))
    return np.concatenate(parts)


def _surge_factors(jobs: Jobs, name: str, episode: Period) -> Floats:
    """Return the surge factor of each job at its arrival, (N,)."""
    return mean_rate_factor(episode.surges, name, jobs["arrival_s"], 1.0 / TIME_GRID)


def _thinned(jobs: Jobs, share: Floats, name: str, episode: Period) -> Jobs:
    """Keep each job with its probability in `share` (N,)."""
    return jobs[class_stream(episode.seed, Purpose.SURGES, name).random(len(jobs)) < share]


def _random_jobs(name: str, job_class: JobClass, scale: float, episode: Period) -> Jobs:
    """Draw the jobs of a class at `scale` times its rate, with the streams of `name`."""
    per_h = scale * job_class.jobs_per_h * episode.workload.rate_scale
    return _drawn_jobs(name, job_class, episode, draw_arrivals(job_class.arrivals, name, per_h, episode))


def _captured_jobs(name: str, job_class: JobClass, episode: Period, captured: Captured) -> Jobs:
    """Return the jobs that satellites capture, which surges do not change."""
    jobs = _drawn_jobs(name, job_class, episode, captured.arrival_s)
    jobs["origin"] = captured.satellite
    return jobs[captured.arrival_s < episode.after_s]


def _drawn_jobs(name: str, job_class: JobClass, episode: Period, arrival_s: Floats) -> Jobs:
    """Draw the jobs of given arrivals, and keep those within history and episode."""
    n, seed = arrival_s.size, episode.seed
    normal = class_stream(seed, Purpose.DURATIONS, name).standard_normal(n)
    uniform = class_stream(seed, Purpose.WIDTHS, name).random(n)
    duration_s = durations_h(job_class, normal) * HOUR_S
    width = widths(job_class, normal, uniform)
    slack = class_stream(seed, Purpose.SLACK, name).random(n)
    error = class_stream(seed, Purpose.ESTIMATES, name).standard_normal(n)
    jobs = _job_table(job_class, episode.workload.estimate_sigma, arrival_s, duration_s, width, slack, error)
    jobs["model"] = model_rows(job_class, episode.workload, class_stream(seed, Purpose.MODELS, name).random(n))
    # filtered last, so that jobs outside the period do not shift the draws of the others
    return jobs.take(np.flatnonzero((arrival_s >= -episode.before_s) & (arrival_s < episode.after_s)))


def _replayed_jobs(trace: JobTrace, job_class: JobClass, episode: Period) -> Jobs:
    """Return the jobs that an episode replays from a trace."""
    workload = episode.workload
    if trace.recorded is None:
        rows = _scaled_rows(trace, job_class, episode)
    else:
        rows = replay_as_is(trace, episode.seed, episode.before_s, episode.after_s)
    slack = keyed_uniform(rows.key, Purpose.SLACK)
    error = ndtri(keyed_uniform(rows.key, Purpose.ESTIMATES))
    duration_s, width = trace.duration_s[rows.row], trace.width[rows.row]
    jobs = _job_table(job_class, workload.estimate_sigma, rows.arrival_s, duration_s, width, slack, error)
    if trace.estimate_s is not None:  # the user's request where there is one; less than a minute is taken for an error
        asked_s = np.maximum(round_to_grid(trace.estimate_s[rows.row]), MINUTE_S)
        jobs["estimate_s"] = np.where(np.isnan(asked_s), jobs["estimate_s"], asked_s * width)
    jobs["model"] = model_rows(job_class, workload, keyed_uniform(rows.key, Purpose.MODELS))
    if trace.outcome is not None:
        jobs["outcome"] = trace.outcome[rows.row]
    assign_recorded_tenants(jobs, trace, rows.row, workload)
    return jobs


def _scaled_rows(trace: JobTrace, job_class: JobClass, episode: Period) -> Replay:
    """Return the rows of a trace that is scaled to the class's share of the load, surges included."""
    ratio = offered_rate(job_class) * episode.workload.rate_scale / trace.offered_rate
    max_factor = max_rate_factor(episode.surges, trace.class_name)
    time_of_day_s = second_of_day(episode.start)
    rows = replay(trace, ratio * max_factor, episode.seed, time_of_day_s, episode.before_s, episode.after_s)
    if not episode.surges:
        return rows
    # rows are replayed at the largest factor, and thinned at other times
    share = mean_rate_factor(episode.surges, trace.class_name, rows.arrival_s, 1.0 / TIME_GRID) / max_factor
    kept = keyed_uniform(rows.key, Purpose.SURGES) < share
    return Replay(rows.row[kept], rows.key[kept], rows.arrival_s[kept])


def _job_table(
    job_class: JobClass,
    estimate_sigma: float,
    arrival_s: Floats,
    duration_s: Floats,
    width: npt.NDArray[np.int32],
    uniform: Floats,
    error: Floats,
) -> Jobs:
    """Build the job table with all columns but `class_id` and `model`.

    Args:
        job_class: class of the jobs.
        estimate_sigma: standard deviation of the log error of the estimates.
        arrival_s: (N,) arrivals [s].
        duration_s: (N,) run times at full clock [s].
        width: (N,) accelerators.
        uniform: (N,) uniform numbers for the slack.
        error: (N,) normal numbers for the estimates.
    """
    jobs, slack = np.empty(arrival_s.size, JOB), job_class.slack
    duration_s = np.maximum(round_to_grid(duration_s), 1 / TIME_GRID)
    unit_s = duration_s if slack.of == "duration" else HOUR_S
    slack_s = round_to_grid((slack.low + (slack.high - slack.low) * uniform) * unit_s)
    jobs["arrival_s"] = arrival_s
    jobs["deadline_s"] = arrival_s + slack_s
    jobs["expiry_s"] = arrival_s + 2 * slack_s
    if job_class.decay_min is not None:
        jobs["expiry_s"] = arrival_s + EXPIRY_DECAY_TIMES * job_class.decay_min * MINUTE_S
        jobs["deadline_s"] = np.minimum(jobs["deadline_s"], jobs["expiry_s"])
    jobs["duration_s"] = duration_s
    jobs["width"] = jobs["total_accelerators"] = width
    jobs["num_satellites"], jobs["origin"], jobs["tenant"], jobs["outcome"] = 1, GROUND, -1, Outcome.UNKNOWN
    jobs["work_s"] = duration_s * width
    # the mean of a lognormal is exp(mu + sigma^2 / 2): this mu makes it 1
    factor = np.exp(estimate_sigma * error - estimate_sigma**2 / 2)
    jobs["estimate_s"] = np.maximum(round_to_grid(jobs["work_s"] * factor), 1 / TIME_GRID)
    return jobs


def model_rows(job_class: JobClass, workload: Workload, uniform: Floats) -> npt.NDArray[np.int32]:
    """Return the row of the table of models that each job needs, (N,), from uniform numbers; row 0 is no model."""
    names = [name for name in workload.models if name in job_class.models]
    if not names:
        return np.zeros(uniform.size, np.int32)
    edges = np.cumsum([job_class.models[name] for name in names])
    rows = np.array([1 + list(workload.models).index(name) for name in names], np.int32)
    return rows[np.searchsorted(edges[:-1] / edges[-1], uniform, side="right")]


def _split_wide_jobs(jobs: Jobs, widest: int) -> Jobs:
    """Split jobs wider than any satellite into parts of the same duration that are at most `widest` wide."""
    width = jobs["width"]
    if width.size == 0 or int(width.max()) <= widest:
        return jobs
    parts = -(-width // widest)
    split = np.repeat(jobs, parts)
    part = np.arange(split.size) - np.repeat(np.cumsum(parts) - parts, parts)
    whole = split["width"].copy()
    split["width"] = split["total_accelerators"] = np.minimum(widest, whole - part * widest)
    split["work_s"] = split["duration_s"] * split["width"]
    split["estimate_s"] *= split["width"] / whole
    return split


def _expand_gangs(name: str, gang: Gang, seed: int, jobs: Jobs) -> Jobs:
    """Draw each job's number of satellites, and add a row after its own for each further satellite."""
    counts = sorted(gang.satellites)
    edges = np.cumsum([gang.satellites[count] for count in counts])
    uniform = class_stream(seed, Purpose.MEMBERS, name).random(len(jobs))
    num_satellites = np.array(counts)[np.searchsorted(edges[:-1] / edges[-1], uniform, side="right")]
    rows = np.repeat(jobs, num_satellites)
    first = np.cumsum(num_satellites) - num_satellites
    rows["num_satellites"], rows["total_accelerators"], rows["work_s"], rows["estimate_s"] = 0, 0, 0.0, 0.0
    rows["num_satellites"][first], rows["total_accelerators"][first] = num_satellites, num_satellites * jobs["width"]
    rows["work_s"][first], rows["estimate_s"][first] = (
        num_satellites * jobs["work_s"],
        num_satellites * jobs["estimate_s"],
    )
    return rows
