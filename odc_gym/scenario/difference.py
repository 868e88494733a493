"""Differences between two scenarios, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from odc_gym.scenario import Scenario


class Missing:
    """Marker for a field that a scenario does not have; None is a value."""


class Difference(NamedTuple):
    """Field that differs between two scenarios; `Missing` marks a field that one of them does not have."""

    path: str  # dotted path, with indices for entries of lists
    a: Any
    b: Any


def differences(a: Scenario, b: Scenario) -> list[Difference]:
    """Return the fields that differ between two scenarios, in the order of their fields."""
    leaves_a, leaves_b = dict(_leaves(a.model_dump(mode="json"), "")), dict(_leaves(b.model_dump(mode="json"), ""))
    found = [
        Difference(path, leaves_a.get(path, Missing), leaves_b.get(path, Missing)) for path in {**leaves_a, **leaves_b}
    ]
    return [each for each in found if each.a is Missing or each.b is Missing or each.a != each.b]


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield path and value of each leaf below a node; an empty collection is a leaf."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if not children:
        yield path, node
    for key, child in children:
        yield from _leaves(child, f"{path}.{key}" if path else str(key))
