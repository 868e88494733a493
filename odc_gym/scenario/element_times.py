"""Times at which element sets hold: the start that they give a scenario, and their age and orbits during episodes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from odc_gym.elements import MAX_AGE_DAYS, ElementSet, altitudes_km, require_altitudes, require_distinct
from odc_gym.scenario.orbit import Orbit, TleOrbit

LEAD = timedelta(hours=3)  # at least the longest orbit of the warm-up
AHEAD = timedelta(hours=6)  # at least the forecasts beyond the end of an episode
LEAST_SPAN = timedelta(hours=24)  # `odc-gym scenario check` simulates a day from the first start


def newest_epoch(orbits: Sequence[Orbit]) -> datetime | None:
    """Return the newest epoch of all element sets, in whole seconds, or None if there are no element sets."""
    epochs = [each.epoch for orbit in orbits if isinstance(orbit, TleOrbit) for each in orbit.sets]
    return max(epochs).replace(microsecond=0) if epochs else None


def check_elements(orbits: Sequence[Orbit], first: datetime, last: datetime, lead_s: float, hours: float) -> None:
    """Reject element sets that do not hold over all episodes.

    Args:
        orbits: orbit of each shell.
        first: earliest start of an episode, UTC.
        last: latest start of an episode, UTC.
        lead_s: length of a decision, to which the warm-up is rounded up [s].
        hours: length of an episode [h].

    Raises:
        ValueError: elements are too old or an orbit decays, with the shell and the satellite; or a satellite is listed
            in two shells.
    """
    begin = first - LEAD - timedelta(seconds=lead_s)
    end = last + max(LEAST_SPAN, timedelta(hours=hours) + AHEAD)
    every: list[ElementSet] = []
    for i, orbit in enumerate(orbits):
        if not isinstance(orbit, TleOrbit):
            continue
        sets = orbit.sets
        every += sets
        for each in sets:
            try:
                if not orbit.allow_old:
                    _check_age(each, begin, end)
                for at in (begin, end):
                    _check_altitude(each, at)
            except ValueError as error:
                raise ValueError(f"shells.{i}.orbit: {error}") from None
    require_distinct(every)


def _check_age(each: ElementSet, begin: datetime, end: datetime) -> None:
    age = max(end - each.epoch, each.epoch - begin)
    if age > timedelta(days=MAX_AGE_DAYS):
        raise ValueError(
            f"{each.label}: epoch = {each.epoch:%Y-%m-%d}: {age / timedelta(days=1):.1f} days from the episodes, which "
            f"run from {begin:%Y-%m-%d} to {end:%Y-%m-%d}; must be within {MAX_AGE_DAYS:g} unless allow_old is set"
        )


def _check_altitude(each: ElementSet, at: datetime) -> None:
    """Reject an orbit whose mean elements, with drag, leave the altitudes of the models at a time."""
    from sgp4.api import SGP4_ERRORS, jday

    satellite = each.satellite()
    code, _, _ = satellite.sgp4(*jday(at.year, at.month, at.day, at.hour, at.minute, at.second))
    if code:
        raise ValueError(f"{each.label}: no position at {at:%Y-%m-%d}: {SGP4_ERRORS[code]}")
    perigee_km, _, apogee_km = altitudes_km(satellite.am, satellite.em)
    require_altitudes(f"{each.label} on {at:%Y-%m-%d}", perigee_km, apogee_km)
