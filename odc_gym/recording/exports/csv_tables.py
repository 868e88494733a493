"""CSV files of the tables of a recording, one file a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from odc_gym.evaluation.files import write_text
from odc_gym.recording.recording import TABLES, Recording


def write_csv(recording: Recording, folder: Path) -> list[Path]:
    """Write each table of a recording to `<table>.csv`, and return the files."""
    paths = []
    for name in TABLES:
        columns = recording.table(name)
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(columns)
        rows.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
        paths.append(folder / f"{name}.csv")
        write_text(paths[-1], text.getvalue())
    return paths
