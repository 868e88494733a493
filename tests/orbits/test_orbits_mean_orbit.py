import math

import pytest

from odc_gym.errors import OrbitError
from odc_gym.orbits import orbit_period_s
from odc_gym.orbits.mean_orbit import secular_rates, sun_synchronous_inclination_rad

DEG_DAY = 86400 * 180 / math.pi


def test_period():
    assert orbit_period_s(550e3) / 60 == pytest.approx(95.65, abs=0.005)
    assert orbit_period_s(35786.0e3) == pytest.approx(86164.1, abs=1)  # geostationary: a sidereal day
    with pytest.raises(OrbitError, match="altitude_m = 0"):
        orbit_period_s(0)


def test_node_drift():
    assert secular_rates(550e3, math.radians(53)).node * DEG_DAY == pytest.approx(-4.49, abs=0.005)
    assert secular_rates(550e3, math.radians(90)).node == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize("altitude_km, inclination_deg", [(550, 97.59), (650, 97.99), (800, 98.60), (1400, 101.43)])
def test_sun_synchronous_inclination(altitude_km, inclination_deg):
    inclination = sun_synchronous_inclination_rad(altitude_km * 1000)
    assert math.degrees(inclination) == pytest.approx(inclination_deg, abs=0.006)
    assert secular_rates(altitude_km * 1000, inclination).node * DEG_DAY == pytest.approx(0.98565, abs=1.1e-3)


def test_no_sun_synchronous_orbit_that_high():
    with pytest.raises(OrbitError, match="altitude_km = 6000"):
        sun_synchronous_inclination_rad(6000e3)


def test_perigee_stands_still_at_the_critical_inclination():
    """Zero of 2 - 5/2 sin^2 i: 63.43 deg, where Molniya orbits fly."""
    assert secular_rates(500e3, math.radians(63.4349488)).perigee == pytest.approx(0, abs=1e-14)
    assert secular_rates(500e3, math.radians(50)).perigee > 0 > secular_rates(500e3, math.radians(80)).perigee
