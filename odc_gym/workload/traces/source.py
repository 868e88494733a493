"""Source of a trace: a file with its options, as a path, a mapping or a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from odc_gym.errors import TraceError


@dataclass(frozen=True)
class TraceFile:
    """File of a trace, and how to read and replay it.

    Attributes:
        path: the file, or the folder of ServeGen's clients.
        format: name of its format, from `odc-gym trace formats`; None recognises it from the contents.
        as_is: True to replay the recorded work at its recorded times and sizes. False scales it to the load of its
            classes in the scenario.
    """

    path: str
    format: str | None = None
    as_is: bool = False

    @property
    def plain(self) -> str | TraceFile:
        """The path alone if no option is set, else the record."""
        return self.path if self.format is None and not self.as_is else self

    def document(self) -> str | dict[str, Any]:
        """Return the source as JSON data, which the environments accept as `trace`."""
        if self.plain == self.path:
            return self.path
        return {"path": self.path, "format": self.format, "as_is": self.as_is}


FileSource = str | PathLike[str] | TraceFile | Mapping[str, Any]
"""One file: its path, a `TraceFile`, or a mapping with the same fields, as in YAML and JSON."""
FileSources = FileSource | Sequence[FileSource]
"""One file, or several."""


def trace_files(source: FileSources | None) -> tuple[TraceFile, ...]:
    """Return the files of a source, in their order; None has none.

    Raises:
        TraceError: an entry is neither a path nor a mapping with the fields of `TraceFile`.
    """
    if source is None:
        return ()
    if isinstance(source, str | PathLike | TraceFile | Mapping):
        return (_trace_file(source),)
    if not isinstance(source, Sequence):
        raise _source_error(source)
    return tuple(_trace_file(entry) for entry in source)


def _trace_file(source: FileSource) -> TraceFile:
    """Return the file of one entry."""
    if isinstance(source, TraceFile):
        return source
    if isinstance(source, str | PathLike):
        return TraceFile(str(Path(fspath(source))))
    if not isinstance(source, Mapping):
        raise _source_error(source)
    known = [field.name for field in fields(TraceFile)]
    for key in source:
        if key not in known:
            raise TraceError(f"trace: unknown field '{key}'; must be one of {', '.join(known)}")
    path, name, as_is = source.get("path"), source.get("format"), source.get("as_is", False)
    if not isinstance(path, str | PathLike):
        raise TraceError(f"trace.path = {path!r}: must be the path of a file")
    if not (name is None or isinstance(name, str)):
        raise TraceError(f"trace.format = {name!r}: must be a name from `odc-gym trace formats`")
    if not isinstance(as_is, bool):
        raise TraceError(f"trace.as_is = {as_is!r}: must be true or false")
    return TraceFile(str(Path(fspath(path))), name, as_is)


def _source_error(source: Any) -> TraceError:
    """Return the error of a value that is no source."""
    return TraceError(
        f"trace = {source!r}: must be a path, or a mapping with path, format and as_is, or a list of these"
    )
