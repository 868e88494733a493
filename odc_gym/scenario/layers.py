"""Layers of a scenario's data: a file upon its base, or overrides upon a scenario.

Some fields exclude each other, such as `workload.load` and `workload.rate_scale`. If the upper layer gives one of them,
the other is not taken from the layer below. Element sets bring their epoch in place of the start of the layer below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_SETS = {"tle", "omm", "file", "lines", "messages"}
"""Keys of an orbit that hold element sets, or the path of a file with them."""
_EXCLUSIVE: dict[str, dict[str, tuple[str, ...]]] = {
    "start": {"year": ("epoch", "days"), "epoch": ("year",), "days": ("year",)},
    "workload": {"load": ("rate_scale",), "rate_scale": ("load",)},
}
"""Fields of a section, and those that each excludes."""


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
    if _holds_sets(own.get("shells")):
        inherited.pop("start", None)
    for section in _EXCLUSIVE:
        given = own.get(section)
        if isinstance(given, dict):
            _drop_excluded(inherited, section, {key for key, value in given.items() if value is not None})


def drop_overridden(data: dict[str, Any], overrides: dict[str, Any]) -> None:
    """Remove what overrides replace from the data of a scenario, in place."""
    given = [(*path.split("."), value) for path, value in overrides.items() if value is not None]
    if any(keys[0] == "shells" and _holds_sets({keys[-1]: value}) for *keys, value in given):
        data["start"] = {}
    for *keys, _ in given:
        if len(keys) == 4 and keys[0] == "shells" and keys[2] == "orbit":
            _drop_other_sets(data["shells"], keys[1], keys[3])
    for section in _EXCLUSIVE:
        _drop_excluded(data, section, {keys[1] for *keys, _ in given if keys[0] == section and len(keys) == 2})


def _drop_other_sets(shells: Any, index: str, field: str) -> None:
    """Remove from the orbits of shells what element sets in a field replace."""
    for i, shell in enumerate(shells):
        orbit = shell["orbit"]
        kept = {"tle": {"allow_old"}, "omm": {"allow_old"}}.get(field, orbit.keys() - _SETS)
        if field in _SETS and index in ("*", str(i)):
            shell["orbit"] = {key: value for key, value in orbit.items() if key in kept}


def _drop_excluded(data: dict[str, Any], section: str, given: set[str]) -> None:
    """Remove the fields of a section that given fields exclude, unless they are given themselves."""
    below = data.get(section)
    if not isinstance(below, dict):
        return
    for field in given & _EXCLUSIVE[section].keys():
        for other in _EXCLUSIVE[section][field]:
            if other not in given:
                below.pop(other, None)


def _holds_sets(node: Any) -> bool:
    """Return whether data of shells hold element sets anywhere."""
    if isinstance(node, dict):
        return any((key in _SETS and bool(value)) or _holds_sets(value) for key, value in node.items())
    return any(_holds_sets(value) for value in _list(node))


def _list(node: Any) -> list[Any]:
    return list(node) if isinstance(node, list | tuple) else []
