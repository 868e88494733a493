"""Layers of a scenario's data: a file upon its base, or overrides upon a scenario.

A layer may give one of two fields that exclude each other while the layer below gives the other. The upper layer then
wins: its element sets bring their epoch in place of an inherited start, and `workload.load` replaces an inherited
`rate_scale`, or the other way round.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_SETS = {"tle", "omm", "file", "lines", "messages"}
"""Keys of an orbit that hold element sets, or the path of a file with them."""
_LOADS = {"load": "rate_scale", "rate_scale": "load"}
"""Fields of the workload that exclude each other."""


def anchor_files(data: dict[str, Any], folder: Path) -> None:
    """Make the paths of files of element sets relative to a folder, in place."""
    for shell in _list(data.get("shells")):
        orbit = shell.get("orbit") if isinstance(shell, dict) else None
        for key in ("tle", "omm", "file") if isinstance(orbit, dict) else ():
            value = orbit.get(key)  # type: ignore[union-attr]
            if isinstance(value, str) and "\n" not in value.strip():
                orbit[key] = str(folder / Path(value).expanduser())  # type: ignore[index]


def drop_superseded(inherited: dict[str, Any], own: dict[str, Any]) -> None:
    """Remove what a file replaces from the data of its base, in place."""
    if "start" not in own and _holds_sets(own.get("shells")):
        inherited.pop("start", None)
    workload, below = own.get("workload"), inherited.get("workload")
    if isinstance(workload, dict) and isinstance(below, dict):
        _drop_other_load(below, set(workload))


def drop_overridden(data: dict[str, Any], overrides: dict[str, Any]) -> None:
    """Remove what overrides replace from the data of a scenario, in place."""
    paths = [path.split(".") for path in overrides]
    brings_sets = any(
        keys[0] == "shells" and _holds_sets({keys[-1]: value})
        for keys, value in zip(paths, overrides.values(), strict=True)
    )
    if brings_sets and not any(keys[0] == "start" for keys in paths):
        data.pop("start", None)
    if isinstance(data.get("workload"), dict):
        _drop_other_load(data["workload"], {keys[-1] for keys in paths if keys[0] == "workload" and len(keys) == 2})


def _drop_other_load(workload: dict[str, Any], given: set[str]) -> None:
    for field, other in _LOADS.items():
        if field in given and other not in given:
            workload.pop(other, None)


def _holds_sets(node: Any) -> bool:
    """Return whether data of shells hold element sets anywhere."""
    if isinstance(node, dict):
        return any((key in _SETS and bool(value)) or _holds_sets(value) for key, value in node.items())
    return any(_holds_sets(value) for value in _list(node))


def _list(node: Any) -> list[Any]:
    return list(node) if isinstance(node, list | tuple) else []
