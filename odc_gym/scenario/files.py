"""Scenario files: lookup by name, YAML, files with a base, and dotted overrides, with one-line errors.

A file with `base: NAME` holds only the values that differ from its base. NAME is a scenario of the package, or the path
of a file relative to this one. Mappings merge key by key. Lists and scalars replace those of the base, and null removes
a key of the base. These are the rules of RFC 7396. `name` is not inherited, nor is what `layers` names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from odc_gym.errors import ScenarioError, did_you_mean, did_you_mean_file
from odc_gym.scenario.layers import anchor_files, drop_overridden, drop_superseded
from odc_gym.scenario.paths import key_hint

FOLDER = Path(__file__).parents[1] / "configs" / "scenarios"


class Loader(yaml.SafeLoader):
    """YAML loader with the integers of YAML 1.2: it keeps 12:30 as text, where YAML 1.1 reads the number 750."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:int"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)$"), "-+0123456789"
)


def names() -> list[str]:
    """Return the names of the scenarios that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read(source: str | Path) -> tuple[dict[str, Any], str]:
    """Read the data of a scenario by name or from a YAML file; return them with the prefix of error messages.

    Raises:
        ScenarioError: the name is unknown or the file is malformed.
    """
    path = _scenario_path(str(source), Path())
    if not path.is_file():
        hint = did_you_mean(str(source), names()) if path.parent == FOLDER else did_you_mean_file(path)
        known = f"must be one of {', '.join(names())}, or the path of a .yaml file"
        raise ScenarioError(f"scenario = {source}: {known}{hint}")
    return read_merged(path), str(path) if path.parent != FOLDER else str(source)


def read_merged(path: Path, descendants: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read the data of a scenario file, merged onto the data of its base and of further bases.

    Raises:
        ScenarioError: a file is malformed, a base is unknown, or a file is based on itself.
    """
    data = read_mapping(path)
    anchor_files(data, path.parent)
    base = data.pop("base", None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise ScenarioError(f"{path}: base = {base}: must be the name of a scenario or the path of a .yaml file")
    base_path = _scenario_path(base, path.parent)
    if not base_path.is_file():
        known = f"must be one of {', '.join(names())}, or the path of a .yaml file, relative to this one"
        raise ScenarioError(f"{path}: base = {base}: {known}")
    chain = (*descendants, path.resolve())
    if base_path.resolve() in chain:
        raise ScenarioError(f"{path}: base = {base}: must not be based on the file itself")
    inherited = read_merged(base_path, chain)
    inherited.pop("name", None)
    drop_superseded(inherited, data)
    merged: dict[str, Any] = merge(inherited, data)
    return merged


def with_base(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a scenario that a mapping holds as a file would, merged onto its base if it names one.

    Raises:
        ScenarioError: the base is unknown.
    """
    base = data.get("base")
    if base is None:
        return dict(data)
    inherited, _ = read(base)
    merged: dict[str, Any] = merge({**inherited, "name": None}, {k: v for k, v in data.items() if k != "base"})
    return merged


def merge(base: Any, changes: Any) -> Any:
    """Merge mappings key by key; null removes a key, and any other value replaces that of the base.

    Source: JSON Merge Patch, RFC 7396.
    """
    if not isinstance(changes, dict):
        return changes
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def _scenario_path(text: str, folder: Path) -> Path:
    """Return the path of a scenario's file, from its name or from its path relative to `folder`."""
    return folder / text if text.endswith((".yaml", ".yml")) else FOLDER / f"{text}.yaml"


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        ScenarioError: the file is not YAML, or not a mapping.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ScenarioError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}: must be a mapping of fields, got {type(data).__name__}")
    return data


def override(data: dict[str, Any], overrides: dict[str, Any]) -> None:
    """Change the values at dotted paths of a scenario's data in place; see `Scenario.replace`.

    Raises:
        ScenarioError: a path is unknown.
    """
    drop_overridden(data, overrides)
    for path, value in overrides.items():
        _assign(data, _split_path(path, value), value, path)


def parse_overrides(items: list[str]) -> dict[str, Any]:
    """Parse `path=value` strings of the command line; values are read as YAML.

    Raises:
        ScenarioError: an item has no `=`, or its value is not YAML.
    """
    parsed = {}
    for item in items:
        path, equals, text = item.partition("=")
        if not equals or not path.strip():
            raise ScenarioError(f"--set {item}: must look like path=value")
        try:
            parsed[path.strip()] = yaml.load(text, Loader)
        except yaml.YAMLError:
            raise ScenarioError(f"--set {item}: the value is not readable as YAML") from None
    return parsed


def _split_path(path: str, value: Any) -> list[str]:
    """Split a dotted path into keys.

    In `randomise`, a path into the scenario is one key. The name of a field may follow it.
    """
    part, _, rest = path.partition(".")
    if part != "randomise" or not rest:
        return path.split(".")
    random, _, field = rest.rpartition(".")
    return [part, rest] if isinstance(value, dict) or not random else [part, random, field]


def _assign(node: Any, path: list[str], value: Any, full_path: str) -> None:
    key, rest = path[0], path[1:]
    keys = _keys(node)
    if key == "*" and keys:
        chosen = keys
    elif key in keys:
        chosen = [key]
    elif isinstance(node, dict) and not rest:
        chosen = [key]  # validation rejects unknown fields, and suggests a known one
    else:
        raise ScenarioError(f"{full_path}: unknown key {key!r}{key_hint(key, keys)}")
    for k in chosen:
        where = k if isinstance(node, dict) else int(k)
        if rest:
            node[where] = list(node[where]) if isinstance(node[where], tuple) else node[where]
            _assign(node[where], rest, value, full_path)
        else:
            node[where] = value


def _keys(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node)
    return [str(i) for i in range(len(node))] if isinstance(node, list) else []
