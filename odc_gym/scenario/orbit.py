"""Orbits of a shell: Walker patterns, sun-synchronous planes, clusters and element sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from odc_gym.elements import (
    MAX_ALTITUDE_KM,
    MIN_ALTITUDE_KM,
    ElementSet,
    read_elements,
    read_lines,
    read_messages,
    require_altitudes,
    require_one_shell,
)
from odc_gym.scenario.base import HourOfDay, Model

AltitudeKm = Annotated[float, Field(ge=MIN_ALTITUDE_KM, le=MAX_ALTITUDE_KM)]


class WalkerOrbit(Model):
    """Walker pattern i: total/planes/phasing of circular orbits (Walker 1984)."""

    pattern: Literal["delta", "star"] = Field(
        description="delta: ascending nodes over the full circle; star: over half of it"
    )
    altitude_km: AltitudeKm = Field(description="altitude above the equatorial radius of the Earth")
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
    altitude_km: AltitudeKm = Field(description="altitude above the equatorial radius of the Earth")
    local_time_h: HourOfDay | tuple[HourOfDay, ...] = Field(
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
    altitude_km: AltitudeKm = Field(
        description="altitude of the reference orbit above the equatorial radius of the Earth"
    )
    local_time_h: HourOfDay = Field(description="mean local time of the reference orbit's ascending node")
    total: Annotated[int, Field(ge=1)] = Field(description="number of satellites")
    radius_km: Annotated[float, Field(gt=0, le=50)] = Field(default=1.0, description="radius of the cluster")

    @model_validator(mode="after")
    def _check_altitudes(self) -> ClusterOrbit:
        half = self.radius_km / 2  # the greatest distance along the track is twice that along the radius
        require_altitudes(f"radius_km = {self.radius_km:g}", self.altitude_km - half, self.altitude_km + half)
        return self


class TleOrbit(Model):
    """Orbits from element sets, propagated by SGP4 within 14 days of their epochs."""

    exclusive: ClassVar = (("file", "lines", "messages"),)

    pattern: Literal["tle"] = Field(description="one orbit for each element set")
    file: str | None = Field(
        default=None,
        exclude=True,
        description="file of element sets, in place of lines or messages: two-line elements, or orbit mean-elements "
        "messages (OMM) in JSON, XML, CSV or KVN. A scenario that is loaded holds its contents",
    )
    lines: tuple[tuple[str, ...], ...] = Field(
        default=(), description="two-line elements: pairs of lines, triples that begin with a name, or text"
    )
    messages: tuple[dict[str, Any], ...] = Field(
        default=(), description="orbit mean-elements messages (OMM): fields by their names in CCSDS 502.0"
    )
    allow_old: bool = Field(default=False, description="allow propagation beyond 14 days from the elements' epoch")

    @classmethod
    def expanded(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the data of an orbit with a pattern: `tle: FILE` and `omm: FILE` stand for `pattern: tle, file: FILE`.

        The key may also hold the element sets themselves, as text or as a list.
        """
        if data.get("pattern", "tle") not in ("tle", "omm"):
            return data
        rest = {key: value for key, value in data.items() if key not in ("pattern", "tle", "omm")}
        given = {key: data[key] for key in ("tle", "omm") if key in data}
        if len(given) != 1:
            return data if given or data.get("pattern") != "omm" else {"pattern": "tle", **rest}
        value, inline = next(iter(given.values())), "lines" if "tle" in given else "messages"
        field = "file" if isinstance(value, str) and "\n" not in value.strip() else inline
        return data if field in rest else {"pattern": "tle", field: value, **rest}

    @field_validator("lines", mode="before", json_schema_input_type=str | list[str | list[str]])
    @classmethod
    def _read_lines(cls, lines: Any) -> Any:
        return _entries(read_lines(lines)) if isinstance(lines, str | list | tuple) else lines

    @field_validator("messages", mode="before", json_schema_input_type=list[dict[str, Any]])
    @classmethod
    def _read_messages(cls, messages: Any) -> Any:
        return _entries(read_messages(messages)) if isinstance(messages, list | tuple) else messages

    @model_validator(mode="after")
    def _read_file(self) -> TleOrbit:
        given = [name for name in ("file", "lines", "messages") if getattr(self, name)]
        if len(given) != 1:
            got = f", got {' and '.join(given)}" if given else ""
            raise ValueError(f"must hold one of file, lines and messages{got}")
        if self.file is None:
            require_one_shell(self.sets)
            return self
        sets = read_elements(self.file)
        require_one_shell(sets)
        # the model is frozen for others: its own validator replaces the file by what it holds
        for name, value in (("file", None), ("messages" if sets[0].message else "lines", _entries(sets))):
            object.__setattr__(self, name, value)
            self.model_fields_set.add(name)
        return self

    @property
    def sets(self) -> tuple[ElementSet, ...]:
        """Element sets of the satellites."""
        return read_messages(self.messages) if self.messages else read_lines(self.lines)

    @property
    def total(self) -> int:
        """Number of satellites."""
        return len(self.lines) + len(self.messages)


def _entries(sets: tuple[ElementSet, ...]) -> tuple[Any, ...]:
    """Return element sets as a scenario holds them."""
    return tuple(
        dict(each.message) if each.message else (*((each.name,) if each.name else ()), *(each.lines or ()))
        for each in sets
    )


Orbit = Annotated[WalkerOrbit | SunSynchronousOrbit | ClusterOrbit | TleOrbit, Field(discriminator="pattern")]
