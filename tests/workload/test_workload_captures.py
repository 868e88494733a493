"""Targets of captures: boxes of latitude and longitude, with the limits of every other place on the Earth."""

import numpy as np
import pytest
from pydantic import ValidationError

from odc_gym.errors import OrbitError
from odc_gym.scenario import Anomaly, Target
from odc_gym.scenario.network import GroundStation
from odc_gym.sites import GroundSite
from odc_gym.workload.captures import inside_target

LONGITUDES = np.array([-180.0, -179.0, -90.0, 0.0, 90.0, 179.0, 180.0])


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ((-180, 180), [1, 1, 1, 1, 1, 1, 1]),
        ((0, 360), [1, 1, 1, 1, 1, 1, 1]),
        ((-180, 360), [1, 1, 1, 1, 1, 1, 1]),
        ((80, 100), [0, 0, 0, 0, 1, 0, 0]),
        ((260, 280), [0, 0, 1, 0, 0, 0, 0]),
        ((170, -170), [1, 1, 0, 0, 0, 1, 1]),
        ((170, 190), [1, 1, 0, 0, 0, 1, 1]),
    ],
)
def test_boxes_of_longitude(box, inside):
    """Catches: a band around the whole Earth contains no place."""
    target = Target(latitude_deg=(-10, 10), longitude_deg=box)
    assert inside_target(target, np.zeros(LONGITUDES.size), LONGITUDES).tolist() == [bool(i) for i in inside]


@pytest.mark.parametrize(
    ("latitude", "longitude", "allowed"),
    [(-90, -180, True), (90, 360, True), (0, 281.5, True), (91, 0, False), (0, -181, False), (0, 361, False)],
)
def test_every_place_has_the_same_limits(latitude, longitude, allowed):
    """Catches: a longitude that a ground site may have is refused for a target, or the other way round."""
    place = {"latitude_deg": latitude, "longitude_deg": longitude}
    taken = []
    for build in (
        lambda: GroundStation(name="a", **place),
        lambda: GroundSite("a", **place),
        lambda: Anomaly(**place),
        lambda: Target(latitude_deg=(-90, latitude) if latitude > -90 else (latitude, 0), longitude_deg=(0, longitude)),
    ):
        try:
            build()
            taken.append(True)
        except (ValidationError, OrbitError):
            taken.append(False)
    assert taken == [allowed] * 4
