"""Two-line element sets: a strict parser, and propagation by SGP4.

Sources: Hoots and Roehrich, Spacetrack Report No. 3 (1980), for the format and theory; Vallado et al., AIAA 2006-6753,
for the implementation that the sgp4 package follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from odc_gym.constants import DAY_S
from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array
from odc_gym.orbits.mean_orbit import Motion

MAX_AGE_DAYS = 14.0
EARTH_RADIUS_WGS72_KM = 6378.135  # the radius among SGP4's own constants

_CATALOGUE_NUMBER = (re.compile(r"[ 0-9A-Z][ 0-9]{3}[0-9]"), "catalogue number")
_EXPONENTIAL = re.compile(r"[ +-][ 0-9]{5}[+-][0-9]")
_ANGLE = re.compile(r"[ 0-9]{2}[0-9]\.[0-9]{4}")
_BLANK = re.compile(" ")

# (first column, last column, pattern, name), columns counted from 1
_FIELDS: dict[int, tuple[tuple[int, int, re.Pattern[str], str], ...]] = {
    1: (
        (1, 1, re.compile("1"), "line number"),
        (2, 2, _BLANK, "blank"),
        (3, 7, *_CATALOGUE_NUMBER),
        (8, 8, re.compile("[A-Z ]"), "classification"),
        (9, 9, _BLANK, "blank"),
        (10, 17, re.compile("[ 0-9A-Z]{8}"), "international designator"),
        (18, 18, _BLANK, "blank"),
        (19, 20, re.compile("[ 0-9][0-9]"), "epoch year"),
        (21, 32, re.compile(r"[ 0-9]{2}[0-9]\.[0-9]{8}"), "epoch day"),
        (33, 33, _BLANK, "blank"),
        (34, 43, re.compile(r"[ +-][ 0]?\.[0-9]{7,8}"), "first derivative of mean motion"),
        (44, 44, _BLANK, "blank"),
        (45, 52, _EXPONENTIAL, "second derivative of mean motion"),
        (53, 53, _BLANK, "blank"),
        (54, 61, _EXPONENTIAL, "drag term"),
        (62, 62, _BLANK, "blank"),
        (63, 63, re.compile("[ 0-9]"), "ephemeris type"),
        (64, 64, _BLANK, "blank"),
        (65, 68, re.compile("[ 0-9]{4}"), "element set number"),
        (69, 69, re.compile("[0-9]"), "checksum"),
    ),
    2: (
        (1, 1, re.compile("2"), "line number"),
        (2, 2, _BLANK, "blank"),
        (3, 7, *_CATALOGUE_NUMBER),
        (8, 8, _BLANK, "blank"),
        (9, 16, _ANGLE, "inclination"),
        (17, 17, _BLANK, "blank"),
        (18, 25, _ANGLE, "right ascension of the ascending node"),
        (26, 26, _BLANK, "blank"),
        (27, 33, re.compile("[ 0-9]{6}[0-9]"), "eccentricity"),
        (34, 34, _BLANK, "blank"),
        (35, 42, _ANGLE, "argument of perigee"),
        (43, 43, _BLANK, "blank"),
        (44, 51, _ANGLE, "mean anomaly"),
        (52, 52, _BLANK, "blank"),
        (53, 63, re.compile(r"[ 0-9][0-9]\.[0-9]{8}"), "mean motion"),
        (64, 68, re.compile("[ 0-9]{5}"), "revolution number"),
        (69, 69, re.compile("[0-9]"), "checksum"),
    ),
}


@dataclass(frozen=True)
class TleSet:
    """S checked two-line element sets.

    Attributes:
        lines: (S,) pairs of lines.
        allow_old: allow propagation beyond 14 days from the elements' epoch.
    """

    lines: tuple[tuple[str, str], ...]
    allow_old: bool = False

    def __len__(self) -> int:
        return len(self.lines)


def check_lines(lines: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Check pairs of lines against the format, and return them without trailing blanks.

    Raises:
        OrbitError: a line is wrong; the message names satellite, line and column, all counted from 1.
    """
    if not lines:
        raise OrbitError("tle: must hold at least one pair of lines")
    return tuple(_check_pair(pair, i + 1) for i, pair in enumerate(lines))


def _check_pair(pair: tuple[str, str], satellite: int) -> tuple[str, str]:
    if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(line, str) for line in pair):
        raise OrbitError(f"tle {satellite}: must be a pair of strings (line 1, line 2)")
    first, second = (line.rstrip() for line in pair)
    for number, line in ((1, first), (2, second)):
        _check_line(line, number, f"tle {satellite}, line {number}")
    if first[2:7] != second[2:7]:
        raise OrbitError(
            f"tle {satellite}, line 2, column 3: catalogue number = {second[2:7]}: must be {first[2:7]} as above"
        )
    inclination = float(second[8:16])
    if inclination > 180:
        raise OrbitError(f"tle {satellite}, line 2, column 9: inclination = {inclination:g}: must be at most 180")
    if float(second[52:63]) <= 0:
        raise OrbitError(f"tle {satellite}, line 2, column 53: mean motion = {second[52:63].strip()}: must be > 0")
    return first, second


def _check_line(line: str, number: int, where: str) -> None:
    for first, last, pattern, name in _FIELDS[number]:
        text = line[first - 1 : last]
        if pattern.fullmatch(text):
            continue
        if len(line) < last:
            raise OrbitError(f"{where}, column {len(line) + 1}: the line ends, must have 69 columns")
        if name == "blank":
            raise OrbitError(f"{where}, column {first}: {text!r} must be blank")
        raise OrbitError(f"{where}, column {first}: {name} = {text!r}: not in the format of element sets")
    if len(line) > 69:
        raise OrbitError(f"{where}, column 70: {line[69:]!r} follows the checksum, must have 69 columns")
    checksum = sum(int(c) if c.isdigit() else c == "-" for c in line[:68]) % 10
    if int(line[68]) != checksum:
        raise OrbitError(f"{where}, column 69: checksum = {line[68]}: must be {checksum}, some character is wrong")


def epoch(pair: tuple[str, str]) -> datetime:
    """Return the epoch of a checked element set, UTC; two-digit years 57 to 99 are 1957 to 1999."""
    year = int(pair[0][18:20])
    return datetime(year + (1900 if year > 56 else 2000), 1, 1, tzinfo=UTC) + timedelta(days=float(pair[0][20:32]) - 1)


def altitude_m(pair: tuple[str, str]) -> float:
    """Return the mean altitude of a checked element set above the equatorial radius [m].

    It follows from the mean motion as SGP4 reads it.
    """
    return float((_satellite(pair).a - 1.0) * EARTH_RADIUS_WGS72_KM * 1000)


def _satellite(pair: tuple[str, str]) -> Any:
    from sgp4.api import Satrec

    return Satrec.twoline2rv(*pair)


def propagate(tles: TleSet, start: datetime, elapsed_s: Array, teme_rad: Array) -> Motion:
    """Compute positions and orbit planes by SGP4.

    Args:
        tles: S element sets.
        start: epoch of `elapsed_s`, UTC.
        elapsed_s: (R,) time since start [s].
        teme_rad: (R,) right ascension of the TEME x axis in the true equator of date [rad].

    Raises:
        OrbitError: elements are too old, or SGP4 fails, as on a decayed orbit.
    """
    from sgp4.api import SGP4_ERRORS, SatrecArray, jday

    _check_age(tles, start, start + timedelta(seconds=float(elapsed_s[-1])))
    second = start.second + start.microsecond * 1e-6
    whole, fraction = jday(start.year, start.month, start.day, start.hour, start.minute, second)
    satellites = SatrecArray([_satellite(pair) for pair in tles.lines])
    days = np.full(elapsed_s.size, whole)
    codes, position_km, velocity = satellites.sgp4(days, fraction + elapsed_s / DAY_S)  # (S, R), (S, R, 3) twice
    if codes.any():
        s, r = np.argwhere(codes)[0]
        when = start + timedelta(seconds=float(elapsed_s[r]))
        raise OrbitError(f"tle {s + 1}: no position at {when.isoformat()}: {SGP4_ERRORS[int(codes[s, r])]}")
    normal = np.cross(position_km, velocity)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    cosine, sine = np.cos(teme_rad)[:, None], np.sin(teme_rad)[:, None]
    x, y, z = _to_true_equator(position_km * 1000, cosine, sine)
    return Motion(x=x, y=y, z=z, normal=_to_true_equator(normal, cosine, sine))


def _to_true_equator(vector: Array, cosine: Array, sine: Array) -> tuple[Array, Array, Array]:
    """Return the components (R, S) of a TEME vector (S, R, 3), turned about the common z axis."""
    x, y, z = (np.ascontiguousarray(vector[:, :, i].T) for i in range(3))
    return cosine * x - sine * y, sine * x + cosine * y, z


def _check_age(tles: TleSet, start: datetime, end: datetime) -> None:
    if tles.allow_old:
        return
    limit = timedelta(days=MAX_AGE_DAYS)
    for i, pair in enumerate(tles.lines):
        at = epoch(pair)
        age = max(end - at, at - start)
        if age > limit:
            raise OrbitError(
                f"tle {i + 1}: epoch = {at:%Y-%m-%d}: {age / timedelta(days=1):.1f} days from the requested times, "
                f"must be within {MAX_AGE_DAYS:g} unless allow_old is set"
            )
