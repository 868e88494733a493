"""Frames: the Sun and the Earth's orientation, from Skyfield at daily nodes with cubic interpolation between them.

The working frame of this package is the true equator and equinox of date. Its z axis is the Earth's axis, so the oblate
Earth and ground tracks are simple in it. Skyfield is evaluated on a fixed grid of days (TT), which does not depend on
the caller. The same time therefore always gets the same bits.

The error of the four-point cubic is 3/128 of the fourth difference. The Sun's annual motion gives 2e-9 rad, the Moon's
pull on the Earth 2e-9 rad, and fortnightly nutation 1e-9 rad. The sum is below 1e-8 rad, which is 7 cm at a satellite.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.elements import FIRST_YEAR, LAST_YEAR
from odc_gym.errors import OrbitError

Array = NDArray[np.float64]

J2000_JD = 2451545.0
SIDEREAL_RAD_DAY = 2 * math.pi * 1.00273781191135448  # Earth rotation angle, IERS Conventions 2010, eq. 5.15
BLOCK_DAYS = 32  # Skyfield's cost is mostly per call: 32 nodes cost twice as much as one

SUN = slice(0, 3)
ROTATION = slice(3, 12)
SIDEREAL = 12
TEME = 13


def as_utc(start: datetime) -> datetime:
    """Convert a date to UTC; a date without an offset is read as UTC.

    Raises:
        OrbitError: the Sun's ephemeris or leap seconds are missing for the year.
    """
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise OrbitError(f"start = {start:%Y-%m-%d}: all times must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return start


def tt_days(start: datetime) -> float:
    """Return the terrestrial time of a UTC date, in days since J2000."""
    t = _timescale().from_datetime(start)
    return float(t.whole - J2000_JD + t.tt_fraction)


class Sky:
    """The Sun and the Earth's orientation at T instants, interpolated when they are first read.

    Args:
        days: (T,) TT days since J2000, ascending.
    """

    def __init__(self, days: Array) -> None:
        first = math.floor(days[0]) - 1
        self._nodes = _nodes(first, math.floor(days[-1]) + 2)  # (nodes, 14)
        whole = np.floor(days)
        self._row = whole.astype(np.intp) - first - 1  # (T,) row of the second node before the instant
        self._weights = cubic_weights(days - whole)  # (4, T)
        self._days = days

    def _columns(self, columns: slice) -> Array:
        parts = [w[:, None] * self._nodes[self._row + j, columns] for j, w in enumerate(self._weights)]
        return np.asarray((parts[0] + parts[1]) + (parts[2] + parts[3]), dtype=np.float64)

    @cached_property
    def sun_m(self) -> Array:
        """(T, 3) apparent position of the Sun from Earth's centre [m], true equator of date."""
        return self._columns(SUN)

    @cached_property
    def rotation(self) -> Array:
        """(T, 3, 3) rotation from GCRS to the true equator and equinox of date."""
        return self._columns(ROTATION).reshape(-1, 3, 3)

    @cached_property
    def sidereal_rad(self) -> Array:
        """(T,) apparent sidereal time of Greenwich [rad], not reduced to one turn."""
        return self._columns(slice(SIDEREAL, SIDEREAL + 1))[:, 0] + SIDEREAL_RAD_DAY * self._days

    @cached_property
    def teme_rad(self) -> Array:
        """(T,) right ascension of the TEME x axis from the true equinox of date [rad]."""
        return self._columns(slice(TEME, TEME + 1))[:, 0]


def cubic_weights(x: Array) -> Array:
    """Return the Lagrange weights (4, ...) of the values at -1, 0, 1, 2 for the points x in [0, 1]."""
    before, after, last = x + 1, x - 1, x - 2
    return np.stack((-x * after * last / 6, before * after * last / 2, -before * x * last / 2, before * x * after / 6))


def _nodes(first: int, last: int) -> Array:
    """Return the (last - first + 1, 14) values at the nodes of the days `first` to `last` since J2000."""
    blocks = [_block(b) for b in range(first // BLOCK_DAYS, last // BLOCK_DAYS + 1)]
    offset = first - first // BLOCK_DAYS * BLOCK_DAYS
    return np.concatenate(blocks)[offset : offset + last - first + 1]


@cache
def _block(index: int) -> Array:
    """Compute the (32, 14) values on the days of one block.

    Columns are the Sun, the rotation, the sidereal time less its mean rate, and the TEME angle.
    """
    from skyfield.api import load_file
    from skyfield.sgp4lib import theta_GMST1982

    days = np.arange(index * BLOCK_DAYS, (index + 1) * BLOCK_DAYS, dtype=np.float64)
    t = _timescale().tt_jd(J2000_JD + days)
    kernel = load_file(_kernel_path())
    try:  # an open file handle would leak into forked workers
        sun = kernel["earth"].at(t).observe(kernel["sun"]).apparent().position.m
    finally:
        kernel.close()
    rotation = np.moveaxis(t.M, -1, 0)  # (32, 3, 3)
    values = np.empty((BLOCK_DAYS, 14))
    values[:, SUN] = np.einsum("tij,jt->ti", rotation, sun)
    values[:, ROTATION] = rotation.reshape(BLOCK_DAYS, 9)
    sidereal = t.gast * (math.pi / 12)
    values[:, SIDEREAL] = _wrap(sidereal - SIDEREAL_RAD_DAY * days)
    values[:, TEME] = _wrap(sidereal - theta_GMST1982(t.whole, t.ut1_fraction)[0])
    values.flags.writeable = False
    return values


def _wrap(angle: Array) -> Array:
    return np.asarray((angle + math.pi) % (2 * math.pi) - math.pi, dtype=np.float64)


@lru_cache(maxsize=1)
def _timescale() -> Any:
    from skyfield.api import load

    return load.timescale(builtin=True)


@lru_cache(maxsize=1)
def _kernel_path() -> str:
    """Return the path of DE421 in the skyfield-data package.

    The package's own accessor is avoided, because it warns about the age of files that are not used here.
    """
    from importlib.util import find_spec

    spec = find_spec("skyfield_data")
    if spec is None or not spec.submodule_search_locations:
        raise OrbitError("skyfield-data: the package with the Sun's ephemeris de421.bsp is not installed")
    return f"{spec.submodule_search_locations[0]}/data/de421.bsp"
