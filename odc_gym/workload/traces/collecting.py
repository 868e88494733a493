"""Collectors of the rows of a file, which store them compactly and build a trace from them.

A row takes 20 bytes as a request and 37 bytes as a job, so that files of a gigabyte fit into memory.
"""

from __future__ import annotations

import math
from array import array
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from odc_gym.constants import DAY_S, YEAR_S
from odc_gym.errors import TraceError
from odc_gym.workload.jobs import round_to_grid
from odc_gym.workload.traces.recorded import (
    Absence,
    Floats,
    JobTrace,
    Outcome,
    Rejection,
    RequestTrace,
    Trace,
    rejection_notes,
)
from odc_gym.workload.traces.text import shorten

Scalar = TypeVar("Scalar", bound=np.generic)
TokenCounts = npt.NDArray[np.int64]

CHUNK_ROWS = 2**20  # rows that are processed at once
LONG_SPAN_S = 5 * YEAR_S  # longer than all published traces; half a week in milliseconds exceeds it


class Rejections:
    """Rows that are left out, counted by reason."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_reason: dict[str, Rejection] = {}

    def add(self, reason: str, line: int) -> None:
        """Count a rejected row, which stands in this line."""
        count, where = self.by_reason.get(reason, (0, f"{self.path}:{line}"))
        self.by_reason[reason] = Rejection(count + 1, where)

    def empty_error(self, what: str) -> TraceError:
        """Return the error of a file without any accepted row."""
        return TraceError("; ".join([f"{self.path}: no {what}", *rejection_notes(self.by_reason)]))


class Absences:
    """Values of optional columns that make no sense, counted by column."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_column: dict[str, Absence] = {}

    def add(self, column: str, text: str, line: int) -> None:
        """Count a value, which stands in this line; text without any characters is absent as intended."""
        if not text.strip():
            return
        count, where, first = self.by_column.get(column, (0, f"{self.path}:{line}", shorten(text.strip())))
        self.by_column[column] = Absence(count + 1, where, first)


class _NameIndex:
    """Index of names, in the order of their first appearance."""

    def __init__(self) -> None:
        self.indices: dict[str, int] = {}

    def index(self, name: str | None) -> int:
        """Return the index of a name, or -1 for None."""
        return -1 if name is None else self.indices.setdefault(name, len(self.indices))


class JobCollector:
    """Collector of the jobs of a file."""

    def __init__(self, path: Path, absent: Absences | None = None) -> None:
        self.path = path
        self.rejected, self.absent = Rejections(path), absent or Absences(path)
        self._submit_s, self._duration_s, self._estimate_s = array("d"), array("d"), array("d")
        self._width, self._class, self._tenant, self._outcome = array("i"), array("i"), array("i"), array("b")
        self._classes, self._tenants = _NameIndex(), _NameIndex()
        self._where: list[str] = []  # file and line of the first job of each class

    def add(
        self,
        submit_s: float,
        duration_s: float,
        width: int,
        tenant: str | None = None,
        estimate_s: float | None = None,
        outcome: Outcome = Outcome.UNKNOWN,
        class_name: str = "finetuning",
        line: int | None = None,
    ) -> None:
        """Add a job.

        Args:
            submit_s: submission [s since a midnight].
            duration_s: run time [s], above 0.
            width: accelerators.
            tenant: name of the owner.
            estimate_s: run time that the user requested [s].
            outcome: outcome of the job.
            class_name: class of the job.
            line: line of the job in the file, for messages about its class.
        """
        self._submit_s.append(submit_s)
        self._duration_s.append(duration_s)
        self._estimate_s.append(math.nan if estimate_s is None else estimate_s)
        self._width.append(width)
        self._tenant.append(self._tenants.index(tenant))
        self._outcome.append(outcome)
        class_index = self._classes.index(class_name)
        self._class.append(class_index)
        if class_index == len(self._where):
            self._where.append(str(self.path) if line is None else f"{self.path}:{line}")

    def trace(self) -> Trace:
        """Build the trace; its clock begins at the midnight before the first job.

        Raises:
            TraceError: there are no jobs.
        """
        if not self._submit_s:
            raise self.rejected.empty_error("jobs")
        submit_s, class_index = np.frombuffer(self._submit_s), np.frombuffer(self._class, np.int32)
        midnight_s = _midnight_s(float(submit_s.min()))
        span_s = _midnight_s(float(submit_s.max())) + DAY_S - midnight_s
        jobs = {}
        for name, index in self._classes.indices.items():
            rows = np.flatnonzero(class_index == index)
            rows = rows[np.argsort(submit_s[rows], kind="stable")]
            jobs[name] = JobTrace(
                self._where[index],
                name,
                _read_only(round_to_grid(submit_s[rows] - midnight_s)),
                span_s,
                True,
                _read_only(np.frombuffer(self._duration_s)[rows]),
                _read_only(np.frombuffer(self._width, np.int32)[rows]),
                begin_s=midnight_s,
                **self._optional(rows),
            )
        remark = long_span_note(float(submit_s.max()) - float(submit_s.min()))
        return Trace(
            str(self.path), jobs, rejected=self.rejected.by_reason, remark=remark, absent=self.absent.by_column
        )

    def _optional(self, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
        """Return the optional columns of some rows; a column without any value is None."""
        estimate_s = np.frombuffer(self._estimate_s)[rows]
        outcome = np.frombuffer(self._outcome, np.int8)[rows]
        tenant = np.frombuffer(self._tenant, np.int32)[rows]
        return {
            "estimate_s": None if np.isnan(estimate_s).all() else _read_only(estimate_s),
            "outcome": _read_only(outcome) if outcome.any() else None,
            "tenant": _read_only(tenant) if (tenant >= 0).any() else None,
            "tenants": tuple(self._tenants.indices),
        }


class RequestCollector:
    """Collector of the requests of a file, which all go to one service."""

    def __init__(self, path: Path, absent: Absences | None = None, class_name: str = "interactive") -> None:
        self.path, self.class_name = path, class_name
        self.rejected, self.absent = Rejections(path), absent or Absences(path)
        self._arrival_s, self._input, self._output, self._tenant = array("d"), array("i"), array("i"), array("i")
        self._tenants = _NameIndex()

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self._arrival_s)

    def add(self, arrival_s: float, input_tokens: int, output_tokens: int, tenant: str | None = None) -> None:
        """Add a request.

        Args:
            arrival_s: arrival [s since a midnight].
            input_tokens: tokens of the prompt.
            output_tokens: tokens of the answer.
            tenant: name of the owner or of the model, or None.
        """
        self._arrival_s.append(arrival_s)
        self._input.append(input_tokens)
        self._output.append(output_tokens)
        self._tenant.append(self._tenants.index(tenant))

    def extend(self, arrival_s: Floats, input_tokens: TokenCounts, output_tokens: TokenCounts, tenant: str) -> None:
        """Add the requests of one tenant, (N,) of each quantity."""
        self._arrival_s.frombytes(arrival_s.astype(np.float64).tobytes())
        self._input.frombytes(input_tokens.astype(np.int32).tobytes())
        self._output.frombytes(output_tokens.astype(np.int32).tobytes())
        index = self._tenants.index(tenant)
        self._tenant.frombytes(np.full(arrival_s.size, index, np.int32).tobytes())

    def trace(self, covered_s: tuple[float, float] | None = None, remark: str | None = None) -> Trace:
        """Build the trace from the rows; call this once, since the trace takes over their memory.

        A trace of a day or more covers whole days, and its clock begins at midnight. The clock of a shorter trace
        begins at its first row.

        Args:
            covered_s: begin and end of the time that the file covers [s since a midnight]. None takes the time of its
                rows, from the first one until a mean gap after the last.
            remark: note to users on how the file was read.

        Raises:
            TraceError: no requests, or no tokens.
        """
        count = len(self)
        if count == 0:
            raise self.rejected.empty_error("requests")
        arrival_s = np.frombuffer(self._arrival_s)
        first_s, last_s = float(arrival_s.min()), float(arrival_s.max())
        if not (any(self._input) or any(self._output)):
            raise TraceError(f"{self.path}: no request has tokens")
        begin_s, end_s = covered_s or (first_s, last_s)
        span_s = end_s - begin_s
        daily = span_s >= DAY_S
        if daily:
            begin_s = _midnight_s(begin_s)
            span_s = (math.ceil(end_s / DAY_S) if covered_s else math.floor(end_s / DAY_S) + 1) * DAY_S - begin_s
        elif covered_s is None and count > 1:  # repetitions are a mean gap apart
            span_s *= count / (count - 1)
        order = _sort_order(arrival_s)
        tenant = _sorted_column(self._tenant, np.int32, order) if self._tenants.indices else None
        requests = RequestTrace(
            str(self.path),
            self.class_name,
            _read_only(_shift_to_clock(arrival_s if order is None else arrival_s[order], begin_s)),
            float(round_to_grid(np.array(span_s))),
            daily,
            _sorted_column(self._input, np.int32, order),
            _sorted_column(self._output, np.int32, order),
            tenant,
            tuple(self._tenants.indices),
            begin_s=begin_s,
        )
        return Trace(
            str(self.path),
            requests={self.class_name: requests},
            rejected=self.rejected.by_reason,
            remark=remark or long_span_note(last_s - first_s),
            absent=self.absent.by_column,
        )


def long_span_note(span_s: float) -> str | None:
    """Return a note on the unit of time if rows cover more years than most logs, else None."""
    if span_s <= LONG_SPAN_S:
        return None
    return (
        f"covers {span_s / YEAR_S:.1f} years if its times are seconds, {span_s / 1000 / DAY_S:.2g} days if they are ms"
    )


def _sort_order(times: Floats) -> npt.NDArray[np.int64] | None:
    """Return the stable sort order of times, or None where they are sorted already."""
    if bool(np.all(times[1:] >= times[:-1])):
        return None
    return np.argsort(times, kind="stable")


def _sorted_column(column: array[Any], dtype: type[Scalar], order: npt.NDArray[np.int64] | None) -> npt.NDArray[Scalar]:
    """Return a column in sorted order, read-only."""
    values = np.frombuffer(column, dtype)
    return _read_only(values if order is None else values[order])


def _shift_to_clock(times: Floats, begin_s: float) -> Floats:
    """Shift times to a clock that begins at `begin_s` and round them to the grid, in place to save memory."""
    times -= begin_s
    for begin in range(0, times.size, CHUNK_ROWS):
        chunk = times[begin : begin + CHUNK_ROWS]
        chunk[:] = round_to_grid(chunk)
    return times


def _midnight_s(time_s: float) -> float:
    """Return the last midnight at or before a time [s]."""
    return math.floor(time_s / DAY_S) * DAY_S


def _read_only(column: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Make a column read-only and return it."""
    column.flags.writeable = False
    return column
