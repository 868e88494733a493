"""Requests in JSON lines with `timestamp`, `input_length` and `output_length`: the formats of Mooncake and Bailian.

The two formats differ in the unit of time, a factor of 1000. Other keys tell them apart. Times with fractions, and the
rates that both units imply, have to agree with that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from odc_gym.constants import MINUTE_S
from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import RequestCollector
from odc_gym.workload.traces.json_text import parse_object
from odc_gym.workload.traces.reading import MAX_TIME_S, MAX_TOKENS, TOKENS, Column, Format, parse_member
from odc_gym.workload.traces.recorded import Trace, format_length
from odc_gym.workload.traces.text import Sample, read_lines

KEYS = ("timestamp", "input_length", "output_length")
BAILIAN_KEYS = ("chat_id", "parent_chat_id", "turn")
MOONCAKE_KEY = "hash_ids"  # in each file of Mooncake, and of Bailian too
PLAUSIBLE_RATES = (1 / MINUTE_S, 1000.0)  # mean requests per second of a service


class TimeUnit(NamedTuple):
    """Unit of `timestamp`.

    Attributes:
        name: name for messages.
        per_s: units in a second.
        format: format that has this unit.
    """

    name: str
    per_s: float
    format: str


SECONDS = TimeUnit("seconds", 1.0, "bailian")
MILLISECONDS = TimeUnit("milliseconds", 1000.0, "mooncake")


def _parse_tokens(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TOKENS:
        raise ValueError(value)
    return value


def _columns(unit: TimeUnit) -> tuple[Column, ...]:
    """Return the members of a request; the time stays in its unit."""

    def parse_time(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TIME_S * unit.per_s:
            raise ValueError(value)
        return float(value)

    expected = f"{unit.name} since the trace began, from 0 to 130 years"
    time, tokens_in, tokens_out = KEYS
    return (
        Column(time, parse_time, expected),
        Column(tokens_in, _parse_tokens, TOKENS),
        Column(tokens_out, _parse_tokens, TOKENS),
    )


def first_object(sample: Sample) -> Mapping[str, Any]:
    """Return the first object of a file of JSON lines; empty in other files."""
    try:
        entry = json.loads(sample.head) if sample.head.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def request_format(name: str, title: str, layout: str, unit: TimeUnit, other_keys: tuple[str, ...]) -> Format:
    """Return the format of files with one unit of time.

    Args:
        name: name by which users select it.
        title: title for messages.
        layout: description of the file's contents.
        unit: unit of time.
        other_keys: keys beside `KEYS`; the first is in every file.
    """
    columns, is_bailian = _columns(unit), unit is SECONDS

    def matches(sample: Sample) -> bool:
        entry = first_object(sample)
        return set(KEYS) <= entry.keys() and any(key in entry for key in BAILIAN_KEYS) == is_bailian

    def read(path: Path, named: bool) -> Trace:
        requests, whole, has_key = RequestCollector(path), True, is_bailian
        first, last = math.inf, 0.0
        for number, line in read_lines(path):
            entry, where = parse_object(path, number, line), f"{path}:{number}"
            time, *tokens = (parse_member(where, column, entry) for column in columns)
            requests.add(time / unit.per_s, *tokens)
            has_key = has_key or MOONCAKE_KEY in entry
            whole, first, last = whole and time.is_integer(), min(first, time), max(last, time)
        if not named and len(requests) and not (has_key and _agrees(unit, last - first, len(requests), whole)):
            raise _unit_error(path, last - first, len(requests))
        return requests.trace()

    return Format(name, title, layout, "interactive", (*KEYS, other_keys[0]), (*KEYS, *other_keys), matches, read)


def _agrees(unit: TimeUnit, span: float, count: int, whole: bool) -> bool:
    """Return whether times that cover `span` in an unknown unit cannot as well be in the other unit."""
    if unit is SECONDS:
        return not (whole and _is_plausible(MILLISECONDS, span, count))
    return whole and not _is_plausible(SECONDS, span, count)


def _is_plausible(unit: TimeUnit, span: float, count: int) -> bool:
    """Return whether a unit gives the rate of a service over at least a minute."""
    span_s = span / unit.per_s
    return span_s >= MINUTE_S and PLAUSIBLE_RATES[0] <= count / span_s <= PLAUSIBLE_RATES[1]


def _unit_error(path: Path, span: float, count: int) -> TraceError:
    """Return the error of an uncertain unit, with both readings."""
    readings = [
        f"{unit.name} ({count} requests in {format_length(span / unit.per_s)}: format {unit.format})"
        for unit in (MILLISECONDS, SECONDS)
    ]
    return TraceError(f"{path}: 'timestamp' may be in {' or '.join(readings)}; name the format with --trace-format")
