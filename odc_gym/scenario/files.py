"""Scenario files: lookup by name, files with a base, and overrides of the command line, with one-line errors.

A file with `base: NAME` holds only the values that differ from its base. NAME is a scenario of the package, or the path
of a file relative to this one. They merge by the rules of the module `changes`. `name` is not inherited.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from odc_gym.errors import ScenarioError, did_you_mean, did_you_mean_file
from odc_gym.scenario.changes import add_override, check_keys, merge, plain
from odc_gym.scenario.element_files import anchor_files
from odc_gym.scenario.places import Place
from odc_gym.scenario.yaml_text import NoValue, parse, shown

FOLDER = Path(__file__).parents[1] / "configs" / "scenarios"


LARGE = ("megashell10k", "megashell1k")
"""Scenarios of large fleets: an episode takes seconds to minutes, so that `all` scenarios of a comparison omit them."""


def names(large: bool = True) -> list[str]:
    """Return the names of the scenarios that come with the package, with or without those of `LARGE` fleets."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if large or path.stem not in LARGE)


def nearest_base(scenario: str, known: Collection[str]) -> str | None:
    """Return the first of a scenario and its bases that is known; None if there is none.

    Bases are looked up for scenarios of the package only.
    """
    name: str | None = scenario
    while name is not None and name not in known:
        path = FOLDER / f"{name}.yaml"
        base = read_mapping(path).get("base") if path.is_file() else None
        name = None if base is None else str(base)
    return name


def read(source: str | Path, model: type[BaseModel]) -> tuple[dict[str, Any], str]:
    """Read the data of a scenario by name or from a YAML file; return them with the prefix of error messages.

    Args:
        source: name of a scenario, or path of its file.
        model: class of the scenario, whose fields tell which keys are known.

    Raises:
        ScenarioError: the name is unknown or the file is malformed.
    """
    path = _scenario_path(str(source), Path())
    if not path.is_file():
        hint = did_you_mean(str(source), names()) if path.parent == FOLDER else did_you_mean_file(path)
        known = f"must be one of {', '.join(names())}, or the path of a .yaml file"
        raise ScenarioError(f"scenario = {source}: {known}{hint}")
    return read_merged(path, Place((model,))), str(path) if path.parent != FOLDER else str(source)


def read_merged(path: Path, place: Place, descendants: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read the data of a scenario file, merged onto the data of its base and of further bases.

    Raises:
        ScenarioError: a file is malformed, a base is unknown, or a file is based on itself.
    """
    data = read_mapping(path)
    anchor_files(data, path.parent)
    if "base" not in data:
        return _checked(path, data, place)
    base = data.pop("base")
    if not isinstance(base, str):
        given = "" if base is NoValue else shown(base)
        raise ScenarioError(f"{path}: base = {given}: must be the name of a scenario or the path of a .yaml file")
    base_path = _scenario_path(base, path.parent)
    if not base_path.is_file():
        known = f"must be one of {', '.join(names())}, or the path of a .yaml file, relative to this one"
        raise ScenarioError(f"{path}: base = {base}: {known}")
    chain = (*descendants, path.resolve())
    if base_path.resolve() in chain:
        raise ScenarioError(f"{path}: base = {base}: must not be based on the file itself")
    inherited = read_merged(base_path, place, chain)
    inherited.pop("name", None)
    return _checked(path, data, place, inherited)


def with_base(data: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the data of a scenario that a mapping holds as a file would, merged onto its base if it names one.

    Raises:
        ScenarioError: the base or a key is unknown.
    """
    place = Place((model,))
    own: dict[str, Any] = plain(data)
    base = own.pop("base", None)
    check_keys(own, place)
    if base is None:
        return own
    inherited, _ = read(base, model)
    inherited.pop("name", None)
    merged: dict[str, Any] = merge(inherited, own, place)
    return merged


def _checked(path: Path, data: dict[str, Any], place: Place, inherited: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the data of a file after a check of its keys, merged onto what it inherits if it has a base."""
    try:
        check_keys(data, place)
        merged: dict[str, Any] = data if inherited is None else merge(inherited, data, place)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from None
    return merged


def _scenario_path(text: str, folder: Path) -> Path:
    """Return the path of a scenario's file, from its name or from its path relative to `folder`."""
    return folder / text if text.endswith((".yaml", ".yml")) else FOLDER / f"{text}.yaml"


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        ScenarioError: the file is not YAML, or not a mapping.
    """
    try:
        data = parse(path.read_bytes())
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ScenarioError(f"{path}: not readable as YAML: {reason}") from None
    if data is NoValue:
        raise ScenarioError(f"{path}: is empty, and must be a mapping of fields")
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}: must be a mapping of fields, got {type(data).__name__}")
    return data


def parse_overrides(items: list[str]) -> dict[str, Any]:
    """Parse `path=value` strings of the command line; values are read as YAML.

    A later item changes what an earlier item has set.

    Raises:
        ScenarioError: an item has no `=`, or its value is not YAML.
    """
    parsed: dict[str, Any] = {}
    for item in items:
        path, equals, text = item.partition("=")
        if not equals or not path.strip():
            raise ScenarioError(f"--set {shown(item)}: must look like path=value")
        try:
            value = parse(text)
        except ValueError as error:
            raise ScenarioError(f"--set {shown(item)}: the value is not readable as YAML: {error}") from None
        if value is NoValue:
            raise ScenarioError(f"--set {shown(item)}: has no value; write null to remove the field")
        add_override(parsed, path.strip(), value)
    return parsed
