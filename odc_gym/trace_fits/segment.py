"""Segments of a trace as arrival counts and sizes: the data that generators are fitted to and compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import DAY_S, HOUR_S, MINUTE_S
from odc_gym.errors import TraceError
from odc_gym.workload.traces.recorded import MIN_DATED_S, JobTrace, RequestTrace

Floats = npt.NDArray[np.float64]
Recording = JobTrace | RequestTrace

CLIENT_WINDOW_S = 600.0
MIN_DAY_FRAC = 0.05  # days at the ends of a trace with a smaller share of the median day are not active


class SizeSample(NamedTuple):
    """Weighted sample of one size: N arrivals, or N distinct values with their frequencies.

    Attributes:
        value: (N,) values in the unit of the quantity.
        frequency: (N,) number of arrivals with each value.
        mass: (N,) weight of one arrival in statistics by mass: accelerator time of a job, tokens of a request.
    """

    value: Floats
    frequency: Floats
    mass: Floats


@dataclass(frozen=True, eq=False)
class TraceSegment:
    """Segment of a trace.

    Attributes:
        counts: (W,) arrivals in equal windows.
        window_s: length of a window [s].
        begin_s: begin of the first window since a midnight [s]; the origin is arbitrary where `daily` is false.
        weekday: weekday of that midnight, Monday = 0; None where the trace has no dates.
        daily: whether the clock has hours of day.
        gaps_s: (N - 1,) times between consecutive arrivals [s]; empty where only counts are known.
        sizes: samples by quantity: `duration_s`, `width` and `work_s` of jobs, `input_tokens` and `output_tokens` of
            requests.
        clients: (N, K) requests of each client in windows of CLIENT_WINDOW_S; None where clients are not known.
        client_gap_cv: coefficient of variation of the gaps between requests of one client, median over requests.
    """

    counts: Floats
    window_s: float
    begin_s: float
    weekday: int | None
    daily: bool
    gaps_s: Floats
    sizes: Mapping[str, SizeSample]
    clients: Floats | None = None
    client_gap_cv: float = 1.0

    @property
    def span_s(self) -> float:
        """Length of the segment [s]."""
        return self.counts.size * self.window_s

    @property
    def rate_per_h(self) -> float:
        """Mean arrival rate [1/h]."""
        return float(self.counts.sum()) / self.span_s * HOUR_S

    def counts_per_window(self, window_s: float) -> Floats:
        """Return the arrivals in whole windows of another length, a multiple of `window_s` [s]."""
        num_windows = round(window_s / self.window_s)
        whole = self.counts.size // num_windows * num_windows
        summed: Floats = self.counts[:whole].reshape(-1, num_windows).sum(1)
        return summed


def window_lengths(span_s: float) -> tuple[float, tuple[float, ...]]:
    """Return the window of counts and the windows of the dispersion that suit a trace of a given span [s]."""
    return (MINUTE_S, (600.0, 3600.0)) if span_s >= 12 * HOUR_S else (1.0, (10.0, 60.0))


def segment_of(trace: Recording, from_s: float = 0.0, to_s: float = math.inf, min_arrivals: int = 50) -> TraceSegment:
    """Return the segment of a trace between two instants of its clock [s].

    Raises:
        TraceError: fewer arrivals than `min_arrivals`.
    """
    window_s, _ = window_lengths(trace.span_s)
    to_s = min(to_s, trace.span_s)
    rows = np.flatnonzero((trace.submit_s >= from_s) & (trace.submit_s < to_s))
    if rows.size < min_arrivals:
        raise TraceError(
            f"{trace.where}: {rows.size} arrivals in {to_s - from_s:.6g} s: must be at least {min_arrivals}"
        )
    edges = from_s + window_s * np.arange(math.floor((to_s - from_s) / window_s) + 1)
    submit_s = trace.submit_s[rows]
    counts = np.histogram(submit_s, edges)[0].astype(np.float64)
    ones = np.ones(rows.size)
    if isinstance(trace, JobTrace):
        duration_s, width = trace.duration_s[rows], trace.width[rows].astype(np.float64)
        mass = duration_s * width
        sizes = {name: SizeSample(v, ones, mass) for name, v in (("duration_s", duration_s), ("width", width))}
        sizes["work_s"] = SizeSample(mass, ones, mass)
    else:
        columns = (("input_tokens", trace.input_tokens), ("output_tokens", trace.output_tokens))
        sizes = {name: _token_sample(values[rows]) for name, values in columns}
    weekday = int(trace.begin_s // DAY_S + 3) % 7 if trace.daily and trace.begin_s > MIN_DATED_S else None
    clients, cv = None, 1.0
    if isinstance(trace, RequestTrace) and trace.tenant is not None and trace.daily:
        clients, cv = _client_counts(submit_s - from_s, trace.tenant[rows], len(trace.tenants), to_s - from_s)
    return TraceSegment(counts, window_s, from_s, weekday, trace.daily, np.diff(submit_s), sizes, clients, cv)


def _token_sample(value: npt.NDArray[np.int32]) -> SizeSample:
    """Return the distinct numbers of tokens with their frequencies."""
    tokens, frequency = np.unique(value, return_counts=True)
    return SizeSample(tokens.astype(np.float64), frequency.astype(np.float64), tokens.astype(np.float64))


def _client_counts(time_s: Floats, tenant: npt.NDArray[np.int32], clients: int, span_s: float) -> tuple[Floats, float]:
    """Return the requests by client and window, and the coefficient of variation of the gaps within windows.

    The coefficient is the median over the requests of all clients.
    """
    windows = max(1, math.floor(span_s / CLIENT_WINDOW_S))
    counts, found = np.zeros((clients, windows)), []
    for client in range(clients):
        own_s = time_s[tenant == client]
        counts[client] = np.histogram(own_s, CLIENT_WINDOW_S * np.arange(windows + 1))[0]
        gap_s, window = np.diff(own_s), (own_s[1:] // CLIENT_WINDOW_S).astype(np.int64)
        number = np.bincount(window, minlength=windows)
        mean = np.bincount(window, gap_s, number.size) / np.maximum(number, 1)
        square = np.bincount(window, gap_s**2, number.size) / np.maximum(number, 1)
        known = (number >= 30) & (mean > 0)
        cv = np.sqrt(np.maximum(square[known] / mean[known] ** 2 - 1, 0.0))
        found += list(zip(cv.tolist(), number[known].tolist(), strict=True))
    if not found:
        return counts, 1.0
    cv, number = np.array(sorted(found)).T
    return counts, float(cv[np.searchsorted(np.cumsum(number), number.sum() / 2)])


def split_wide_jobs(segment: TraceSegment, widest: int) -> tuple[TraceSegment, float]:
    """Split the jobs of a segment into equal pieces of at most `widest` accelerators.

    Returns:
        The segment of the pieces, and the mean number of pieces of a job.
    """
    width = segment.sizes["width"]
    pieces = np.ceil(width.value / widest)
    whole = SizeSample(width.value / pieces, width.frequency * pieces, width.mass / pieces)
    duration = segment.sizes["duration_s"]._replace(frequency=whole.frequency, mass=whole.mass)
    sizes = {"duration_s": duration, "width": whole, "work_s": SizeSample(whole.mass, whole.frequency, whole.mass)}
    return replace(segment, sizes=sizes), float(whole.frequency.sum() / width.frequency.sum())


def active_period_s(trace: Recording) -> tuple[float, float]:
    """Return begin and end of the use of a trace on its own clock [s], without nearly empty days at the ends."""
    if not trace.daily:
        return 0.0, trace.span_s
    days = np.histogram(trace.submit_s, DAY_S * np.arange(round(trace.span_s / DAY_S) + 1))[0]
    used = np.flatnonzero(days >= MIN_DAY_FRAC * np.median(days[days > 0]))
    return float(used[0]) * DAY_S, float(used[-1] + 1) * DAY_S


def split_segments(trace: Recording, how: str) -> tuple[TraceSegment, TraceSegment]:
    """Split a trace into two segments: at a fraction, or into `alternate` stretches.

    Raises:
        TraceError: `how` is neither.
    """
    if how == "alternate":
        return split_alternating(trace)
    try:
        fraction = float(how)
    except ValueError:
        fraction = math.nan
    if not 0 < fraction < 1:
        raise TraceError(f"--split {how}: must be a fraction between 0 and 1, or alternate")
    return split_at_fraction(trace, fraction)


def split_at_fraction(trace: Recording, fraction: float) -> tuple[TraceSegment, TraceSegment]:
    """Split the active period of a trace into a first and a later segment.

    A daily trace of three days or more is split at a midnight.
    """
    begin_s, end_s = active_period_s(trace)
    cut_s = begin_s + fraction * (end_s - begin_s)
    if trace.daily and end_s - begin_s >= 3 * DAY_S:
        cut_s = min(max(round(cut_s / DAY_S) * DAY_S, begin_s + DAY_S), end_s - DAY_S)
    return segment_of(trace, begin_s, cut_s), segment_of(trace, cut_s, end_s)


def split_alternating(trace: Recording) -> tuple[TraceSegment, TraceSegment]:
    """Split a trace into its odd and its even stretches, which a slow change of the trace affects equally.

    Stretches are days of a daily trace of two days or more, and minutes of a shorter one. Joined minutes would have no
    hour of day and would cut the windows of clients. The counts of the stretches are concatenated.
    """
    begin_s, end_s = active_period_s(trace)
    stretch_s = DAY_S if trace.daily and end_s - begin_s >= 2 * DAY_S else MINUTE_S
    edges = np.arange(begin_s, end_s + 1e-6, stretch_s)
    pieces = [segment_of(trace, a, b, 0) for a, b in pairwise(edges)]
    return _concatenated(pieces[0::2]), _concatenated(pieces[1::2])


def _concatenated(pieces: list[TraceSegment]) -> TraceSegment:
    """Return the segments one after the other as one segment without dates."""
    first = pieces[0]
    sizes = {
        name: SizeSample(*(np.concatenate(columns) for columns in zip(*(p.sizes[name] for p in pieces), strict=True)))
        for name in first.sizes
    }
    each = [p.clients for p in pieces if p.clients is not None]
    return TraceSegment(
        np.concatenate([p.counts for p in pieces]),
        first.window_s,
        first.begin_s,
        None,
        first.daily,
        np.concatenate([p.gaps_s for p in pieces]),
        sizes,
        np.concatenate(each, axis=1) if each else None,
        float(np.median([p.client_gap_cv for p in pieces])),
    )
