"""Reference of the fields of a model: path, type, unit, range, default and meaning, from its JSON schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel

UNITS = {
    "w_per_m2": "W/m2", "w_m2": "W/m2", "j_m2_k": "J/(m2 K)", "kj_k_kwh": "kJ/(K kWh)", "kj_k": "kJ/K", "per_k": "1/K",
    "m2_kwh": "m2/kWh", "w_kwh": "W/kWh", "ms_per_token": "ms/token", "mb_per_token": "MB/token", "deg_s": "deg/s",
    "tokens_per_min": "tokens/min", "jobs_per_h": "jobs/h", "per_s": "1/s", "per_day": "1/day", "per_week": "1/week",
    "per_year": "1/year", "chip_year": "1/(chip year)", "satellite_year": "1/(satellite year)",
    "link_year": "1/(link year)", "satellite_loss_per_year": "1/(satellite year)", "km": "km", "m": "m", "m2": "m2",
    "deg": "deg", "h": "h", "hours": "h", "min": "min", "minutes": "min", "s": "s", "years": "years", "w": "W",
    "wh": "Wh", "k": "K", "c": "°C", "gb": "GB", "gbps": "Gb/s", "tflops": "TFLOPS", "tokens": "tokens",
}  # fmt: skip
"""Unit of a field whose name ends with one of these words."""
UNITLESS = frozenset({"x_min", "k"})
"""Names whose last word only looks like a unit."""
_STATED_UNIT = re.compile(r" \[([^\]]+)\]")
_LIMITS = (("exclusiveMinimum", "> "), ("minimum", ">= "), ("exclusiveMaximum", "< "), ("maximum", "<= "))
_TYPES = {"number": "number", "integer": "integer", "string": "text", "boolean": "true or false", "null": "null"}


class FieldRow(NamedTuple):
    """Field of a model.

    Attributes:
        key: name of the field in its block.
        type: kind of value, or the values that are allowed.
        unit: unit of a number; empty for a ratio, a count or a choice.
        range: limits of the number, or of each number of a list.
        default: value that a file without the field gets, as in YAML; empty where the field must be given.
        meaning: description of the field.
        required: whether a complete file must give it.
        models: names of the models of a block.
    """

    key: str
    type: str
    unit: str
    range: str
    default: str
    meaning: str
    required: bool
    models: tuple[str, ...]


class Block(NamedTuple):
    """Group of fields: a model at a path.

    Attributes:
        path: dotted path, in which `*` stands for a name or a number; empty for the top level.
        model: name of the model.
        variant: field and values that choose this model, or the one around it, among several, as in `pattern: tle`;
            empty if there is no choice.
        meaning: docstring of the model.
        fields: fields of the block; sub-blocks have a row as well.
    """

    path: str
    model: str
    variant: str
    meaning: str
    fields: tuple[FieldRow, ...]


def model_blocks(model: type[BaseModel]) -> list[Block]:
    """Return the blocks of a model, each before the blocks in it; a model comes once, at its shortest path."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    top = {name: part for name, part in schema.items() if name != "$defs"}
    paths: dict[str, str] = {}
    level = [("", top)]
    while level:  # level by level, so that the shortest path comes first
        inner = [place for path, part in level for place in _inner_blocks(path, part)]
        new = {name: path for path, name, _ in reversed(inner) if name not in paths}
        paths |= new
        level = [(path, definitions[name]) for name, path in new.items()]
    return list(_walk(top, definitions, paths, "", ""))


def unit_of(name: str, meaning: str) -> str:
    """Return the unit of a field: that in brackets in its description, or that at the end of its name."""
    stated = _STATED_UNIT.search(meaning)
    if stated:
        return stated[1]
    if name in UNITLESS or name.endswith("_frac"):
        return ""
    words = name.split("_")
    endings = ("_".join(words[i:]) for i in range(len(words)))
    return next((UNITS[ending] for ending in endings if ending in UNITS), "")


def note(row: FieldRow) -> str:
    """Return meaning, unit, range and default of a field in one line."""
    unit = f" [{row.unit}]" if row.unit and f"[{row.unit}]" not in row.meaning else ""
    choices = row.type if any(choice not in row.meaning for choice in row.type.split(" | ")[1:]) else ""
    default = f"default {row.default}" if row.default not in ("", "null") else ""
    return "; ".join(part for part in (row.meaning + unit, row.range or choices, default) if part)


def _walk(
    part: dict[str, Any], definitions: dict[str, Any], paths: dict[str, str], path: str, variant: str
) -> Iterator[Block]:
    """Yield a block, then the blocks in it whose path is this one."""
    required = part.get("required", ())
    rows = tuple(_row(name, node, name in required) for name, node in part["properties"].items())
    meaning = " ".join(part.get("description", "").split("\n\n")[0].split())
    yield Block(path, part["title"], variant, meaning, rows)
    for below, name, tag in _inner_blocks(path, part):
        if paths.get(name) == below:
            del paths[name]
            yield from _walk(definitions[name], definitions, paths, below, tag or variant)


def _inner_blocks(path: str, part: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield path, model and variant of the blocks in a block."""
    for name, node in part["properties"].items():
        for inner, tag in _models(node):
            yield (f"{path}.{name}" if path else name) + _any_key(node), inner, tag


def _models(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the models of a field, each with the field and values that choose it."""
    if "$ref" in node:
        yield node["$ref"].rpartition("/")[2], ""
    tags = node.get("discriminator", {})
    for inner, tag in (pair for each in _alternatives(node) for pair in _models(each)):
        values = [value for value, reference in tags.get("mapping", {}).items() if reference.endswith(f"/{inner}")]
        yield inner, f"{tags['propertyName']}: {' | '.join(values)}" if values else tag


def _alternatives(node: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    return inner + [node[key] for key in ("items", "additionalProperties") if isinstance(node.get(key), dict)]


def _any_key(node: dict[str, Any]) -> str:
    """Return `.*` for a field that holds models by name or in a list."""
    if any(isinstance(node.get(key), dict) and list(_models(node[key])) for key in ("items", "additionalProperties")):
        return ".*"
    return "".join(dict.fromkeys(_any_key(each) for each in (*node.get("anyOf", ()), *node.get("oneOf", ()))))


def _row(name: str, node: dict[str, Any], required: bool) -> FieldRow:
    meaning = node.get("description", "")
    kind = _type(node)
    numeric = any(word in kind for word in ("number", "integer"))
    models = tuple(inner for inner, _ in _models(node))
    default = "" if required or (models and node.get("default")) else _yaml(node.get("default"))
    unit = unit_of(name, meaning) if numeric else ""
    return FieldRow(name, kind, unit, _range(node), default, meaning, required, models)


def _type(node: dict[str, Any]) -> str:
    """Return the kind of value in words, or the allowed values."""
    if "const" in node or "enum" in node:
        return " | ".join(str(value) for value in node.get("enum", [node.get("const")]))
    if "anyOf" in node or "oneOf" in node:
        kinds = dict.fromkeys(_type(each) for each in (*node.get("anyOf", ()), *node.get("oneOf", ())))
        return " or ".join(kinds)
    if "$ref" in node:
        return "block"
    if node.get("type") == "array":
        items = node.get("prefixItems")
        if items:
            return f"list of {len(items)}: {' and '.join(dict.fromkeys(_type(item) for item in items))}"
        return f"list of: {_type(node.get('items', {}))}"
    if node.get("type") == "object":
        inner = node.get("additionalProperties")
        return f"by name: {_type(inner)}" if isinstance(inner, dict) else "mapping"
    return _TYPES.get(node.get("type", ""), "value")


def _range(node: dict[str, Any]) -> str:
    """Return the limits of a number, or of the numbers in it."""
    if "minimum" in node and "maximum" in node:
        return f"{node['minimum']:g} to {node['maximum']:g}"
    own = [f"{sign}{node[key]:g}" for key, sign in _LIMITS if key in node]
    if own:
        return ", ".join(own)
    inner = [_range(each) for each in (*node.get("prefixItems", ()), *_alternatives(node))]
    return "; ".join(dict.fromkeys(text for text in inner if text))


def _yaml(value: Any) -> str:
    """Return a default as YAML in one line; that of a block stands with its own fields."""
    if isinstance(value, dict):
        return (
            "" if value and not all(isinstance(inner, int | float) for inner in value.values()) else json.dumps(value)
        )
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return value if isinstance(value, str) else json.dumps(value)
