"""Plain CSV formats for the user's own jobs and requests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.workload.traces.collecting import JobCollector, RequestCollector
from odc_gym.workload.traces.reading import (
    ACCELERATORS,
    ARRIVAL,
    DURATION,
    TOKENS,
    Column,
    Row,
    csv_format,
    optional_value,
    parse_accelerators,
    parse_arrival_s,
    parse_duration_s,
    parse_name,
    parse_tokens,
)
from odc_gym.workload.traces.recorded import Outcome, Trace


def _parse_outcome(text: str) -> Outcome:
    if text.strip().upper() not in Outcome.__members__:
        raise ValueError(text)
    return Outcome[text.strip().upper()]


JOB_COLUMNS = (
    Column("arrival_s", parse_arrival_s, ARRIVAL),
    Column("duration_s", parse_duration_s, DURATION),
    Column("accelerators", parse_accelerators, ACCELERATORS),
    Column("class", parse_name, "the name of a job class", optional=True),
    Column("tenant", optional_value(parse_name), "a name or nothing", optional=True),
    Column("estimate_s", optional_value(parse_duration_s), f"{DURATION}, or nothing", optional=True),
    Column("outcome", _parse_outcome, "completed, failed, cancelled or unknown", optional=True),
)
REQUEST_COLUMNS = (
    Column("arrival_s", parse_arrival_s, ARRIVAL),
    Column("input_tokens", parse_tokens, TOKENS),
    Column("output_tokens", parse_tokens, TOKENS),
)


def _read_jobs(path: Path, rows: Iterable[Row]) -> Trace:
    """Read jobs, which replace each class in the file; without a class column they replace finetuning."""
    jobs = JobCollector(path)
    for line, (submit_s, run_s, width, class_name, tenant, estimate_s, outcome) in rows:
        jobs.add(
            submit_s, run_s, width, tenant, estimate_s, outcome or Outcome.UNKNOWN, class_name or "finetuning", line
        )
    return jobs.trace()


def _read_requests(path: Path, rows: Iterable[Row]) -> Trace:
    requests = RequestCollector(path)
    for _, values in rows:
        requests.add(*values)
    return requests.trace()


JOBS = csv_format("your own jobs", JOB_COLUMNS, _read_jobs)
REQUESTS = csv_format("your own requests", REQUEST_COLUMNS, _read_requests)
