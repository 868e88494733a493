"""Messages of validation errors: one line with the field, its value and what is allowed."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from odc_gym.scenario.paths import key_hint


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return the first entry of a pydantic error in one line: path, value and what is allowed."""
    first = error.errors(include_url=False)[0]
    kind, context = first["type"], first.get("ctx", {})
    # a tagged union puts its tag in the path, which is not a key of the file
    path = [str(p) for p in first["loc"] if str(p) not in _UNION_TAGS and p != "[key]"]
    value = first.get("input")
    if kind.startswith("union_tag"):
        path.append(context["discriminator"].strip("'"))
        value = context.get("tag")
    where = ".".join(path)
    if kind == "extra_forbidden":
        return f"{where}: unknown key{key_hint(path[-1], _field_names(model, first['loc'][:-1]))}"
    if kind in ("missing", "union_tag_not_found"):
        return f"{where}: is missing"
    shown = f" = {value}" if isinstance(value, str | int | float | bool) or value is None else ""
    shown = shown if "\n" not in shown else ""  # a text of several lines
    of_key = first["loc"][-1:] == ("[key]",)
    begin = f"{where}: key " if of_key else f"{where}{shown}: " if where else ""
    return begin + _allowed_values(kind, first["msg"], context)


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
    "greater than or equal to": ">=",
    "less than or equal to": "<=",
    "greater than": ">",
    "less than": "<",
}
_UNION_TAGS = {
    *("delta", "star", "sun_synchronous", "cluster", "tle", "job", "service", "checkpoint", "chunk", "named", "listed"),
    *("satellite-outage", "satellite-loss", "link-outage", "bad-weather", "radiation-storm", "surge"),
    *("cox", "mmpp", "clients", "knots", "mixture"),
}


def _field_names(model: Any, loc: tuple[Any, ...]) -> list[str]:
    """Return the field names of the model at a location of the schema, found by walking annotations."""
    current = [model]
    for part in loc:
        if part in _UNION_TAGS:  # choose the model of a tagged union that has this tag
            tagged = [m for m in current if any(part in get_args(f.annotation) for f in m.model_fields.values())]
            current = tagged or current
            continue
        step: list[Any] = []
        for candidate in current:
            annotation = candidate.model_fields[part].annotation if part in candidate.model_fields else candidate
            step += _models_in(annotation)
        current = step or current
    return sorted({name for m in current for name in m.model_fields})


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[Any] = []
    for argument in getattr(annotation, "__args__", ()):
        found += _models_in(argument)
    return found
