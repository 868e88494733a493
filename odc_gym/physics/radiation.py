"""Radiation: rate of single-event upsets of a chip by position, for tables that are built with NumPy.

The rate is that of quiet space plus a bell over the South Atlantic Anomaly, where the inner belt of trapped protons
reaches down to low orbits. It grows with a power of the altitude. Form and exponent are estimates. The centre is that
of the anomaly. The height of the bell puts the majority of upsets inside the anomaly, as flight data show: Underwood,
In-orbit radiation effects monitoring on the UoSAT satellites, AIAA/USU Conference on Small Satellites, 1990.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from odc_gym.physics.angles import remainder

REFERENCE_ALTITUDE_M = 650e3
REFERENCE_INCLINATION_RAD = float(np.radians(97.99))  # inclination of a sun-synchronous orbit at that altitude
FLATTENING = 1.0 / 298.257223563  # WGS84
ANOMALY_HALF_AXIS = 2.0  # half-axes of the ellipse that defines the anomaly, in widths of the bell
_NODES = 720  # nodes of the mean over an orbit


class Bell(NamedTuple):
    """Position, widths [deg] and height of the anomaly; the height is relative to the rate far from it."""

    latitude_deg: float
    longitude_deg: float
    latitude_width_deg: float
    longitude_width_deg: float
    contrast: float


def squared_distance(latitude_deg: np.ndarray, longitude_deg: np.ndarray, bell: Bell) -> np.ndarray:
    """Return the squared distance to the anomaly's centre in widths of the bell, any shape; longitudes wrap."""
    east = remainder(np.asarray(longitude_deg - bell.longitude_deg + 180.0), 360.0) - 180.0
    north = latitude_deg - bell.latitude_deg
    return np.asarray((north / bell.latitude_width_deg) ** 2 + (east / bell.longitude_width_deg) ** 2)


def in_anomaly(latitude_deg: np.ndarray, longitude_deg: np.ndarray, bell: Bell) -> np.ndarray:
    """Return whether a position lies in the anomaly, the ellipse of two widths."""
    return np.asarray(squared_distance(latitude_deg, longitude_deg, bell) < ANOMALY_HALF_AXIS**2)


def relative_rate(latitude_deg: np.ndarray, longitude_deg: np.ndarray, bell: Bell) -> np.ndarray:
    """Return the upset rate over the rate far from the anomaly at the same altitude, any shape."""
    return 1.0 + bell.contrast * np.exp(-0.5 * squared_distance(latitude_deg, longitude_deg, bell))


@lru_cache(maxsize=64)
def orbit_mean(inclination_rad: float, bell: Bell) -> float:
    """Return the mean of `relative_rate` over the time in a circular orbit and over all longitudes."""
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
    """Return the upset rate of a chip at a position, in the unit of `mean_rate`, any shape.

    Args:
        latitude_deg: geodetic latitude [deg].
        longitude_deg: east longitude [deg].
        altitude_m: altitude above the ellipsoid [m].
        mean_rate: mean rate over the reference orbit, sun-synchronous at 650 km.
        exponent: exponent of the growth with altitude.
        bell: the anomaly.
    """
    growth = (np.asarray(altitude_m) / REFERENCE_ALTITUDE_M) ** exponent
    mean = orbit_mean(REFERENCE_INCLINATION_RAD, bell)
    return np.asarray(mean_rate / mean * growth * relative_rate(latitude_deg, longitude_deg, bell))
