"""Output files: checks before long work, and atomic writes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from odc_gym.errors import OdcGymError


def require_free(path: Path, force: bool) -> None:
    """Check before long work that an output file can be written.

    Raises:
        OdcGymError: the file exists and `force` is not set, its folder does not exist, or `path` is a folder.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise OdcGymError(f"{path}: must be a file in an existing folder")
    if path.exists() and not force:
        raise OdcGymError(f"{path}: exists; add --force to replace it")


def write_document(path: Path, data: Mapping[str, Any]) -> None:
    """Write data as JSON atomically: a reader never sees an incomplete file."""
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text atomically: a reader never sees an incomplete file."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: a reader never sees an incomplete file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
