"""Output files: asked for before long work, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from odc_gym.errors import OdcGymError


def require_free(path: Path, force: bool) -> None:
    """Refuse, before long work, an output file that exists or whose folder does not.

    Raises:
        OdcGymError: the file exists and `force` is not set, or it has no folder to be in.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise OdcGymError(f"{path}: must be a file in an existing folder")
    if path.exists() and not force:
        raise OdcGymError(f"{path}: exists; add --force to replace it")


def write_document(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all: a reader never sees half a file."""
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text whole or not at all: a reader never sees half a file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
