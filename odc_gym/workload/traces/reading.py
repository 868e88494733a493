"""Strict reading of tables: formats, columns, and parsers of their values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from odc_gym.errors import TraceError
from odc_gym.workload.traces.recorded import Trace
from odc_gym.workload.traces.text import Fields, csv_rows, shorten

Row = tuple[int, tuple[Any, ...]]

MAX_TIME_S = 4102444800  # 2100-01-01 in seconds since 1970; later values have other units
MAX_RUN_S = 366 * 86400
MAX_TRACE_S = 5 * MAX_RUN_S  # longer than all published traces; half a week in milliseconds exceeds it
MAX_ACCELERATORS = 1_000_000
MAX_TOKENS = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


class Column(NamedTuple):
    """Column of a format.

    Attributes:
        name: name in the header.
        parse: converts text to a value; a ValueError refuses the text.
        expected: description of valid values, for messages.
        optional: whether the column may be missing; its values are then None.
    """

    name: str
    parse: Callable[[str], Any]
    expected: str
    optional: bool = False


class Format(NamedTuple):
    """Format of trace files.

    Attributes:
        title: title for messages.
        layout: description of the file's contents, for messages and the page on traces.
        matches: returns whether a file has the format, given its path and its first line that is not blank.
        read: reads the trace in a file.
    """

    title: str
    layout: str
    matches: Callable[[Path, str], bool]
    read: Callable[[Path], Trace]


def csv_format(title: str, columns: tuple[Column, ...], read: Callable[[Path, Iterable[Row]], Trace]) -> Format:
    """Return the format of CSV files with a header, whose columns may come in any order.

    Args:
        title: title for messages.
        columns: all columns.
        read: builds the trace from the path and the rows. A row is a line number and values in the order of `columns`.
    """
    needed = {column.name for column in columns if not column.optional}
    known = {column.name for column in columns}
    layout = ",".join(c.name for c in columns if not c.optional)
    layout += "".join(f"[,{c.name}]" for c in columns if c.optional)

    def matches(path: Path, head: str) -> bool:
        names = _names(head.split(","))
        return needed <= set(names) <= known and len(set(names)) == len(names)

    def read_file(path: Path) -> Trace:
        lines = csv_rows(path)
        _, header = next(lines)
        return read(path, parse_rows(path, lines, _names(header), columns))

    return Format(title, layout, matches, read_file)


def _names(header: Sequence[str]) -> list[str]:
    """Return the column names of a header without white space and quotes."""
    return [name.strip().strip('"').strip() for name in header]


def parse_rows(path: Path, lines: Iterable[Fields], names: Sequence[str], columns: Sequence[Column]) -> Iterator[Row]:
    """Yield line number and values of each row in the order of `columns`; missing optional columns give None.

    Raises:
        TraceError: a row has another number of columns, or a value that its column refuses.
    """
    places = [names.index(c.name) if c.name in names else None for c in columns]
    for line, fields in lines:
        if len(fields) != len(names):
            raise TraceError(f"{path}:{line}: expected {len(names)} columns, got {len(fields)}")
        values: list[Any] = []
        for column, place in zip(columns, places, strict=True):
            try:
                values.append(None if place is None else column.parse(fields[place]))
            except ValueError:
                got = "" if place is None else fields[place]
                raise column_error(f"{path}:{line}", column, f"'{shorten(got)}'") from None
        yield line, tuple(values)


def column_error(where: str, column: Column, got: str) -> TraceError:
    """Return the error of a refused value, with its place, column, expected values and text."""
    return TraceError(f"{where}: column '{column.name}': expected {column.expected}, got {got}")


def parse_member(where: str, column: Column, entry: Mapping[str, Any]) -> Any:
    """Parse a member of a JSON object as a column of a table is parsed.

    Raises:
        TraceError: the object lacks it, or its column refuses it.
    """
    if column.name not in entry:
        raise column_error(where, column, "nothing")
    try:
        return column.parse(entry[column.name])
    except (ValueError, TypeError, OverflowError):
        raise column_error(where, column, f"'{shorten(str(entry[column.name]))}'") from None


def parse_clock_s(text: str) -> float:
    """Parse a date and time to seconds since 1970; a time without an offset is read as UTC."""
    if not _CLOCK.fullmatch(text):  # fromisoformat also accepts plain dates and weeks
        raise ValueError(text)
    time = datetime.fromisoformat(text)
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH).total_seconds()


def parse_seconds(text: str) -> float:
    """Parse a time or a duration of at least 0 [s]."""
    value = float(text)
    if not 0 <= value < math.inf or "_" in text:
        raise ValueError(text)
    return value


def parse_arrival_s(text: str) -> float:
    """Parse seconds since a midnight."""
    return _at_most(parse_seconds(text), MAX_TIME_S)


def parse_relative_s(text: str) -> float:
    """Parse seconds since the begin of a trace."""
    return _at_most(parse_seconds(text), MAX_TRACE_S)


def parse_run_s(text: str) -> float:
    """Parse a run time of at least 0 and at most 366 days [s]."""
    return _at_most(parse_seconds(text), MAX_RUN_S)


def parse_duration_s(text: str) -> float:
    """Parse a run time above 0 and of at most 366 days [s]."""
    value = parse_run_s(text)
    if value == 0:
        raise ValueError(text)
    return value


def parse_accelerators(text: str) -> int:
    """Parse the width of a job."""
    return parse_integer(text, 1, MAX_ACCELERATORS)


def parse_tokens(text: str) -> int:
    """Parse the tokens of a prompt or of an answer."""
    return parse_integer(text, 0, MAX_TOKENS)


def parse_name(text: str) -> str:
    """Parse a printable name that is not empty."""
    stripped = text.strip()
    if not stripped or not stripped.isprintable():
        raise ValueError(text)
    return stripped


def optional_value(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a parser that gives None for an empty text."""
    return lambda text: parse(text) if text.strip() else None


def parse_integer(text: str, least: int, most: int) -> int:
    """Parse a whole number of a range."""
    value = int(text)
    if not least <= value <= most or "_" in text:
        raise ValueError(text)
    return value


def _at_most(value: float, most: float) -> float:
    """Return a value, or raise ValueError if it is above `most`."""
    if value > most:
        raise ValueError(value)
    return value


# descriptions of valid values, for messages
ACCELERATORS = f"a whole number from 1 to {MAX_ACCELERATORS}"
ARRIVAL = "seconds since a midnight UTC, from 0 to the year 2100"
CLOCK = "a time like 2017-10-09 07:01:55"
DURATION = "seconds > 0, at most 366 days"
RELATIVE = "seconds since the trace began, from 0 to 5 years"
RUN = "seconds >= 0, at most 366 days"
TOKENS = f"a whole number from 0 to {MAX_TOKENS}"
