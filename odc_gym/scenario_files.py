"""Scenario files: names, YAML, files based on others, dotted overrides, and one-line errors.

A file with `base: NAME` (a scenario of the package, or the path of a file relative to this one) holds only what
differs: mappings merge key by key, lists and scalars replace, and null takes a key of the base away (the rules of
RFC 7396). Only `name` is never inherited.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.scenario.paths import nearest

FOLDER = Path(__file__).parent / "configs" / "scenarios"


class Loader(yaml.SafeLoader):
    """YAML whose numbers are those of version 1.2: 12:30 is a time of day there, and 750 in version 1.1."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:int"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)$"), "-+0123456789"
)


def names() -> list[str]:
    """Names of the scenarios that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read(source: str | Path) -> Scenario:
    """Read a scenario by name or from a YAML file.

    Raises:
        ScenarioError: unknown name, malformed file, unknown key or a value that is not allowed.
    """
    path = _located(str(source), Path())
    if not path.is_file():
        raise ScenarioError(f"scenario = {source}: must be one of {', '.join(names())}, or the path of a .yaml file")
    return validate(read_merged(path), str(path) if path.parent != FOLDER else str(source))


def read_merged(path: Path, descendants: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The data of a scenario file merged onto those of its base, and the base's base.

    Raises:
        ScenarioError: a malformed file, an unknown base, or a file that is based on itself.
    """
    data = read_mapping(path)
    base = data.pop("base", None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise ScenarioError(f"{path}: base = {base}: must be the name of a scenario or the path of a .yaml file")
    below = _located(base, path.parent)
    if not below.is_file():
        known = f"must be one of {', '.join(names())}, or the path of a .yaml file, relative to this one"
        raise ScenarioError(f"{path}: base = {base}: {known}")
    family = (*descendants, path.resolve())
    if below.resolve() in family:
        raise ScenarioError(f"{path}: base = {base}: must not be based on the file itself")
    inherited = read_merged(below, family)
    inherited.pop("name", None)
    merged: dict[str, Any] = merge(inherited, data)
    return merged


def merge(base: Any, changes: Any) -> Any:
    """Mappings key by key, where null takes a key away; anything else replaces what was there.

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


def _located(text: str, folder: Path) -> Path:
    """Where the file of a scenario is that is given by its path, relative to a folder, or by its name."""
    return folder / text if text.endswith((".yaml", ".yml")) else FOLDER / f"{text}.yaml"


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        ScenarioError: not YAML, or not a mapping.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ScenarioError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}: must be a mapping of fields, got {type(data).__name__}")
    return data


def replace(scenario: Scenario, overrides: dict[str, Any]) -> Scenario:
    """A copy of a scenario with dotted paths changed; see `Scenario.replace`."""
    data = scenario.model_dump(mode="python")
    for path, value in overrides.items():
        _assign(data, _keys_of(path, value), value, path)
    return validate(data, "")


def parse_overrides(items: list[str]) -> dict[str, Any]:
    """`path=value` strings of the command line; values are read as YAML.

    Raises:
        ScenarioError: no `=` in an item, or a value that is not YAML.
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


def validate(data: dict[str, Any], where: str) -> Scenario:
    """Build a scenario from plain data; `where` begins the error line.

    Raises:
        ScenarioError: the first thing wrong, as `path = value: what is allowed`.
    """
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError((f"{where}: " if where else "") + explain(error, Scenario)) from None


def _keys_of(path: str, value: Any) -> list[str]:
    """The keys of a dotted path; in `randomise`, a path into the scenario is one key, which a field may follow."""
    part, _, rest = path.partition(".")
    if part != "randomise" or not rest:
        return path.split(".")
    random, _, field = rest.rpartition(".")
    return [part, rest] if isinstance(value, dict) or not random else [part, random, field]


def _assign(node: Any, path: list[str], value: Any, whole: str) -> None:
    key, rest = path[0], path[1:]
    keys = _keys(node)
    if key == "*" and keys:
        chosen = keys
    elif key in keys:
        chosen = [key]
    elif isinstance(node, dict) and not rest:
        chosen = [key]  # validation names unknown fields with their neighbours
    else:
        raise ScenarioError(f"{whole}: unknown key {key!r}{nearest(key, keys)}")
    for k in chosen:
        where = k if isinstance(node, dict) else int(k)
        if rest:
            node[where] = list(node[where]) if isinstance(node[where], tuple) else node[where]
            _assign(node[where], rest, value, whole)
        else:
            node[where] = value


def _keys(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node)
    return [str(i) for i in range(len(node))] if isinstance(node, list) else []


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first entry of a pydantic error in one line: path, value and what is allowed."""
    first = error.errors(include_url=False)[0]
    kind, context = first["type"], first.get("ctx", {})
    # a tagged union puts its tag in the path, which is not a key of the file
    path = [str(p) for p in first["loc"] if str(p) not in _TAGS and p != "[key]"]
    value = first.get("input")
    if kind.startswith("union_tag"):
        path.append(context["discriminator"].strip("'"))
        value = context.get("tag")
    where = ".".join(path)
    if kind == "extra_forbidden":
        return f"{where}: unknown key{nearest(path[-1], _fields(model, first['loc'][:-1]))}"
    if kind in ("missing", "union_tag_not_found"):
        return f"{where}: is missing"
    shown = f" = {value}" if isinstance(value, str | int | float | bool) or value is None else ""
    of_key = first["loc"][-1:] == ("[key]",)
    begin = f"{where}: key " if of_key else f"{where}{shown}: " if where else ""
    return begin + _allowed(kind, first["msg"], context)


def _allowed(kind: str, message: str, context: dict[str, Any]) -> str:
    """What is allowed, in the words of this project."""
    if kind == "union_tag_invalid":
        return f"must be one of {context['expected_tags']}"
    if kind in ("model_type", "model_attributes_type"):
        return "must be a mapping of fields"
    if kind == "too_short":
        return f"must have at least {context['min_length']} entry"
    message = message.removeprefix("Value error, ")
    for theirs, ours in _WORDS.items():
        message = message.replace(theirs, ours)
    return " ".join(message.split())


_WORDS = {
    "Input should be ": "must be ",
    "greater than or equal to": ">=",
    "less than or equal to": "<=",
    "greater than": ">",
    "less than": "<",
}
_TAGS = {
    *("delta", "star", "sun_synchronous", "cluster", "tle", "job", "service", "checkpoint", "chunk", "named", "listed"),
    *("satellite-outage", "satellite-loss", "link-outage", "bad-weather", "radiation-storm", "surge"),
    *("cox", "mmpp", "clients", "knots", "mixture"),
}


def _fields(model: Any, loc: tuple[Any, ...]) -> list[str]:
    """Field names of the model at a location of the schema, found by walking annotations."""
    current = [model]
    for part in loc:
        if part in _TAGS:  # of a tagged union, the model that has the tag
            tagged = [m for m in current if any(part in get_args(f.annotation) for f in m.model_fields.values())]
            current = tagged or current
            continue
        step: list[Any] = []
        for candidate in current:
            annotation = candidate.model_fields[part].annotation if part in candidate.model_fields else candidate
            step += _models(annotation)
        current = step or current
    return sorted({name for m in current for name in m.model_fields})


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[Any] = []
    for argument in getattr(annotation, "__args__", ()):
        found += _models(argument)
    return found
