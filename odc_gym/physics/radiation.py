"""Radiation: how often single events upset a chip, by place. Used when tables are built, on NumPy arrays.

The rate is that of quiet space plus a bell over the South Atlantic Anomaly, where the inner belt of trapped protons
comes down to low orbits, and grows with a power of the altitude. Form and exponent are estimates; the centre is that of
the anomaly, and the bell's height makes the majority of upsets fall inside it, as flight data show: Underwood, In-orbit
radiation effects monitoring on the UoSAT satellites, AIAA/USU Conference on Small Satellites, 1990.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

REFERENCE_ALTITUDE_M = 650e3
REFERENCE_INCLINATION_RAD = float(np.radians(97.99))  # of a sun-synchronous orbit at that altitude
FLATTENING = 1.0 / 298.257223563  # WGS84
INSIDE = 2.0  # half axes of the ellipse called the anomaly, in widths of the bell
_NODES = 720  # of the means over an orbit


class Bell(NamedTuple):
    """Place, widths [deg] and height of the anomaly; the height is over the rate far from it."""

    latitude_deg: float
    longitude_deg: float
    latitude_width_deg: float
    longitude_width_deg: float
    contrast: float


def distance2(latitude_deg: np.ndarray, longitude_deg: np.ndarray, bell: Bell) -> np.ndarray:
    """Square of the distance to the anomaly's centre in widths of the bell, any shape; longitudes wrap."""
    east = np.remainder(longitude_deg - bell.longitude_deg + 180.0, 360.0) - 180.0
    north = latitude_deg - bell.latitude_deg
    return np.asarray((north / bell.latitude_width_deg) ** 2 + (east / bell.longitude_width_deg) ** 2)


def inside(latitude_deg: np.ndarray, longitude_deg: np.ndarray, bell: Bell) -> np.ndarray:
    """Whether a place lies in the anomaly: the ellipse of two widths."""
    return np.asarray(distance2(latitude_deg, longitude_deg, bell) < INSIDE**2)


def relative_rate(latitude_deg: np.ndarray, longitude_deg: np.ndarray, bell: Bell) -> np.ndarray:
    """Upset rate over that far from the anomaly at the same altitude, any shape."""
    return 1.0 + bell.contrast * np.exp(-0.5 * distance2(latitude_deg, longitude_deg, bell))


@lru_cache(maxsize=64)
def orbit_mean(inclination_rad: float, bell: Bell) -> float:
    """Mean of `relative_rate` over the time in a circular orbit and over all longitudes."""
    along = (np.arange(_NODES) + 0.5) * (2.0 * np.pi / _NODES)
    geocentric = np.arcsin(np.sin(inclination_rad) * np.sin(along))
    latitude = np.degrees(np.arctan(np.tan(geocentric) / (1.0 - FLATTENING) ** 2))
    longitude = (np.arange(_NODES) + 0.5) * (360.0 / _NODES) - 180.0
    return float(relative_rate(latitude[:, None], longitude[None, :], bell).mean())


def upset_rate(
    latitude_deg: np.ndarray,
    longitude_deg: np.ndarray,
    altitude_m: np.ndarray,
    mean_rate: float,
    exponent: float,
    bell: Bell,
) -> np.ndarray:
    """Upset rate of a chip at a place, in the unit of `mean_rate`, any shape.

    Args:
        latitude_deg: geodetic latitude.
        longitude_deg: east longitude.
        altitude_m: above the ellipsoid.
        mean_rate: mean over the reference orbit, sun-synchronous at 650 km.
        exponent: of the growth with altitude.
        bell: the anomaly.
    """
    growth = (np.asarray(altitude_m) / REFERENCE_ALTITUDE_M) ** exponent
    mean = orbit_mean(REFERENCE_INCLINATION_RAD, bell)
    return np.asarray(mean_rate / mean * growth * relative_rate(latitude_deg, longitude_deg, bell))
