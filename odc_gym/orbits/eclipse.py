"""Eclipse: the visible fraction of the Sun's disc as seen from a satellite.

Umbra and penumbra follow from the overlap of the discs of Sun and Earth (Montenbruck and Gill, Satellite Orbits, 2000,
section 3.4.2). Stretching z, the Earth's axis, by 1 / (1 - flattening) turns the oblate Earth into a sphere; satellite
and Sun are stretched alike. Refraction and absorption in the atmosphere are left out.

In the stretched space two numbers determine the shadow: the coordinate `along` the direction of the Sun, and the
distance from Earth's centre. Both are smooth, so they are interpolated within a step instead of propagated.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from odc_gym.constants import EARTH_FLATTENING, EARTH_RADIUS_M, SUN_RADIUS_M
from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array, cubic_weights
from odc_gym.orbits.mean_orbit import Motion
from odc_gym.physics.interpolation import interpolate_steps
from odc_gym.physics.orbit_tables import along_sun

SUB_SAMPLES = 30  # 2 s of a 60 s step; penumbra lasts 6 s or more
AXIS_STRETCH = 1.0 / (1.0 - EARTH_FLATTENING)
# Half width of the penumbra over the distance behind Earth: (radius of Sun + radius of Earth) / distance <= 0.00478
PENUMBRA_SLOPE = 0.005
PENUMBRA_M = 500.0  # the shadow cones touch the Earth up to 70 m from the plane through its centre
# Bound of the second derivative of the distance from the shadow's axis: speed^2 / radius, 20 m/s2 for an escape orbit
MAX_SHADOW_ACCELERATION_M_S2 = 25.0


def sunlit_fraction(position_m: ArrayLike, sun_m: ArrayLike) -> Array:
    """Return the visible fraction of the Sun's disc.

    Args:
        position_m: (..., 3) satellite from Earth's centre [m], in axes whose z is Earth's axis.
        sun_m: (..., 3) Sun from Earth's centre [m], same axes; broadcasts against `position_m`.

    Returns:
        (...) 0 in the umbra, 1 in full light.
    """
    position, sun = np.asarray(position_m, dtype=np.float64), np.asarray(sun_m, dtype=np.float64)
    direction, distance = stretched_sun(sun)
    x, y, z = position[..., 0], position[..., 1], position[..., 2] * AXIS_STRETCH
    along = x * direction[..., 0] + y * direction[..., 1] + z * direction[..., 2]
    return _disc_fraction(along, x * x + y * y + z * z, distance)


def stretched_sun(sun_m: Array) -> tuple[Array, Array]:
    """Return direction (..., 3) and distance (...) [m] of the Sun in the space where the Earth is a sphere."""
    stretched = sun_m * np.array([1.0, 1.0, AXIS_STRETCH])
    distance = np.sqrt((stretched * stretched).sum(axis=-1))
    return stretched / distance[..., None], distance


def shadow_coordinates(motion: Motion, direction: Array) -> tuple[Array, Array]:
    """Return the shadow coordinates of satellites in the stretched space, (R, S) each.

    They are the coordinate towards the Sun [m] and the squared distance from Earth's centre [m2].

    Args:
        motion: positions of S satellites at R instants.
        direction: (R, 3) direction of the Sun from `stretched_sun`.
    """
    along, squared = np.empty((2, *motion.position_m.x.shape))
    along_sun(motion.position_m, direction, AXIS_STRETCH, along, squared)
    return along, squared


def instant_fractions(along: Array, squared: Array, sun_distance_m: Array) -> Array:
    """Return the visible fraction of the Sun's disc at R instants.

    Args:
        along: (R, S) coordinate from `shadow_coordinates`.
        squared: (R, S) squared distance from `shadow_coordinates`.
        sun_distance_m: (R,) distance of the Sun [m].

    Returns:
        (R, S) fraction.
    """
    return _fractions(along, squared, sun_distance_m, _half_width_m(squared))


def step_means(along: Array, squared: Array, sun_distance_m: Array, step_s: float) -> Array:
    """Return the mean visible fraction of the Sun's disc over each of N steps.

    A step is sampled at 30 instants if the shadow's edge may touch it. The distances to the edge at both ends decide
    this: in between, the distance departs from the chord by at most step^2 / 8 of its second derivative. An eclipse
    shorter than a step is therefore not missed. Penumbras last 6 s or more, so the error is below 0.05 s of full light
    for a crossing.

    Args:
        along: (N + 3, S) coordinate from `shadow_coordinates`, from one step before the first to one step after the end
            of the last.
        squared: (N + 3, S) squared distance at the same instants.
        sun_distance_m: (N + 3,) distance of the Sun [m].
        step_s: length of a step [s], at most 60.

    Returns:
        (N, S) mean of the fraction over the step that begins at row n + 1.
    """
    outside = _shadow_distance_m(along[1:-1], squared[1:-1])
    margin = _half_width_m(squared) + MAX_SHADOW_ACCELERATION_M_S2 * step_s**2 / 8
    nearest = np.minimum(outside[:-1], outside[1:])
    farthest = np.maximum(outside[:-1], outside[1:])
    mean = (nearest > 0).astype(np.float64)
    n, s = np.nonzero((nearest <= margin) & (farthest >= -margin))
    weights = cubic_weights((np.arange(SUB_SAMPLES) + 0.5) / SUB_SAMPLES)
    samples = _interpolate(along, n, s, weights), _interpolate(squared, n, s, weights)
    mean[n, s] = _fractions(*samples, sun_distance_m[n + 1], _half_width_m(squared)).sum(axis=1) / SUB_SAMPLES
    return mean


def eclipse_fraction(altitude_m: float, beta_rad: ArrayLike) -> Array:
    """Return the fraction of a circular orbit in the cylindrical shadow of a spherical Earth.

    The fraction is arccos(sqrt(h^2 + 2 R h) / ((R + h) cos beta)) / pi, and 0 where the orbit misses the shadow.
    Source: the shadow's chord in the orbit plane, e.g. Vallado 4th ed., section 5.3.

    Args:
        altitude_m: altitude above the equatorial radius [m].
        beta_rad: angle between the Sun and the orbit plane [rad], any shape.

    Raises:
        OrbitError: the altitude is not above the surface.
    """
    if not 0 < altitude_m < math.inf:
        raise OrbitError(f"altitude_m = {altitude_m:g}: must be > 0")
    edge = math.sqrt(altitude_m**2 + 2 * EARTH_RADIUS_M * altitude_m) / (EARTH_RADIUS_M + altitude_m)
    cosine = np.abs(np.cos(np.asarray(beta_rad, dtype=np.float64)))
    return np.arccos(np.minimum(edge / np.maximum(cosine, edge), 1.0)) / math.pi


def _shadow_distance_m(along: Array, squared: Array) -> Array:
    """Return the distance outside the cylindrical shadow [m].

    It is negative inside the shadow and has a continuous slope.
    """
    behind = np.minimum(along, 0.0)
    np.square(behind, out=behind)
    np.subtract(squared, behind, out=behind)
    np.sqrt(np.maximum(behind, 0.0, out=behind), out=behind)
    behind -= EARTH_RADIUS_M
    return behind


def _fractions(along: Array, squared: Array, sun_distance_m: Array, half_width_m: float) -> Array:
    """Return the visible fraction of the Sun's disc, which is 0 or 1 beyond `half_width_m` from the shadow's edge.

    Args:
        along: (R, N) coordinate from `shadow_coordinates`.
        squared: (R, N) squared distance from `shadow_coordinates`.
        sun_distance_m: (R,) distance of the Sun [m].
        half_width_m: half width from `_half_width_m`.

    Returns:
        (R, N) fraction.
    """
    outside = _shadow_distance_m(along, squared)
    fraction = (outside > 0).astype(np.float64)
    r, s = np.nonzero(np.abs(outside) <= half_width_m)
    fraction[r, s] = _disc_fraction(along[r, s], squared[r, s], sun_distance_m[r])
    return fraction


def _half_width_m(squared: Array) -> float:
    """Return the distance from the cylinder's edge beyond which there is neither penumbra nor antumbra [m]."""
    return PENUMBRA_SLOPE * math.sqrt(max(float(squared.max()) - EARTH_RADIUS_M**2, 0.0)) + PENUMBRA_M


def _interpolate(values: Array, n: NDArray[np.intp], s: NDArray[np.intp], weights: Array) -> Array:
    """Interpolate columns s in the steps n by cubics, (selected, samples); `weights` is (4, samples)."""
    found = np.empty((n.size, weights.shape[1]))
    interpolate_steps(values, np.ascontiguousarray(n), np.ascontiguousarray(s), weights, found)
    return found


def _disc_fraction(along: Array, squared: Array, sun_distance_m: Array) -> Array:
    """Return the visible fraction of the Sun's disc.

    The Sun has radius a, and its centre is c away from the centre of Earth's disc of radius b; all three are angles.

    Source: Montenbruck and Gill, section 3.4.2.
    """
    distance2 = sun_distance_m * (sun_distance_m - 2 * along) + squared  # satellite to Sun
    a = np.arcsin(SUN_RADIUS_M / np.sqrt(distance2))
    b = np.arcsin(np.minimum(EARTH_RADIUS_M / np.sqrt(squared), 1.0))
    cosine = (squared - sun_distance_m * along) / np.sqrt(squared * distance2)
    # distance between the rims: -a for a Sun just hidden, a for a Sun just clear; clipped, so that 0 and 1 are exact
    gap = np.clip(np.arccos(np.clip(cosine, -1.0, 1.0)) - b, -a, a)
    c = b + gap
    x = (a * a + gap * (b + c)) / (2 * c)
    # height of the triangle a, b, c by Heron's formula: a^2 - x^2 would lose half of the digits near the ends
    y = np.sqrt((a - gap) * (a + gap) * (b + c + a) * (b + c - a)) / (2 * c)
    overlap = a * a * np.arctan2(y, x) + b * b * np.arctan2(y, c - x) - c * y
    return np.where(gap > -a, np.clip(1 - overlap / (math.pi * a * a), 0.0, 1.0), 0.0)
