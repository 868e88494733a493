"""Parameters in the name of a scheduler: `name(value)` or `name(parameter=value, ...)`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import Field, field, fields
from typing import Any

from odc_gym.errors import SchedulerError

_CALL = re.compile(r"([^()]+)\((.*)\)", re.DOTALL)
_OPENING, _CLOSING = "(", ")"
JOINT = "+"  # between the names of a selection


def number(default: float, low: float, high: float, meaning: str = "") -> Any:
    """Make a dataclass field for a parameter that the scheduler's name may set, from `low` to `high`."""
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def choice(default: str, names: Sequence[str], meaning: str = "") -> Any:
    """Make a dataclass field for a selection of names, joined by `+`, that the scheduler's name may set."""
    return field(default=default, metadata={"names": tuple(names), "meaning": meaning})


def settable_parameters(parameters: type) -> dict[str, Field[Any]]:
    """Return the fields made by `number` and `choice`, by name."""
    return {f.name: f for f in fields(parameters) if "low" in f.metadata or "names" in f.metadata}


def describe_parameters(parameters: type) -> tuple[str, ...]:
    """Describe each settable parameter by its default, range and meaning."""
    return tuple(
        f"{name} = {_default_and_range(f)}" + (f": {f.metadata['meaning']}" if f.metadata["meaning"] else "")
        for name, f in settable_parameters(parameters).items()
    )


def _default_and_range(parameter: Field[Any]) -> str:
    if "names" in parameter.metadata:
        return f"{parameter.default} (of {', '.join(parameter.metadata['names'])}, joined by {JOINT})"
    return f"{parameter.default:g} ({parameter.metadata['low']:g} to {parameter.metadata['high']:g})"


def split_names(text: str, separator: str = ",") -> list[str]:
    """Split a text at the separators outside parentheses, and strip the parts."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == _OPENING) - (character == _CLOSING)
        if character == separator and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def base_name(name: str) -> str:
    """Return the name of a scheduler without its parameters."""
    call = _CALL.fullmatch(name)
    return call[1] if call else name


def read_parameters(name: str, parameters: type | None) -> Any:
    """Read the parameters in the name of a scheduler; return None for a name without any, which keeps the defaults.

    Args:
        name: the name as a user writes it, `fixed-clock(0.7)` or `fixed-clock(clock=0.7)`; a number without a parameter
            name sets the parameter at its position.
        parameters: dataclass of the scheduler's parameters, or None if it has none.

    Raises:
        SchedulerError: a parameter is unknown or set twice, or a value is no number or out of range.
    """
    call = _CALL.fullmatch(name)
    if call is None:
        return None
    known = settable_parameters(parameters) if parameters else {}
    if parameters is None or not known:
        raise SchedulerError(f"scheduler = {name}: {call[1]} has no parameters")
    values: dict[str, float | str] = {}
    for position, part in enumerate(split_names(call[2])):
        key, equals, text = part.partition("=")
        key, text = (key.strip(), text.strip()) if equals else (_name_at(name, position, known), key)
        if key not in known:
            raise SchedulerError(f"scheduler = {name}: {key} is no parameter; must be one of {', '.join(known)}")
        if key in values:
            raise SchedulerError(f"scheduler = {name}: {key} is set twice")
        values[key] = _parse(name, known[key], text)
    return parameters(**values)


def _name_at(name: str, position: int, known: dict[str, Field[Any]]) -> str:
    if position >= len(known):
        raise SchedulerError(f"scheduler = {name}: too many values; the parameters are {', '.join(known)}")
    return list(known)[position]


def _parse(name: str, parameter: Field[Any], text: str) -> float | str:
    if "names" in parameter.metadata:
        names = parameter.metadata["names"]
        for part in text.split(JOINT):
            if part not in names:
                allowed = f"must be one of {', '.join(names)}, or several joined by {JOINT}"
                raise SchedulerError(f"scheduler = {name}: {parameter.name} = {text}: {allowed}")
        return text
    low, high = parameter.metadata["low"], parameter.metadata["high"]
    allowed = f"must be a number from {low:g} to {high:g}"
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:  # also refuses NaN
        raise SchedulerError(f"scheduler = {name}: {parameter.name} = {text}: {allowed}")
    return value
