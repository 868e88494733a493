"""Limits of orbits: the altitudes and dates for which the models hold, checked alike for all patterns of orbits."""

from __future__ import annotations

from collections.abc import Sequence

from odc_gym.elements.element_set import ElementSet
from odc_gym.errors import OrbitError

MIN_ALTITUDE_KM, MAX_ALTITUDE_KM = 300.0, 2000.0  # drag dominates below; the models were not checked above
MAX_ALTITUDE_SPREAD_KM = 150.0  # plans and fluxes of a shell are those of its mean altitude
MAX_AGE_DAYS = 14.0
FIRST_YEAR, LAST_YEAR = 1973, 2052  # leap seconds begin in 1972, DE421 ends in October 2053


def require_altitudes(what: str, perigee_km: float, apogee_km: float) -> None:
    """Reject an orbit that leaves the altitudes of the models.

    Args:
        what: beginning of the message.
        perigee_km: least altitude above the equatorial radius [km].
        apogee_km: greatest altitude above the equatorial radius [km].

    Raises:
        OrbitError: perigee or apogee is outside 300 to 2000 km.
    """
    for name, altitude_km in (("perigee", perigee_km), ("apogee", apogee_km)):
        if not MIN_ALTITUDE_KM <= altitude_km <= MAX_ALTITUDE_KM:
            raise OrbitError(
                f"{what}: {name} = {altitude_km:.1f} km: must be {MIN_ALTITUDE_KM:g} to {MAX_ALTITUDE_KM:g}"
            )


def require_one_shell(sets: Sequence[ElementSet]) -> None:
    """Reject element sets that cannot be the satellites of one shell.

    Raises:
        OrbitError: there are none, an epoch or an altitude is outside the models, a satellite is listed twice, or an
            altitude differs too much from the mean of all.
    """
    if not sets:
        raise OrbitError("tle: must hold at least one element set")
    require_distinct(sets)
    mean_km = sum(each.altitude_km for each in sets) / len(sets)
    for each in sets:
        if not FIRST_YEAR <= each.epoch.year <= LAST_YEAR:
            raise OrbitError(f"{each.label}: epoch = {each.epoch:%Y-%m-%d}: must be {FIRST_YEAR} to {LAST_YEAR}")
        require_altitudes(each.label, each.perigee_km, each.apogee_km)
    for each in sets:
        for name, altitude_km in (("perigee", each.perigee_km), ("apogee", each.apogee_km)):
            if abs(altitude_km - mean_km) > MAX_ALTITUDE_SPREAD_KM:
                raise OrbitError(
                    f"{each.label}: {name} = {altitude_km:.0f} km: must be within {MAX_ALTITUDE_SPREAD_KM:g} km of the "
                    f"shell's mean altitude, {mean_km:.0f} km; give it a shell of its own"
                )


def require_distinct(sets: Sequence[ElementSet]) -> None:
    """Reject a satellite that is listed twice.

    Raises:
        OrbitError: two element sets have the same catalogue number; 0 stands for no number.
    """
    known: dict[int, ElementSet] = {}
    for each in sets:
        if each.number in known and each.number:
            raise OrbitError(f"{each.label}: is listed already, as {known[each.number].label}")
        known[each.number] = each
