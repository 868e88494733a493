"""Dialects of CSV files: separators, comments, index columns, spelling of headers, and decimal signs."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from odc_gym.errors import TraceError
from odc_gym.workload.traces.text import Fields, Line, Sample, csv_rows, shorten

SEPARATORS = (",", ";", "\t")
MOST_NAMED = 3  # missing columns that a message names
_EXCEL_HINT = re.compile(r"sep=.\s*", re.IGNORECASE)
_UNNAMED = re.compile(r"|unnamed:_\d+")  # header of an index column that pandas writes, as `normalise` gives it
_NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?")
_THOUSANDS = {sign: re.compile(rf"[+-]?[1-9]\d{{0,2}}(\{sign}\d{{3}})+") for sign in ".,"}


def normalise(name: str) -> str:
    """Return a column name in lower case, with underscores for white space and hyphens."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


class Header(NamedTuple):
    """Header of a CSV file, as one separator divides it.

    Attributes:
        line: number of its line.
        separator: character between fields.
        names: normalised names of the columns, without an index column and without empty columns at the end.
        first: field of the first named column: 1 after an index column, else 0.
    """

    line: int
    separator: str
    names: tuple[str, ...]
    first: int

    def fits(self, needed: Iterable[str], known: Iterable[str]) -> bool:
        """Return whether the header has all needed columns, only known ones, and each once."""
        names = set(self.names)
        return {*map(normalise, needed)} <= names <= {*map(normalise, known)} and len(names) == len(self.names)

    def rows(self, path: Path, first_is_text: bool) -> Iterator[Fields]:
        """Yield line number and named fields of each row below the header.

        Args:
            path: the file.
            first_is_text: whether values of the first column may begin with `#`.

        Raises:
            TraceError: see `csv_rows`; also a row with missing or surplus fields, or a `#` of unclear meaning.
        """

        def skips(line: Line) -> bool:
            if line[0] <= self.line:
                return True
            if not is_comment(line):
                return False
            if first_is_text and line[1].count(self.separator) >= self.first + len(self.names) - 1:
                raise TraceError(f"{path}:{line[0]}: begins with '#': may be a comment or a row; quote or remove it")
            return True

        end = self.first + len(self.names)
        for line, fields in csv_rows(path, self.separator, skips):
            if len(fields) < end or any(map(str.strip, fields[end:])):
                raise TraceError(f"{path}:{line}: expected {end} columns, got {len(fields)}")
            yield line, fields[self.first : end]


def is_comment(line: Line) -> bool:
    """Return whether a line is a comment, or the hint at the separator that spreadsheets write."""
    return line[1].lstrip().startswith("#") or _EXCEL_HINT.fullmatch(line[1]) is not None


def read_headers(sample: Sample) -> list[Header]:
    """Return the header of a file as each separator divides it; none if the file has only comments."""
    head = next((line for line in sample.lines if not is_comment(line)), None)
    return [] if head is None else [_header(*head, separator) for separator in SEPARATORS]


def _header(number: int, line: str, separator: str) -> Header:
    """Divide a header line."""
    try:
        fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error:
        fields = line.split(separator)
    names = [normalise(name.strip().strip('"')) for name in fields]
    while names and not names[-1]:
        names.pop()
    first = int(len(names) > 1 and _UNNAMED.fullmatch(names[0]) is not None)
    return Header(number, separator, tuple(names[first:]), first)


class DecimalSign:
    """Decimal sign of a file whose fields are not separated by commas.

    A comma is then accepted as decimal sign. `1,800` and `1.800` may be thousands, so another value has to settle the
    sign. Values with the other sign are refused.
    """

    def __init__(self, values: Iterable[str]) -> None:
        """Find the sign in some values of the file."""
        self.sign: str | None = None
        for text in map(str.strip, values):
            if self.sign is None and _NUMBER.fullmatch(text):
                found = {sign for sign in ".," if sign in text}
                if len(found) == 1 and not _THOUSANDS[min(found)].fullmatch(text):
                    self.sign = min(found)

    def normalise(self, text: str) -> str:
        """Return a number with a decimal point; other text is returned unchanged.

        Raises:
            ValueError: the decimal sign is not certain.
        """
        if not _NUMBER.fullmatch(text.strip()) or not {",", "."} & set(text):
            return text
        sign = "," if "," in text else "."
        if {",", "."} <= set(text) or self.sign not in (None, sign):
            raise ValueError(text)
        if self.sign is None:
            if _THOUSANDS[sign].fullmatch(text.strip()):
                raise ValueError(text)
            self.sign = sign
        return text.replace(",", ".")


def sample_fields(sample: Sample, header: Header, places: Sequence[int]) -> Iterator[str]:
    """Yield the fields of some named columns in the first rows below a header."""
    lines = [line for line in sample.lines if line[0] > header.line and not is_comment(line)]
    for fields in csv.reader((text for _, text in lines), delimiter=header.separator):
        for place in places:
            if header.first + place < len(fields):
                yield fields[header.first + place]


def mismatch(names: Sequence[str], needed: Sequence[str], known: Sequence[str]) -> list[str]:
    """List what separates the names of a file from those of a format, in parts of a sentence."""
    spelling = {normalise(name): name for name in known}
    missing = [name for name in needed if normalise(name) not in names]
    parts = [f"column '{name}' occurs twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    for name in dict.fromkeys(names):
        if name not in spelling:
            free = [other for other in spelling if other not in names]
            near = difflib.get_close_matches(name, free, 1, 0.6)
            hint = f"; did you mean '{spelling[near[0]]}'?" if near else ""
            missing = [other for other in missing if [normalise(other)] != near]
            parts.append(f"column '{shorten(name)}' is unknown{hint}" if name else "a column has no name")
    wanted = " and ".join(f"'{name}'" for name in missing[:MOST_NAMED])
    wanted += f" and {len(missing) - MOST_NAMED} more" * (len(missing) > MOST_NAMED)
    return [*parts, *([f"lacks {wanted}"] if missing else [])]


def similarity(names: Iterable[str], known: Iterable[str]) -> float:
    """Return how many names of a file a format knows; a similar spelling counts half."""
    spelling = [normalise(name) for name in known]
    return sum(
        1.0 if name in spelling else 0.5 * bool(difflib.get_close_matches(name, spelling, 1, 0.75)) for name in {*names}
    )
