"""Orbits of a shell: Walker patterns, sun-synchronous planes, clusters and two-line elements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from odc_gym.scenario.base import Model


class WalkerOrbit(Model):
    """Walker pattern i: total/planes/phasing of circular orbits (Walker 1984)."""

    pattern: Literal["delta", "star"] = Field(
        description="delta: ascending nodes over the full circle; star: over half of it"
    )
    altitude_km: Annotated[float, Field(ge=300, le=2000)] = Field(
        description="altitude above the equatorial radius of the Earth"
    )
    inclination_deg: Annotated[float, Field(ge=0, le=180)] = Field(description="inclination of all planes")
    total: Annotated[int, Field(ge=1)] = Field(description="number of satellites, a multiple of planes")
    planes: Annotated[int, Field(ge=1)] = Field(description="number of planes")
    phasing: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Walker's F: neighbouring planes are shifted by F x 360 deg / total along the orbit"
    )
    raan_deg: float = Field(default=0.0, description="right ascension of the first plane's ascending node at the start")

    @model_validator(mode="after")
    def _check_planes(self) -> WalkerOrbit:
        if self.total % self.planes:
            raise ValueError(f"total = {self.total} must be divisible by planes = {self.planes}")
        if self.phasing >= self.planes:
            raise ValueError(f"phasing = {self.phasing} must be below planes = {self.planes}")
        return self


class SunSynchronousOrbit(Model):
    """Sun-synchronous circular orbits, given by the mean local time of the ascending node."""

    pattern: Literal["sun_synchronous"] = Field(description="orbits whose planes follow the Sun over the year")
    altitude_km: Annotated[float, Field(ge=300, le=2000)] = Field(
        description="altitude above the equatorial radius of the Earth"
    )
    local_time_h: Annotated[float, Field(ge=0, lt=24)] | tuple[Annotated[float, Field(ge=0, lt=24)], ...] = Field(
        description="mean local time of the ascending node; one for all planes, or one for each"
    )
    total: Annotated[int, Field(ge=1)] = Field(description="number of satellites, a multiple of planes")
    planes: Annotated[int, Field(ge=1)] = Field(default=1, description="number of planes")
    phasing: Annotated[int, Field(ge=0)] = Field(
        default=0, description="neighbouring planes are shifted by phasing x 360 deg / total along the orbit"
    )

    @model_validator(mode="after")
    def _check_planes(self) -> SunSynchronousOrbit:
        if self.total % self.planes:
            raise ValueError(f"total = {self.total} must be divisible by planes = {self.planes}")
        if isinstance(self.local_time_h, tuple) and len(self.local_time_h) != self.planes:
            raise ValueError(f"local_time_h must be a number or a list with one time for each plane ({self.planes})")
        return self


class ClusterOrbit(Model):
    """Satellites within a small radius of one sun-synchronous reference orbit, so that all are in the same light."""

    pattern: Literal["cluster"] = Field(
        description="satellites that fly close together around one sun-synchronous orbit"
    )
    altitude_km: Annotated[float, Field(ge=300, le=2000)] = Field(
        description="altitude of the reference orbit above the equatorial radius of the Earth"
    )
    local_time_h: Annotated[float, Field(ge=0, lt=24)] = Field(
        description="mean local time of the reference orbit's ascending node"
    )
    total: Annotated[int, Field(ge=1)] = Field(description="number of satellites")
    radius_km: Annotated[float, Field(gt=0, le=50)] = Field(default=1.0, description="radius of the cluster")


class TleOrbit(Model):
    """Orbits from two-line elements, propagated by SGP4 within 14 days of their epochs."""

    pattern: Literal["tle"] = Field(description="one orbit for each pair of lines")
    lines: tuple[tuple[str, str], ...] = Field(
        min_length=1, description="two-line elements, a pair of lines for each satellite"
    )
    allow_old: bool = Field(default=False, description="allow propagation beyond 14 days from the elements' epoch")


Orbit = Annotated[WalkerOrbit | SunSynchronousOrbit | ClusterOrbit | TleOrbit, Field(discriminator="pattern")]
