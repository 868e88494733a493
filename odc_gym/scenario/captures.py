"""Captures: jobs that arise on satellites, from observations of the Earth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from odc_gym.scenario.base import Latitude, Longitude, Model, Positive


class Target(Model):
    """Box of latitude and longitude that satellites observe; beyond 180 degrees it continues at -180."""

    latitude_deg: tuple[Latitude, Latitude] = Field(description="southern and northern edge")
    longitude_deg: tuple[Longitude, Longitude] = Field(description="western and eastern edge")
    weight: Positive = Field(default=1.0, description="rate of captures relative to the other targets")

    @model_validator(mode="after")
    def _check_order(self) -> Target:
        if self.latitude_deg[0] >= self.latitude_deg[1]:
            raise ValueError(f"latitude_deg = {list(self.latitude_deg)}: must rise from south to north")
        return self


class Captures(Model):
    """Jobs that arise where a satellite is above a target in daylight; their data lies on that satellite."""

    targets: dict[str, Target] = Field(min_length=1, description="boxes of land by name")
    sun_elevation_deg: Annotated[float, Field(ge=-90, le=90)] = Field(
        default=10.0, description="least elevation of the Sun at the target"
    )
