"""Format of the Azure LLM inference traces of 2023 and 2024: requests that replace the class interactive.

The times of 2024 have an offset to UTC and, except at full seconds, a fraction.

Source: Patel et al., "Splitwise: efficient generative LLM inference using phase splitting", ISCA 2024; Stojkovic et
al., "DynamoLLM: designing LLM inference clusters for performance and energy efficiency", HPCA 2025.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.workload.traces.collecting import Absences, RequestCollector
from odc_gym.workload.traces.reading import CLOCK, TOKENS, Column, Row, csv_format, parse_clock_s, parse_tokens
from odc_gym.workload.traces.recorded import Trace

COLUMNS = (
    Column("TIMESTAMP", parse_clock_s, CLOCK),
    Column("ContextTokens", parse_tokens, TOKENS),
    Column("GeneratedTokens", parse_tokens, TOKENS),
)


def _read(path: Path, rows: Iterable[Row], absent: Absences) -> Trace:
    requests = RequestCollector(path, absent)
    for _, values in rows:
        requests.add(*values)
    return requests.trace()


FORMAT = csv_format("azure-llm", "Azure LLM requests of 2023 and 2024", "interactive", COLUMNS, _read)
