"""Format of the Philly trace as published, `cluster_job_log`: a JSON list of jobs that replace the class finetuning.

A job has the width of its widest attempt. Its duration is the accelerator time of all attempts over that width. The
occupied accelerator time is thus kept, and the time between attempts is not. Attempts without recorded times or GPUs do
not count. A job whose last attempt has no end was still running when the log was taken.

Source: Jeon et al., "Analysis of large-scale multi-tenant GPU clusters for DNN training workloads", ATC 2019.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import JobCollector
from odc_gym.workload.traces.json_text import read_objects
from odc_gym.workload.traces.reading import (
    CLOCK,
    MAX_ACCELERATORS,
    MAX_RUN_S,
    Column,
    Format,
    column_error,
    parse_clock_s,
    parse_member,
    parse_name,
)
from odc_gym.workload.traces.recorded import Outcome, Trace
from odc_gym.workload.traces.text import Sample

OUTCOMES = {"Pass": Outcome.COMPLETED, "Killed": Outcome.CANCELLED, "Failed": Outcome.FAILED}


def _parse_time_s(value: str | None) -> float | None:
    """Parse a time; return None where the log has none."""
    return None if value in (None, "", "None") else parse_clock_s(str(value))


def _parse_outcome(value: Any) -> Outcome:
    if value not in OUTCOMES:
        raise ValueError(value)
    return OUTCOMES[value]


def _parse_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(value)
    return value


def _parse_objects(value: Any) -> list[dict[str, Any]]:
    if not all(isinstance(entry, dict) for entry in _parse_list(value)):
        raise ValueError(value)
    return list(value)


def _parse_id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(value)
    return parse_name(str(value))


STATUS = Column("status", _parse_outcome, "Pass, Killed or Failed", nullable=True)
TENANT = Column("vc", _parse_id, "a name", nullable=True)
SUBMITTED = Column("submitted_time", _parse_time_s, CLOCK)
ATTEMPTS = Column("attempts", _parse_objects, "a list of objects")
START = Column("start_time", _parse_time_s, CLOCK)
END = Column("end_time", _parse_time_s, CLOCK)
DETAIL = Column("detail", _parse_objects, "a list of objects")
GPUS = Column("gpus", _parse_list, "a list")


KEYS = (STATUS.name, TENANT.name, SUBMITTED.name, ATTEMPTS.name)


def first_object(sample: Sample) -> dict[str, Any] | None:
    """Return the first object of a JSON list; empty if the list is not readable, None if the file is no list."""
    if not sample.head.startswith("["):
        return None
    try:
        with closing(read_objects(sample.path)) as entries:
            return next(entries, (0, {}))[1]
    except TraceError:
        return {}


def _matches(sample: Sample) -> bool:
    entry = first_object(sample)
    return entry == {} or (entry is not None and set(KEYS) <= entry.keys())  # the reader says why a list is empty


def _read(path: Path, named: bool) -> Trace:
    jobs = JobCollector(path)
    for line, entry in read_objects(path):
        where = f"{path}:{line}"
        outcome = parse_member(where, STATUS, entry, jobs.absent) or Outcome.UNKNOWN
        tenant = parse_member(where, TENANT, entry, jobs.absent)
        submit_s = parse_member(where, SUBMITTED, entry)
        attempts = [_attempt(where, attempt) for attempt in parse_member(where, ATTEMPTS, entry)]
        reason = "without a submission time" if submit_s is None else _rejection_reason(attempts)
        if reason:
            jobs.rejected.add(reason, line)
            continue
        ran = [(end_s - start_s, width) for start_s, end_s, width in attempts if None not in (start_s, end_s) and width]
        width = max(gpus for _, gpus in ran)
        duration_s = sum(ran_s * gpus for ran_s, gpus in ran) / width
        if duration_s > MAX_RUN_S:
            raise column_error(where, ATTEMPTS._replace(expected="at most 366 days"), f"{duration_s / 86400:.4g} days")
        if width > MAX_ACCELERATORS:
            raise column_error(where, GPUS._replace(expected=f"at most {MAX_ACCELERATORS}"), str(width))
        jobs.add(submit_s, duration_s, width, tenant, outcome=outcome)
    return jobs.trace()


def _attempt(where: str, attempt: dict[str, Any]) -> tuple[Any, Any, int]:
    """Return start and end [s], None where not recorded, and accelerators of an attempt."""
    width = sum(len(parse_member(where, GPUS, server)) for server in parse_member(where, DETAIL, attempt))
    return parse_member(where, START, attempt), parse_member(where, END, attempt), width


def _rejection_reason(attempts: list[tuple[Any, Any, int]]) -> str | None:
    """Return why a job with these attempts is left out, or None."""
    if not attempts:
        return "that never started"
    if attempts[-1][1] is None:
        return "whose end was not recorded"
    ran = [(start_s, end_s) for start_s, end_s, width in attempts if None not in (start_s, end_s) and width]
    if not ran:
        return "without an attempt whose times and GPUs were recorded"
    if any(end_s < start_s for start_s, end_s in ran):
        return "with an attempt that ends before it starts"
    return None if any(end_s > start_s for start_s, end_s in ran) else "of duration 0"


FORMAT = Format(
    "philly",
    "Philly jobs, original",
    "a JSON list of jobs with status, vc, submitted_time, attempts",
    "finetuning",
    KEYS,
    KEYS,
    _matches,
    _read,
)
