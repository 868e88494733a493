"""Standard Workload Format, version 2: logs of supercomputers that replace the class finetuning.

A job runs for its run time on the processors that it was given. The time that its user requested becomes the estimate
that schedulers see. Header lines may give `UnixStartTime`, the origin of the submission times [0 if not given]. They
may also give `ProcessorsPerAccelerator`, the processors that one accelerator stands for [1 if not given].

Source: Chapin et al., "Benchmarks and standards for the evaluation of parallel job schedulers", JSSPP 1999, and the
Parallel Workloads Archive's description of version 2.2.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import JobCollector
from odc_gym.workload.traces.reading import (
    MAX_ACCELERATORS,
    MAX_RUN_S,
    MAX_TIME_S,
    MAX_TRACE_S,
    Column,
    Format,
    column_error,
)
from odc_gym.workload.traces.recorded import Outcome, Trace
from odc_gym.workload.traces.text import read_lines, shorten

MISSING = -1.0
OUTCOMES = {0: Outcome.FAILED, 1: Outcome.COMPLETED, 5: Outcome.CANCELLED}
PARTIAL_STATUSES = (2, 3, 4)  # status of a line for one part of a job, which has another line as a whole
_HEADER = re.compile(r";\s*(UnixStartTime|ProcessorsPerAccelerator)\s*:\s*(\S+)")


def _parse_number(text: str) -> float:
    """Parse a finite number."""
    value = float(text)
    if not math.isfinite(value) or "_" in text:
        raise ValueError(text)
    return value


def _bounded_column(name: str, most: float, unit: str) -> Column:
    """Return a column of values from 0 to `most`, or -1 where the value is missing."""

    def parse(text: str) -> float:
        value = _parse_number(text)
        if value != MISSING and not 0 <= value <= most:
            raise ValueError(text)
        return value

    return Column(name, parse, f"{unit} from 0 to {most:.10g}, or -1")


def _number_column(name: str) -> Column:
    """Return a column of any finite numbers."""
    return Column(name, _parse_number, "a number")


COLUMNS = (
    _number_column("job number"),
    _bounded_column("submit time", MAX_TRACE_S, "seconds"),
    _number_column("wait time"),
    _bounded_column("run time", MAX_RUN_S, "seconds"),
    _bounded_column("allocated processors", math.inf, "a number"),
    _number_column("average CPU time"),
    _number_column("used memory"),
    _bounded_column("requested processors", math.inf, "a number"),
    _bounded_column("requested time", MAX_TIME_S, "seconds"),
    _number_column("requested memory"),
    _bounded_column("status", 5, "a number"),
    _number_column("user"),
    *(_number_column(name) for name in ("group", "application", "queue", "partition", "preceding job", "think time")),
)


def _matches(path: Path, head: str) -> bool:
    return head.startswith(";") or len(head.split()) == len(COLUMNS)


def _read(path: Path) -> Trace:
    jobs = JobCollector(path)
    header = {"UnixStartTime": 0.0, "ProcessorsPerAccelerator": 1.0}
    for line, text in read_lines(path):
        if text.lstrip().startswith(";"):
            _read_header(header, text, f"{path}:{line}")
            continue
        fields = text.split()
        if len(fields) != len(COLUMNS):
            raise TraceError(f"{path}:{line}: expected {len(COLUMNS)} columns, got {len(fields)}")
        values = [_parse_value(f"{path}:{line}", *pair) for pair in zip(COLUMNS, fields, strict=True)]
        submit_s, run_s, allocated, requested, requested_s, status = (values[k] for k in (1, 3, 4, 7, 8, 10))
        processors = allocated if allocated > 0 else requested
        reason = _rejection_reason(submit_s, run_s, processors, status)
        if reason:
            jobs.rejected.add(reason, line)
            continue
        width = math.ceil(processors / header["ProcessorsPerAccelerator"])
        if width > MAX_ACCELERATORS:
            raise column_error(
                f"{path}:{line}", COLUMNS[4]._replace(expected="at most 1000000 accelerators"), str(width)
            )
        jobs.add(
            header["UnixStartTime"] + submit_s,
            run_s,
            width,
            None if values[11] < 0 else f"{values[11]:g}",
            requested_s if requested_s > 0 else None,
            OUTCOMES.get(int(status), Outcome.UNKNOWN),
        )
    return jobs.trace()


def _read_header(header: dict[str, float], text: str, where: str) -> None:
    """Read a header line into `header`."""
    found = _HEADER.match(text.strip())
    if not found:
        return
    name, value = found.groups()
    most = MAX_TIME_S - MAX_TRACE_S if name == "UnixStartTime" else float(MAX_ACCELERATORS)
    try:
        number = _parse_number(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most or (number == 0 and name != "UnixStartTime"):
        raise TraceError(f"{where}: {name}: expected a number above 0, at most {most:.10g}, got '{shorten(value)}'")
    header[name] = number


def _parse_value(where: str, column: Column, text: str) -> float:
    """Parse a value of a column; raise a `TraceError` that names its place."""
    try:
        return float(column.parse(text))
    except ValueError:
        raise column_error(where, column, f"'{shorten(text)}'") from None


def _rejection_reason(submit_s: float, run_s: float, processors: float, status: float) -> str | None:
    """Return why a line is left out, or None."""
    if status in PARTIAL_STATUSES:
        return "for a part of a job"
    if submit_s < 0:
        return "without a submission time"
    if run_s <= 0:
        return "that never ran"
    return None if processors > 0 else "without processors"


FORMAT = Format("Standard Workload Format", "; comments and lines of 18 numbers", _matches, _read)
