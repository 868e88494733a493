"""The law of upset rates: its normalisation, its shape, and its growth with altitude."""

import numpy as np
import pytest

from odc_gym.physics.radiation import REFERENCE_INCLINATION_RAD, Bell, in_anomaly, orbit_mean, relative_rate, upset_rate
from odc_gym.scenario import Faults

BELL = Bell(**Faults().anomaly.model_dump())


def test_longitudes_wrap():
    """A bell at the date line is the same from both sides, and 360 degrees further."""
    bell = BELL._replace(longitude_deg=175.0)
    there = [relative_rate(np.array(-26.0), np.array(x), bell) for x in (-175.0, 165.0, 185.0, 525.0)]
    assert there == pytest.approx([there[0]] * 4, rel=1e-12) and there[0] > 40.0


def test_the_rate_grows_with_a_power_of_the_altitude_and_starts_from_the_reference():
    place = np.array(-26.0), np.array(-50.0)
    low, high = (float(upset_rate(*place, np.array(h), 3.0, 4.0, BELL)) for h in (650e3, 1300e3))
    assert high / low == pytest.approx(16.0)
    assert low * orbit_mean(REFERENCE_INCLINATION_RAD, BELL) == pytest.approx(3.0 * relative_rate(*place, BELL))
    assert upset_rate(*place, np.array(1300e3), 3.0, 0.0, BELL) == pytest.approx(low)


def test_the_anomaly_is_a_small_place_of_ten_to_twenty_times_the_rate():
    """Grid of the reference orbit: 5 to 8 % of the time, 10 to 20 times the rate elsewhere, the majority of upsets."""
    along = np.radians(np.arange(0.0, 360.0, 0.5))
    latitude = np.degrees(np.arcsin(np.sin(REFERENCE_INCLINATION_RAD) * np.sin(along)))[:, None]
    longitude = np.arange(-180.0, 180.0, 0.5)[None, :]
    rate, within = relative_rate(latitude, longitude, BELL), in_anomaly(latitude, longitude, BELL)
    assert 0.05 < within.mean() < 0.08
    assert 10.0 < rate[within].mean() / rate[~within].mean() < 20.0
    assert (rate * within).sum() / rate.sum() > 0.5
