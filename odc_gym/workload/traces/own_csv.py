"""Plain CSV formats for the user's own jobs and requests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import Absences, JobCollector, RequestCollector
from odc_gym.workload.traces.reading import (
    ACCELERATORS,
    ARRIVAL,
    DURATION,
    TOKENS,
    Column,
    Row,
    csv_format,
    is_clock,
    parse_accelerators,
    parse_arrival_s,
    parse_clock_s,
    parse_duration_s,
    parse_name,
    parse_tokens,
)
from odc_gym.workload.traces.recorded import Outcome, Trace


class Arrival(NamedTuple):
    """Time of an arrival.

    Attributes:
        time_s: seconds since a midnight, since 1970 for dates.
        dated: whether the file gives a date.
    """

    time_s: float
    dated: bool


def _parse_arrival(text: str) -> Arrival:
    return Arrival(parse_clock_s(text), True) if is_clock(text) else Arrival(parse_arrival_s(text), False)


def _parse_outcome(text: str) -> Outcome:
    if text.strip().upper() not in Outcome.__members__:
        raise ValueError(text)
    return Outcome[text.strip().upper()]


ARRIVAL_COLUMN = Column("arrival_s", _parse_arrival, f"{ARRIVAL}, or 2027-03-20T12:00:00Z", decimal=True)
JOB_COLUMNS = (
    ARRIVAL_COLUMN,
    Column("duration_s", parse_duration_s, DURATION, decimal=True),
    Column("accelerators", parse_accelerators, ACCELERATORS),
    Column("class", parse_name, "the name of a job class", optional=True),
    Column("tenant", parse_name, "a name", optional=True, nullable=True),
    Column("estimate_s", parse_duration_s, DURATION, optional=True, nullable=True, decimal=True),
    Column("outcome", _parse_outcome, "completed, failed, cancelled or unknown", optional=True, nullable=True),
)
REQUEST_COLUMNS = (
    ARRIVAL_COLUMN,
    Column("input_tokens", parse_tokens, TOKENS),
    Column("output_tokens", parse_tokens, TOKENS),
)


def _one_scale(path: Path, rows: Iterable[Row]) -> Iterable[Row]:
    """Yield rows with seconds in place of arrivals.

    Raises:
        TraceError: some rows have dates and others seconds.
    """
    dated: bool | None = None
    for line, (arrival, *values) in rows:
        if dated not in (None, arrival.dated):
            units = ("seconds", "dates")
            expected = f"{units[bool(dated)]} as in the rows before, got {units[arrival.dated]}"
            raise TraceError(f"{path}:{line}: column 'arrival_s': expected {expected}")
        dated = arrival.dated
        yield line, (arrival.time_s, *values)


def _read_jobs(path: Path, rows: Iterable[Row], absent: Absences) -> Trace:
    """Read jobs, which replace each class in the file; without a class column they replace finetuning."""
    jobs = JobCollector(path, absent)
    for line, (submit_s, run_s, width, class_name, tenant, estimate_s, outcome) in _one_scale(path, rows):
        jobs.add(
            submit_s, run_s, width, tenant, estimate_s, outcome or Outcome.UNKNOWN, class_name or "finetuning", line
        )
    return jobs.trace()


def _read_requests(path: Path, rows: Iterable[Row], absent: Absences) -> Trace:
    requests = RequestCollector(path, absent)
    for _, values in _one_scale(path, rows):
        requests.add(*values)
    return requests.trace()


JOBS = csv_format("jobs", "your own jobs", "the classes it names", JOB_COLUMNS, _read_jobs)
REQUESTS = csv_format("requests", "your own requests", "interactive", REQUEST_COLUMNS, _read_requests)
