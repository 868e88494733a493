"""Formats of trace files, recognition of a file's format, and reading of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from odc_gym.errors import TraceError, did_you_mean
from odc_gym.workload.traces import (
    azure,
    bailian,
    burstgpt,
    mooncake,
    openb,
    own_csv,
    philly,
    philly_json,
    servegen,
    swf,
)
from odc_gym.workload.traces.dialects import mismatch, normalise, read_headers, similarity
from odc_gym.workload.traces.json_text import parse_object
from odc_gym.workload.traces.reading import Format, header_error
from odc_gym.workload.traces.recorded import MIN_DATED_S, RecordedSpan, Trace
from odc_gym.workload.traces.source import FileSources, TraceFile, trace_files
from odc_gym.workload.traces.text import Sample, read_sample, shorten

FORMATS = (
    philly_json.FORMAT,
    philly.FORMAT,
    openb.FORMAT,
    swf.FORMAT,
    azure.FORMAT,
    burstgpt.FORMAT,
    mooncake.FORMAT,
    bailian.FORMAT,
    servegen.FORMAT,
    own_csv.JOBS,
    own_csv.REQUESTS,
)
JSON_FORMATS = (philly_json.FORMAT, mooncake.FORMAT, bailian.FORMAT)
NEAR = 2  # names of a file that its nearest format knows at least
HINT = "`odc-gym trace formats` lists the formats"

TraceSource = Trace | FileSources
"""A trace, or the file or the files that contain it: paths, `TraceFile` records, or mappings with their fields."""


def as_trace(source: TraceSource | None) -> Trace | None:
    """Return the trace of a source; the classes of several files are combined.

    Raises:
        TraceError: see `read_trace` and `join_traces`.
    """
    if source is None or isinstance(source, Trace):
        return source
    files = trace_files(source)
    traces = [_read_file(file) for file in files]
    recorded = _recorded_spans([trace for trace, file in zip(traces, files, strict=True) if file.as_is])
    for k, file in enumerate(files):
        if file.as_is:
            traces[k] = traces[k].replayed_as_is(next(recorded))
        else:
            traces[k].require_scalable()
    return join_traces(traces)


def _recorded_spans(traces: Sequence[Trace]) -> Iterator[RecordedSpan]:
    """Yield the span of each trace that is replayed without scaling.

    Traces with dates share an origin, their first row. All traces share the limits, so that an episode replays the same
    window of each.
    """
    limits = [trace.arrival_limits_s() for trace in traces]
    dated_from_s = min((first_s for first_s, _ in limits if first_s >= MIN_DATED_S), default=0.0)
    origins_s = [dated_from_s if first_s >= MIN_DATED_S else 0.0 for first_s, _ in limits]
    spans = [(first_s - o, last_s - o) for (first_s, last_s), o in zip(limits, origins_s, strict=True)]
    for origin_s in origins_s:
        yield RecordedSpan(origin_s, min(first_s for first_s, _ in spans), max(last_s for _, last_s in spans))


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
        {f"{trace.path}: {column}": absence for trace in traces for column, absence in trace.absent.items()},
    )


def read_trace(path: str | PathLike[str], format: str | None = None) -> Trace:
    """Read a trace to be scaled to the load of its classes; the file may be gzipped.

    Columns of files with a header may come in any order. `docs/traces.md` describes the formats.

    Args:
        path: the file, or the folder of ServeGen's clients.
        format: name of its format, one of `FORMATS`; None recognises it from the begin of the file.

    Raises:
        TraceError: no such file, an unknown or uncertain format, or a malformed row. The message is one line.
    """
    trace = _read_file(TraceFile(str(path), format))
    trace.require_scalable()
    return trace


def _read_file(file: TraceFile) -> Trace:
    """Read a file."""
    path = Path(file.path)
    if file.format is not None:
        return _named_format(file.format).read(path, True)
    if path.is_dir() and servegen.client_files(path):
        return servegen.FORMAT.read(path, False)
    sample = read_sample(path)
    for file_format in FORMATS:
        if file_format.matches(sample):
            return file_format.read(path, False)
    raise _unknown_error(sample)


def _named_format(name: str) -> Format:
    """Return the format of a name."""
    for file_format in FORMATS:
        if file_format.name == name:
            return file_format
    names = [file_format.name for file_format in FORMATS]
    allowed = f"must be one of {', '.join(names)}"
    raise TraceError(f"trace format = {shorten(name)}: {allowed}{did_you_mean(name, names)}")


def _unknown_error(sample: Sample) -> TraceError:
    """Return the error of a file without a known format: the nearest format, and what separates the file from it."""
    if not sample.lines:
        return TraceError(f"{sample.path}:1: the file is empty; {HINT}")
    line, head = sample.lines[0][0], sample.head
    if head.startswith(("{", "[")):
        entry = philly_json.first_object(sample) if head.startswith("[") else parse_object(sample.path, line, head)
        return _unknown_json_error(sample, line, [normalise(name) for name in entry or {}])
    headers = read_headers(sample)
    formats = [file_format for file_format in FORMATS if file_format.needed and file_format not in JSON_FORMATS]
    likeness = {f: max((similarity(h.names, f.known) for h in headers), default=0.0) for f in formats}
    nearest = max(formats, key=lambda f: (likeness[f], -len(f.needed)))
    if likeness[nearest] < NEAR:
        own = " or ".join(f.layout for f in (own_csv.JOBS, own_csv.REQUESTS))
        return TraceError(f"{sample.path}:{line}: got '{shorten(head)}'; expected a header such as {own}; {HINT}")
    return header_error(sample, nearest.name, nearest.title, nearest.needed, nearest.known)


def _unknown_json_error(sample: Sample, line: int, names: Sequence[str]) -> TraceError:
    """Return the error of a JSON file with other keys than known formats have."""
    formats = [f for f in FORMATS if f.needed]
    nearest = max(formats, key=lambda f: (similarity(names, f.known), f in JSON_FORMATS, -len(f.needed)))
    where = f"{sample.path}:{line}"
    if similarity(names, nearest.known) < NEAR:
        known = ", ".join(file_format.name for file_format in JSON_FORMATS)
        return TraceError(f"{where}: got '{shorten(sample.head)}'; expected one of the JSON formats {known}; {HINT}")
    if nearest not in JSON_FORMATS:
        return TraceError(f"{where}: nearest format is '{nearest.name}' ({nearest.title}), but as CSV with a header")
    odd = [part for part in mismatch(names, nearest.needed, nearest.known) if "lacks" in part]
    return TraceError(f"{where}: nearest format is '{nearest.name}' ({nearest.title}): {'; '.join(odd)}")
