"""Constellations: Walker patterns, sun-synchronous planes, clusters and two-line elements."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, assert_never

from odc_gym.constants import EARTH_RADIUS_M, KM_M
from odc_gym.elements import MAX_ALTITUDE_KM, MIN_ALTITUDE_KM, ElementSet, require_altitudes, require_one_shell
from odc_gym.elements.tle import read_lines
from odc_gym.errors import OrbitError
from odc_gym.orbits.mean_orbit import MeanShell, sun_synchronous_inclination_rad
from odc_gym.orbits.sgp4_propagation import ElementGroup

if TYPE_CHECKING:
    from odc_gym.scenario import Orbit

MAX_CLUSTER_RADIUS_KM = 50.0


@dataclass(frozen=True)
class Constellation:
    """S satellites in a fixed order: group by group, and plane by plane within a group."""

    groups: tuple[MeanShell | ElementGroup, ...]

    def __len__(self) -> int:
        return sum(len(group) for group in self.groups)

    def __add__(self, other: Constellation) -> Constellation:
        return Constellation(self.groups + other.groups)

    def part(self, begin: int, end: int) -> Constellation:
        """Return the satellites from `begin` up to, but not including, `end`."""
        groups: list[MeanShell | ElementGroup] = []
        first = 0
        for group in self.groups:
            chosen = slice(max(begin - first, 0), max(end - first, 0))
            first += len(group)
            if isinstance(group, MeanShell):
                columns = {name: getattr(group, name)[chosen] for name in ("node_rad", "argument_rad", "eccentricity")}
                group = replace(group, **columns)
            else:
                group = replace(group, sets=group.sets[chosen])
            groups += [group] if len(group) else []
        return Constellation(tuple(groups))

    @property
    def altitude_m(self) -> tuple[float, ...]:
        """(S,) mean altitudes above the equatorial radius [m]."""
        altitudes: list[float] = []
        for group in self.groups:
            if isinstance(group, MeanShell):
                altitudes += [group.altitude_m] * len(group)
            else:
                altitudes += [KM_M * each.altitude_km for each in group.sets]
        return tuple(altitudes)

    @classmethod
    def walker(
        cls,
        *,
        altitude_km: float,
        inclination_deg: float,
        total: int,
        planes: int,
        phasing: int = 0,
        pattern: Literal["delta", "star"] = "delta",
        raan_deg: float = 0.0,
    ) -> Constellation:
        """Build a Walker pattern i: total/planes/phasing of circular orbits.

        Plane j has its ascending node at raan_deg + j span / planes. The span is 360 deg for delta and 180 deg for
        star. Slot k of plane j starts at the argument of latitude 360 k / (total / planes) + 360 phasing j / total.
        Source: Walker 1984, J. Br. Interplanet. Soc. 37, 559.

        Args:
            altitude_km: altitude above the equatorial radius [km], 300 to 2000.
            inclination_deg: inclination [deg], 0 to 180.
            total: number of satellites.
            planes: number of planes; divides `total`.
            phasing: 0 to planes - 1.
            pattern: "delta" or "star".
            raan_deg: ascending node of the first plane at the start of the ephemeris, from the true equinox [deg].

        Raises:
            OrbitError: a value is not allowed.
        """
        if pattern not in ("delta", "star"):
            raise OrbitError(f"pattern = {pattern}: must be delta or star")
        _check_range("inclination_deg", inclination_deg, 0, 180)
        if not math.isfinite(raan_deg):
            raise OrbitError(f"raan_deg = {raan_deg:g}: must be finite")
        arguments = _walker_arguments(total, planes, phasing)
        span = 2 * math.pi if pattern == "delta" else math.pi
        nodes = [math.radians(raan_deg) + span * j / planes for j in range(planes)]
        shell = MeanShell(
            altitude_m=_altitude_m(altitude_km),
            inclination_rad=math.radians(inclination_deg),
            node_rad=_repeat_per_slot(nodes, total // planes),
            argument_rad=arguments,
        )
        return cls((shell,))

    @classmethod
    def sun_synchronous(
        cls,
        *,
        altitude_km: float,
        local_time_h: float | Sequence[float],
        total: int,
        planes: int = 1,
        phasing: int = 0,
    ) -> Constellation:
        """Build sun-synchronous circular orbits.

        Args:
            altitude_km: altitude above the equatorial radius [km], 300 to 2000.
            local_time_h: mean solar time of the ascending node [h], 0 to 24: one for all planes, or a
                sequence with one for each plane.
            total: number of satellites.
            planes: number of planes; divides `total`.
            phasing: 0 to planes - 1, as in `walker`.

        Raises:
            OrbitError: a value is not allowed.
        """
        arguments = _walker_arguments(total, planes, phasing)
        times = [local_time_h] * planes if isinstance(local_time_h, int | float) else list(local_time_h)
        if len(times) != planes:
            raise OrbitError(
                f"local_time_h: {len(times)} times given, must be a number or one time for each plane ({planes})"
            )
        altitude_m = _altitude_m(altitude_km)
        shell = MeanShell(
            altitude_m=altitude_m,
            inclination_rad=sun_synchronous_inclination_rad(altitude_m),
            node_rad=_repeat_per_slot([_hour_angle_rad(t) for t in times], total // planes),
            argument_rad=arguments,
            local_time=True,
        )
        return cls((shell,))

    @classmethod
    def cluster(cls, *, altitude_km: float, local_time_h: float, total: int, radius_km: float = 1.0) -> Constellation:
        """Build a cluster: satellites in one plane within a radius of a sun-synchronous reference orbit.

        The satellites share the reference's semi-major axis, inclination and node, so J2 does not pull them apart.
        Their eccentricity vectors form a hexagonal lattice. Each satellite moves on a 2:1 ellipse about the reference
        once an orbit, and the lattice keeps its order: 81 satellites within 1 km stay 100 to 200 m from their
        neighbours. Source of the relative motion: Clohessy and Wiltshire 1960, J. Aerospace Sci. 27, 653.

        Args:
            altitude_km: altitude of the reference above the equatorial radius [km], 300 to 2000.
            local_time_h: mean solar time of its ascending node [h], 0 to 24.
            total: number of satellites.
            radius_km: greatest distance from the reference [km], above 0 and up to 50.

        Raises:
            OrbitError: a value is not allowed.
        """
        _check_count("total", total)
        if not 0 < radius_km <= MAX_CLUSTER_RADIUS_KM:
            raise OrbitError(f"radius_km = {radius_km:g}: must be above 0 and at most {MAX_CLUSTER_RADIUS_KM:g}")
        altitude_m = _altitude_m(altitude_km)
        require_altitudes(f"radius_km = {radius_km:g}", altitude_km - radius_km / 2, altitude_km + radius_km / 2)
        # an eccentricity e moves a satellite by a e radially and 2 a e along track
        scale = radius_km * 1000 / (2 * (EARTH_RADIUS_M + altitude_m))
        shell = MeanShell(
            altitude_m=altitude_m,
            inclination_rad=sun_synchronous_inclination_rad(altitude_m),
            node_rad=(_hour_angle_rad(local_time_h),) * total,
            argument_rad=(0.0,) * total,
            local_time=True,
            eccentricity=tuple((scale * x, scale * y) for x, y in _hexagonal_lattice(total)),
        )
        return cls((shell,))

    @classmethod
    def from_tle(cls, lines: str | Iterable[str | Sequence[str]], allow_old: bool = False) -> Constellation:
        """Build satellites from two-line elements, propagated by SGP4.

        Args:
            lines: text, or pairs (line 1, line 2) and triples (name, line 1, line 2).
            allow_old: allow propagation beyond 14 days from the elements' epoch.

        Raises:
            OrbitError: a line breaks the format, where the message names satellite, line and column; or an orbit
                leaves the altitudes of the models.
        """
        return cls.from_elements(read_lines(lines), allow_old)

    @classmethod
    def from_elements(cls, sets: tuple[ElementSet, ...], allow_old: bool = False) -> Constellation:
        """Build satellites from element sets as `odc_gym.elements` reads them, propagated by SGP4.

        Raises:
            OrbitError: an orbit leaves the altitudes of the models, or a satellite is listed twice.
        """
        require_one_shell(sets)
        return cls((ElementGroup(sets, allow_old),))

    @classmethod
    def from_orbit(cls, orbit: Orbit) -> Constellation:
        """Build the satellites of one shell of a scenario.

        Raises:
            OrbitError: a value is not allowed.
        """
        if orbit.pattern == "tle":
            return cls.from_elements(orbit.sets, orbit.allow_old)
        fields = orbit.model_dump()
        if orbit.pattern == "delta" or orbit.pattern == "star":
            return cls.walker(**fields)
        del fields["pattern"]
        if orbit.pattern == "sun_synchronous":
            return cls.sun_synchronous(**fields)
        if orbit.pattern == "cluster":
            return cls.cluster(**fields)
        assert_never(orbit)


def _walker_arguments(total: int, planes: int, phasing: int) -> tuple[float, ...]:
    """Return the (total,) arguments of latitude at epoch of a Walker pattern [rad]."""
    _check_count("total", total)
    _check_count("planes", planes)
    if total % planes:
        raise OrbitError(f"total = {total}: must be divisible by planes = {planes}")
    if not 0 <= phasing < planes:
        raise OrbitError(f"phasing = {phasing}: must be 0 to planes - 1 = {planes - 1}")
    slots = total // planes
    return tuple(2 * math.pi * (k / slots + phasing * j / total) for j in range(planes) for k in range(slots))


def _repeat_per_slot(nodes: list[float], slots: int) -> tuple[float, ...]:
    return tuple(node for node in nodes for _ in range(slots))


def _hexagonal_lattice(total: int) -> list[tuple[float, float]]:
    """Return the `total` points of a hexagonal lattice nearest to its origin, scaled so that the farthest is at 1."""
    reach = math.isqrt(total) + 2
    columns, rows = range(-2 * reach, 2 * reach + 1), range(-reach, reach + 1)
    points = [(i + 0.5 * j, math.sqrt(0.75) * j) for i in columns for j in rows]
    # rounding keeps points of equal distance in the order of their angles on every machine
    points.sort(key=lambda p: (round(math.hypot(*p), 9), round(math.atan2(p[1], p[0]), 9)))
    largest = math.hypot(*points[total - 1]) or 1.0
    return [(x / largest, y / largest) for x, y in points[:total]]


def _hour_angle_rad(local_time_h: float) -> float:
    if not 0 <= local_time_h < 24:
        raise OrbitError(f"local_time_h = {local_time_h:g}: must be at least 0 and below 24")
    return math.pi / 12 * local_time_h


def _altitude_m(altitude_km: float) -> float:
    _check_range("altitude_km", altitude_km, MIN_ALTITUDE_KM, MAX_ALTITUDE_KM)
    return 1000.0 * altitude_km


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise OrbitError(f"{name} = {value:g}: must be {low:g} to {high:g}")


def _check_count(name: str, value: int) -> None:
    if value != int(value) or value < 1:
        raise OrbitError(f"{name} = {value}: must be a whole number of at least 1")
