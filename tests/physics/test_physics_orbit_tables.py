import numpy as np

from odc_gym.constants import EARTH_RADIUS_M
from odc_gym.physics.orbit_tables import ECCENTRICITY2, geodetic


def test_latitude_and_altitude_come_back_from_positions():
    """Catches: a wrong constant or iteration of Bowring's formula, and arrays whose length is no multiple of lanes."""
    latitude, height = (
        v.ravel() for v in np.meshgrid(np.radians(np.linspace(-90, 90, 37)), [200e3, 550e3, 2000e3, 36000e3])
    )
    across = EARTH_RADIUS_M / np.sqrt(1 - ECCENTRICITY2 * np.sin(latitude) ** 2)
    equatorial = (across + height) * np.cos(latitude)
    longitude = np.linspace(-3.0, 3.0, latitude.size)
    x, y = equatorial * np.cos(longitude), equatorial * np.sin(longitude)
    z = (across * (1 - ECCENTRICITY2) + height) * np.sin(latitude)
    north, east, altitude_m = np.empty((3, latitude.size))
    geodetic(x, y, z, north, east, altitude_m)
    assert np.abs(np.arctan2(north, east) - latitude).max() < 1e-10
    assert np.abs(altitude_m - height).max() < 1e-5
