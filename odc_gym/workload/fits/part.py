"""A stretch of a trace as counts of arrivals and as sizes: what generators are fitted to and compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.errors import TraceError
from odc_gym.workload.traces.recorded import DAY_S, HOUR_S, MINUTE_S, JobTrace, RequestTrace

Floats = npt.NDArray[np.float64]
Recording = JobTrace | RequestTrace

DATED_S = 5e8  # clocks that begin before 1985 are not dates
SPARSE = 0.05  # of the median day: whole days below it at either end of a trace are not part of its life


class Sizes(NamedTuple):
    """What arrivals are like; N of them, or N values with their frequencies.

    Attributes:
        value: (N,) in the unit of the quantity.
        often: (N,) how often each came.
        mass: (N,) what one of them weighs where big ones count more: accelerator time of a job, tokens of a request.
    """

    value: Floats
    often: Floats
    mass: Floats


@dataclass(frozen=True, eq=False)
class Part:
    """A stretch of a trace.

    Attributes:
        counts: (W,) arrivals in equal windows.
        window_s: their length [s].
        begin_s: of the first window, from a midnight [s], or from anywhere where `daily` is false.
        weekday: of that midnight, Monday = 0; None where the trace has no dates.
        daily: whether the clock has hours of day.
        gaps_s: (N - 1,) times from one arrival to the next [s]; empty where only counts are known.
        sizes: by quantity; `duration_s`, `width` and `work_s` of jobs, `input_tokens` and `output_tokens` of requests.
    """

    counts: Floats
    window_s: float
    begin_s: float
    weekday: int | None
    daily: bool
    gaps_s: Floats
    sizes: Mapping[str, Sizes]

    @property
    def span_s(self) -> float:
        """Length [s]."""
        return self.counts.size * self.window_s

    @property
    def rate_per_h(self) -> float:
        """Mean arrivals an hour."""
        return float(self.counts.sum()) / self.span_s * HOUR_S

    def over(self, window_s: float) -> Floats:
        """Arrivals in whole windows of another length, a multiple of the own [s]."""
        each = round(window_s / self.window_s)
        whole = self.counts.size // each * each
        summed: Floats = self.counts[:whole].reshape(-1, each).sum(1)
        return summed


def windows_of(span_s: float) -> tuple[float, tuple[float, ...]]:
    """The window of counts, and those over which dispersion is told: what a trace is long enough for [s]."""
    return (MINUTE_S, (600.0, 3600.0)) if span_s >= 12 * HOUR_S else (1.0, (10.0, 60.0))


def part_of(trace: Recording, from_s: float = 0.0, to_s: float = math.inf, least: int = 50) -> Part:
    """The part of a trace from one instant of its clock up to another [s].

    Raises:
        TraceError: fewer arrivals than `least`.
    """
    window_s, _ = windows_of(trace.span_s)
    to_s = min(to_s, trace.span_s)
    rows = np.flatnonzero((trace.submit_s >= from_s) & (trace.submit_s < to_s))
    if rows.size < least:
        raise TraceError(f"{trace.where}: {rows.size} arrivals in {to_s - from_s:.6g} s: must be at least {least}")
    edges = from_s + window_s * np.arange(math.floor((to_s - from_s) / window_s) + 1)
    submit_s = trace.submit_s[rows]
    counts = np.histogram(submit_s, edges)[0].astype(np.float64)
    ones = np.ones(rows.size)
    if isinstance(trace, JobTrace):
        duration_s, width = trace.duration_s[rows], trace.width[rows].astype(np.float64)
        mass = duration_s * width
        sizes = {name: Sizes(v, ones, mass) for name, v in (("duration_s", duration_s), ("width", width))}
        sizes["work_s"] = Sizes(mass, ones, mass)
    else:
        columns = (("input_tokens", trace.input_tokens), ("output_tokens", trace.output_tokens))
        tokens = {name: column[rows].astype(np.float64) for name, column in columns}
        sizes = {name: Sizes(v, ones, v) for name, v in tokens.items()}
    weekday = int(trace.midnight_s // DAY_S + 3) % 7 if trace.daily and trace.midnight_s > DATED_S else None
    return Part(counts, window_s, from_s, weekday, trace.daily, np.diff(submit_s), sizes)


def alive_s(trace: Recording) -> tuple[float, float]:
    """From when until when a trace is in use on its own clock [s]: without nearly empty whole days at either end."""
    if not trace.daily:
        return 0.0, trace.span_s
    days = np.histogram(trace.submit_s, DAY_S * np.arange(round(trace.span_s / DAY_S) + 1))[0]
    used = np.flatnonzero(days >= SPARSE * np.median(days[days > 0]))
    return float(used[0]) * DAY_S, float(used[-1] + 1) * DAY_S


def split(trace: Recording, fraction: float) -> tuple[Part, Part]:
    """The first part and the rest of what is alive of a trace; a daily one of three days or more is cut at midnight."""
    begin_s, end_s = alive_s(trace)
    cut_s = begin_s + fraction * (end_s - begin_s)
    if trace.daily and end_s - begin_s >= 3 * DAY_S:
        cut_s = min(max(round(cut_s / DAY_S) * DAY_S, begin_s + DAY_S), end_s - DAY_S)
    return part_of(trace, begin_s, cut_s), part_of(trace, cut_s, end_s)


def halves(trace: Recording) -> tuple[Part, Part]:
    """Every second stretch of a trace and the stretches between them: two parts that change of the trace hits alike.

    Stretches are days of a daily trace, tenths of an hour of a shorter one. Their counts are put one after the other.
    """
    begin_s, end_s = alive_s(trace)
    stretch_s = DAY_S if trace.daily and end_s - begin_s >= 4 * DAY_S else 2 * MINUTE_S
    edges = np.arange(begin_s, end_s + 1e-6, stretch_s)
    pieces = [part_of(trace, a, b, 0) for a, b in pairwise(edges)]
    return _joined(pieces[0::2]), _joined(pieces[1::2])


def _joined(pieces: list[Part]) -> Part:
    first = pieces[0]
    sizes = {
        name: Sizes(*(np.concatenate(columns) for columns in zip(*(p.sizes[name] for p in pieces), strict=True)))
        for name in first.sizes
    }
    counts, gaps_s = np.concatenate([p.counts for p in pieces]), np.concatenate([p.gaps_s for p in pieces])
    return Part(counts, first.window_s, first.begin_s, None, first.daily, gaps_s, sizes)
