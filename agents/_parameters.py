"""Numbers of a rule that its name may carry: `name(value)` or `name(parameter=value, ...)`."""

from __future__ import annotations

import math
import re
from dataclasses import Field, field, fields
from typing import Any

from odc_gym.errors import SchedulerError

_CALL = re.compile(r"([^()]+)\((.*)\)", re.DOTALL)
_OPENS, _CLOSES = "(", ")"


def number(default: float, low: float, high: float) -> Any:
    """A field of a rule's parameters that the scheduler's name may set, from `low` to `high`."""
    return field(default=default, metadata={"low": low, "high": high})


def settable(parameters: type) -> dict[str, Field[Any]]:
    """Fields made by `number`, by name."""
    return {f.name: f for f in fields(parameters) if "low" in f.metadata}


def shown(parameters: type) -> tuple[str, ...]:
    """Each settable parameter with its default and range, for people."""
    return tuple(
        f"{name} = {f.default:g} ({f.metadata['low']:g} to {f.metadata['high']:g})"
        for name, f in settable(parameters).items()
    )


def split_names(text: str, separator: str = ",") -> list[str]:
    """Parts of a text between separators that stand outside parentheses, without surrounding blanks."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == _OPENS) - (character == _CLOSES)
        if character == separator and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def base_name(name: str) -> str:
    """A scheduler's name without what stands in parentheses."""
    call = _CALL.fullmatch(name)
    return call[1] if call else name


def read_parameters(name: str, parameters: type | None) -> Any:
    """Parameters of a rule with the numbers in its name; None of a bare name, which leaves the rule its defaults.

    Args:
        name: as a user writes it, `fixed-clock(0.7)` or `fixed-clock(clock=0.7)`; a number without a name sets the
            parameter in its place.
        parameters: dataclass of the rule, or None of a rule that has no parameters.

    Raises:
        SchedulerError: an unknown parameter, a value that is no number or out of range, or one that is set twice.
    """
    call = _CALL.fullmatch(name)
    if call is None:
        return None
    known = settable(parameters) if parameters else {}
    if parameters is None or not known:
        raise SchedulerError(f"scheduler = {name}: {call[1]} has no parameters")
    values: dict[str, float] = {}
    for place, part in enumerate(split_names(call[2])):
        key, equals, text = part.partition("=")
        key, text = (key.strip(), text.strip()) if equals else (_in_place(name, place, known), key)
        if key not in known:
            raise SchedulerError(f"scheduler = {name}: {key} is no parameter; must be one of {', '.join(known)}")
        if key in values:
            raise SchedulerError(f"scheduler = {name}: {key} is set twice")
        values[key] = _read(name, known[key], text)
    return parameters(**values)


def _in_place(name: str, place: int, known: dict[str, Field[Any]]) -> str:
    if place >= len(known):
        raise SchedulerError(f"scheduler = {name}: too many values; the parameters are {', '.join(known)}")
    return list(known)[place]


def _read(name: str, parameter: Field[Any], text: str) -> float:
    low, high = parameter.metadata["low"], parameter.metadata["high"]
    allowed = f"must be a number from {low:g} to {high:g}"
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:  # refuses what is not a number, too
        raise SchedulerError(f"scheduler = {name}: {parameter.name} = {text}: {allowed}")
    return value
