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
from typing import NamedTuple

from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import Absences, JobCollector
from odc_gym.workload.traces.reading import (
    MAX_ACCELERATORS,
    MAX_RUN_S,
    MAX_TIME_S,
    Column,
    Format,
    column_error,
    parse_name,
    parse_rows,
)
from odc_gym.workload.traces.recorded import Outcome, Trace
from odc_gym.workload.traces.text import Sample, read_lines, shorten

MISSING = -1.0
OUTCOMES = {0: Outcome.FAILED, 1: Outcome.COMPLETED, 5: Outcome.CANCELLED}
PARTIAL_STATUSES = (2, 3, 4)  # status of a line for one part of a job, which has another line as a whole
COLUMN_COUNT = 18
_HEADER = re.compile(r";\s*(UnixStartTime|ProcessorsPerAccelerator)\s*:\s*(\S+)")


class _Values(NamedTuple):
    """Values of a line; optional ones are None where the log has none.

    Attributes:
        submit_s: submission [s since the log began], or MISSING.
        run_s: run time [s], or MISSING.
        allocated: processors that the job got.
        requested: processors that its user requested.
        requested_s: run time that its user requested [s].
        status: status at the end.
        user: name of the user, as in the file.
    """

    submit_s: float
    run_s: float
    allocated: float | None
    requested: float | None
    requested_s: float | None
    status: float | None
    user: str | None


def _parse_number(text: str) -> float:
    """Parse a finite number."""
    value = float(text)
    if not math.isfinite(value) or "_" in text:
        raise ValueError(text)
    return value


def _bounded_column(name: str, most: float, unit: str, nullable: bool = True) -> Column:
    """Return a column of values from 0 to `most`, or -1 where the value is missing."""

    def parse(text: str) -> float | None:
        value = _parse_number(text)
        if value == MISSING:
            return None if nullable else MISSING
        if not 0 <= value <= most:
            raise ValueError(text)
        return value

    return Column(name, parse, f"{unit} from 0 to {most:.10g}, or -1", nullable=nullable)


def _parse_user(text: str) -> str | None:
    """Parse a user, whose name may consist of digits; negative numbers stand for no user."""
    try:
        return None if float(text) < 0 else parse_name(text)
    except ValueError:
        return parse_name(text)


USED_COLUMNS = {
    1: _bounded_column("submit time", MAX_TIME_S, "seconds", nullable=False),
    3: _bounded_column("run time", MAX_RUN_S, "seconds", nullable=False),
    4: _bounded_column("allocated processors", math.inf, "a number"),
    7: _bounded_column("requested processors", math.inf, "a number"),
    8: _bounded_column("requested time", MAX_RUN_S, "seconds"),
    10: _bounded_column("status", 5, "a number"),
    11: Column("user", _parse_user, "a name", nullable=True),
}
"""Columns that are read, by their place in a line; they are the fields of `_Values`."""


def _matches(sample: Sample) -> bool:
    rows = [line for _, line in sample.lines if not line.lstrip().startswith(";")]
    if not rows:
        return bool(sample.lines)
    is_table = sample.head.startswith(";") and ";" not in rows[0] and len(rows[0].split()) > 1
    return is_table or len(rows[0].split()) == COLUMN_COUNT


def _read(path: Path, named: bool) -> Trace:
    jobs = JobCollector(path)
    header = {"UnixStartTime": 0.0, "ProcessorsPerAccelerator": 1.0}
    for line, text in read_lines(path):
        if text.lstrip().startswith(";"):
            _read_header(header, text, line, jobs.absent)
            continue
        values = _parse_line(path, line, text.split(), jobs.absent)
        reason = _rejection_reason(values)
        if reason:
            jobs.rejected.add(reason, line)
            continue
        processors = values.allocated or values.requested or 0.0
        width = math.ceil(processors / header["ProcessorsPerAccelerator"])
        if width > MAX_ACCELERATORS:
            column = USED_COLUMNS[4]._replace(expected=f"at most {MAX_ACCELERATORS} accelerators")
            raise column_error(f"{path}:{line}", column, str(width))
        jobs.add(
            header["UnixStartTime"] + values.submit_s,
            values.run_s,
            width,
            values.user,
            values.requested_s or None,
            Outcome.UNKNOWN if values.status is None else OUTCOMES.get(int(values.status), Outcome.UNKNOWN),
        )
    return jobs.trace()


def _read_header(header: dict[str, float], text: str, line: int, absent: Absences) -> None:
    """Read a header line into `header`. A start time that is not known counts as absent."""
    found = _HEADER.match(text.strip())
    if not found:
        return
    name, value = found.groups()
    is_start = name == "UnixStartTime"
    most = MAX_TIME_S if is_start else MAX_ACCELERATORS
    try:
        number = _parse_number(value)
    except ValueError:
        number = MISSING
    if 0 <= number <= most and (number > 0 or is_start):
        header[name] = number
    elif is_start:
        absent.add(name, "" if number == MISSING and value.startswith("-") else value, line)
    else:
        where = f"{absent.path}:{line}"
        raise TraceError(f"{where}: {name}: expected a number above 0, at most {most}, got '{shorten(value)}'")


def _parse_line(path: Path, line: int, fields: list[str], absent: Absences) -> _Values:
    """Parse the columns of a line that are used.

    Raises:
        TraceError: another number of columns, or a time that is not allowed.
    """
    if len(fields) != COLUMN_COUNT:
        raise TraceError(f"{path}:{line}: expected {COLUMN_COUNT} columns, got {len(fields)}")
    columns = list(USED_COLUMNS.values())
    used = [fields[place] for place in USED_COLUMNS]
    (_, values), *_ = parse_rows(path, [(line, used)], [c.name for c in columns], columns, absent)
    return _Values(*values)


def _rejection_reason(values: _Values) -> str | None:
    """Return why a line is left out, or None."""
    if values.status in PARTIAL_STATUSES:
        return "for a part of a job"
    if values.submit_s == MISSING:
        return "without a submission time"
    if values.run_s <= 0:
        return "that never ran"
    return None if values.allocated or values.requested else "without processors"


FORMAT = Format(
    "swf",
    "Standard Workload Format",
    "; comments and lines of 18 numbers",
    "finetuning",
    (),
    (),
    _matches,
    _read,
)
