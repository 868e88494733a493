"""JSON lists of objects that are too large for memory, read one object at a time."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, TextIO

from odc_gym.errors import TraceError
from odc_gym.workload.traces.text import MAX_LINE_LENGTH, binary_data_error, open_text, shorten

Entry = tuple[int, dict[str, Any]]

_CHUNK = 2**16
_WHITESPACE = " \t\r\n"


def read_objects(path: Path) -> Generator[Entry, None, None]:
    """Yield line number and value of each object in the list that a file contains.

    Raises:
        TraceError: the file is not readable, is not a list of objects, or has an object of more than `MAX_LINE_LENGTH`
            characters.
    """
    with open_text(path) as text:
        scanner = _Scanner(path, text)
        scanner.expect("[")
        if scanner.peek() != "]":
            yield scanner.read_object()
            while scanner.peek() == ",":
                scanner.expect(",")
                yield scanner.read_object()
        scanner.expect("]")
        if scanner.peek():
            raise scanner.error("the end of the file")


def parse_object(path: Path, number: int, line: str) -> dict[str, Any]:
    """Parse the JSON object in a line.

    Raises:
        TraceError: the line is not one object.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"{path}:{number}: not readable as JSON: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise TraceError(f"{path}:{number}: expected a JSON object, got '{shorten(line.strip())}'")
    return value


class _Scanner:
    """Scanner over a text that is read in chunks."""

    def __init__(self, path: Path, text: TextIO) -> None:
        self.path, self.text = path, text
        self.buffer, self.position, self.line = "", 0, 1
        self.decoder = json.JSONDecoder()

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while True:
            while self.position < len(self.buffer):
                if self.buffer[self.position] not in _WHITESPACE:
                    return self.buffer[self.position]
                self._advance(self.position + 1)
            if not self._read_more():
                return ""

    def expect(self, character: str) -> None:
        """Consume a character that must come next."""
        if self.peek() != character:
            raise self.error(f"'{character}'")
        self._advance(self.position + 1)

    def read_object(self) -> Entry:
        """Consume the object that must come next, and return its line number and value."""
        if self.peek() != "{":
            raise self.error("a JSON object")
        line = self.line
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.position)
            except (ValueError, RecursionError) as error:
                # the rest of the object may not have been read yet
                if len(self.buffer) - self.position > MAX_LINE_LENGTH or not self._read_more():
                    where = f"{self.path}:{line}"
                    raise TraceError(
                        f"{where}: the object that begins here is not readable: {_reason(error)}"
                    ) from None
            else:
                self._advance(end)
                return line, value

    def error(self, expected: str) -> TraceError:
        """Return the error of an unexpected next character."""
        got = shorten(self.buffer[self.position : self.position + 20]) or "the end of the file"
        return TraceError(f"{self.path}:{self.line}: expected {expected}, got '{got}'")

    def _advance(self, position: int) -> None:
        """Move to a position of the buffer, and count the lines passed."""
        self.line += self.buffer.count("\n", self.position, position)
        self.position = position

    def _read_more(self) -> bool:
        """Read a chunk into the buffer; return whether there was one."""
        chunk = self.text.read(_CHUNK)
        if "\0" in chunk:
            raise binary_data_error(self.path)
        self.buffer, self.position = self.buffer[self.position :] + chunk, 0
        return bool(chunk)


def _reason(error: Exception) -> str:
    """Return the reason of a parse error."""
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)
