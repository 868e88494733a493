"""Orbit mean-elements messages: their fields, and their formats JSON, XML, CSV and KVN.

Source: CCSDS 502.0-B-3, Orbit Data Messages (2023), section 4, for names, units and formats. Files of CelesTrak and
Space-Track hold further fields, which are ignored.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from xml.etree import ElementTree

from odc_gym.elements.element_set import ElementSet, satellite_label
from odc_gym.errors import OrbitError

Entry = tuple[str, Mapping[str, Any]]
"""Place of a message in its input, and its fields."""


class Number(NamedTuple):
    """Number of a message: its least and greatest values, its unit, and its value if absent (None: required)."""

    low: float
    high: float
    unit: str
    default: float | None = None


_NUMBERS = {
    "MEAN_MOTION": Number(0.0, 18.0, "rev/day"),
    "ECCENTRICITY": Number(0.0, 1.0, ""),
    "INCLINATION": Number(0.0, 180.0, "deg"),
    "RA_OF_ASC_NODE": Number(0.0, 360.0, "deg"),
    "ARG_OF_PERICENTER": Number(0.0, 360.0, "deg"),
    "MEAN_ANOMALY": Number(0.0, 360.0, "deg"),
    "BSTAR": Number(-10.0, 10.0, "1/er"),
    "MEAN_MOTION_DOT": Number(-10.0, 10.0, "rev/day**2", 0.0),
    "MEAN_MOTION_DDOT": Number(-10.0, 10.0, "rev/day**3", 0.0),
}
_EXCLUDED = {"MEAN_MOTION": 0.0, "ECCENTRICITY": 1.0}  # ends of the range that are not allowed themselves
_WORDS = {
    "CENTER_NAME": ("EARTH",),
    "REF_FRAME": ("TEME",),
    "TIME_SYSTEM": ("UTC",),
    "MEAN_ELEMENT_THEORY": ("SGP4", "SGP/SGP4"),
    "EPHEMERIS_TYPE": ("0", "1", "2", "3"),  # 4 is SGP4-XP, whose elements SGP4 must not propagate
}
_MOST_NUMBER = 999_999_999
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_EPOCH = re.compile(r"(\d{4})-(?:(\d\d)-(\d\d)|(\d{3}))T(\d\d):(\d\d):(\d\d)(\.\d+)?Z?")
_KVN_LINE = re.compile(r"\s*([A-Z0-9_]+)\s*=\s*(.*?)\s*(?:\[(.*?)\])?\s*")


def read_messages(messages: Sequence[Any]) -> tuple[ElementSet, ...]:
    """Check messages that are given as mappings.

    Raises:
        OrbitError: a field is missing or wrong; the message names entry, satellite and field.
    """
    return tuple(check_message(f"omm {k}", fields) for k, fields in enumerate(messages, 1))


def check_message(place: str, fields: Any) -> ElementSet:
    """Check the fields of a message, and return its element set with the fields that SGP4 needs.

    Args:
        place: place of the message in its input, for error messages.
        fields: values by CCSDS name, as numbers or text.

    Raises:
        OrbitError: a field is missing or wrong.
    """
    if not isinstance(fields, Mapping):
        raise OrbitError(f"{place}: must be the fields of an orbit mean-elements message, such as MEAN_MOTION")
    given = {str(name): value for name, value in fields.items() if value is not None and value != ""}
    name = _shown(given.get("OBJECT_NAME", ""))
    number = _catalogue_number(place + satellite_label(None, name), given)
    label = place + satellite_label(number, name)
    for field, words in _WORDS.items():
        if field in given and str(given[field]).strip() not in words:
            raise OrbitError(f"{label}: {field} = {_shown(given[field])}: must be {' or '.join(words)}")
    if "EPOCH" not in given:
        raise OrbitError(f"{label}: EPOCH: is missing")
    epoch = _epoch(label, given["EPOCH"])
    values = {field: _number(label, field, given.get(field)) for field in _NUMBERS}
    message: dict[str, str | int | float] = {"NORAD_CAT_ID": number}
    if name:
        message["OBJECT_NAME"] = name
    message["EPOCH"] = epoch.replace(tzinfo=None).isoformat(timespec="microseconds")
    return ElementSet(label, name, number, epoch, message=message | values)


def _catalogue_number(label: str, given: Mapping[str, Any]) -> int:
    value = given.get("NORAD_CAT_ID")
    text = str(value).strip()
    if value is None:
        raise OrbitError(f"{label}: NORAD_CAT_ID: is missing")
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text):
        raise OrbitError(f"{label}: NORAD_CAT_ID = {_shown(value)}: must be a whole number from 0 to {_MOST_NUMBER}")
    return int(text)


def _epoch(label: str, value: Any) -> datetime:
    allowed = "must be a UTC date and time such as 2027-03-20T12:00:00.000000"
    match = _EPOCH.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, datetime):  # YAML reads unquoted dates
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if match is None:
        raise OrbitError(f"{label}: EPOCH = {_shown(value)}: {allowed}")
    year, month, day, day_of_year, hour, minute, second, fraction = match.groups()
    try:
        at = datetime(int(year), int(month or 1), int(day or 1), int(hour), int(minute), int(second), tzinfo=UTC)
        days = int(day_of_year) - 1 if day_of_year else 0
        if not 0 <= days <= 365:
            raise ValueError
    except ValueError:
        raise OrbitError(f"{label}: EPOCH = {_shown(value)}: {allowed}") from None
    return at + timedelta(days=days, microseconds=round(float(fraction or 0) * 1e6))


def _number(label: str, field: str, value: Any) -> float:
    low, high, _, default = _NUMBERS[field]
    if value is None:
        if default is None:
            raise OrbitError(f"{label}: {field}: is missing")
        return default
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _DECIMAL.fullmatch(value.strip())):
        raise OrbitError(f"{label}: {field} = {_shown(value)}: must be a number")
    number, excluded = float(value), _EXCLUDED.get(field)
    if not low <= number <= high or number == excluded:
        but = f", {excluded:g} excluded" if excluded is not None else ""
        raise OrbitError(f"{label}: {field} = {number:g}: must be {low:g} to {high:g}{but}")
    return number


def _shown(value: Any) -> str:
    """Return a value as it stands in a message, in one line."""
    return " ".join(str(value).split())[:60]


def parse_json(text: str, file: str) -> Iterator[Entry]:
    """Yield the messages of a JSON file: a list of objects, or one object.

    Raises:
        OrbitError: the text is not JSON.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OrbitError(f"{file}: not readable as JSON: {error}") from None
    for k, fields in enumerate(data if isinstance(data, list) else [data], 1):
        yield f"{file}, entry {k}", fields


def parse_csv(text: str, file: str) -> Iterator[Entry]:
    """Yield the messages of a CSV file, whose first line holds the names of the fields.

    Raises:
        OrbitError: a row has more or fewer values than the first line has names.
    """
    rows = csv.reader(io.StringIO(text))
    head: list[str] = []
    for row in rows:
        if not any(value.strip() for value in row):
            continue
        if not head:
            head = [name.strip() for name in row]
            continue
        if len(row) != len(head):
            raise OrbitError(f"{file}, line {rows.line_num}: {len(row)} values, must be {len(head)} as in the header")
        yield f"{file}, line {rows.line_num}", dict(zip(head, row, strict=True))


def parse_xml(text: str, file: str) -> Iterator[Entry]:
    """Yield the messages of an XML file: every element `omm`, with the texts of all elements in it.

    Raises:
        OrbitError: the text is not XML, holds no message, or a unit is not that of the standard.
    """
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise OrbitError(f"{file}: not readable as XML: {error}") from None
    messages = [element for element in root.iter() if _local(element) == "omm"]
    if not messages:
        raise OrbitError(f"{file}: must hold orbit mean-elements messages <omm>, got <{_local(root)}>")
    for k, message in enumerate(messages, 1):
        place = f"{file}, entry {k}"
        leaves = [element for element in message.iter() if not len(element)]
        yield place, _with_units(place, ((_local(e), (e.text or "").strip(), e.get("units")) for e in leaves))


def parse_kvn(text: str, file: str) -> Iterator[Entry]:
    """Yield the messages of a file of lines NAME = VALUE; each begins with its version.

    Raises:
        OrbitError: a line has no such form, or a unit is not that of the standard.
    """
    fields: list[tuple[str, str, str | None]] = []
    place = file
    for n, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.split()[0] == "COMMENT":
            continue
        match = _KVN_LINE.fullmatch(line)
        if match is None:
            raise OrbitError(f"{file}, line {n}: {line.strip()[:40]!r}: must have the form NAME = VALUE")
        if match[1] == "CCSDS_OMM_VERS" and fields:
            yield place, _with_units(place, fields)
            fields = []
        if not fields:
            place = f"{file}, line {n}"
        fields.append((match[1], match[2], match[3]))
    if fields:
        yield place, _with_units(place, fields)


def _local(element: ElementTree.Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def _with_units(place: str, fields: Iterable[tuple[str, str, str | None]]) -> dict[str, str]:
    """Return values by name, after checking the units of those that state one."""
    values = {}
    for name, value, unit in fields:
        wanted = _NUMBERS[name].unit if name in _NUMBERS else None
        if unit is not None and wanted is not None and unit.lower() != wanted:
            raise OrbitError(f"{place}: {name}: unit = {_shown(unit)}: must be {wanted or 'left out'}")
        values[name] = value
    return values
