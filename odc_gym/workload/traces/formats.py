"""The formats of traces that are known, and which of them a file has."""

from __future__ import annotations

from pathlib import Path

from odc_gym.errors import TraceError
from odc_gym.workload.traces import azure, burstgpt, mooncake, openb, own_csv, philly, philly_json, servegen, swf
from odc_gym.workload.traces.recorded import Trace
from odc_gym.workload.traces.text import first_line, short

FORMATS = (
    philly_json.FORMAT,
    philly.FORMAT,
    openb.FORMAT,
    swf.FORMAT,
    azure.FORMAT,
    burstgpt.FORMAT,
    mooncake.FORMAT,
    servegen.FORMAT,
    own_csv.JOBS,
    own_csv.REQUESTS,
)


def read_trace(path: str | Path) -> Trace:
    """Read a trace; its first line tells its format, and gzip and a byte-order mark are undone.

    Columns with a header may come in any order. `docs/traces.md` describes the formats.

    Raises:
        TraceError: no such file, an unknown format, or the first malformed row, in one line.
    """
    path = Path(path)
    if path.is_dir() and servegen.clients_in(path):
        return servegen.FORMAT.read(path)
    line, head = first_line(path)
    for known in FORMATS:
        if known.fits(path, head):
            return known.read(path)
    got = f"got '{short(head)}'" if head else "the file is empty"
    looks = "; ".join(f"{known.looks} ({known.title})" for known in FORMATS)
    raise TraceError(f"{path}:{line}: {got}; expected one of: {looks}")
