"""Your own jobs and requests, in two plain schemas."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.workload.traces.reading import (
    ACCELERATORS,
    ARRIVAL,
    DURATION,
    TOKENS,
    Column,
    Format,
    Row,
    accelerators,
    arrival_s,
    duration_s,
    name,
    tokens,
)
from odc_gym.workload.traces.recorded import Trace, job_trace, request_trace

JOB_COLUMNS = (
    Column("arrival_s", arrival_s, ARRIVAL),
    Column("duration_s", duration_s, DURATION),
    Column("accelerators", accelerators, ACCELERATORS),
    Column("class", name, "the name of a job class", optional=True),
)
REQUEST_COLUMNS = (
    Column("arrival_s", arrival_s, ARRIVAL),
    Column("input_tokens", tokens, TOKENS),
    Column("output_tokens", tokens, TOKENS),
)


def _read_jobs(path: Path, rows: Iterable[Row]) -> Trace:
    """Each class in the file is replaced; without the column, finetuning is."""
    return job_trace(path, [(*job, kind or "finetuning", f"{path}:{line}") for line, (*job, kind) in rows])


def _read_requests(path: Path, rows: Iterable[Row]) -> Trace:
    return request_trace(path, "interactive", (values for _, values in rows))


JOBS = Format("your own jobs", JOB_COLUMNS, _read_jobs)
REQUESTS = Format("your own requests", REQUEST_COLUMNS, _read_requests)
