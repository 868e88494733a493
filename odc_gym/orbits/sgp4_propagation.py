"""Propagation of element sets by SGP4.

Source: Hoots and Roehrich, Spacetrack Report No. 3 (1980); Vallado et al., AIAA 2006-6753, for the implementation that
the sgp4 package follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from odc_gym.constants import DAY_S
from odc_gym.elements import MAX_AGE_DAYS, ElementSet
from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array
from odc_gym.orbits.mean_orbit import Motion
from odc_gym.physics.orbit_tables import Vectors


@dataclass(frozen=True)
class ElementGroup:
    """S satellites that are given by element sets.

    Attributes:
        sets: (S,) checked element sets.
        allow_old: allow propagation beyond 14 days from the elements' epoch.
    """

    sets: tuple[ElementSet, ...]
    allow_old: bool = False

    def __len__(self) -> int:
        return len(self.sets)


def propagate(group: ElementGroup, start: datetime, elapsed_s: Array, teme_rad: Array) -> Motion:
    """Compute positions and orbit planes by SGP4.

    Args:
        group: S element sets.
        start: epoch of `elapsed_s`, UTC.
        elapsed_s: (R,) time since start [s].
        teme_rad: (R,) right ascension of the TEME x axis in the true equator of date [rad].

    Raises:
        OrbitError: elements are too old, or SGP4 fails, as on a decayed orbit.
    """
    from sgp4.api import SGP4_ERRORS, SatrecArray, jday

    _check_age(group, start, start + timedelta(seconds=float(elapsed_s[-1])))
    second = start.second + start.microsecond * 1e-6
    whole, fraction = jday(start.year, start.month, start.day, start.hour, start.minute, second)
    satellites = SatrecArray([each.satellite() for each in group.sets])
    days = np.full(elapsed_s.size, whole)
    codes, position_km, velocity = satellites.sgp4(days, fraction + elapsed_s / DAY_S)  # (S, R), (S, R, 3) twice
    if codes.any():
        s, r = np.argwhere(codes)[0]
        when = start + timedelta(seconds=float(elapsed_s[r]))
        raise OrbitError(f"{group.sets[s].label}: no position at {when.isoformat()}: {SGP4_ERRORS[int(codes[s, r])]}")
    normal = np.cross(position_km, velocity)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    cosine, sine = np.cos(teme_rad)[:, None], np.sin(teme_rad)[:, None]
    x, y, z = _to_true_equator(position_km * 1000, cosine, sine)
    return Motion(
        position_m=Vectors(x, y, z),
        normal=Vectors(*_to_true_equator(normal, cosine, sine)),
        plane=np.arange(len(group)),
    )


def _to_true_equator(vector: Array, cosine: Array, sine: Array) -> tuple[Array, Array, Array]:
    """Return the components (R, S) of a TEME vector (S, R, 3), turned about the common z axis."""
    x, y, z = (np.ascontiguousarray(vector[:, :, i].T) for i in range(3))
    return cosine * x - sine * y, sine * x + cosine * y, z


def _check_age(group: ElementGroup, start: datetime, end: datetime) -> None:
    if group.allow_old:
        return
    for each in group.sets:
        age = max(end - each.epoch, each.epoch - start)
        if age > timedelta(days=MAX_AGE_DAYS):
            raise OrbitError(
                f"{each.label}: epoch = {each.epoch:%Y-%m-%d}: {age / timedelta(days=1):.1f} days from the requested "
                f"times, must be within {MAX_AGE_DAYS:g} unless allow_old is set"
            )
