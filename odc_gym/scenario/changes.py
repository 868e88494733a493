"""Changes of a scenario or a training configuration: one rule for files with a base, dotted paths and `--set`.

Mappings merge key by key. Lists and scalars replace those of the base. Null removes a key of the base, or is the value
where the field takes null. These are the rules of RFC 7396, with two additions: a mapping that changes the kind of a
block (`pattern`, `kind`, `what`) inherits only the fields that the new kind has, and one that gives a field which
excludes another (`year` and `epoch`, `duration_h` and `sizes`) does not inherit the other. In Python, a model replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
from pydantic import BaseModel

from odc_gym.errors import ScenarioError
from odc_gym.scenario.paths import children, key_hint
from odc_gym.scenario.places import Place, similar_paths
from odc_gym.scenario.yaml_text import MAX_DEPTH, NoValue, shown

Keys = tuple[str, ...]


def plain(value: Any, path: Keys = ()) -> Any:
    """Return a value of Python as YAML would give it: mappings with text keys, lists, and Python's own scalars.

    Of a model it holds the fields that were given, not those that have their defaults.

    Raises:
        ScenarioError: a key is no text, or the value is nested too deeply.
    """
    _check_depth(path)
    if isinstance(value, BaseModel):
        return plain(value.model_dump(exclude_unset=True), path)
    if isinstance(value, np.ndarray):
        return plain(value.tolist(), path)
    if isinstance(value, np.datetime64):
        return str(value) if np.isnat(value) else value.astype("datetime64[us]").item()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(inner, (*path, key)) for key, inner in _text_keys(value, path)}
    if isinstance(value, list | tuple):
        return [plain(inner, (*path, str(i))) for i, inner in enumerate(value)]
    return value


def merge(base: Any, changes: Any, place: Place, path: Keys = ()) -> Any:
    """Return the base with changes.

    Args:
        base: plain data, which stay as they are.
        changes: plain data, or objects of Python.
        place: types that the value may have.
        path: keys that lead to the value, for messages.

    Raises:
        ScenarioError: null is given for a key that the base does not have.
    """
    if not isinstance(changes, Mapping):
        return plain(changes, path)
    _check_depth(path)
    changes = place.expanded(changes)
    inherited = base if isinstance(base, dict) else {}
    result, tag, known = dict(inherited), place.tag, place.narrowed({**inherited, **changes})
    if tag in changes and inherited.get(tag, changes[tag]) != changes[tag]:
        result = {key: value for key, value in inherited.items() if key in known.fields}
    superseded = known.superseded(changes)
    result = {key: value for key, value in result.items() if key not in superseded}
    for key, value in _text_keys(changes, path):
        inner, at = known.below(key), (*path, key)
        if value is not None:
            begun = _begun(result, key, known) if isinstance(value, Mapping) else None
            result[key] = merge(begun, value, inner or Place(), at)
        elif inner is None and key in inherited:
            result.pop(key, None)
        elif inner is None or inner.takes_null:
            result[key] = None
        elif key in inherited or key in known.fields:
            result.pop(key, None)
        else:
            raise ScenarioError(f"{'.'.join(at)}: unknown key{key_hint(key, inherited)}")
    return result


def check_keys(data: Any, place: Place, path: Keys = ()) -> None:
    """Check that a text gives a value to each of its keys, and that a field of this name exists.

    Raises:
        ScenarioError: a key is unknown, or has no value.
    """
    _check_depth(path)
    if data is NoValue:
        raise ScenarioError(f"{'.'.join(path)}: has no value; write null to remove it or to leave it out")
    data = place.expanded(data) if isinstance(data, Mapping) else data
    entries = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list | tuple) else ()
    for name, value in entries:
        key, inner = str(name), place.below(str(name))
        if inner is None and place.models and isinstance(data, Mapping):
            raise ScenarioError(f"{'.'.join((*path, key))}: unknown key{key_hint(key, place.fields)}")
        check_keys(value, inner or Place(), (*path, key))


def override(data: dict[str, Any], overrides: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return data with the values at dotted paths changed, one after the other; see `Scenario.replace`.

    Raises:
        ScenarioError: a path is unknown, or a later change excludes an earlier one.
    """
    if not isinstance(overrides, Mapping):
        raise ScenarioError(f"overrides = {shown(overrides)}: must be a mapping of dotted paths to values")
    for path in overrides:
        if not isinstance(path, str):
            raise ScenarioError(f"overrides: key {shown(path)}: must be a dotted path")
    superseded = {key for path, value in overrides.items() for key in place.superseded(_nested(path, value))}
    data = {key: value for key, value in data.items() if key not in superseded}
    for path, value in overrides.items():
        try:
            data = _assigned(data, _split_path(path, value), value, place, ())
        except _UnknownKey as error:
            hint = key_hint(error.key, error.names, similar_paths(place, path))
            raise ScenarioError(f"{path}: unknown key{error.shown}{hint}") from None
    for path, value in overrides.items():
        _require_kept(data, _split_path(path, value), value, place, ())
    return data


def add_override(overrides: dict[str, Any], path: str, value: Any) -> None:
    """Add a change to overrides in place; it is made after those that are there, also after one of the same path.

    Raises:
        ScenarioError: the path is already there with null, and the new value is a mapping.
    """
    if path in overrides:
        value = _joined(overrides.pop(path), value, path)
    overrides[path] = value


def _joined(first: Any, second: Any, path: str) -> Any:
    """Return the change that has the effect of two changes of one path."""
    if not isinstance(second, Mapping):
        return second
    if first is None:
        raise ScenarioError(f"{path}: given as null and as a mapping; give null to the single keys instead")
    if not isinstance(first, Mapping):
        return second
    joined = dict(first)
    for key, value in second.items():
        joined[key] = _joined(joined[key], value, f"{path}.{key}") if key in joined else value
    return joined


def _nested(path: str, value: Any) -> dict[str, Any]:
    """Return the change at a dotted path as nested mappings."""
    for key in reversed(path.split(".")):
        value = {key: value}
    nested: dict[str, Any] = value
    return nested


def _split_path(path: str, value: Any) -> list[str]:
    """Split a dotted path into keys.

    In `randomise`, a path into the scenario is one key. The name of a field may follow it.
    """
    part, _, rest = path.partition(".")
    if part != "randomise" or not rest:
        return path.split(".")
    random, _, field = rest.rpartition(".")
    return [part, rest] if isinstance(value, Mapping) or value is None or not random else [part, random, field]


def _assigned(node: Any, keys: list[str], value: Any, place: Place, path: Keys) -> Any:
    """Return a node with the value at the keys below it changed."""
    (key, *rest), known = keys, place.narrowed(node)
    names = _names(node, known)
    chosen = names if key == "*" else [key]
    shorthand = not rest and key not in place.expanded({key: value})
    free = not rest and isinstance(node, dict) and (known.named or not known.models or shorthand)
    if not chosen or (key not in (*names, "*") and not free):
        raise _UnknownKey(key, names, shown="" if not rest and known.models else f" {shown(repr(key))}")
    if not rest:
        changes = dict.fromkeys(chosen, value)
        check_keys(changes, place if shorthand else known, path)
        if isinstance(node, dict):
            return merge(node, changes, place, path)
        new = {name: merge(node[int(name)], value, known.below(name) or Place(), (*path, name)) for name in chosen}
    else:
        new = {}
        for name in chosen:
            inner = _named_default(node, name, known, rest[0]) if isinstance(node, dict) else node[int(name)]
            if inner is None and key != "*":
                inner = _begun(node, name, known)
            new[name] = _assigned(inner, rest, value, known.below(name) or Place(), (*path, name))
    return {**node, **new} if isinstance(node, dict) else [new.get(str(i), inner) for i, inner in enumerate(node)]


def _require_kept(node: Any, keys: list[str], value: Any, place: Place, path: Keys) -> None:
    """Check that a change of overrides still stands, and was not excluded by a later one of the same overrides.

    Raises:
        ScenarioError: the change was excluded.
    """
    if not keys:
        for key, inner in place.expanded(value).items() if isinstance(value, Mapping) else ():
            _require_kept(node, [str(key)], inner, place, path)
        return
    (key, *rest), known, entries = keys, place.narrowed(node), children(node)
    if not rest and key not in place.expanded({key: value}):  # a shorthand
        _require_kept(node, [], {key: value}, place, path)
        return
    for name in entries if key == "*" else [key]:
        if entries.get(name) is not None:
            _require_kept(entries[name], rest, value, known.below(name) or Place(), (*path, name))
            continue
        rivals = [other for other in known.superseded({name: value}) if entries.get(other) is not None]
        if not rest and rivals:
            raise ScenarioError(f"{'.'.join((*path, name))}: must not be given together with {', '.join(rivals)}")


def _names(node: Any, place: Place) -> list[str]:
    """Return the keys that a path may name below a node: fields of a model, keys of a mapping, or numbers of a list."""
    if isinstance(node, list):
        return [str(i) for i in range(len(node))]
    return list(dict.fromkeys((*place.fields, *node))) if isinstance(node, dict) else []


def _begun(node: dict[str, Any], key: str, place: Place) -> Any:
    """Return the value of a key to which changes below it are made.

    A block that is not given begins empty, or with its default if it cannot be empty.
    """
    below = place.below(key)
    if node.get(key) is not None or below is None:
        return node.get(key)
    default = _default(place, key)
    if isinstance(default, BaseModel) and any(field.is_required() for field in type(default).model_fields.values()):
        return plain(default)
    return {} if below.models or below.named else None


def _named_default(node: dict[str, Any], key: str, place: Place, name: str) -> Any:
    """Return the value of a key that a path passes, with what the name after it refers to in a default."""
    default = _default(place, key)
    if key in node or default is None:
        return node.get(key)
    if isinstance(default, BaseModel):
        return _begun(node, key, place)
    return {} if isinstance(default, dict) and name not in ("*", *default) else plain(default)


def _default(place: Place, key: str) -> Any:
    """Return the default of a field, or None if it has none."""
    fields = [model.model_fields[key] for model in place.models if key in model.model_fields]
    return None if not fields or fields[0].is_required() else fields[0].get_default(call_default_factory=True)


def _text_keys(mapping: Mapping[Any, Any], path: Keys) -> list[tuple[str, Any]]:
    """Return the items of a mapping with its keys as text; integers are allowed in Python."""
    found: dict[str, Any] = {}
    for key, value in mapping.items():
        if isinstance(key, bool) or not isinstance(key, str | int | np.integer):
            raise ScenarioError(f"{'.'.join((*path, shown(key)))}: key must be text")
        if str(key) in found:
            raise ScenarioError(f"{'.'.join((*path, str(key)))}: given twice, as a number and as text")
        found[str(key)] = value
    return list(found.items())


def _check_depth(path: Keys) -> None:
    if len(path) > MAX_DEPTH:
        raise ScenarioError(f"{path[0]}: nested deeper than {MAX_DEPTH} levels")


class _UnknownKey(Exception):
    """Key of a path that its place does not have, with the keys that it has, and the key as the message shows it."""

    def __init__(self, key: str, names: list[str], shown: str) -> None:
        super().__init__(key)
        self.key, self.names, self.shown = key, names, shown
