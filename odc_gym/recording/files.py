"""Files of recordings: NPZ with a JSON header, checked when they are read."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from odc_gym.errors import RecordingError, did_you_mean_file
from odc_gym.evaluation.files import write_bytes
from odc_gym.recording.recording import Recording
from odc_gym.recording.schema import FORMAT, FORMAT_VERSION, GROWING, HEADER, KINDS, OPTIONAL_SHAPES, SHAPES

DAMAGE = (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, MemoryError)
"""Errors that NumPy and zipfile raise for damaged files."""
HEADER_TYPES = {
    "agent": str, "seed": int, "score": float, "scenario_name": str, "description": str, "scenario": dict,
    "start": str, "decision_period_s": float, "step_s": float, "decisions": int, "satellites": int, "classes": list,
    "terms": list, "event_kinds": list, "status": list, "state_fields": list, "ledger_fields": list, "weights": dict,
    "metrics": dict, "sites": list, "planes": list, "versions": dict,
}  # fmt: skip


def write_recording(path: str | Path, recording: Recording) -> None:
    """Write a recording to a file, as a whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(recording.header, allow_nan=False).encode()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{HEADER: np.frombuffer(text, np.uint8)}, **recording.arrays)
    write_bytes(Path(path), buffer.getvalue())


def read_recording(path: str | Path) -> Recording:
    """Read a recording.

    Raises:
        RecordingError: the file does not exist, is damaged, is no recording, or has a newer schema.
    """
    path = Path(path)
    if not path.is_file():
        raise RecordingError(f"{path}: no such file{did_you_mean_file(path)}")
    if not zipfile.is_zipfile(path):
        raise RecordingError(f"{path}: is no recording of odc-gym, or was cut off")
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile) or HEADER not in file.files:
                raise RecordingError(f"{path}: is no recording of odc-gym")
            header = _header(path, bytes(file[HEADER].tobytes()))
            arrays = {name: file[name] for name in file.files if name != HEADER}
    except RecordingError:
        raise
    except DAMAGE as error:
        raise RecordingError(f"{path}: cannot be read as a recording: {_first_line(error)}") from None
    _check_arrays(path, header, arrays)
    return Recording(header, arrays)


def _header(path: Path, text: bytes) -> dict[str, Any]:
    """Return the checked header of a recording."""
    header = json.loads(text)  # a JSONDecodeError is a ValueError
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise RecordingError(f"{path}: is no recording of odc-gym")
    version = header.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise RecordingError(f"{path}: format_version = {version!r}: must be a whole number from 1")
    if version > FORMAT_VERSION:
        raise RecordingError(
            f"{path}: format_version = {version}: this version of odc-gym reads up to {FORMAT_VERSION}; update odc-gym"
        )
    for name, kind in HEADER_TYPES.items():
        value = header.get(name)
        if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
            raise RecordingError(f"{path}: header {name} = {str(value)[:40]}: must be {kind.__name__}")
    return header


def _check_arrays(path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Check that all arrays are there, and that their axes agree with the header and with each other."""
    lengths = {
        "D": header["decisions"], "D+1": header["decisions"] + 1, "S": header["satellites"],
        "C": len(header["classes"]), "F": len(header["state_fields"]), "G": len(header["ledger_fields"]),
        "2": 2, "3": 3,
    }  # fmt: skip
    for name, axes in (SHAPES | OPTIONAL_SHAPES).items():
        if name not in arrays:
            if name in SHAPES and not name.startswith(GROWING):
                raise RecordingError(f"{path}: array {name} is missing")
            continue
        shape, names = arrays[name].shape, axes.split(",")
        expected = tuple(lengths.setdefault(axis, size) for axis, size in zip(names, shape, strict=False))
        if len(shape) != len(names) or shape != expected or arrays[name].dtype.kind not in "fiub":
            raise RecordingError(f"{path}: array {name}: shape {shape}, must be ({axes}) = {expected} of numbers")
    kinds, jobs = arrays["event/kind"], len(arrays["job/class_id"])
    for name, values, most in (
        ("event/kind", kinds, len(KINDS)),
        ("event/job", arrays["event/job"], jobs),
        ("event/satellite", arrays["event/satellite"], header["satellites"]),
        ("job/class_id", arrays["job/class_id"], len(header["classes"])),
    ):
        if values.size and not (values.min() >= -1 and values.max() < most):
            raise RecordingError(
                f"{path}: array {name}: values from {values.min()} to {values.max()}, must be < {most}"
            )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
