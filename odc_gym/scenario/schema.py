"""JSON schema of scenario files, for editors.

A file with `base` holds only what differs: nothing is required in it, and null removes an optional part of its base.
The schema therefore holds each model twice, whole and partial. Entries of lists are whole in both, because a list
replaces that of the base.
"""

from __future__ import annotations

from typing import Any

from odc_gym.scenario.reference import unit_of
from odc_gym.scenario.scenario import Scenario

DIALECT = "http://json-schema.org/draft-07/schema#"
_DEFINITION, _PARTIAL = "#/definitions/", "Partial"
_DROPPED = ("title", "discriminator", "format")  # editors show the description, and want dates with an offset
_BASE = {
    "type": "string",
    "description": "name of a scenario of the package, or path of a .yaml file relative to this one; this file then "
    "holds only what differs from it",
}
Node = dict[str, Any]


def file_schema() -> Node:
    """Return the JSON schema of scenario files, with and without `base`."""
    schema = Scenario.model_json_schema(ref_template=_DEFINITION + "{model}")
    models = {**schema.pop("$defs"), "Scenario": schema}
    whole = {name: _whole(model) for name, model in models.items()}
    partial = {_PARTIAL + name: _partial_model(model) for name, model in whole.items()}
    partial[_PARTIAL + "Scenario"]["properties"]["base"] = _BASE
    return {
        "$schema": DIALECT,
        "title": "odc-gym scenario",
        "type": "object",
        "if": {"required": ["base"]},
        "then": {"$ref": f"{_DEFINITION}{_PARTIAL}Scenario"},
        "else": {"$ref": f"{_DEFINITION}Scenario"},
        "definitions": {**whole, **partial},
    }


def _whole(node: Node) -> Node:
    """Return a model or field in the words of the dialect, with units in the descriptions of fields."""
    result = {key: _nested(value) for key, value in node.items() if key not in _DROPPED}
    if "prefixItems" in result:
        result["items"] = result.pop("prefixItems")
    for name, field in result.get("properties", {}).items():
        unit = unit_of(name, field.get("description", ""))
        if unit and f"[{unit}]" not in field["description"]:
            field["description"] += f" [{unit}]"
    return result


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        return _whole(value)
    return [_nested(inner) for inner in value] if isinstance(value, list) else value


def _partial_model(model: Node) -> Node:
    """Return a model of which a file gives any part; null removes what is optional."""
    required = model.get("required", ())
    fields = {
        name: _partial(field) if name in required else _or_null(_partial(field))
        for name, field in model.get("properties", {}).items()
    }
    return {key: value for key, value in model.items() if key != "required"} | {"properties": fields}


def _partial(node: Node) -> Node:
    """Return a field that merges with that of the base."""
    result = {key: value for key, value in node.items() if key not in ("oneOf", "minProperties", "default")}
    if "$ref" in node:
        result["$ref"] = node["$ref"].replace(_DEFINITION, _DEFINITION + _PARTIAL)
    choices = [*node.get("oneOf", ()), *node.get("anyOf", ())]
    if choices:  # several parts may fit, so one of them is not enough
        result["anyOf"] = [_partial(choice) for choice in choices]
    if isinstance(node.get("additionalProperties"), dict):
        result["additionalProperties"] = _or_null(_partial(node["additionalProperties"]))
    return result


def _or_null(node: Node) -> Node:
    """Return a field that also takes null, with its description outside."""
    null = {"type": "null"}
    if "anyOf" in node:
        return node if null in node["anyOf"] else node | {"anyOf": [*node["anyOf"], null]}
    description = {key: node[key] for key in ("description",) if key in node}
    return {"anyOf": [{key: value for key, value in node.items() if key != "description"}, null]} | description
