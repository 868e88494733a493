"""Format of the BurstGPT trace: requests to language models that replace the class interactive.

Times are seconds since the midnight before the first request. Failed requests have no response tokens and are left
out, since no answer was computed.

Source: Wang et al., "BurstGPT: a real-world workload dataset to optimize LLM serving systems", KDD 2025.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.workload.traces.collecting import Absences, RequestCollector
from odc_gym.workload.traces.reading import (
    RELATIVE,
    TOKENS,
    Column,
    Row,
    csv_format,
    parse_arrival_s,
    parse_name,
    parse_tokens,
)
from odc_gym.workload.traces.recorded import Trace

COLUMNS = (
    Column("Timestamp", parse_arrival_s, RELATIVE),
    Column("Model", parse_name, "a name", nullable=True),
    Column("Request tokens", parse_tokens, TOKENS),
    Column("Response tokens", parse_tokens, TOKENS),
    Column("Total tokens", parse_tokens, TOKENS, nullable=True),
    Column("Log Type", str, "a name"),
    Column("Session ID", str, "a name", optional=True),
    Column("Elapsed time", str, "seconds", optional=True),
)


def _read(path: Path, rows: Iterable[Row], absent: Absences) -> Trace:
    requests = RequestCollector(path, absent)
    for line, (arrival_s, model, asked, answered, total, *_) in rows:
        if answered == 0:
            requests.rejected.add("that failed, with 0 response tokens", line)
        elif total not in (None, asked + answered):
            requests.rejected.add("whose total tokens are not the sum", line)
        else:
            requests.add(arrival_s, asked, answered, model)
    return requests.trace()


FORMAT = csv_format("burstgpt", "BurstGPT requests", "interactive", COLUMNS, _read)
