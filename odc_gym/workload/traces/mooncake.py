"""Format of the Mooncake traces: requests to a chat service, in JSON lines, that replace the class interactive.

Times are milliseconds since the trace began. The hashes of prompt blocks are ignored. Prefix caches are not modelled,
so each prompt is computed whole.

Source: Qin et al., "Mooncake: trading more storage for less computation", FAST 2025.
"""

from __future__ import annotations

from odc_gym.workload.traces.requests_json import MILLISECONDS, request_format

FORMAT = request_format(
    "mooncake",
    "Mooncake requests",
    "lines of JSON with timestamp [ms], input_length, output_length, hash_ids",
    MILLISECONDS,
    ("hash_ids",),
)
