"""Scripted events of a scenario: their meaning, and errors of one line."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.errors import ScenarioError
from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import parse_overrides

STARTER, SHELLS = Scenario.load("starter12"), Scenario.load("ai1-shells")
LOSS = {"what": "satellite-loss", "plane": 2}
EPOCH = {"start.year": None, "start.epoch": "2027-03-01T12:00"}
POLAR = {"network.ground": {"sites": "polar"}}


def script(*entries, base=STARTER, **changes):
    return base.replace({"events": list(entries)} | changes).events


@pytest.mark.parametrize(
    ("at", "hours"),
    [("06:00", 6.0), ("0:30", 0.5), ("30:15", 30.25), (2, 2.0), (0.25, 0.25), ("2027-03-01T18:00", 6.0)],
)
def test_times_count_from_the_start_of_the_episode(at, hours):
    """Catches a clock that is read as UTC, or a date as local time."""
    event = script({"at": at} | LOSS, **EPOCH)[0]
    assert event.begin_s(datetime(2027, 3, 1, 12)) == hours * 3600.0


def test_a_clock_needs_no_quotes():
    """YAML 1.1 reads 12:30 as 750."""
    found = parse_overrides(["events=[{at: 12:30, what: satellite-loss, plane: 2}]"])
    assert STARTER.replace(found).events[0].begin_s(None) == 12.5 * 3600.0


@pytest.mark.parametrize(
    ("named", "base", "struck"),
    [
        ({"plane": 2}, STARTER, (8, 9, 10, 11)),
        ({"shell": 0}, STARTER, tuple(range(12))),
        ({"satellites": [3, 0]}, STARTER, (3, 0)),
        ({"shell": 1}, SHELLS, tuple(range(36, 60))),
        ({"shell": 1, "plane": 0}, SHELLS, tuple(range(36, 42))),
        ({"shell": 2, "plane": 0}, SHELLS, tuple(range(60, 72))),
    ],
)
def test_planes_and_shells_are_the_satellites_that_the_constellation_numbers_so(named, base, struck):
    orbits = [shell.orbit for shell in base.shells]
    event = script({"at": 1, "what": "satellite-loss"} | named, base=base)[0]
    assert event.affected_satellites(orbits) == struck


@pytest.mark.parametrize("base", [STARTER, SHELLS])
def test_a_plane_of_the_script_is_a_plane_of_the_sky(base):
    """Affected satellites share one orbit normal, and no other satellite of the shell has it."""
    orbits, first = [shell.orbit for shell in base.shells], 0
    for i, orbit in enumerate(orbits):
        group = Constellation.from_orbit(orbit)
        e = build_ephemeris(group, start=datetime(2027, 3, 1, tzinfo=UTC), step_s=600.0, steps=2)
        normal = np.cross(*e.position_gcrs_m)
        normal /= np.linalg.norm(normal, axis=1)[:, None]
        for plane in range(orbit.planes):
            event = script({"at": 1, "what": "satellite-loss", "shell": i, "plane": plane}, base=base)[0]
            struck = np.array(event.affected_satellites(orbits)) - first
            same = normal @ normal[struck[0]] > np.cos(np.radians(1.0))
            assert np.array_equal(np.flatnonzero(same), struck)
        first += len(group)


REFUSED = [
    ({"at": "6pm"} | LOSS, {}, "events.0.at = 6pm: must be hours from the episode's start, as a number or 'HH:MM', or"),
    ({"at": "06:60"} | LOSS, {}, "events.0.at = 06:60: must be hours from the episode's start"),
    ({"at": -1} | LOSS, {}, "events.0.at = -1: must be hours from the episode's start"),
    ({"at": "2027-03-01T18:00"} | LOSS, {}, "events.0.at = 2027-03-01 18:00:00+00:00: a date needs start.epoch"),
    ({"at": "2027-03-01T11:00"} | LOSS, EPOCH, "must not be before the episode, which begins at 2027-03-01 12:00:00"),
    (LOSS, {}, "events.0.at: is missing"),
    (
        {"at": 1, "what": "flood"},
        {},
        "events.0.what = flood: must be one of 'satellite-outage', 'satel",
    ),
    (
        {"at": 1, "what": "satellite-loss"},
        {},
        "events.0: must name either satellites, or a shell, or a plane, or a plane",
    ),
    (
        {"at": 1, "satellites": [1]} | LOSS,
        {},
        "events.0: must name either satellites, or a shell, or a plane, or a plane",
    ),
    ({"at": 1, "what": "satellite-loss", "satellites": [4, 12]}, {}, "events.0.satellites = 12: must be 0 to 11"),
    ({"at": 1, "what": "satellite-loss", "plane": 3}, {}, "events.0.plane = 3: must be 0 to 2, of shell 0"),
    ({"at": 1, "what": "satellite-loss", "shell": 1}, {}, "events.0.shell = 1: must be 0"),
    ({"at": 1, "what": "satellite-outage", "plane": 1}, {}, "events.0.hours: is missing"),
    ({"at": 1, "hours": 2} | LOSS, {}, "events.0.hours: unknown key; known: at, plane, satellites, shell, what"),
    ({"at": 1, "what": "surge", "hours": 1, "facto": 2}, {}, "events.0.facto: unknown key; did you mean factor?"),
    ({"at": 1, "what": "surge", "hours": 0, "factor": 2}, {}, "events.0.hours = 0: must be > 0"),
    ({"at": 1, "what": "surge", "hours": 1, "factor": 2, "classes": ["x"]}, {}, "events.0.classes = x: must be one of"),
    (
        {"at": 1, "what": "bad-weather", "hours": 1, "site": "Bonn"},
        {},
        "events.0.site = Bonn: network.ground has no sites",
    ),
    (
        {"at": 1, "what": "bad-weather", "hours": 1, "site": "Bonn"},
        POLAR,
        "events.0.site = Bonn: must be one of Longye",
    ),
]


@pytest.mark.parametrize(("entry", "changes", "line"), REFUSED)
def test_what_is_wrong_is_told_in_one_line(entry, changes, line):
    with pytest.raises(ScenarioError) as caught:
        script(entry, **changes)
    assert str(caught.value).startswith(line) or line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plane_of_several_shells_needs_its_shell():
    with pytest.raises(ScenarioError, match="plane = 2: shell must be given as well, 0 to 2"):
        script({"at": 1} | LOSS, base=SHELLS)


@given(
    st.one_of(st.floats(0, 1e3), st.builds("{:02d}:{:02d}".format, st.integers(0, 99), st.integers(0, 59))),
    st.sampled_from(
        [
            LOSS,
            {"what": "satellite-outage", "satellites": [0, 5], "hours": 2},
            {"what": "link-outage", "shell": 0, "hours": 0.5},
            {"what": "radiation-storm", "hours": 3, "factor": 10},
            {"what": "surge", "hours": 3, "factor": 0.5, "classes": ["batch"]},
            {"what": "bad-weather", "hours": 3, "site": "Kiruna, Lapland"},
        ]
    ),
)
def test_a_script_comes_back_from_its_own_dump(at, entry):
    scenario = STARTER.replace({"events": [{"at": at} | entry]} | POLAR)
    assert Scenario.model_validate(scenario.model_dump(mode="json")) == scenario
    assert scenario.replace({"episode.hours": 2}).events == scenario.events


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), lambda x: st.lists(x, max_size=3)))
def test_nonsense_is_refused_in_one_line_too(at):
    """Any value of `at` is a time at or after the start, or a ScenarioError; never another exception."""
    try:
        begin = script({"at": at} | LOSS)[0].begin_s(None)
    except ScenarioError as error:
        assert "\n" not in str(error)
    else:
        assert 0.0 <= begin < float("inf")


def test_dates_without_an_offset_are_utc():
    event = script({"at": datetime(2027, 3, 1, 13)} | LOSS, **EPOCH)[0]
    assert event.at == datetime(2027, 3, 1, 13, tzinfo=UTC)
