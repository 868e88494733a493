"""Orbits of a shell: Walker patterns, sun-synchronous planes, clusters and two-line elements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from odc_gym.scenario.base import Model


class WalkerOrbit(Model):
    """Walker pattern i: total/planes/phasing of circular orbits (Walker 1984)."""

    pattern: Literal["delta", "star"]
    altitude_km: Annotated[float, Field(ge=300, le=2000)]
    inclination_deg: Annotated[float, Field(ge=0, le=180)]
    total: Annotated[int, Field(ge=1)]
    planes: Annotated[int, Field(ge=1)]
    phasing: Annotated[int, Field(ge=0)] = 0
    raan_deg: float = 0.0

    @model_validator(mode="after")
    def _check_planes(self) -> WalkerOrbit:
        if self.total % self.planes:
            raise ValueError(f"total = {self.total} must be divisible by planes = {self.planes}")
        if self.phasing >= self.planes:
            raise ValueError(f"phasing = {self.phasing} must be below planes = {self.planes}")
        return self


class SunSynchronousOrbit(Model):
    """Sun-synchronous circular orbits, given by the mean local time of the ascending node."""

    pattern: Literal["sun_synchronous"]
    altitude_km: Annotated[float, Field(ge=300, le=2000)]
    local_time_h: Annotated[float, Field(ge=0, lt=24)] | tuple[Annotated[float, Field(ge=0, lt=24)], ...]
    total: Annotated[int, Field(ge=1)]
    planes: Annotated[int, Field(ge=1)] = 1
    phasing: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check_planes(self) -> SunSynchronousOrbit:
        if self.total % self.planes:
            raise ValueError(f"total = {self.total} must be divisible by planes = {self.planes}")
        if isinstance(self.local_time_h, tuple) and len(self.local_time_h) != self.planes:
            raise ValueError(f"local_time_h must be a number or a list with one time for each plane ({self.planes})")
        return self


class ClusterOrbit(Model):
    """Satellites within a small radius of one sun-synchronous reference orbit, so that all are in the same light."""

    pattern: Literal["cluster"]
    altitude_km: Annotated[float, Field(ge=300, le=2000)]
    local_time_h: Annotated[float, Field(ge=0, lt=24)]
    total: Annotated[int, Field(ge=1)]
    radius_km: Annotated[float, Field(gt=0, le=50)] = 1.0


class TleOrbit(Model):
    """Orbits from two-line elements, propagated by SGP4 within 14 days of their epochs."""

    pattern: Literal["tle"]
    lines: tuple[tuple[str, str], ...] = Field(min_length=1)
    allow_old: bool = Field(default=False, description="allow propagation beyond 14 days from the elements' epoch")


Orbit = Annotated[WalkerOrbit | SunSynchronousOrbit | ClusterOrbit | TleOrbit, Field(discriminator="pattern")]
