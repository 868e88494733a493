"""Limits of orbits hold in every door: patterns, two-line elements, messages, files, overrides and the library."""

import json
import math

import numpy as np
import pytest
from element_sets import EPOCH, message, two_lines
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.elements import read_lines, read_messages, require_one_shell
from odc_gym.elements.element_set import EARTH_RADIUS_WGS72_KM
from odc_gym.elements.limits import MAX_ALTITUDE_SPREAD_KM
from odc_gym.errors import OdcGymError, OrbitError
from odc_gym.orbits import Constellation, eclipse_fraction, edge_view_factor
from odc_gym.scenario import Scenario

STARTER = Scenario.load("starter12")
GEO = {"motion": 1.0027, "inclination": 0.05}
FIELDS = {"altitude_km": 550.0, "local_time_h": 6.0, "total": 1}


def motion_at(altitude_km):
    """Return the revolutions a day of a satellite with a mean altitude, by Kepler's third law."""
    return 86400 / (2 * math.pi) * math.sqrt(398600.8 / (EARTH_RADIUS_WGS72_KM + altitude_km) ** 3)


def doors(altitude_km, eccentricity):
    """Return functions that build an orbit of a mean altitude and eccentricity, through each door."""
    elements = {"motion": motion_at(altitude_km), "eccentricity": eccentricity}
    lines, omm = [two_lines(**elements)], [message(**elements)]
    several = {
        "lines": lambda: STARTER.replace({"shells.0.orbit": {"pattern": "tle", "lines": lines}}),
        "messages": lambda: STARTER.replace({"shells.0.orbit": {"omm": omm}}),
        "library, lines": lambda: Constellation.from_tle(lines),
        "library, messages": lambda: Constellation.from_elements(read_messages(omm)),
    }
    if eccentricity == 0.0:
        for pattern in ("sun_synchronous", "cluster"):
            own = {"planes": 1, "phasing": 0} if pattern == "sun_synchronous" else {}
            orbit = FIELDS | own | {"pattern": pattern, "altitude_km": altitude_km}
            several[pattern] = lambda orbit=orbit: STARTER.replace({"shells.0.orbit": orbit})
        several |= {
            "walker": lambda: STARTER.replace({"shells.*.orbit.altitude_km": altitude_km}),
            "library, walker": lambda: Constellation.walker(
                altitude_km=altitude_km, inclination_deg=53, total=1, planes=1
            ),
            "library, cluster": lambda: Constellation.cluster(**FIELDS | {"altitude_km": altitude_km}),
        }
    return several


@given(altitude_km=st.floats(200, 2100), eccentricity=st.just(0.0) | st.floats(0.0, 0.1))
def test_all_doors_take_the_same_orbits(altitude_km, eccentricity):
    """Catches: altitudes that a pattern refuses are taken from element sets, to which no model applies."""
    a = EARTH_RADIUS_WGS72_KM + altitude_km
    reach_km = 1.0 if eccentricity == 0 else a * eccentricity  # a cluster of 1 km
    low, high = altitude_km - reach_km, altitude_km + reach_km
    if min(abs(x - limit) for x in (low, high) for limit in (300, 2000)) < 20 or abs(reach_km - 150) < 20:
        return  # SGP4 reads a mean motion by its own mean of the oblate Earth: a few km
    allowed = low > 300 and high < 2000 and reach_km < 150
    for name, build in doors(altitude_km, eccentricity).items():
        try:
            build()
            taken = True
        except OdcGymError as error:
            taken = False
            assert "\n" not in str(error), name
        assert taken == allowed, name


@pytest.mark.parametrize("key", ["tle", "omm"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (GEO, "perigee = 35[78]\\d\\d.\\d km: must be 300 to 2000"),
        ({"eccentricity": 0.7, "motion": 2.006, "inclination": 63.4}, "apogee = 38\\d{3}.\\d km"),
        ({"motion": 16.2}, "perigee = 2\\d\\d.\\d km: must be 300 to 2000"),
        ({"eccentricity": 0.06, "motion": 13.5}, "must be within 150 km of the shell's mean altitude"),
        ({"motion": 13.7}, "must be within 150 km of the shell's mean altitude, 7[0-9]{2} km; give it a"),
    ],
)  # fmt: skip
def test_an_orbit_outside_the_models_names_the_satellite(key, change, said):
    """Catches: a geostationary satellite is simulated with the upsets, drag and eclipses of a low orbit."""
    if key == "tle":
        sets = [("ALPHA", *two_lines("90001")), ("BETA", *two_lines("90002", **change))]
    else:
        sets = [message(90001), message(90002, **change, OBJECT_NAME="BETA")]
    with pytest.raises(OdcGymError, match=said) as caught:
        STARTER.replace({"shells.0.orbit": {key: sets}})
    begin = f"shells.0.orbit: {key} "
    assert str(caught.value).startswith((f"{begin}1, satellite 90001", f"{begin}2, satellite 90002 BETA: "))


def test_a_satellite_is_listed_once():
    sets = read_lines([two_lines("90001"), two_lines("00000"), two_lines("00000"), two_lines("90001", anomaly=3.0)])
    with pytest.raises(OrbitError, match="tle 4, satellite 90001: is listed already, as tle 1, satellite 90001"):
        require_one_shell(sets)
    require_one_shell(sets[:3])  # zero stands for no number


def test_an_epoch_outside_the_tables_is_refused():
    old = two_lines("90001", epoch=EPOCH.replace(year=1965))
    with pytest.raises(OrbitError, match="tle 1, satellite 90001: epoch = 1965-03-20: must be 1973 to 2052"):
        Constellation.from_tle([old])


def test_the_circle_of_a_cluster_stays_at_the_altitudes_of_the_models():
    """Catches: the perigees of a wide cluster at 300 km lie at 275 km."""
    low = FIELDS | {"altitude_km": 300, "radius_km": 50}
    with pytest.raises(OdcGymError, match=r"shells\.0\.orbit: radius_km = 50: perigee = 275.0 km: must be 300 to"):
        STARTER.replace({"shells.0.orbit": low | {"pattern": "cluster"}})
    with pytest.raises(OrbitError, match=r"radius_km = 50: perigee = 275\.0 km"):
        Constellation.cluster(**low)


@pytest.mark.parametrize("altitude_km", [450, 800, 1200, 1800])
def test_a_shell_may_be_described_by_its_mean_altitude(altitude_km):
    """The spread that is allowed changes eclipses by at most 0.033 of the orbit, and the Earth's view by 0.05."""
    for end in (-MAX_ALTITUDE_SPREAD_KM, MAX_ALTITUDE_SPREAD_KM):
        there, mean = 1000.0 * (altitude_km + end), 1000.0 * altitude_km
        beta = np.radians([0.0, 30.0, 45.0])
        assert np.abs(eclipse_fraction(there, beta) - eclipse_fraction(mean, beta)).max() < 0.033
        assert abs(edge_view_factor(there) - edge_view_factor(mean)) < 0.05


def test_files_are_a_door_too(tmp_path):
    path = tmp_path / "geo.json"
    path.write_text(json.dumps([message(40000, **GEO)]))
    (tmp_path / "my.yaml").write_text(
        "base: starter12\nname: my\nshells: [{hardware: odcsat, orbit: {omm: geo.json}}]\n"
    )
    with pytest.raises(
        OdcGymError, match=r"geo.json, entry 1, satellite 40000 ALPHA 40000: perigee = 35\d\d\d.\d km: must"
    ):
        Scenario.load(tmp_path / "my.yaml")
