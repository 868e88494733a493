"""Text files of any size, read line by line: plain or gzipped, with or without a byte-order mark."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from odc_gym.errors import TraceError

Line = tuple[int, str]
Fields = tuple[int, list[str]]

MAX_LINE_LENGTH = 2**20  # characters; longer lines are refused before they fill the memory
SAMPLE_LINES = 1000  # first lines from which format and dialect of a file are recognised


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open the text of a file; reading errors inside the context become one-line errors as well.

    Raises:
        TraceError: no such file, or not UTF-8 text, plain or gzipped.
    """
    if path.is_dir():
        raise TraceError(f"{path}: is a folder, expected a file, or a folder of ServeGen's clients")
    if not path.is_file():
        raise TraceError(f"{path}: no such file")
    try:
        with path.open("rb") as plain:
            compressed = plain.read(2) == b"\x1f\x8b"
        with (
            gzip.open(path, "rb") if compressed else path.open("rb") as binary,
            TextIOWrapper(binary, "utf-8-sig", newline="") as text,
        ):
            yield text
    except UnicodeDecodeError:
        raise binary_data_error(path) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceError(f"{path}: not readable as gzip: {error}") from None
    except OSError as error:
        raise TraceError(f"{path}: not readable: {error.strerror}") from None


def binary_data_error(path: Path) -> TraceError:
    """Return the error of a file that is not text."""
    return TraceError(f"{path}: expected text in UTF-8, got binary data")


def read_lines(path: Path) -> Generator[Line, None, None]:
    """Yield number and text of each line that is not blank.

    Raises:
        TraceError: see `open_text`; also a line that is too long.
    """
    with open_text(path) as text:
        number = 0
        while line := text.readline(MAX_LINE_LENGTH):
            number += 1
            if "\0" in line:
                raise binary_data_error(path)
            if len(line) == MAX_LINE_LENGTH:
                raise TraceError(f"{path}:{number}: expected lines of less than {MAX_LINE_LENGTH} characters")
            if not line.isspace():
                yield number, line


class Sample(NamedTuple):
    """Begin of a text file, from which its format is recognised.

    Attributes:
        path: the file.
        lines: first lines that are not blank, with their numbers. A JSON list gives its first line only.
    """

    path: Path
    lines: tuple[Line, ...]

    @property
    def head(self) -> str:
        """First line without white space around it; empty in an empty file."""
        return self.lines[0][1].strip() if self.lines else ""


def read_sample(path: Path) -> Sample:
    """Read the begin of a text file.

    Raises:
        TraceError: see `read_lines`.
    """
    lines: list[Line] = []
    with closing(read_lines(path)) as text:
        for number, line in islice(text, SAMPLE_LINES):
            lines.append((number, line))
            if lines[0][1].lstrip().startswith("["):  # the next line may be longer than lines of other files
                break
    return Sample(path, tuple(lines))


def csv_rows(path: Path, separator: str = ",", is_comment: Callable[[Line], bool] | None = None) -> Iterator[Fields]:
    """Yield line number and fields of each row of a CSV file that is not blank.

    Args:
        path: the file.
        separator: character between fields.
        is_comment: returns whether to skip a line; None skips none.

    Raises:
        TraceError: see `read_lines`; also malformed CSV.
    """
    line_number = [1]

    def numbered_lines() -> Iterator[str]:
        for number, line in text:
            if is_comment is None or not is_comment((number, line)):
                line_number[0] = number
                yield line

    with closing(read_lines(path)) as text:
        try:
            for fields in csv.reader(numbered_lines(), delimiter=separator, strict=True):
                yield line_number[0], fields
        except csv.Error as error:
            raise TraceError(f"{path}:{line_number[0]}: not readable as CSV: {error}") from None


def shorten(text: str) -> str:
    """Shorten user text to fit into one line of an error message."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= 60 else line[:57] + "..."
