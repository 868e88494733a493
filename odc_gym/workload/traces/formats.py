"""The formats of traces that are known, and which of them a file has."""

from __future__ import annotations

from pathlib import Path

from odc_gym.errors import TraceError
from odc_gym.workload.traces import azure, own_csv, philly
from odc_gym.workload.traces.reading import lines_of, rows_of, short
from odc_gym.workload.traces.recorded import Trace

FORMATS = (philly.FORMAT, azure.FORMAT, own_csv.JOBS, own_csv.REQUESTS)


def read_trace(path: str | Path) -> Trace:
    """Read a trace; the header tells its format, and gzip and a byte-order mark are undone.

    Columns may come in any order. `docs/traces.md` describes the formats.

    Raises:
        TraceError: no such file, an unknown format, or the first malformed row, in one line.
    """
    path = Path(path)
    lines = lines_of(path)
    line, header = next(lines, (1, []))
    names = [field.strip() for field in header]
    for known in FORMATS:
        if known.fits(names):
            return known.read(path, rows_of(path, lines, names, known.columns))
    got = f"got '{short(','.join(names))}'" if names else "the file is empty"
    headers = ", ".join(f"'{known.header}' ({known.title})" for known in FORMATS)
    raise TraceError(f"{path}:{line}: {got}; expected a header of {headers}")
