"""What is recorded in a trace: the jobs or the requests of each class that it replaces."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from odc_gym.errors import TraceError
from odc_gym.scenario import JobClass, ServiceClass, Workload
from odc_gym.workload.jobs import on_grid

Floats = npt.NDArray[np.float64]

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
SLOWEST = 0.2  # share of full speed at which an old job is still reckoned with


@dataclass(frozen=True, eq=False)
class Recorded:
    """Arrivals of one class; N rows in order of time, on the time grid of arrivals.

    Attributes:
        where: the file, and where it helps the line, to begin a message with.
        class_name: class of the workload that they replace.
        submit_s: (N,) arrivals on the trace's own clock [s]: since midnight before the file's first row where the trace
            is daily, otherwise since that row.
        span_s: time that the file covers [s].
        daily: whether the file covers whole days, so that its rows have an hour of day.
        midnight_s: where that clock begins, in seconds since 1970; for the weekday.
    """

    where: str
    class_name: str
    submit_s: Floats
    span_s: float
    daily: bool
    midnight_s: float = field(default=0.0, kw_only=True)

    @property
    def alive_s(self) -> Floats:
        """How long after its arrival a row may still matter, (N,) [s]."""
        return np.zeros(self.submit_s.size)

    def repeats(self, before_s: float, after_s: float) -> bool:
        """Whether an episode with this history and length [s] is longer than the trace, whatever its time of day."""
        return self.span_s < self._needed_s(before_s, after_s)

    def note(self, before_s: float, after_s: float) -> str | None:
        """What people are told where the trace has to be repeated, else None."""
        if not self.repeats(before_s, after_s):
            return None
        needed = _length(self._needed_s(before_s, after_s))
        how = "" if self.daily else " from an instant that the seed chooses"
        return f"covers {_length(self.span_s)} where an episode needs {needed}, so it repeats{how}"

    def _needed_s(self, before_s: float, after_s: float) -> float:
        return before_s + after_s + (DAY_S if self.daily else 0.0)


@dataclass(frozen=True, eq=False)
class JobTrace(Recorded):
    """The jobs of one class.

    Attributes:
        duration_s: (N,) run times at full clock [s].
        width: (N,) accelerators.
    """

    duration_s: Floats
    width: npt.NDArray[np.int32]

    @property
    def offered_rate(self) -> float:
        """Mean offered load [accelerator-hours per hour]."""
        return float(np.sum(self.duration_s * self.width)) / self.span_s

    @property
    def alive_s(self) -> Floats:
        """How long after its arrival a job may still run, (N,) [s]."""
        return self.duration_s / SLOWEST


@dataclass(frozen=True, eq=False)
class RequestTrace(Recorded):
    """The requests to one service.

    Attributes:
        input_tokens: (N,) tokens of the prompt.
        output_tokens: (N,) tokens of the answer.
    """

    input_tokens: Floats
    output_tokens: Floats


@dataclass(frozen=True, eq=False)
class Trace:
    """What a file replaces in a workload.

    Attributes:
        path: the file.
        jobs: by class of jobs; all have one clock and one span.
        requests: by service.
        rejected: rows left out because their duration is 0.
    """

    path: str
    jobs: Mapping[str, JobTrace] = field(default_factory=dict)
    requests: Mapping[str, RequestTrace] = field(default_factory=dict)
    rejected: int = 0

    def require_classes(self, workload: Workload) -> None:
        """Check that a workload has the classes that the trace replaces.

        Raises:
            TraceError: it lacks one.
        """
        for what, kind, parts in (("job class", JobClass, self.jobs), ("service", ServiceClass, self.requests)):
            known = [name for name, work_class in workload.classes.items() if isinstance(work_class, kind)]
            for name, part in parts.items():
                if name not in known:
                    has = f"has {', '.join(known)}" if known else "has none"
                    raise TraceError(f"{part.where}: replaces the {what} '{name}', but the scenario {has}")


def job_trace(path: Path, rows: Sequence[tuple[float, float, int, str, str]], rejected: int = 0) -> Trace:
    """A trace of jobs; its clock begins at midnight before the first of them.

    Args:
        path: the file.
        rows: submission [s since a midnight], duration [s], accelerators, class and place in the file of each job.
        rejected: rows left out.

    Raises:
        TraceError: no rows.
    """
    if not rows:
        raise TraceError(f"{path}: no jobs below the header" + (f" but {rejected} of duration 0" if rejected else ""))
    midnight_s = _midnight_s(min(row[0] for row in rows))
    span_s = _midnight_s(max(row[0] for row in rows)) + DAY_S - midnight_s
    jobs = {}
    for class_name in dict.fromkeys(row[3] for row in rows):
        own = [row for row in rows if row[3] == class_name]
        where = own[0][4]
        own.sort(key=lambda row: row[0])
        submit_s = on_grid(np.array([row[0] for row in own]) - midnight_s)
        duration_s, width = np.array([row[1] for row in own], float), np.array([row[2] for row in own], np.int32)
        _freeze(submit_s, duration_s, width)
        jobs[class_name] = JobTrace(where, class_name, submit_s, span_s, True, duration_s, width, midnight_s=midnight_s)
    return Trace(str(path), jobs, rejected=rejected)


def request_trace(path: Path, class_name: str, rows: Iterable[tuple[float, int, int]]) -> Trace:
    """A trace of requests.

    From a day on it covers whole days and its clock begins at midnight; a shorter one begins at the first row.

    Args:
        path: the file.
        class_name: service that they go to.
        rows: arrival [s since a midnight], tokens in and tokens out of each request.

    Raises:
        TraceError: less than a minute of requests, or no tokens.
    """
    table = np.array(list(rows), float).reshape(-1, 3)
    table = table[np.argsort(table[:, 0], kind="stable")]
    arrival_s = table[:, 0]
    covered_s = float(np.ptp(arrival_s)) if len(table) else 0.0
    if covered_s < MINUTE_S:
        raise TraceError(f"{path}: {len(table)} requests within {covered_s:.3g} s; must cover at least {MINUTE_S:g} s")
    if not table[:, 1:].any():
        raise TraceError(f"{path}: no request has tokens")
    daily = covered_s >= DAY_S
    if daily:
        begin_s = _midnight_s(arrival_s[0])
        span_s = _midnight_s(arrival_s[-1]) + DAY_S - begin_s
    else:  # after the last request comes a mean gap before the first one again
        begin_s, span_s = arrival_s[0], covered_s * len(table) / (len(table) - 1)
    submit_s = on_grid(arrival_s - begin_s)
    input_tokens, output_tokens = table[:, 1].copy(), table[:, 2].copy()
    _freeze(submit_s, input_tokens, output_tokens)
    requests = RequestTrace(
        str(path), class_name, submit_s, float(on_grid(np.array(span_s))), daily, input_tokens, output_tokens,
        midnight_s=begin_s if daily else 0.0,
    )  # fmt: skip
    return Trace(str(path), requests={class_name: requests})


def _midnight_s(time_s: float) -> float:
    return math.floor(time_s / DAY_S) * DAY_S


def _freeze(*columns: npt.NDArray[np.generic]) -> None:
    for column in columns:
        column.flags.writeable = False


def _length(time_s: float) -> str:
    """A length of time for people, in the unit that fits."""
    for unit, unit_s in (("days", DAY_S), ("h", HOUR_S)):
        if time_s >= 2 * unit_s:
            return f"{time_s / unit_s:.3g} {unit}"
    return f"{time_s / MINUTE_S:.3g} min"
