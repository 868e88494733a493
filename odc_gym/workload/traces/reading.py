"""Strict reading of tables: formats, columns, and parsers of their values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import Absences
from odc_gym.workload.traces.dialects import (
    DecimalSign,
    Header,
    mismatch,
    normalise,
    read_headers,
    sample_fields,
    similarity,
)
from odc_gym.workload.traces.recorded import Trace
from odc_gym.workload.traces.text import Fields, Sample, read_sample, shorten

Row = tuple[int, tuple[Any, ...]]

MAX_TIME_S = 4102444800  # 2100-01-01 in seconds since 1970; later values have other units
MAX_RUN_S = 366 * 86400
MAX_ACCELERATORS = 1_000_000
MAX_TOKENS = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE)


class Column(NamedTuple):
    """Column of a format.

    Attributes:
        name: name in the header.
        parse: converts text to a value; a ValueError refuses the text.
        expected: description of valid values, for messages.
        optional: whether the column may be missing; its values are then None.
        nullable: whether a value may be absent. Text that `parse` refuses is then counted, and its value is None.
        decimal: whether values are numbers with decimals, which may have a comma as decimal sign.
    """

    name: str
    parse: Callable[[str], Any]
    expected: str
    optional: bool = False
    nullable: bool = False
    decimal: bool = False


class Format(NamedTuple):
    """Format of trace files.

    Attributes:
        name: name by which users select it.
        title: title for messages.
        layout: description of the file's contents, for messages and the page on traces.
        replaces: description of the classes that it replaces.
        needed: names of columns or keys that every file has; empty in formats without names.
        known: names of all columns or keys.
        matches: returns whether a file has the format, given its begin.
        read: reads the trace in a file; True says that the user named the format, so that units are not checked.
    """

    name: str
    title: str
    layout: str
    replaces: str
    needed: tuple[str, ...]
    known: tuple[str, ...]
    matches: Callable[[Sample], bool]
    read: Callable[[Path, bool], Trace]


ReadRows = Callable[[Path, Iterable[Row], "Absences"], Trace]
"""Builds a trace from the path, the rows and the counts of absent values."""


def csv_format(name: str, title: str, replaces: str, columns: tuple[Column, ...], read: ReadRows) -> Format:
    """Return the format of CSV files with a header, whose columns may come in any order and dialect.

    Args:
        name: name by which users select it.
        title: title for messages.
        replaces: description of the classes that it replaces.
        columns: all columns.
        read: builds the trace from the path, the rows and the counts of absent values. A row is a line number and
            values in the order of `columns`.
    """
    needed = tuple(column.name for column in columns if not column.optional)
    known = tuple(column.name for column in columns)
    layout = ",".join(needed) + "".join(f"[,{c.name}]" for c in columns if c.optional)

    def header_of(sample: Sample) -> Header | None:
        return next((header for header in read_headers(sample) if header.fits(needed, known)), None)

    def read_file(path: Path, named: bool) -> Trace:
        sample = read_sample(path)
        header = header_of(sample)
        if header is None:
            raise header_error(sample, name, title, needed, known)
        absent = Absences(path)
        return read(path, _dialect_rows(sample, header, columns, absent), absent)

    return Format(name, title, layout, replaces, needed, known, lambda s: header_of(s) is not None, read_file)


def header_error(sample: Sample, name: str, title: str, needed: Sequence[str], known: Sequence[str]) -> TraceError:
    """Return the error of a header that does not fit a format, with the columns that are odd or missing."""
    headers = read_headers(sample)
    if not headers:
        return TraceError(f"{sample.path}: no line with the columns of '{name}'")
    header = max(headers, key=lambda header: similarity(header.names, known))
    odd = "; ".join(mismatch(header.names, needed, known))
    return TraceError(f"{sample.path}:{header.line}: nearest format is '{name}' ({title}): {odd}")


def _dialect_rows(sample: Sample, header: Header, columns: Sequence[Column], absent: Absences) -> Iterator[Row]:
    """Yield the rows of a file below its header, in the order of `columns`."""
    by_name = {normalise(column.name): column for column in columns}
    sign = None
    if header.separator != ",":
        decimals = [place for place, name in enumerate(header.names) if by_name[name].decimal]
        sign = DecimalSign(sample_fields(sample, header, decimals))
    first = by_name[header.names[0]]
    lines = header.rows(sample.path, first_is_text=first.parse is str or first.parse is parse_name)
    names = [by_name[name].name for name in header.names]
    return parse_rows(sample.path, lines, names, columns, absent, sign)


def parse_rows(
    path: Path,
    lines: Iterable[Fields],
    names: Sequence[str],
    columns: Sequence[Column],
    absent: Absences,
    sign: DecimalSign | None = None,
) -> Iterator[Row]:
    """Yield line number and values of each row in the order of `columns`; absent values give None.

    Args:
        path: the file, for messages.
        lines: line number and fields of each row.
        names: column names of the fields.
        columns: columns to parse.
        absent: counts of values that make no sense.
        sign: decimal sign of the file; None for a point.

    Raises:
        TraceError: a row has another number of columns, or a value that its column refuses.
    """
    places = [names.index(c.name) if c.name in names else None for c in columns]
    for line, fields in lines:
        if len(fields) != len(names):
            raise TraceError(f"{path}:{line}: expected {len(names)} columns, got {len(fields)}")
        values: list[Any] = []
        for column, place in zip(columns, places, strict=True):
            text = "" if place is None else fields[place]
            try:
                number = sign.normalise(text) if sign is not None and column.decimal else text
                values.append(None if place is None else column.parse(number))
            except ValueError:
                if not column.nullable:
                    raise column_error(f"{path}:{line}", column, f"'{shorten(text)}'") from None
                absent.add(column.name, text, line)
                values.append(None)
        yield line, tuple(values)


def column_error(where: str, column: Column, got: str) -> TraceError:
    """Return the error of a refused value, with its place, column, expected values and text."""
    return TraceError(f"{where}: column '{column.name}': expected {column.expected}, got {got}")


def parse_member(where: str, column: Column, entry: Mapping[str, Any], absent: Absences | None = None) -> Any:
    """Parse a member of a JSON object as a column of a table is parsed.

    Args:
        where: file and line of the object.
        column: the member.
        entry: the object.
        absent: counts of values of a nullable member that make no sense.

    Raises:
        TraceError: the object lacks it, or its column refuses it.
    """
    value: Any = entry.get(column.name)
    if column.name not in entry and not column.nullable:
        raise column_error(where, column, "nothing")
    try:
        return column.parse(value)
    except (ValueError, TypeError, OverflowError):
        if column.nullable and absent is not None:
            absent.add(column.name, "" if value is None else str(value), int(where.rpartition(":")[2]))
            return None
        raise column_error(where, column, f"'{shorten(str(value))}'") from None


def is_clock(text: str) -> bool:
    """Return whether a text looks like a date and time."""
    return _CLOCK.fullmatch(text.strip()) is not None  # fromisoformat also accepts plain dates and weeks


def parse_clock_s(text: str) -> float:
    """Parse a date and time to seconds since 1970; a time without an offset is read as UTC."""
    if not is_clock(text):
        raise ValueError(text)
    time = datetime.fromisoformat(text.strip().upper())
    return parse_arrival_s(((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH).total_seconds())


def parse_seconds(text: str | float) -> float:
    """Parse a time or a duration of at least 0 [s]."""
    value = float(text)
    if not 0 <= value < math.inf or "_" in str(text):
        raise ValueError(text)
    return value


def parse_arrival_s(text: str | float) -> float:
    """Parse seconds since a midnight or since the begin of a trace."""
    return _at_most(parse_seconds(text), MAX_TIME_S)


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


def parse_integer(text: str, least: int, most: int) -> int:
    """Parse a whole number of a range; pandas may write it with the decimal `.0`."""
    value = int(text.strip().removesuffix(".0"))
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
RELATIVE = "seconds since the trace began, from 0 to 130 years"
RUN = "seconds >= 0, at most 366 days"
TOKENS = f"a whole number from 0 to {MAX_TOKENS}"
