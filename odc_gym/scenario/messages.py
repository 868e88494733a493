"""Messages of validation errors: one line with the field, its value and what is allowed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from odc_gym.scenario.paths import key_hint
from odc_gym.scenario.places import Place
from odc_gym.scenario.yaml_text import is_plain_text, shown


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return the first entry of a pydantic error in one line: path, value and what is allowed."""
    entries = [(entry, *_path(entry, model)) for entry in error.errors(include_url=False)]
    start = entries[0][1]
    # alternatives of a value give an entry each: the one that comes furthest tells most
    first, path, place = max((e for e in entries if e[1][: len(start)] == start), key=lambda e: len(e[1]))
    kind, context = first["type"], first.get("ctx", {})
    value = first.get("input")
    if kind.startswith("union_tag"):
        path.append(context["discriminator"].strip("'"))
        value = context.get("tag")
    where = ".".join(path)
    if kind == "extra_forbidden":
        return f"{where}: unknown key{key_hint(path[-1], sorted(place.fields))}"
    if kind in ("missing", "union_tag_not_found"):
        return f"{where}: is missing"
    text = shown(value) if not isinstance(value, str) or is_plain_text(value) else f"'{shown(value)}'"
    text = f" = {text}" if isinstance(value, str | int | float | bool) or value is None else ""
    of_key = first["loc"][-1:] == ("[key]",)
    begin = f"{where}: key " if of_key else f"{where}{text}: " if where else ""
    return begin + _allowed_values(kind, first["msg"], context)


def _path(entry: Any, model: type[BaseModel]) -> tuple[list[str], Place]:
    """Return the keys of an entry's location, without the names of a union's alternatives, and the place there."""
    place, path = Place((model,)), []
    for part in map(str, entry["loc"]):
        inner = place.below(part)
        if inner is not None:
            path.append(part)
            place = inner
        elif place.tag is not None:
            place = place.narrowed({place.tag: part})
    if entry["type"] == "extra_forbidden":
        path.append(str(entry["loc"][-1]))
    return path, place


def _allowed_values(kind: str, message: str, context: dict[str, Any]) -> str:
    """Return what is allowed, in the words of this project."""
    if kind == "union_tag_invalid":
        return f"must be one of {context['expected_tags']}"
    if kind in ("model_type", "model_attributes_type"):
        return "must be a mapping of fields"
    if kind == "too_short":
        return f"must have at least {context['min_length']} entry"
    message = message.removeprefix("Value error, ")
    for original, replacement in _REPLACEMENTS.items():
        message = message.replace(original, replacement)
    return " ".join(message.split())


_REPLACEMENTS = {
    "Input should be ": "must be ",
    "a valid boolean": "true or false",
    "a valid tuple": "a list",
    "a valid dictionary": "a mapping",
    "greater than or equal to": ">=",
    "less than or equal to": "<=",
    "greater than": ">",
    "less than": "<",
}
