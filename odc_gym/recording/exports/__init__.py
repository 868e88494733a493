"""Exports of recordings to formats of other tools: CSV, Parquet, CZML, Chrome trace, Minari.

    from pathlib import Path
    from odc_gym.recording import record_episode
    from odc_gym.recording.exports import export
    export(record_episode("starter12", "zero", overrides={"episode.hours": 1}), Path(), ["csv", "trace"])

docs/recording.md lists the files.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from odc_gym.errors import RecordingError
from odc_gym.recording.exports.chrome_trace import write_chrome_trace
from odc_gym.recording.exports.csv_tables import write_csv
from odc_gym.recording.exports.czml import write_czml
from odc_gym.recording.exports.minari_data import write_minari
from odc_gym.recording.exports.parquet import write_parquet
from odc_gym.recording.recording import Recording

Writer = Callable[[Recording, Path], list[Path]]
FORMATS: dict[str, tuple[Writer, str]] = {
    "csv": (write_csv, ""),
    "parquet": (write_parquet, "pyarrow"),
    "czml": (write_czml, "czml3"),
    "trace": (write_chrome_trace, ""),
    "minari": (write_minari, "minari"),
}
"""Formats by name: the function that writes the files into a folder, and the package that it needs."""

__all__ = ["FORMATS", "available_formats", "export", "require_formats"]


def available_formats() -> list[str]:
    """Return the formats whose packages are installed."""
    return [name for name, (_, package) in FORMATS.items() if not package or importlib.util.find_spec(package)]


def require_formats(names: list[str]) -> None:
    """Check before long work that recordings can be exported to formats.

    Raises:
        RecordingError: a format is unknown, or its package is not installed.
    """
    for name in names:
        if name not in FORMATS:
            raise RecordingError(f"export = {name}: must be one of {', '.join(FORMATS)}")
        if name not in available_formats():
            raise RecordingError(f"export = {name}: needs {FORMATS[name][1]}; install odc-gym[export]")


def export(recording: Recording, folder: Path, names: list[str]) -> list[Path]:
    """Write a recording into an existing folder in some formats, and return the files.

    Raises:
        RecordingError: a format is unknown, or its package is not installed.
        OSError: a file cannot be written.
    """
    require_formats(names)
    return [path for name in names for path in FORMATS[name][0](recording, folder)]
