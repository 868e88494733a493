"""The Philly trace as it was published, `cluster_job_log`: a list of jobs in JSON, which replace finetuning.

A job's width is that of its widest attempt, and its duration the accelerator time of all attempts over that width: what
it occupied is kept, and the time between attempts is not. Attempts without recorded times or GPUs do not count. A job
whose last attempt has no end was still running when the log was taken.

Source: Jeon et al., "Analysis of large-scale multi-tenant GPU clusters for DNN training workloads", ATC 2019.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odc_gym.workload.traces.collecting import Jobs
from odc_gym.workload.traces.json_text import objects
from odc_gym.workload.traces.reading import (
    CLOCK,
    LONGEST_S,
    MOST_ACCELERATORS,
    Column,
    Format,
    clock_s,
    member,
    refused,
)
from odc_gym.workload.traces.recorded import Outcome, Trace

OUTCOMES = {"Pass": Outcome.COMPLETED, "Killed": Outcome.CANCELLED, "Failed": Outcome.FAILED}


def _time_s(value: str | None) -> float | None:
    """A time, or None where the log lacks it."""
    return None if value in (None, "", "None") else clock_s(str(value))


def _outcome(value: Any) -> Outcome:
    if value not in OUTCOMES:
        raise ValueError(value)
    return OUTCOMES[value]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(value)
    return value


def _objects(value: Any) -> list[dict[str, Any]]:
    if not all(isinstance(entry, dict) for entry in _list(value)):
        raise ValueError(value)
    return list(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


STATUS = Column("status", _outcome, "Pass, Killed or Failed")
TENANT = Column("vc", _text, "a name")
SUBMITTED = Column("submitted_time", _time_s, CLOCK)
ATTEMPTS = Column("attempts", _objects, "a list of objects")
START = Column("start_time", _time_s, CLOCK)
END = Column("end_time", _time_s, CLOCK)
DETAIL = Column("detail", _objects, "a list of objects")
GPUS = Column("gpus", _list, "a list")


def _fits(path: Path, head: str) -> bool:
    return head.startswith("[")


def _read(path: Path) -> Trace:
    jobs = Jobs(path)
    for line, entry in objects(path):
        where = f"{path}:{line}"
        outcome, tenant = member(where, STATUS, entry), member(where, TENANT, entry)
        submit_s = member(where, SUBMITTED, entry)
        attempts = [_attempt(where, attempt) for attempt in member(where, ATTEMPTS, entry)]
        reason = "without a submission time" if submit_s is None else _reason(attempts)
        if reason:
            jobs.rejected.add(reason, line)
            continue
        ran = [(end_s - start_s, width) for start_s, end_s, width in attempts if None not in (start_s, end_s) and width]
        width = max(gpus for _, gpus in ran)
        duration_s = sum(ran_s * gpus for ran_s, gpus in ran) / width
        if duration_s > LONGEST_S:
            raise refused(where, ATTEMPTS._replace(expected="at most 366 days"), f"{duration_s / 86400:.4g} days")
        if width > MOST_ACCELERATORS:
            raise refused(where, GPUS._replace(expected=f"at most {MOST_ACCELERATORS}"), str(width))
        jobs.add(submit_s, duration_s, width, tenant, outcome=outcome)
    return jobs.trace()


def _attempt(where: str, attempt: dict[str, Any]) -> tuple[Any, Any, int]:
    """Start and end, each None where it was not recorded [s], and accelerators."""
    width = sum(len(member(where, GPUS, server)) for server in member(where, DETAIL, attempt))
    return member(where, START, attempt), member(where, END, attempt), width


def _reason(attempts: list[tuple[Any, Any, int]]) -> str | None:
    """Why a job with these attempts is left out, or None."""
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


FORMAT = Format("Philly jobs, original", "a JSON list of jobs", _fits, _read)
