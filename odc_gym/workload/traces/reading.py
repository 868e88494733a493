"""Reading tables of text strictly: files, lines, columns and the values in them."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from odc_gym.errors import TraceError
from odc_gym.workload.traces.recorded import Trace

Line = tuple[int, list[str]]
Row = tuple[int, tuple[Any, ...]]

LATEST_S = 4102444800  # 2100-01-01 in seconds since 1970: what is later was meant in other units
LONGEST_S = 366 * 86400
MOST_ACCELERATORS = 1_000_000
MOST_TOKENS = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


class Column(NamedTuple):
    """A column of a format.

    Attributes:
        name: in the header.
        parse: text to value; a ValueError refuses the text.
        expected: what belongs there, for messages.
        optional: whether the column may be missing; its values are then None.
    """

    name: str
    parse: Callable[[str], Any]
    expected: str
    optional: bool = False


class Format(NamedTuple):
    """A format of traces.

    Attributes:
        title: for messages.
        columns: all columns.
        read: path, and number of the line and values in the order of `columns` of each row, to the trace.
    """

    title: str
    columns: tuple[Column, ...]
    read: Callable[[Path, Iterable[Row]], Trace]

    @property
    def header(self) -> str:
        """The header, optional columns in brackets."""
        return ",".join(c.name for c in self.columns if not c.optional) + "".join(
            f"[,{c.name}]" for c in self.columns if c.optional
        )

    def fits(self, names: Sequence[str]) -> bool:
        """Whether a file with these columns has the format."""
        needed = {c.name for c in self.columns if not c.optional}
        return needed <= set(names) <= {c.name for c in self.columns} and len(set(names)) == len(names)


def lines_of(path: Path) -> Iterator[Line]:
    """Line number and fields of each row of a file that is not blank.

    Raises:
        TraceError: no such file, or not CSV in UTF-8, plain or under gzip.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        raise TraceError(f"{path}:{reader.line_num}: not readable as CSV: {error}") from None


def _text(path: Path) -> str:
    if path.is_dir():
        raise TraceError(f"{path}: is a folder, expected a CSV file")
    if not path.is_file():
        raise TraceError(f"{path}: no such file")
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TraceError(f"{path}: expected a CSV file in UTF-8, got binary data") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceError(f"{path}: not readable as gzip: {error}") from None
    except OSError as error:
        raise TraceError(f"{path}: not readable: {error.strerror}") from None
    if "\0" in text:
        raise TraceError(f"{path}: expected a CSV file in UTF-8, got binary data")
    return text


def rows_of(path: Path, lines: Iterable[Line], names: Sequence[str], columns: Sequence[Column]) -> Iterator[Row]:
    """Line number and values of each row, in the order of `columns`; missing optional columns give None.

    Raises:
        TraceError: the first row with another number of columns or a value that is not what its column expects.
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
                raise refused(f"{path}:{line}", column, got) from None
        yield line, tuple(values)


def refused(where: str, column: Column, got: str) -> TraceError:
    """The error of a value: where, the column, what is expected, and what came."""
    return TraceError(f"{where}: column '{column.name}': expected {column.expected}, got '{short(got)}'")


def short(text: str) -> str:
    """User text fit for one line of an error message."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= 60 else line[:57] + "..."


def clock_s(text: str) -> float:
    """Seconds since 1970 of a date and time; without an offset it is read as UTC."""
    if not _CLOCK.fullmatch(text):  # fromisoformat also takes plain dates and weeks
        raise ValueError(text)
    time = datetime.fromisoformat(text)
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH).total_seconds()


def seconds(text: str) -> float:
    """A time or a duration, 0 included."""
    value = float(text)
    if not 0 <= value < math.inf or "_" in text:
        raise ValueError(text)
    return value


def arrival_s(text: str) -> float:
    """Seconds since a midnight."""
    value = seconds(text)
    if value >= LATEST_S:
        raise ValueError(text)
    return value


def duration_s(text: str) -> float:
    """A run time that is not 0 and not absurd."""
    value = seconds(text)
    if not 0 < value <= LONGEST_S:
        raise ValueError(text)
    return value


def accelerators(text: str) -> int:
    """Width of a job."""
    return _whole(text, 1, MOST_ACCELERATORS)


def tokens(text: str) -> int:
    """Length of a prompt or of an answer."""
    return _whole(text, 0, MOST_TOKENS)


def name(text: str) -> str:
    """A name of something: not empty, and printable."""
    stripped = text.strip()
    if not stripped or not stripped.isprintable():
        raise ValueError(text)
    return stripped


def _whole(text: str, least: int, most: int) -> int:
    value = int(text)
    if not least <= value <= most or "_" in text:
        raise ValueError(text)
    return value


ACCELERATORS = f"a whole number from 1 to {MOST_ACCELERATORS}"
ARRIVAL = "seconds since a midnight UTC, from 0 to the year 2100"
CLOCK = "a time like 2017-10-09 07:01:55"
DURATION = "seconds > 0, at most 366 days"
TOKENS = f"a whole number from 0 to {MOST_TOKENS}"
