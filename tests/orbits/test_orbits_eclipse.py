import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.errors import OrbitError
from odc_gym.orbits import Constellation, build_ephemeris, eclipse_fraction, sunlit_fraction
from odc_gym.orbits.eclipse import instant_fractions, step_means

RADIUS_M = 6378137.0
AU_M = 1.495978707e11
DAWN_DUSK = Constellation.sun_synchronous(altitude_km=650, local_time_h=18.0, total=1)


@pytest.mark.parametrize(
    "altitude_km, beta_deg, fraction",
    [(550, 0, 0.3723), (650, 0, 0.362), (650, 30, 0.339), (650, 60, 0.183), (1000, 45, 0.248), (1400, 60, 0.0)],
)
def test_cylindrical_fraction(altitude_km, beta_deg, fraction):
    assert eclipse_fraction(altitude_km * 1e3, math.radians(beta_deg)) == pytest.approx(fraction, abs=6e-4)
    assert eclipse_fraction(altitude_km * 1e3, -math.radians(beta_deg)) == pytest.approx(fraction, abs=6e-4)


def test_cylindrical_fraction_ends_where_the_orbit_clears_the_shadow():
    edge = math.asin(RADIUS_M / (RADIUS_M + 550e3))
    below, at, above = eclipse_fraction(550e3, edge + np.array([-1e-6, 0, 1e-6]))
    assert 0 < below < 2e-3 and at < 1e-6 and above == 0
    with pytest.raises(OrbitError, match="altitude_m = -5"):
        eclipse_fraction(-5, 0.0)


def test_cylindrical_fraction_by_counting():
    """Count the points of a circle that are behind the Earth and within one radius of the shadow's axis."""
    angle = (np.arange(200_000) + 0.5) / 200_000 * 2 * np.pi
    for beta in (0.0, 0.5, 1.0, 1.15):
        toward = np.cos(angle) * math.cos(beta) * (RADIUS_M + 550e3)
        dark = (toward < 0) & ((RADIUS_M + 550e3) ** 2 - toward**2 < RADIUS_M**2)
        assert eclipse_fraction(550e3, beta) == pytest.approx(dark.mean(), abs=1e-5)


def test_full_and_no_light():
    sun = np.array([AU_M, 0, 0])
    r = RADIUS_M + 550e3
    assert sunlit_fraction([r, 0, 0], sun) == 1
    assert sunlit_fraction([0, r, 0], sun) == 1
    assert sunlit_fraction([-r, 0, 0], sun) == 0
    assert sunlit_fraction(np.full((4, 2, 3), -r), sun).shape == (4, 2)


def test_half_of_the_disc_at_the_edge():
    """On the cylinder through the Earth's limb, the disc's centre is on the limb, apart from the limb's curvature."""
    behind = -2.5e6
    fraction = sunlit_fraction([behind, RADIUS_M, 0], [AU_M, 0, 0])
    assert fraction == pytest.approx(0.5, abs=0.01)
    polar = RADIUS_M * (1 - 1 / 298.257223563)  # the limb over the pole
    assert sunlit_fraction([behind, 0, polar], [AU_M, 0, 0]) == pytest.approx(0.5, abs=0.01)
    assert sunlit_fraction([behind, 0, polar + 15e3], [AU_M, 0, 0]) == 1  # a sphere would still be half dark here


@settings(max_examples=40, deadline=None)
@given(
    altitude_km=st.floats(300, 2000),
    inclination_deg=st.floats(0, 180),
    raan_deg=st.floats(0, 360),
    argument=st.integers(0, 30),
    day=st.integers(0, 3000),
)
def test_step_means_are_means_of_instants(altitude_km, inclination_deg, raan_deg, argument, day):
    c = Constellation.walker(
        altitude_km=altitude_km,
        inclination_deg=inclination_deg,
        total=31,
        planes=31,
        phasing=argument,
        raan_deg=raan_deg,
    )
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    mean = build_ephemeris(c, start=start, steps=30).sunlit_frac
    dense = build_ephemeris(c, start=start, step_s=1.0, steps=1801).sunlit_instant_frac
    reference = (0.5 * (dense[:-1] + dense[1:])).reshape(30, 60, 31).mean(axis=1)
    assert np.abs(mean - reference).max() < 1e-3  # 0.06 s of 60


def test_grazing_eclipses_shorter_than_a_step_are_seen():
    """First days of the eclipse season: partial and short eclipses, some within one step."""
    short = 0
    for day in (5, 6, 7):
        start = datetime(2026, 5, day, 12, tzinfo=UTC)
        mean = build_ephemeris(DAWN_DUSK, start=start, steps=1440).sunlit_frac[:, 0]
        dense = build_ephemeris(DAWN_DUSK, start=start, step_s=1.0, steps=86401).sunlit_instant_frac[:, 0]
        reference = (0.5 * (dense[:-1] + dense[1:])).reshape(1440, 60).mean(axis=1)
        assert np.abs(mean - reference).max() < 1e-3
        ends_lit = (dense[:-1:60] == 1) & (dense[60::60] == 1)
        short += int((ends_lit & (reference < 1)).sum())
    assert short > 0


def test_an_edge_touched_only_within_a_step_is_seen():
    """The distance from the shadow's axis falls by 9 km and rises again between two instants of full light."""
    seconds = np.array([[-90.0], [-30.0], [30.0], [90.0]])
    along = np.full((4, 1), -2.6e6)
    from_axis = RADIUS_M + 8e3 + 0.5 * 20 * seconds**2
    squared = along**2 + from_axis**2
    assert (instant_fractions(along, squared, np.full(4, AU_M)) == 1).all()
    assert 0.5 < step_means(along, squared, np.full(4, AU_M), 60.0)[0, 0] < 0.999


def test_long_steps_do_not_lose_energy():
    day = datetime(2026, 3, 21, tzinfo=UTC)
    c = Constellation.walker(altitude_km=550, inclination_deg=53, total=12, planes=3, phasing=1)
    totals = [build_ephemeris(c, start=day, step_s=s, steps=int(86400 / s)).sunlit_frac.mean() for s in (10, 60, 600)]
    assert np.ptp(totals) < 2e-5


def longest_min(start, days):
    dark = 1 - build_ephemeris(DAWN_DUSK, start=start, steps=1440 * days).sunlit_frac[:, 0]
    inside = dark > 0
    edges = np.flatnonzero(np.diff(inside.astype(int)))
    return max((part.sum() for part in np.split(dark, edges + 1)), default=0.0), dark.sum() / days


def test_dusk_orbit_has_its_eclipses_in_june():
    longest, minutes = longest_min(datetime(2026, 6, 20, tzinfo=UTC), 3)
    assert longest == pytest.approx(19.43, abs=0.02)  # 19.7 min over a spherical Earth
    assert minutes == pytest.approx(19.43 * 1440 / 97.8, abs=2)  # one an orbit
    assert longest_min(datetime(2026, 12, 20, tzinfo=UTC), 3) == (0, 0)


def test_dawn_orbit_has_its_eclipses_in_december():
    dawn = Constellation.sun_synchronous(altitude_km=650, local_time_h=6.0, total=1)
    june, december = (
        build_ephemeris(dawn, start=datetime(2026, month, 21, tzinfo=UTC), steps=1440).sunlit_frac for month in (6, 12)
    )
    assert june.min() == 1
    assert 270 < 1440 * (1 - december.mean()) < 295


def test_low_inclination_fraction_is_close_to_the_closed_form():
    """An equatorial satellite sees a round Earth: conical light differs from cylindrical only in the penumbra."""
    c = Constellation.walker(altitude_km=550, inclination_deg=0, total=12, planes=1)
    e = build_ephemeris(c, start=datetime(2027, 3, 20, 20, 25, tzinfo=UTC), steps=1440)
    closed = eclipse_fraction(550e3, e.beta_rad).mean()
    assert 1 - e.sunlit_frac.mean() == pytest.approx(closed, abs=3e-4)
