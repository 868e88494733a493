"""Recorded traces: the jobs or requests of each class that a trace replaces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import DAY_S, HOUR_S, MINUTE_S
from odc_gym.errors import TraceError
from odc_gym.scenario import JobClass, ServiceClass, Workload

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]

MIN_SPEED = 0.2  # share of full speed that is assumed for jobs from before the history
MIN_DATED_S = 5e8  # times before 1985 are no dates, but count from the begin of their file


class RecordedSpan(NamedTuple):
    """Time that a replay without scaling covers, common to the classes of a trace.

    Attributes:
        origin_s: time that becomes the start of an episode [s, on the scale of `begin_s`]: the first row of a trace
            with dates, and 0 of another trace.
        first_s: first row after the origin [s].
        last_s: last row after the origin [s].
    """

    origin_s: float
    first_s: float
    last_s: float

    def windows(self, episode_s: float) -> range:
        """Return the numbers of the windows of an episode's length [s] from the first row to the last."""
        return range(math.floor(self.first_s / episode_s), math.floor(self.last_s / episode_s) + 1)


@dataclass(frozen=True, eq=False)
class RecordedArrivals:
    """Recorded arrivals of one class: N rows in order of time, on the time grid.

    Attributes:
        where: file, and where useful the line, for the begin of messages.
        class_name: class of the workload that the rows replace.
        submit_s: (N,) arrivals on the trace's own clock [s]. The clock of a daily trace begins at the midnight before
            the file's first row, that of another trace at the first row.
        span_s: time that the file covers [s].
        daily: whether the file covers whole days, so that its rows have an hour of day.
        begin_s: begin of that clock: in seconds since 1970 if the file has dates, else since the file's time 0.
        recorded: time of a replay at the recorded times and sizes; None if the trace is scaled to its class's load.
    """

    where: str
    class_name: str
    submit_s: Floats
    span_s: float
    daily: bool
    begin_s: float = field(default=0.0, kw_only=True)
    recorded: RecordedSpan | None = field(default=None, kw_only=True)

    @property
    def max_lifetime_s(self) -> float:
        """Longest time after its arrival in which a row may still matter [s]."""
        return 0.0

    def rows(self, begin_s: float, end_s: float) -> Rows:
        """Return the rows that arrive before `end_s` and may matter at `begin_s` or later, in order."""
        begin, end = np.searchsorted(self.submit_s, (begin_s, end_s))
        return np.arange(begin, end)

    def repeats(self, before_s: float, after_s: float) -> bool:
        """Return whether the trace is too short for this history and length of an episode [s] at every time of day."""
        return self.span_s < self._required_span_s(before_s, after_s)

    def note(self, before_s: float, after_s: float) -> str | None:
        """Return a note to users on the replayed stretch if the trace is shorter or, unscaled, longer; else None."""
        if self.recorded is not None:
            windows = len(self.recorded.windows(after_s))
            if windows == 1:
                return None
            length = format_length(after_s)
            return f"is longer than an episode; episode number n plays window n modulo {windows}, of {length} each"
        if not self.repeats(before_s, after_s):
            return None
        required = format_length(self._required_span_s(before_s, after_s))
        how = "" if self.daily else " from an instant that the seed chooses"
        return f"covers {format_length(self.span_s)} where an episode needs {required}, so it repeats{how}"

    def _required_span_s(self, before_s: float, after_s: float) -> float:
        """Return the span that an episode may need [s]."""
        return before_s + after_s + (DAY_S if self.daily else 0.0)


class Outcome(IntEnum):
    """Outcome of a job."""

    UNKNOWN = 0
    COMPLETED = 1
    FAILED = 2
    CANCELLED = 3


@dataclass(frozen=True, eq=False)
class JobTrace(RecordedArrivals):
    """Recorded jobs of one class.

    Attributes:
        duration_s: (N,) run times at full clock [s].
        width: (N,) accelerators.
        estimate_s: (N,) run times that users requested [s], NaN where a user requested none; None where no row has one.
        outcome: (N,) outcomes as numbers of `Outcome`; None where no row has one.
        tenant: (N,) indices in `tenants`, -1 where the tenant is not known; None where no row has one.
        tenants: names of the tenants.
    """

    duration_s: Floats
    width: Ints
    estimate_s: Floats | None = None
    outcome: npt.NDArray[np.int8] | None = None
    tenant: Ints | None = None
    tenants: tuple[str, ...] = ()

    @property
    def offered_rate(self) -> float:
        """Mean offered load [accelerator-hours per hour]."""
        return float(np.sum(self.duration_s * self.width)) / self.span_s

    @property
    def max_lifetime_s(self) -> float:
        """Longest time after its arrival in which a job may still run [s]."""
        return float(self.duration_s.max()) / MIN_SPEED

    def rows(self, begin_s: float, end_s: float) -> Rows:
        """Return the jobs that arrive before `end_s` and may still run at `begin_s` or arrive later, in order."""
        end = np.searchsorted(self.submit_s, end_s)
        return np.flatnonzero(self.submit_s[:end] + self.duration_s[:end] / MIN_SPEED >= begin_s)


@dataclass(frozen=True, eq=False)
class RequestTrace(RecordedArrivals):
    """Recorded requests to one service.

    Attributes:
        input_tokens: (N,) tokens of the prompts.
        output_tokens: (N,) tokens of the answers.
        tenant: (N,) indices of owners or models in `tenants`, as in `JobTrace`.
        tenants: names of the owners or models.
    """

    input_tokens: Ints
    output_tokens: Ints
    tenant: Ints | None = None
    tenants: tuple[str, ...] = ()


class Rejection(NamedTuple):
    """Rows that were left out for one reason.

    Attributes:
        rows: number of rows.
        where: file and line of the first row.
    """

    rows: int
    where: str


class Absence(NamedTuple):
    """Values of an optional column that make no sense and count as absent.

    Attributes:
        values: number of values.
        where: file and line of the first value.
        text: first value.
    """

    values: int
    where: str
    text: str


@dataclass(frozen=True, eq=False)
class Trace:
    """Contents of a file, which replace classes of a workload.

    Attributes:
        path: the file.
        jobs: recorded jobs by class; all classes have one clock and one span.
        requests: recorded requests by service.
        rejected: rows left out, by a reason that ends the sentence "a row that ...".
        remark: further note to users on how the file was read, or None.
        absent: values that count as absent, by column.
    """

    path: str
    jobs: Mapping[str, JobTrace] = field(default_factory=dict)
    requests: Mapping[str, RequestTrace] = field(default_factory=dict)
    rejected: Mapping[str, Rejection] = field(default_factory=dict)
    remark: str | None = None
    absent: Mapping[str, Absence] = field(default_factory=dict)

    @property
    def as_is(self) -> bool:
        """True if a class is replayed at its recorded times and sizes."""
        return any(part.recorded is not None for part in self._parts)

    @property
    def _parts(self) -> list[JobTrace | RequestTrace]:
        """Jobs and requests of all classes."""
        return [*self.jobs.values(), *self.requests.values()]

    def notes(self) -> list[str]:
        """Return the notes to users on how the file was read, in parts of a sentence."""
        return [*([self.remark] if self.remark else []), *rejection_notes(self.rejected), *absence_notes(self.absent)]

    def arrival_limits_s(self) -> tuple[float, float]:
        """Return first and last arrival of all classes [s, on the scale of `RecordedArrivals.begin_s`]."""
        first = min(part.begin_s + float(part.submit_s[0]) for part in self._parts)
        return first, max(part.begin_s + float(part.submit_s[-1]) for part in self._parts)

    def replayed_as_is(self, recorded: RecordedSpan) -> Trace:
        """Return this trace for a replay at the recorded times and sizes."""
        return replace(
            self,
            jobs={name: replace(part, recorded=recorded) for name, part in self.jobs.items()},
            requests={name: replace(part, recorded=recorded) for name, part in self.requests.items()},
        )

    def require_scalable(self) -> None:
        """Check that the requests of each class cover enough time for a mean rate.

        Raises:
            TraceError: they cover less than a minute.
        """
        for part in self.requests.values():
            covers_s = float(part.submit_s[-1])
            if not part.daily and covers_s < MINUTE_S:
                raise TraceError(
                    f"{part.where}: {part.submit_s.size} requests within {covers_s:.3g} s; must cover at least 60 s"
                )

    def require_classes(self, workload: Workload) -> None:
        """Check that a workload has the classes that the trace replaces.

        Raises:
            TraceError: the workload lacks a class.
        """
        for what, class_type, parts in (("job class", JobClass, self.jobs), ("service", ServiceClass, self.requests)):
            known = [name for name, work_class in workload.classes.items() if isinstance(work_class, class_type)]
            for name, part in parts.items():
                if name not in known:
                    has = f"has {', '.join(known)}" if known else "has none"
                    raise TraceError(f"{part.where}: replaces the {what} '{name}', but the scenario {has}")


def rejection_notes(rejected: Mapping[str, Rejection]) -> list[str]:
    """Return the notes to users on rows left out: their number, the reason, and the place of the first one."""
    return [
        f"{rows} row{'s' * (rows > 1)} left out: {reason} (first in line {where.rpartition(':')[2]})"
        for reason, (rows, where) in rejected.items()
    ]


def absence_notes(absent: Mapping[str, Absence]) -> list[str]:
    """Return the notes to users on values that count as absent: their number, the column, and the first one."""
    return [
        f"{values} value{'s' * (values > 1)} of '{column}' count{'s' * (values == 1)} as absent (first "
        f"'{text}' in line {where.rpartition(':')[2]})"
        for column, (values, where, text) in absent.items()
    ]


def format_length(time_s: float) -> str:
    """Format a length of time in the unit that fits."""
    for unit, unit_s in (("days", DAY_S), ("h", HOUR_S)):
        if time_s >= 2 * unit_s:
            return f"{time_s / unit_s:.3g} {unit}"
    return f"{time_s / MINUTE_S:.3g} min" if time_s >= MINUTE_S else f"{time_s:.3g} s"
