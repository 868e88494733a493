"""Base of all parts of a scenario: the frozen `Model`, and types of bounded numbers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from odc_gym.sites import LIMITS

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Efficiency = Annotated[float, Field(gt=0, le=1)]
Celsius = Annotated[float, Field(gt=-273.15, lt=1000)]


def _place(name: str) -> Any:
    low, high = LIMITS[name]
    return Field(ge=low, le=high)


Latitude = Annotated[float, _place("latitude_deg")]
Longitude = Annotated[float, _place("longitude_deg")]
SiteAltitude = Annotated[float, _place("altitude_m")]


class Model(BaseModel):
    """Frozen model that rejects unknown keys: a misspelt field is an error, never a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
