"""Parquet files of the tables of a recording, one file a table; this needs pyarrow."""

from __future__ import annotations

import io
from pathlib import Path

from odc_gym.evaluation.files import write_bytes
from odc_gym.recording.recording import TABLES, Recording


def write_parquet(recording: Recording, folder: Path) -> list[Path]:
    """Write each table of a recording to `<table>.parquet`, and return the files."""
    import pyarrow as pa
    from pyarrow import parquet

    paths = []
    for name in TABLES:
        buffer = io.BytesIO()
        parquet.write_table(pa.table(recording.table(name)), buffer)
        paths.append(folder / f"{name}.parquet")
        write_bytes(paths[-1], buffer.getvalue())
    return paths
