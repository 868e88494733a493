"""The Azure LLM inference trace of 2023: requests to a language model, which replace the demand of interactive.

Source: Patel et al., "Splitwise: efficient generative LLM inference using phase splitting", ISCA 2024.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.workload.traces.reading import CLOCK, TOKENS, Column, Format, Row, clock_s, tokens
from odc_gym.workload.traces.recorded import Trace, request_trace

COLUMNS = (
    Column("TIMESTAMP", clock_s, CLOCK),
    Column("ContextTokens", tokens, TOKENS),
    Column("GeneratedTokens", tokens, TOKENS),
)


def _read(path: Path, rows: Iterable[Row]) -> Trace:
    return request_trace(path, "interactive", (values for _, values in rows))


FORMAT = Format("Azure LLM 2023 requests", COLUMNS, _read)
