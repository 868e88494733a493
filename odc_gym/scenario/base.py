"""Base of scenarios and training configurations: the frozen `Model` with strict types, and types of bounded numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from odc_gym.constants import HOUR_S
from odc_gym.scenario.strict_types import strict
from odc_gym.sites import LIMITS

_CLOCK_TIME = re.compile(r"([-+]?)([0-9]+):([0-5][0-9])(?::([0-5][0-9]))?")


def clock_hours(value: Any) -> Any:
    """Return the hours of a clock time, as 10.5 of `10:30` or `10:30:00`; any other value stays as it is."""
    clock = _CLOCK_TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if clock is None:
        return value
    hours = int(clock[2]) + int(clock[3]) / 60.0 + int(clock[4] or 0) / HOUR_S
    return -hours if clock[1] == "-" else hours


def _hours(value: Any) -> Any:
    hours = clock_hours(value)
    if isinstance(hours, str):
        raise ValueError("must be a number of hours, or a time such as 10:30")
    return hours


Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Efficiency = Annotated[float, Field(gt=0, le=1)]
Celsius = Annotated[float, Field(gt=-273.15, lt=1000)]
Count = Annotated[int, Field(ge=1)]


def _as_hours(number: Any) -> BeforeValidator:
    """Return the validator that lets a clock time stand for a number."""
    return BeforeValidator(_hours, json_schema_input_type=number | str)


_Day = Annotated[float, Field(ge=0, lt=24)]
_Offset = Annotated[float, Field(ge=-12, le=14)]
Hour = Annotated[float, _as_hours(float)]
"""Hours as a number or as a clock time: 10.5 and 10:30 are the same."""
HourOfDay = Annotated[_Day, _as_hours(_Day)]
UtcOffset = Annotated[_Offset, _as_hours(_Offset)]


def _place(name: str) -> Any:
    low, high = LIMITS[name]
    return Field(ge=low, le=high)


Latitude = Annotated[float, _place("latitude_deg")]
Longitude = Annotated[float, _place("longitude_deg")]
SiteAltitude = Annotated[float, _place("altitude_m")]


class Model(BaseModel):
    """Frozen model that rejects unknown keys, and values of another type than a field's.

    No number stands for a boolean, no text for a number, and no number for a date. An integer may be written as 1e6.
    """

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of fields of which one excludes the others: a change that gives one removes what the base gives."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def expanded(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return data of the model with shorthands written out."""
        return data

    @classmethod
    def superseded(cls, changes: Mapping[str, Any]) -> set[str]:
        """Return the fields that are not inherited from a base if a file or override gives `changes`."""
        given = {name for name, value in changes.items() if value is not None}
        return {name for group in cls.exclusive if given.intersection(group) for name in group}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the class with strict types."""
        schema: CoreSchema = strict(handler(source))
        return schema
