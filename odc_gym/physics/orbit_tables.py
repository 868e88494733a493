"""Tables of orbits that consist of sums, products, quotients and square roots, as compiled loops without temporaries.

The elementary functions of time and of the satellites are arguments, since compiled code and NumPy do not share theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.array_types import Float64x1, Float64x2, Int64x1
from odc_gym.compilation.decorators import inline, simd_loop
from odc_gym.compilation.kernel import kernel
from odc_gym.constants import EARTH_FLATTENING, EARTH_RADIUS_M

ECCENTRICITY2 = EARTH_FLATTENING * (2 - EARTH_FLATTENING)
SECOND_ECCENTRICITY2_M = ECCENTRICITY2 / (1 - ECCENTRICITY2) * (EARTH_RADIUS_M * (1 - EARTH_FLATTENING))


class Vectors(NamedTuple):
    """Components of vectors at several instants."""

    x: Float64x2
    y: Float64x2
    z: Float64x2


class Turning(NamedTuple):
    """Cosine and sine of the turn of an angle since the epoch, (R,) each, and of N angles at the epoch, (N,) each."""

    cos_turned: Float64x1
    sin_turned: Float64x1
    cos_epoch: Float64x1
    sin_epoch: Float64x1


@kernel
def turned_angles(turning: Turning, cosine: Float64x2, sine: Float64x2) -> None:
    """Compute cosine and sine of the sums of turn and angle at epoch.

    The addition theorems need R + N calls of the elementary functions instead of R N.

    Args:
        turning: turn and angles at epoch.
        cosine: (R, N) cosines; written.
        sine: (R, N) sines; written.
    """
    for r in range(cosine.shape[0]):
        c, s = turning.cos_turned[r], turning.sin_turned[r]
        for q in range(cosine.shape[1]):
            cosine[r, q] = c * turning.cos_epoch[q] - s * turning.sin_epoch[q]
            sine[r, q] = s * turning.cos_epoch[q] + c * turning.sin_epoch[q]


@kernel
def place_in_orbit(
    along: Float64x2, across: Float64x2, cos_node: Float64x2, sin_node: Float64x2, plane: Int64x1, cos_i: float,
    sin_i: float, z: Float64x2,
) -> None:  # fmt: skip
    """Turn positions in the orbit planes to the equator: x replaces `along`, and y replaces `across`.

    Args:
        along: (R, S) coordinate towards the ascending node [m]; overwritten by x.
        across: (R, S) coordinate in the orbit plane 90 deg ahead of the node [m]; overwritten by y.
        cos_node: (R, Q) cosine of the right ascension of the node of each plane.
        sin_node: (R, Q) sine of it.
        plane: (S,) plane of each satellite.
        cos_i: cosine of the inclination.
        sin_i: sine of the inclination.
        z: (R, S) coordinate along the Earth's axis [m]; written.
    """
    for r in range(along.shape[0]):
        for s in range(along.shape[1]):
            c, n = cos_node[r, plane[s]], sin_node[r, plane[s]]
            ahead, tilted = along[r, s], across[r, s] * cos_i
            z[r, s] = across[r, s] * sin_i
            along[r, s] = ahead * c - tilted * n
            across[r, s] = ahead * n + tilted * c


@kernel
def turn_with_earth(x: Float64x2, y: Float64x2, cosine: Float64x1, sine: Float64x1, out: Vectors) -> None:
    """Turn positions by the sidereal time about the Earth's axis.

    Args:
        x: (T, S) coordinate towards the equinox [m].
        y: (T, S) coordinate in the equator, 90 deg east of it [m].
        cosine: (T,) cosine of the sidereal time.
        sine: (T,) sine of it.
        out: Earth-fixed positions, (T, S) [m]; x and y are written.
    """
    for t in range(x.shape[0]):
        c, n = cosine[t], sine[t]
        for s in range(x.shape[1]):
            out.x[t, s] = c * x[t, s] + n * y[t, s]
            out.y[t, s] = c * y[t, s] - n * x[t, s]


@kernel
def geodetic(
    x: Float64x1, y: Float64x1, z: Float64x1, north: Float64x1, east: Float64x1, altitude_m: Float64x1
) -> None:
    """Compute the direction of the geodetic zenith and the altitude above the WGS84 ellipsoid.

    Args:
        x: (M,) Earth-fixed coordinate in the equator, towards Greenwich [m].
        y: (M,) Earth-fixed coordinate in the equator, towards 90 deg east [m].
        z: (M,) coordinate along the Earth's axis [m].
        north: (M,) component of the zenith along the Earth's axis, times a length; written.
        east: (M,) component of the zenith away from the axis, times the same length; written.
        altitude_m: (M,) altitudes [m]; written.
    """
    _bowring(x, y, z, north, east, altitude_m, north.size)


@simd_loop
def _bowring(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, north: np.ndarray, east: np.ndarray, altitude_m: np.ndarray, n: int
) -> None:
    """Compute latitudes and altitudes, see `geodetic`.

    Bowring's formula is applied three times, from the reduced latitude of a point on the surface; the error of the
    latitude, the angle of `north` over `east`, is below 1e-10 rad. Source: Bowring 1976, Survey Review 23, 323.
    """
    for s in range(n):
        equatorial = np.sqrt(x[s] * x[s] + y[s] * y[s])
        # tangent of the reduced latitude
        north_1, east_1 = _reduced(z[s], equatorial, z[s], equatorial * (1 - EARTH_FLATTENING))
        north_2, east_2 = _reduced(z[s], equatorial, (1 - EARTH_FLATTENING) * north_1, east_1)
        north_3, east_3 = _reduced(z[s], equatorial, (1 - EARTH_FLATTENING) * north_2, east_2)
        length = np.sqrt(north_3 * north_3 + east_3 * east_3)
        sine, cosine = north_3 / length, east_3 / length
        surface = EARTH_RADIUS_M * np.sqrt(1 - ECCENTRICITY2 * sine * sine)
        north[s], east[s] = north_3, east_3
        altitude_m[s] = equatorial * cosine + z[s] * sine - surface


@inline
def _reduced(z: float, equatorial: float, up: float, out: float) -> tuple[float, float]:
    """Return the components of the zenith from a reduced latitude, whose tangent is `up` over `out`."""
    length = np.sqrt(up * up + out * out)
    sine, cosine = up / length, out / length
    north = z + SECOND_ECCENTRICITY2_M * sine * sine * sine
    return north, equatorial - ECCENTRICITY2 * EARTH_RADIUS_M * cosine * cosine * cosine


@kernel
def from_noon(
    position_m: Vectors, normal: Vectors, plane: Int64x1, sun: Float64x2, ahead: Float64x2, toward: Float64x2
) -> None:
    """Compute the components of positions along orbit noon + 90 deg, and along the Sun.

    The first axis is the normal x Sun, with the length of the Sun's component in the orbit plane.

    Args:
        position_m: positions, (T, S) [m].
        normal: unit vectors along the angular momentum of each plane, (T, Q).
        plane: (S,) plane of each satellite.
        sun: (T, 3) unit vectors to the Sun.
        ahead: (T, S) components along noon + 90 deg [m]; written.
        toward: (T, S) components along the Sun [m]; written.
    """
    for t in range(ahead.shape[0]):
        sx, sy, sz = sun[t, 0], sun[t, 1], sun[t, 2]
        for s in range(ahead.shape[1]):
            x, y, z = position_m.x[t, s], position_m.y[t, s], position_m.z[t, s]
            hx, hy, hz = normal.x[t, plane[s]], normal.y[t, plane[s]], normal.z[t, plane[s]]
            ahead[t, s] = x * (hy * sz - hz * sy) + y * (hz * sx - hx * sz) + z * (hx * sy - hy * sx)
            toward[t, s] = x * sx + y * sy + z * sz


@kernel
def along_sun(position_m: Vectors, sun: Float64x2, stretch: float, along: Float64x2, squared: Float64x2) -> None:
    """Compute the components of positions along the Sun and their squares, where the Earth's axis is stretched.

    Args:
        position_m: positions, (R, S) [m].
        sun: (R, 3) unit vectors to the Sun.
        stretch: factor on z.
        along: (R, S) components along the Sun [m]; written.
        squared: (R, S) squared distances from Earth's centre [m2]; written.
    """
    for r in range(along.shape[0]):
        sx, sy, sz = sun[r, 0], sun[r, 1], sun[r, 2]
        for s in range(along.shape[1]):
            x, y, z = position_m.x[r, s], position_m.y[r, s], position_m.z[r, s] * stretch
            along[r, s] = x * sx + y * sy + z * sz
            squared[r, s] = z * z + x * x + y * y
