"""Formats of trace files, and the reading of a file whose format is detected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from odc_gym.errors import TraceError
from odc_gym.workload.traces import azure, burstgpt, mooncake, openb, own_csv, philly, philly_json, servegen, swf
from odc_gym.workload.traces.recorded import Trace
from odc_gym.workload.traces.text import first_line, shorten

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


TraceSource = Trace | str | Path | Sequence[str | Path]
"""A trace, or the file or the files that contain it."""


def as_trace(source: TraceSource | None) -> Trace | None:
    """Return the trace of a source; the classes of several files are combined.

    Raises:
        TraceError: see `read_trace` and `join_traces`.
    """
    if source is None or isinstance(source, Trace):
        return source
    if isinstance(source, str | Path):
        return read_trace(source)
    return join_traces([read_trace(path) for path in source])


def join_traces(traces: Sequence[Trace]) -> Trace | None:
    """Combine traces into one that replaces the classes of all of them.

    Raises:
        TraceError: two of them replace the same class.
    """
    if len(traces) < 2:
        return traces[0] if traces else None
    holder: dict[str, str] = {}
    for trace in traces:
        for name in (*trace.jobs, *trace.requests):
            if name in holder:
                raise TraceError(f"{trace.path}: replaces '{name}', which {holder[name]} replaces already")
            holder[name] = trace.path
    return Trace(
        ", ".join(trace.path for trace in traces),
        {name: part for trace in traces for name, part in trace.jobs.items()},
        {name: part for trace in traces for name, part in trace.requests.items()},
        {f"{trace.path}: {why}": rejection for trace in traces for why, rejection in trace.rejected.items()},
        "; ".join(f"{trace.path}: {trace.remark}" for trace in traces if trace.remark) or None,
    )


def read_trace(path: str | Path) -> Trace:
    """Read a trace whose format is detected from its first line; the file may be gzipped.

    Columns of files with a header may come in any order. `docs/traces.md` describes the formats.

    Raises:
        TraceError: no such file, an unknown format, or a malformed row. The message is one line.
    """
    path = Path(path)
    if path.is_dir() and servegen.client_files(path):
        return servegen.FORMAT.read(path)
    line, head = first_line(path)
    for file_format in FORMATS:
        if file_format.matches(path, head):
            return file_format.read(path)
    got = f"got '{shorten(head)}'" if head else "the file is empty"
    layout = "; ".join(f"{file_format.layout} ({file_format.title})" for file_format in FORMATS)
    raise TraceError(f"{path}:{line}: {got}; expected one of: {layout}")
