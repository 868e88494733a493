"""Orbits of a replay page: mean elements for each satellite, from which the page computes positions at any time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.constants import EARTH_FLATTENING, EARTH_RADIUS_M, KM_M
from odc_gym.recording import Recording

EARTH_RATE = 7.2921158553e-5  # rotation of the Earth against the stars [rad/s]
FEWEST_SAMPLES = 8  # of a fit of elements
MOST_CHANGE = 0.01  # of the radius of an orbit with elements
MOST_ERROR = 2e-3  # radians between the elements and the recorded positions
ELEMENTS = ("inclination", "node", "node_rate", "latitude", "rate", "cos_1", "sin_1", "cos_2", "sin_2")
"""Columns of the elements of a satellite, radians and rad/s.

The argument of latitude is u(t) = m + cos_1 cos m + sin_1 sin m + cos_2 cos 2m + sin_2 sin 2m, where m = latitude +
rate x t; the node is node + node_rate x t. The harmonics hold the eccentricity and the short-period terms.
"""


class Orbits(NamedTuple):
    """Orbits of an episode in the frame of the equator of date."""

    direction: np.ndarray  # unit vectors of the satellites at each decision, (D + 1, S, 3)
    radius_km: np.ndarray  # (D + 1, S)
    elements: np.ndarray | None  # (S, len(ELEMENTS)), None where they do not describe the directions
    sun: np.ndarray  # unit vectors of the Sun at the start and the end, (2, 3)
    greenwich_rad: float  # right ascension of Greenwich at the start


def find_orbits(recording: Recording) -> Orbits:
    """Return the orbits of a recording."""
    direction, sun, greenwich = of_date(recording)
    radius = np.linalg.norm(recording["orbit/position_km"].astype(np.float64), axis=2)
    elements, error = None, np.inf
    if len(direction) >= FEWEST_SAMPLES and np.ptp(radius, axis=0).max() < MOST_CHANGE * radius.min():
        elements, error = fit_elements(direction, recording["time_s"])
    return Orbits(direction, radius, elements if error < MOST_ERROR else None, sun[[0, -1]], greenwich)


def of_date(recording: Recording) -> tuple[np.ndarray, np.ndarray, float]:
    """Return directions of satellites and of the Sun in the frame of the equator of date.

    In this frame the Earth turns around the third axis at a constant rate. The rotation from GCRS is the one that best
    takes the recorded positions over the recorded sub-satellite points.

    Returns:
        unit vectors of the satellites (D + 1, S, 3) and of the Sun (D + 1, 3), and the right ascension of Greenwich at
        the start [rad].
    """
    position = recording["orbit/position_km"].astype(np.float64)
    unit = position / np.linalg.norm(position, axis=2, keepdims=True)
    geodetic = np.radians(recording["orbit/latitude_deg"].astype(np.float64))
    longitude = np.radians(recording["orbit/longitude_deg"].astype(np.float64))
    geocentric = np.arcsin(np.clip(unit[..., 2], -1, 1))
    greenwich = float((np.arctan2(unit[0, 0, 1], unit[0, 0, 0]) - longitude[0, 0]) % (2 * np.pi))
    angle = longitude + greenwich + EARTH_RATE * recording["time_s"][:, None]
    latitude = geodetic - _geodetic_excess(geocentric, np.linalg.norm(position, axis=2))
    target = np.stack(
        [np.cos(latitude) * np.cos(angle), np.cos(latitude) * np.sin(angle), np.sin(latitude)], axis=2
    ).reshape(-1, 3)
    left, _, right = np.linalg.svd(target.T @ unit.reshape(-1, 3))  # Kabsch: the rotation that fits best
    rotation = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    return unit @ rotation.T, recording["orbit/sun"].astype(np.float64) @ rotation.T, greenwich


def _geodetic_excess(geocentric: np.ndarray, radius_km: np.ndarray) -> np.ndarray:
    """Return geodetic minus geocentric latitude of a satellite [rad], to first order in the flattening."""
    excess: np.ndarray = EARTH_RADIUS_M / KM_M / radius_km * EARTH_FLATTENING * np.sin(2 * geocentric)
    return excess


def fit_elements(direction: np.ndarray, time_s: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit mean elements to the directions of satellites.

    Args:
        direction: unit vectors in a frame whose third axis is the pole, (D + 1, S, 3), at least 8 samples.
        time_s: times of the samples, (D + 1,), less than half a revolution apart.

    Returns:
        elements (S, len(ELEMENTS)), and the largest angle between the fit and the samples [rad].
    """
    elements = np.zeros((direction.shape[1], len(ELEMENTS)))
    for s in range(direction.shape[1]):
        elements[s] = _fit_one(direction[:, s], time_s)
    fitted = positions(elements, time_s)
    return elements, float(np.linalg.norm(fitted - direction, axis=2).max())


def _fit_one(v: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    normal = np.cross(v[:-1], v[1:])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    between = (time_s[:-1] + time_s[1:]) / 2
    inclination = np.arccos(np.clip(normal[:, 2].mean(), -1, 1))
    nodes = np.unwrap(np.arctan2(normal[:, 0], -normal[:, 1]))
    node_rate, node = np.polyfit(between, nodes, 1)
    at = node + node_rate * time_s
    along = np.stack([np.cos(at), np.sin(at), np.zeros_like(at)], 1)
    across = np.stack(
        [-np.sin(at) * np.cos(inclination), np.cos(at) * np.cos(inclination), np.full_like(at, np.sin(inclination))], 1
    )
    u = np.unwrap(np.arctan2((v * across).sum(1), (v * along).sum(1)))
    rate, latitude = np.polyfit(time_s, u, 1)
    harmonics = np.zeros(4)
    for _ in range(2):  # the phase of the harmonics follows the mean
        m = latitude + rate * time_s
        terms = np.stack(
            [np.cos(m), np.sin(m), np.cos(2 * m), np.sin(2 * m), np.ones_like(m), time_s - time_s.mean()], 1
        )
        found = np.linalg.lstsq(terms, u - m, rcond=None)[0]
        harmonics = found[:4]
        latitude, rate = latitude + found[4] - found[5] * time_s.mean(), rate + found[5]
    return np.array([inclination, node % (2 * np.pi), node_rate, latitude % (2 * np.pi), rate, *harmonics])


def positions(elements: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Return unit vectors of satellites from their elements, (len(time_s), S, 3)."""
    inclination, node, node_rate, latitude, rate, *harmonics = elements.T
    t = time_s[:, None]
    m, at = latitude + rate * t, node + node_rate * t
    u = m + harmonics[0] * np.cos(m) + harmonics[1] * np.sin(m)
    u = u + harmonics[2] * np.cos(2 * m) + harmonics[3] * np.sin(2 * m)
    c, s = np.cos(u), np.sin(u)
    x = c * np.cos(at) - s * np.sin(at) * np.cos(inclination)
    y = c * np.sin(at) + s * np.cos(at) * np.cos(inclination)
    return np.stack([x, y, s * np.sin(inclination)], 2)
