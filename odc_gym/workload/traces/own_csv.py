"""Your own jobs and requests, in two plain schemas."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.workload.traces.collecting import Jobs, Requests
from odc_gym.workload.traces.reading import (
    ACCELERATORS,
    ARRIVAL,
    DURATION,
    TOKENS,
    Column,
    Row,
    absent_or,
    accelerators,
    arrival_s,
    duration_s,
    name,
    table,
    tokens,
)
from odc_gym.workload.traces.recorded import Outcome, Trace


def _outcome(text: str) -> Outcome:
    if text.strip().upper() not in Outcome.__members__:
        raise ValueError(text)
    return Outcome[text.strip().upper()]


JOB_COLUMNS = (
    Column("arrival_s", arrival_s, ARRIVAL),
    Column("duration_s", duration_s, DURATION),
    Column("accelerators", accelerators, ACCELERATORS),
    Column("class", name, "the name of a job class", optional=True),
    Column("tenant", absent_or(name), "a name or nothing", optional=True),
    Column("estimate_s", absent_or(duration_s), f"{DURATION}, or nothing", optional=True),
    Column("outcome", _outcome, "completed, failed, cancelled or unknown", optional=True),
)
REQUEST_COLUMNS = (
    Column("arrival_s", arrival_s, ARRIVAL),
    Column("input_tokens", tokens, TOKENS),
    Column("output_tokens", tokens, TOKENS),
)


def _read_jobs(path: Path, rows: Iterable[Row]) -> Trace:
    """Each class in the file is replaced; without the column, finetuning is."""
    jobs = Jobs(path)
    for line, (submit_s, run_s, width, kind, tenant, estimate_s, outcome) in rows:
        jobs.add(submit_s, run_s, width, tenant, estimate_s, outcome or Outcome.UNKNOWN, kind or "finetuning", line)
    return jobs.trace()


def _read_requests(path: Path, rows: Iterable[Row]) -> Trace:
    requests = Requests(path)
    for _, values in rows:
        requests.add(*values)
    return requests.trace()


JOBS = table("your own jobs", JOB_COLUMNS, _read_jobs)
REQUESTS = table("your own requests", REQUEST_COLUMNS, _read_requests)
