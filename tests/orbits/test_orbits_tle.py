from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from odc_gym.errors import OrbitError
from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.orbits.tle import epoch
from odc_gym.scenario import TleOrbit

# An element set of the International Space Station of September 2008, often printed as an example of the format.
ISS = (
    "1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927",
    "2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537",
)
EPOCH = datetime(2008, 9, 20, 12, 25, 40, tzinfo=UTC)


def sealed(line):
    """Return the line with its correct checksum."""
    body = line[:68]
    return body + str(sum(int(c) if c.isdigit() else c == "-" for c in body) % 10)


def changed(line, column, text):
    return line[: column - 1] + text + line[column - 1 + len(text) :]


def test_epoch():
    assert abs(epoch(ISS) - datetime(2008, 9, 20, 12, 25, 40, 104192, tzinfo=UTC)) < timedelta(milliseconds=1)
    assert epoch((changed(ISS[0], 19, "57"), "")).year == 1957
    assert epoch((changed(ISS[0], 19, "56"), "")).year == 2056


def test_trailing_blanks_and_scenario_orbit():
    plain = Constellation.from_tle([ISS])
    assert Constellation.from_tle([(ISS[0] + "  \n", ISS[1] + "\r\n")]) == plain
    assert Constellation.from_orbit(TleOrbit(pattern="tle", lines=(ISS,))) == plain
    assert plain.altitude_m[0] == pytest.approx(350e3, abs=5e3)  # the station's height that year


@pytest.mark.parametrize(
    "line, edit, where",
    [
        (1, lambda s: changed(s, 69, "8"), "line 1, column 69: checksum = 8: must be 7"),
        (2, lambda s: changed(s, 13, "9"), "line 2, column 69: checksum"),
        (2, lambda s: sealed(changed(s, 10, "x1.6416")), "line 2, column 9: inclination = ' x1.6416'"),
        (1, lambda s: s[:40], "line 1, column 41: the line ends"),
        (1, lambda s: s + "0", "line 1, column 70"),
        (1, lambda s: "2" + s[1:], "line 1, column 1"),
        (1, lambda s: sealed(changed(s, 33, "1")), "line 1, column 33: '1' must be blank"),
        (1, lambda s: sealed(changed(s, 54, "-1160.-4")), "line 1, column 54"),
        (2, lambda s: sealed(changed(s, 3, "25545")), "line 2, column 3: catalogue number = 25545"),
        (2, lambda s: sealed(changed(s, 9, "251.6416")), "line 2, column 9: inclination = 251.642"),
        (2, lambda s: sealed(changed(s, 53, " 0.00000000")), "line 2, column 53: mean motion"),
        (2, lambda s: "", "line 2, column 1: the line ends"),
    ],
)
def test_broken_lines_name_line_and_column(line, edit, where):
    broken = tuple(edit(text) if i + 1 == line else text for i, text in enumerate(ISS))
    with pytest.raises(OrbitError) as caught:
        Constellation.from_tle([ISS, broken])
    message = str(caught.value)
    assert message.startswith("tle 2, ") and where in message and "\n" not in message, message


@pytest.mark.parametrize("lines", [[], ["two strings"], [("only one",)], [(1, 2)]])
def test_not_pairs_of_strings(lines):
    with pytest.raises(OrbitError, match="tle"):
        Constellation.from_tle(lines)


def test_old_elements_are_refused_unless_allowed():
    fresh = Constellation.from_tle([ISS])
    build_ephemeris(fresh, start=EPOCH + timedelta(days=13), steps=1)
    for start, steps in (
        (EPOCH + timedelta(days=14, hours=1), 1),
        (EPOCH - timedelta(days=15), 1),
        (EPOCH + timedelta(days=13), 1600),
    ):
        with pytest.raises(OrbitError, match=r"tle 1: epoch = 2008-09-20: 1.\.\d days .* 14"):
            build_ephemeris(fresh, start=start, steps=steps)
    late = Constellation.from_tle([ISS], allow_old=True)
    assert np.isfinite(build_ephemeris(late, start=EPOCH + timedelta(days=30), steps=3).position_gcrs_m).all()


def test_decayed_orbit_is_an_error_not_a_number():
    draggy = (sealed(changed(ISS[0], 54, " 99999-1")), ISS[1])
    with pytest.raises(OrbitError, match="tle 2: no position at 2008-"):
        build_ephemeris(Constellation.from_tle([ISS, draggy]), start=EPOCH + timedelta(days=10), steps=1440)
