"""Dotted paths into a scenario: lookup of their values, and copies with changed values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from odc_gym.errors import did_you_mean

Node = TypeVar("Node")
MAX_LISTED = 90  # characters of known keys in a message


def children(node: Any) -> dict[str, Any]:
    """Return the children of a model, mapping or list by their keys in paths; a leaf has none."""
    if isinstance(node, BaseModel):
        return {name: getattr(node, name) for name in type(node).model_fields}
    if isinstance(node, dict):
        return {str(key): value for key, value in node.items()}
    return {str(i): value for i, value in enumerate(node)} if isinstance(node, list | tuple) else {}


def resolve_path(node: Any, path: str) -> dict[tuple[str, ...], Any]:
    """Return the keys of every value that a path matches, from the node down, with the values.

    In the path, `*` matches each key.

    Raises:
        ValueError: a node on the path does not have the key.
    """
    found: dict[tuple[str, ...], Any] = {(): node}
    for key in path.split("."):
        below: dict[tuple[str, ...], Any] = {}
        for place, inner in found.items():
            keys = children(inner)
            if key not in keys and not (key == "*" and keys):
                where = f" in {'.'.join(place)}" if "*" in path else ""
                raise ValueError(f"unknown key {key!r}{where}{key_hint(key, keys)}")
            below |= {(*place, k): keys[k] for k in (keys if key == "*" else (key,))}
        found = below
    return found


def with_value(node: Node, place: Sequence[str], value: Any) -> Node:
    """Return a copy of a model, mapping or tuple with one value changed; nothing is validated."""
    if not place:
        return value  # type: ignore[no-any-return]
    key, rest = place[0], place[1:]
    if isinstance(node, BaseModel):
        return node.model_copy(update={key: with_value(getattr(node, key), rest, value)})
    if isinstance(node, dict):
        return node | {key: with_value(node[key], rest, value)}  # type: ignore[return-value]
    assert isinstance(node, tuple)
    return tuple(with_value(v, rest, value) if str(i) == key else v for i, v in enumerate(node))  # type: ignore[return-value]


def key_hint(key: str, keys: Iterable[Any], others: Iterable[str] = ()) -> str:
    """Return the end of an error message about an unknown key: what it may mean, or else the known keys.

    Args:
        key: the unknown key.
        keys: keys that are known in its place.
        others: longer paths that may be meant if no known key is close.
    """
    known = [str(k) for k in keys]
    if not key.isdecimal():
        hint = did_you_mean(key, known, 0.5) or next((f"; did you mean {path}?" for path in others), "")
        if hint:
            return hint
    listed = ", ".join(known)
    if len(listed) > MAX_LISTED:
        listed = f"{listed[:MAX_LISTED].rpartition(', ')[0]}, ..."
    return f"; known: {listed}" if known else ""
