"""Two-line element sets: a strict parser of pairs of lines, triples with a name, and text.

Sources: Hoots and Roehrich, Spacetrack Report No. 3 (1980), for the format; the letters of catalogue numbers above
99999 are those of the Alpha-5 scheme, which leaves out I and O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from odc_gym.elements.element_set import ElementSet, satellite_label
from odc_gym.errors import OrbitError

_CATALOGUE_NUMBER = (re.compile(r"[ 0-9A-HJ-NP-Z][ 0-9]{3}[0-9]"), "catalogue number")
_EXPONENTIAL = re.compile(r"[ +-][ 0-9]{5}[+-][0-9]")
_ANGLE = re.compile(r"[ 0-9]{2}[0-9]\.[0-9]{4}")
_BLANK = re.compile(" ")

# (first column, last column, pattern, name), columns counted from 1
_FIELDS: dict[int, tuple[tuple[int, int, re.Pattern[str], str], ...]] = {
    1: (
        (1, 1, re.compile("1"), "line number"),
        (2, 2, _BLANK, "blank"),
        (3, 7, *_CATALOGUE_NUMBER),
        (8, 8, re.compile("[A-Z ]"), "classification"),
        (9, 9, _BLANK, "blank"),
        (10, 17, re.compile("[ 0-9A-Z]{8}"), "international designator"),
        (18, 18, _BLANK, "blank"),
        (19, 20, re.compile("[ 0-9][0-9]"), "epoch year"),
        (21, 32, re.compile(r"[ 0-9]{2}[0-9]\.[0-9]{8}"), "epoch day"),
        (33, 33, _BLANK, "blank"),
        (34, 43, re.compile(r"[ +-][ 0]?\.[0-9]{7,8}"), "first derivative of mean motion"),
        (44, 44, _BLANK, "blank"),
        (45, 52, _EXPONENTIAL, "second derivative of mean motion"),
        (53, 53, _BLANK, "blank"),
        (54, 61, _EXPONENTIAL, "drag term"),
        (62, 62, _BLANK, "blank"),
        (63, 63, re.compile("[ 0-3]"), "ephemeris type"),
        (64, 64, _BLANK, "blank"),
        (65, 68, re.compile("[ 0-9]{4}"), "element set number"),
        (69, 69, re.compile("[0-9]"), "checksum"),
    ),
    2: (
        (1, 1, re.compile("2"), "line number"),
        (2, 2, _BLANK, "blank"),
        (3, 7, *_CATALOGUE_NUMBER),
        (8, 8, _BLANK, "blank"),
        (9, 16, _ANGLE, "inclination"),
        (17, 17, _BLANK, "blank"),
        (18, 25, _ANGLE, "right ascension of the ascending node"),
        (26, 26, _BLANK, "blank"),
        (27, 33, re.compile("[ 0-9]{6}[0-9]"), "eccentricity"),
        (34, 34, _BLANK, "blank"),
        (35, 42, _ANGLE, "argument of perigee"),
        (43, 43, _BLANK, "blank"),
        (44, 51, _ANGLE, "mean anomaly"),
        (52, 52, _BLANK, "blank"),
        (53, 63, re.compile(r"[ 0-9][0-9]\.[0-9]{8}"), "mean motion"),
        (64, 68, re.compile("[ 0-9]{5}"), "revolution number"),
        (69, 69, re.compile("[0-9]"), "checksum"),
    ),
}


Place = Callable[[int, int, int], str]
"""Function of an element set's number, its line's number in the text, and 1 or 2: the place in a message."""


def read_lines(entries: str | Iterable[str | Sequence[str]]) -> tuple[ElementSet, ...]:
    """Read element sets from text, or from a list of pairs of lines, triples (name, line 1, line 2), lines and texts.

    Raises:
        OrbitError: a line is wrong; the message names satellite, line and column, all counted from 1.
    """
    sets: list[ElementSet] = []
    lines: list[str] = []
    for entry in [entries] if isinstance(entries, str) else entries:
        if isinstance(entry, str):
            lines += entry.splitlines()
            continue
        sets += _parse(lines, _inline, len(sets) + 1)
        lines = []
        sets.append(_of_entry(entry, len(sets) + 1))
    return (*sets, *_parse(lines, _inline, len(sets) + 1))


def read_text(text: str, file: str) -> tuple[ElementSet, ...]:
    """Read the element sets of a file: two lines each, or three with the name first.

    Blank lines and lines that begin with `#` are skipped.

    Raises:
        OrbitError: a line is wrong; the message names file, satellite, line and column.
    """
    return tuple(_parse(text.splitlines(), lambda k, n, which: f"{file}, line {n}", 1))


def _inline(k: int, n: int, which: int) -> str:
    return f"tle {k}, line {which}"


def _of_entry(entry: Sequence[str], k: int) -> ElementSet:
    """Read a pair of lines, or a triple that begins with a name."""
    whole = isinstance(entry, Sequence) and len(entry) in (2, 3) and all(isinstance(line, str) for line in entry)
    if not whole:
        raise OrbitError(f"tle {k}: must be two strings (line 1, line 2), or three that begin with a name")
    *name, first, second = entry
    return _checked(_clean(name[0]) if name else "", first, second, (_inline(k, 0, 1), _inline(k, 0, 2)))


def _parse(lines: Iterable[str], place: Place, first_number: int) -> list[ElementSet]:
    rows = [(n, line.strip()) for n, line in enumerate(lines, 1)]
    rows = [(n, line) for n, line in rows if line and not line.startswith("#")]
    sets: list[ElementSet] = []
    while rows:
        k = first_number + len(sets)
        begins = [line.startswith("1 ") for _, line in rows[:2]]
        # a name may begin with "1 " too
        named = begins == [True, True] or not begins[0]
        if named and begins[1:] != [True]:
            n, line = rows[0]
            raise OrbitError(f"{place(k, n, 1)}: {line[:40]!r}: must be line 1 of an element set, or a name before one")
        name = _clean(rows[0][1]) if named else ""
        (n, first), *rest = rows[named:]
        if not rest or not rest[0][1].startswith("2 "):
            number = _number(first)
            raise OrbitError(f"{place(k, n, 1)}{satellite_label(number, name)}: must be followed by line 2 of the set")
        sets.append(_checked(name, first, rest[0][1], (place(k, n, 1), place(k, rest[0][0], 2))))
        rows = rest[1:]
    return sets


def _clean(name: str) -> str:
    """Return a name without the 0 that some files put before it."""
    return name.strip().removeprefix("0 ").strip()


def _number(line: str) -> int | None:
    """Return the catalogue number of a line, or None if it is not readable."""
    from sgp4.alpha5 import from_alpha5

    text = line[2:7]
    return int(from_alpha5(text)) if _CATALOGUE_NUMBER[0].fullmatch(text) and " " not in text.strip() else None


def _checked(name: str, first: str, second: str, places: tuple[str, str]) -> ElementSet:
    """Check a pair of lines against the format, and return the element set with lines without trailing blanks."""
    first, second = first.rstrip(), second.rstrip()
    number = _number(first)
    wheres = []
    for place in places:
        before, _, line = place.rpartition(", ")
        wheres.append(f"{before}{satellite_label(number, name)}, {line}")
    for which, line in ((1, first), (2, second)):
        _check_line(line, which, wheres[which - 1])
    if number is None:
        raise OrbitError(f"{wheres[0]}, column 3: catalogue number = {first[2:7]!r}: not in the format of element sets")
    if first[2:7] != second[2:7]:
        raise OrbitError(f"{wheres[1]}, column 3: catalogue number = {second[2:7]}: must be {first[2:7]} as above")
    for column, what, text, most in (
        (9, "inclination", second[8:16], 180.0),
        (18, "right ascension of the ascending node", second[17:25], 360.0),
        (35, "argument of perigee", second[34:42], 360.0),
        (44, "mean anomaly", second[43:51], 360.0),
    ):
        if float(text) > most:
            raise OrbitError(f"{wheres[1]}, column {column}: {what} = {float(text):g}: must be at most {most:g}")
    if float(second[52:63]) <= 0:
        raise OrbitError(f"{wheres[1]}, column 53: mean motion = {second[52:63].strip()}: must be > 0")
    if not 1 <= float(first[20:32]) < 367:
        raise OrbitError(f"{wheres[0]}, column 21: epoch day = {first[20:32].strip()}: must be 1 to 366")
    label = f"{places[0].rpartition(', ')[0]}{satellite_label(number, name)}"
    return ElementSet(label, name, number, epoch_of(first), lines=(first, second))


def _check_line(line: str, number: int, where: str) -> None:
    for first, last, pattern, name in _FIELDS[number]:
        text = line[first - 1 : last]
        if pattern.fullmatch(text):
            continue
        if len(line) < last:
            raise OrbitError(f"{where}, column {len(line) + 1}: the line ends, must have 69 columns")
        if name == "blank":
            raise OrbitError(f"{where}, column {first}: {text!r} must be blank")
        raise OrbitError(f"{where}, column {first}: {name} = {text!r}: not in the format of element sets")
    if len(line) > 69:
        raise OrbitError(f"{where}, column 70: {line[69:]!r} follows the checksum, must have 69 columns")
    checksum = sum(int(c) if c.isdigit() else c == "-" for c in line[:68]) % 10
    if int(line[68]) != checksum:
        raise OrbitError(f"{where}, column 69: checksum = {line[68]}: must be {checksum}, some character is wrong")


def epoch_of(first: str) -> datetime:
    """Return the epoch of the first line of a set, UTC; two-digit years 57 to 99 are 1957 to 1999."""
    year = int(first[18:20])
    return datetime(year + (1900 if year > 56 else 2000), 1, 1, tzinfo=UTC) + timedelta(days=float(first[20:32]) - 1)
