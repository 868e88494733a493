"""What is recorded in a trace: the jobs or the requests of each class that it replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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

MIN_SPEED = 0.2  # share of full speed at which an old job is still reckoned with


@dataclass(frozen=True, eq=False)
class RecordedArrivals:
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
    def max_lifetime_s(self) -> float:
        """How long after its arrival a row may still matter, at most [s]."""
        return 0.0

    def rows(self, begin_s: float, end_s: float) -> Rows:
        """Rows that arrive before `end_s` and may matter at `begin_s` or later, in order."""
        begin, end = np.searchsorted(self.submit_s, (begin_s, end_s))
        return np.arange(begin, end)

    def repeats(self, before_s: float, after_s: float) -> bool:
        """Whether an episode with this history and length [s] is longer than the trace, whatever its time of day."""
        return self.span_s < self._required_span_s(before_s, after_s)

    def note(self, before_s: float, after_s: float) -> str | None:
        """What people are told where the trace has to be repeated, else None."""
        if not self.repeats(before_s, after_s):
            return None
        required = _format_length(self._required_span_s(before_s, after_s))
        how = "" if self.daily else " from an instant that the seed chooses"
        return f"covers {_format_length(self.span_s)} where an episode needs {required}, so it repeats{how}"

    def _required_span_s(self, before_s: float, after_s: float) -> float:
        return before_s + after_s + (DAY_S if self.daily else 0.0)


class Outcome(IntEnum):
    """How a job ended."""

    UNKNOWN = 0
    COMPLETED = 1
    FAILED = 2
    CANCELLED = 3


@dataclass(frozen=True, eq=False)
class JobTrace(RecordedArrivals):
    """The jobs of one class.

    Attributes:
        duration_s: (N,) run times at full clock [s].
        width: (N,) accelerators.
        estimate_s: (N,) run times that their users asked for [s], NaN where they asked for none; None where no row has
            one.
        outcome: (N,) how they ended, numbers of `Outcome`; None where it is known of no row.
        tenant: (N,) whose they are, places in `tenants`, -1 where it is not known; None where it is known of no row.
        tenants: names.
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
        """How long after its arrival a job may still run, at most [s]."""
        return float(self.duration_s.max()) / MIN_SPEED

    def rows(self, begin_s: float, end_s: float) -> Rows:
        """Jobs that arrive before `end_s` and may still run at `begin_s` or arrive later, in order."""
        end = np.searchsorted(self.submit_s, end_s)
        return np.flatnonzero(self.submit_s[:end] + self.duration_s[:end] / MIN_SPEED >= begin_s)


@dataclass(frozen=True, eq=False)
class RequestTrace(RecordedArrivals):
    """The requests to one service.

    Attributes:
        input_tokens: (N,) tokens of the prompt.
        output_tokens: (N,) tokens of the answer.
        tenant: (N,) whose they are or for which model, as of `JobTrace`.
        tenants: names.
    """

    input_tokens: Ints
    output_tokens: Ints
    tenant: Ints | None = None
    tenants: tuple[str, ...] = ()


class Rejection(NamedTuple):
    """Rows that were left out for one reason: how many, and where the first is, file and line."""

    rows: int
    where: str


@dataclass(frozen=True, eq=False)
class Trace:
    """What a file replaces in a workload.

    Attributes:
        path: the file.
        jobs: by class of jobs; all have one clock and one span.
        requests: by service.
        rejected: rows left out, by the reason, which ends the sentence "a row that ...".
        remark: what else people should know of how the file was read, or None.
    """

    path: str
    jobs: Mapping[str, JobTrace] = field(default_factory=dict)
    requests: Mapping[str, RequestTrace] = field(default_factory=dict)
    rejected: Mapping[str, Rejection] = field(default_factory=dict)
    remark: str | None = None

    def notes(self) -> list[str]:
        """What people are told of how the file was read, in parts of a sentence."""
        return [*([self.remark] if self.remark else []), *rejection_notes(self.rejected)]

    def require_classes(self, workload: Workload) -> None:
        """Check that a workload has the classes that the trace replaces.

        Raises:
            TraceError: it lacks one.
        """
        for what, class_type, parts in (("job class", JobClass, self.jobs), ("service", ServiceClass, self.requests)):
            known = [name for name, work_class in workload.classes.items() if isinstance(work_class, class_type)]
            for name, part in parts.items():
                if name not in known:
                    has = f"has {', '.join(known)}" if known else "has none"
                    raise TraceError(f"{part.where}: replaces the {what} '{name}', but the scenario {has}")


def rejection_notes(rejected: Mapping[str, Rejection]) -> list[str]:
    """Rows that were left out, for people: how many for what reason, and where the first is."""
    return [
        f"{rows} row{'s' * (rows > 1)} left out: {reason} (first in line {where.rpartition(':')[2]})"
        for reason, (rows, where) in rejected.items()
    ]


def _format_length(time_s: float) -> str:
    """A length of time for people, in the unit that fits."""
    for unit, unit_s in (("days", DAY_S), ("h", HOUR_S)):
        if time_s >= 2 * unit_s:
            return f"{time_s / unit_s:.3g} {unit}"
    return f"{time_s / MINUTE_S:.3g} min"
