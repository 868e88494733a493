"""Format of the Qwen-Bailian traces: requests to a model service, in JSON lines, that replace the class interactive.

Times are seconds since the trace began. Turns of one chat are separate requests. The hashes of prompt blocks are
ignored. Prefix caches are not modelled, so each prompt is computed whole.

Source: Wang et al., "KVCache cache in the wild: characterizing and optimizing KVCache cache at a large cloud provider",
USENIX ATC 2025.
"""

from __future__ import annotations

from odc_gym.workload.traces.requests_json import SECONDS, request_format

FORMAT = request_format(
    "bailian",
    "Qwen-Bailian requests",
    "lines of JSON with chat_id, parent_chat_id, timestamp [s], input_length, output_length, type, turn, hash_ids",
    SECONDS,
    ("chat_id", "parent_chat_id", "turn", "type", "hash_ids"),
)
