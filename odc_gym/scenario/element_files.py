"""Element sets in a scenario's data before validation: paths of their files, and whether data hold any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_PATHS = ("tle", "omm", "file")
_SETS = {*_PATHS, "lines", "messages"}
"""Keys of an orbit that hold element sets, or the path of a file with them."""


def anchor_files(data: dict[str, Any], folder: Path) -> None:
    """Make the paths of files of element sets relative to a folder, in place."""
    for shell in _list(data.get("shells")):
        orbit = shell.get("orbit") if isinstance(shell, dict) else None
        if not isinstance(orbit, dict):
            continue
        for key in _PATHS:
            value = orbit.get(key)
            if isinstance(value, str) and "\n" not in value.strip():
                orbit[key] = str(folder / Path(value).expanduser())


def holds_sets(node: Any) -> bool:
    """Return whether data of shells hold element sets anywhere."""
    if isinstance(node, dict):
        return any((key in _SETS and bool(value)) or holds_sets(value) for key, value in node.items())
    return any(holds_sets(value) for value in _list(node))


def _list(node: Any) -> list[Any]:
    return list(node) if isinstance(node, list | tuple) else []
