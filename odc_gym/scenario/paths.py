"""Dotted paths into a scenario: what they stand for, and copies with another value in their place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

Node = TypeVar("Node")


def children(node: Any) -> dict[str, Any]:
    """The keys of a model, mapping or list, by the names that paths give them; a leaf has none."""
    if isinstance(node, BaseModel):
        return {name: getattr(node, name) for name in type(node).model_fields}
    if isinstance(node, dict):
        return {str(key): value for key, value in node.items()}
    return {str(i): value for i, value in enumerate(node)} if isinstance(node, list | tuple) else {}


def resolve_path(node: Any, path: str) -> dict[tuple[str, ...], Any]:
    """What a path stands for: keys from the node down to a value, `*` replaced by each key, and the value there.

    Raises:
        ValueError: a key that a node on the way does not have.
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
    """A copy of a model, mapping or tuple in which one value is another; nothing is validated."""
    if not place:
        return value  # type: ignore[no-any-return]
    key, rest = place[0], place[1:]
    if isinstance(node, BaseModel):
        return node.model_copy(update={key: with_value(getattr(node, key), rest, value)})
    if isinstance(node, dict):
        return node | {key: with_value(node[key], rest, value)}  # type: ignore[return-value]
    assert isinstance(node, tuple)
    return tuple(with_value(v, rest, value) if str(i) == key else v for i, v in enumerate(node))  # type: ignore[return-value]


def key_hint(key: str, keys: Iterable[Any]) -> str:
    """What an error line says after an unknown key: the key that was meant, or those that there are."""
    known = [str(k) for k in keys]
    close_matches = difflib.get_close_matches(key, known, 1, 0.5)
    if close_matches:
        return f"; did you mean {close_matches[0]}?"
    return f"; known: {', '.join(known)}" if known else ""
