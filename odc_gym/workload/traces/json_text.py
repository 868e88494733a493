"""Lists of JSON objects that do not fit into memory, one object at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from odc_gym.errors import TraceError
from odc_gym.workload.traces.text import LONGEST_LINE, binary_data, opened, short

Entry = tuple[int, dict[str, Any]]

_CHUNK = 2**16
_SPACE = " \t\r\n"


def objects(path: Path) -> Iterator[Entry]:
    """Line and value of each object in the list that a file holds.

    Raises:
        TraceError: the file is not readable, or not a list of objects; also an object of more than `LONGEST_LINE`
            characters.
    """
    with opened(path) as text:
        window = _Window(path, text)
        window.take("[")
        if window.next_sign() != "]":
            yield window.entry()
            while window.next_sign() == ",":
                window.take(",")
                yield window.entry()
        window.take("]")
        if window.next_sign():
            raise window.error("the end of the file")


def parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    """The object in a line.

    Raises:
        TraceError: the line is not one object.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"{path}:{number}: not readable as JSON: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise TraceError(f"{path}:{number}: expected a JSON object, got '{short(line.strip())}'")
    return value


class _Window:
    """The part of a text that has been read and not yet been used."""

    def __init__(self, path: Path, text: TextIO) -> None:
        self.path, self.text = path, text
        self.buffer, self.place, self.line = "", 0, 1
        self.decoder = json.JSONDecoder()

    def next_sign(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self.place < len(self.buffer):
                if self.buffer[self.place] not in _SPACE:
                    return self.buffer[self.place]
                self._pass(self.place + 1)
            if not self._more():
                return ""

    def take(self, sign: str) -> None:
        """Step over a sign that must come next."""
        if self.next_sign() != sign:
            raise self.error(f"'{sign}'")
        self._pass(self.place + 1)

    def entry(self) -> Entry:
        """The object that must come next."""
        if self.next_sign() != "{":
            raise self.error("a JSON object")
        line = self.line
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.place)
            except (ValueError, RecursionError) as error:
                # it may only be that the rest of the object has not been read yet
                if len(self.buffer) - self.place > LONGEST_LINE or not self._more():
                    place = f"{self.path}:{line}"
                    raise TraceError(
                        f"{place}: the object that begins here is not readable: {_reason(error)}"
                    ) from None
            else:
                self._pass(end)
                return line, value

    def error(self, expected: str) -> TraceError:
        """The error of something else than what was expected coming next."""
        got = short(self.buffer[self.place : self.place + 20]) or "the end of the file"
        return TraceError(f"{self.path}:{self.line}: expected {expected}, got '{got}'")

    def _pass(self, place: int) -> None:
        self.line += self.buffer.count("\n", self.place, place)
        self.place = place

    def _more(self) -> bool:
        chunk = self.text.read(_CHUNK)
        if "\0" in chunk:
            raise binary_data(self.path)
        self.buffer, self.place = self.buffer[self.place :] + chunk, 0
        return bool(chunk)


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)
