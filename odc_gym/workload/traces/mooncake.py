"""Format of the Mooncake traces: requests to a chat service, in JSON lines, that replace the class interactive.

Times are milliseconds since the trace began. The hashes of prompt blocks are ignored. Prefix caches are not modelled,
so each prompt is computed whole.

Source: Qin et al., "Mooncake: trading more storage for less computation", FAST 2025.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odc_gym.workload.traces.collecting import RequestCollector
from odc_gym.workload.traces.json_text import parse_object
from odc_gym.workload.traces.reading import MAX_TOKENS, MAX_TRACE_S, TOKENS, Column, Format, parse_member
from odc_gym.workload.traces.recorded import Trace
from odc_gym.workload.traces.text import read_lines


def _parse_arrival_s(value: Any) -> float:
    """Convert milliseconds to seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TRACE_S * 1000:
        raise ValueError(value)
    return value / 1000


def _parse_tokens(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TOKENS:
        raise ValueError(value)
    return value


TIME = Column("timestamp", _parse_arrival_s, "milliseconds since the trace began, from 0 to 5 years")
INPUT = Column("input_length", _parse_tokens, TOKENS)
OUTPUT = Column("output_length", _parse_tokens, TOKENS)


def _matches(path: Path, head: str) -> bool:
    return head.startswith("{")


def _read(path: Path) -> Trace:
    requests = RequestCollector(path)
    for number, line in read_lines(path):
        entry, where = parse_object(path, number, line), f"{path}:{number}"
        requests.add(*(parse_member(where, column, entry) for column in (TIME, INPUT, OUTPUT)))
    return requests.trace()


FORMAT = Format("Mooncake requests", "lines of JSON with timestamp, input_length, output_length", _matches, _read)
