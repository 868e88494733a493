"""Randomised scenarios: numbers that each episode draws, given by their paths."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from odc_gym.scenario.base import Model
from odc_gym.scenario.messages import explain
from odc_gym.scenario.paths import resolve_path, with_value

RANDOM_SECTIONS = ("hardware", "earth", "workload", "network", "sensing", "faults")
"""Sections of a scenario whose numbers can be random; the others hold the rules of the task."""
_SCORED = "scores are measured in it"
NOT_RANDOM = {
    "value": _SCORED,
    "queue_value": _SCORED,
    "hold_back": _SCORED,
    "width": "probabilities must sum to 1",
    "bf16_tflops": "no episode depends on it",
}
"""Fields of those sections that must not be random, with the reason."""

KeyPath = tuple[str, ...]


class Draw(Model):
    """Distribution of a number that is drawn for each episode, or for each satellite of an episode."""

    dist: Literal["uniform", "log_uniform"] = Field(
        default="uniform", description="distribution. log_uniform: uniform in the logarithm"
    )
    low: float = Field(description="lower end, in the unit of the drawn field")
    high: float = Field(description="upper end, in the unit of the drawn field")
    per: Literal["episode", "satellite"] = Field(
        default="episode", description="satellite: a value of its own for each satellite, in `hardware` only"
    )

    @model_validator(mode="after")
    def _check_range(self) -> Draw:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low:g}: must be < high = {self.high:g}")
        if self.dist == "log_uniform" and self.low <= 0:
            raise ValueError(f"low = {self.low:g}: must be > 0 with dist = log_uniform")
        return self


def check_draws(scenario: BaseModel, draws: Mapping[str, Draw]) -> None:
    """Reject draws that give an invalid scenario in some episode.

    Both ends of every draw must be valid in the scenario. So must all combinations of the ends of draws in one section
    of it, such as a battery. Rules between fields, such as floor < restore, are tightest at the ends.

    Raises:
        ValueError: a draw is invalid; the message is one line.
    """
    drawn_by: dict[KeyPath, str] = {}
    for path, draw in draws.items():
        for place in _drawn_places(scenario, path, draw):
            if place in drawn_by:
                raise ValueError(f"randomise.{path}: {'.'.join(place)} is already drawn by {drawn_by[place]}")
            drawn_by[place] = path
    for path, draw in draws.items():
        own_places = [place for place, by in drawn_by.items() if by == path]
        for end in ("low", "high"):
            _check_end(scenario, path, own_places, end, getattr(draw, end))
    for section_path in dict.fromkeys(_section_of(scenario, place) for place in drawn_by):
        _check_section(
            scenario,
            section_path,
            {p: by for p, by in drawn_by.items() if _section_of(scenario, p) == section_path},
            draws,
        )


def _drawn_places(scenario: BaseModel, path: str, draw: Draw) -> list[KeyPath]:
    """Return the places that a path matches, after checking that all of them may be random."""
    where = f"randomise.{path}"
    if path.split(".")[0] not in RANDOM_SECTIONS:
        raise ValueError(f"{where}: must be a path in {', '.join(RANDOM_SECTIONS)}")
    if draw.per == "satellite" and not path.startswith("hardware."):
        raise ValueError(f"{where}.per = satellite: must be episode outside hardware")
    try:
        found = resolve_path(scenario, path)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    for place, value in found.items():
        for key in place:
            if key in NOT_RANDOM:
                raise ValueError(f"{where}: must not be random, {NOT_RANDOM[key]}")
        if isinstance(value, int):
            raise ValueError(f"{where}: must not be random, it is a count or a choice")
        if not isinstance(value, float):
            raise ValueError(f"{where}: must be the path of a number")
    return list(found)


def _check_end(scenario: BaseModel, path: str, own_places: list[KeyPath], end: str, value: float) -> None:
    """Validate the whole scenario with one end of a draw at all places of its path."""
    changed = scenario
    for place in own_places:
        changed = with_value(changed, place, value)
    message = _validation_error(changed, randomise={})
    if message:
        for place in own_places:  # drop the field's name from the message, because the draw's path already gives it
            if message.startswith(f"{'.'.join(place)} = "):
                message = message.partition(": ")[2]
        raise ValueError(f"randomise.{path}.{end} = {value:g}: {message}")


def _check_section(
    scenario: BaseModel, section_path: KeyPath, drawn_by: dict[KeyPath, str], draws: Mapping[str, Draw]
) -> None:
    """Validate one section of a scenario with every combination of the ends of its draws."""
    paths = list(dict.fromkeys(drawn_by.values()))
    if len(paths) < 2:
        return
    section = resolve_path(scenario, ".".join(section_path))[section_path]
    for ends in product(*((draws[path].low, draws[path].high) for path in paths)):
        values = dict(zip(paths, ends, strict=True))
        changed = section
        for place, path in drawn_by.items():
            changed = with_value(changed, place[len(section_path) :], values[path])
        message = _validation_error(changed)
        if message:
            combined = ", ".join(f"{path} = {value:g}" for path, value in values.items())
            raise ValueError(f"randomise: {combined}: {message}")


def _section_of(scenario: BaseModel, place: KeyPath) -> KeyPath:
    """Return the path of the innermost model that holds a place."""
    inside = (place[:k] for k in range(len(place) - 1, 0, -1))
    return next(p for p in inside if isinstance(resolve_path(scenario, ".".join(p))[p], BaseModel))


def _validation_error(model: BaseModel, **replaced: Any) -> str:
    """Return the first error of a model in one line, or an empty string if it is valid."""
    try:
        type(model).model_validate(model.model_dump() | replaced)
    except ValidationError as error:
        return explain(error, type(model))
    return ""
