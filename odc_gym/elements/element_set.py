"""Element set of one satellite, whatever format it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

EARTH_RADIUS_WGS72_KM = 6378.135  # the radius among SGP4's own constants
_NOT_USED_BY_SGP4 = {
    "CLASSIFICATION_TYPE": "U",
    "OBJECT_ID": "",
    "EPHEMERIS_TYPE": 0,
    "ELEMENT_SET_NO": 0,
    "REV_AT_EPOCH": 0,
    "NORAD_CAT_ID": 0,  # the package takes numbers up to 339999 only
}

Message = Mapping[str, str | int | float]
"""Fields of an orbit mean-elements message by their names in CCSDS 502.0."""


@dataclass(frozen=True)
class ElementSet:
    """Mean elements of one satellite for SGP4: two lines, or an orbit mean-elements message.

    Attributes:
        label: place in the input, and satellite, for error messages.
        name: name of the satellite, or an empty string.
        number: catalogue number.
        epoch: epoch, UTC.
        lines: the two lines, or None.
        message: fields of the message, or None.
    """

    label: str = field(compare=False)
    name: str
    number: int
    epoch: datetime
    lines: tuple[str, str] | None = None
    message: Message | None = field(default=None, hash=False)

    def satellite(self) -> Any:
        """Return the propagator of the `sgp4` package."""
        from sgp4.api import Satrec
        from sgp4.omm import initialize

        if self.lines is not None:
            return Satrec.twoline2rv(*self.lines)
        satellite = Satrec()
        initialize(satellite, {**(self.message or {}), **_NOT_USED_BY_SGP4})
        return satellite

    @cached_property
    def _altitudes_km(self) -> tuple[float, float, float]:
        satellite = self.satellite()
        return altitudes_km(satellite.a, satellite.ecco)

    @property
    def altitude_km(self) -> float:
        """Mean altitude above the equatorial radius [km]; it follows from the mean motion as SGP4 reads it."""
        return self._altitudes_km[1]

    @property
    def perigee_km(self) -> float:
        """Altitude of the perigee above the equatorial radius [km]."""
        return self._altitudes_km[0]

    @property
    def apogee_km(self) -> float:
        """Altitude of the apogee above the equatorial radius [km]."""
        return self._altitudes_km[2]


def altitudes_km(semi_major_axis: float, eccentricity: float) -> tuple[float, float, float]:
    """Return the altitudes of perigee, semi-major axis and apogee above the equatorial radius [km].

    Args:
        semi_major_axis: semi-major axis [Earth radii].
        eccentricity: eccentricity.
    """
    perigee, mean, apogee = (
        (semi_major_axis * factor - 1.0) * EARTH_RADIUS_WGS72_KM for factor in (1 - eccentricity, 1.0, 1 + eccentricity)
    )
    return perigee, mean, apogee


def satellite_label(number: int | None, name: str) -> str:
    """Return number and name of a satellite for a message, as far as they are known."""
    known = " ".join(str(part) for part in (number, name) if part not in (None, ""))
    return f", satellite {known}" if known else ""
