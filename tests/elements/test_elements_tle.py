"""Two-line element sets: every usual way of writing them is read, and a broken line is named."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from element_sets import sealed, two_lines
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.elements import read_elements, read_lines
from odc_gym.elements.tle import epoch_of
from odc_gym.errors import OrbitError
from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.scenario import TleOrbit

# An element set of the International Space Station of September 2008, often printed as an example of the format.
ISS = (
    "1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927",
    "2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537",
)
EPOCH = datetime(2008, 9, 20, 12, 25, 40, tzinfo=UTC)
OTHER = two_lines("A0002")


def changed(line, column, text):
    return line[: column - 1] + text + line[column - 1 + len(text) :]


def test_epoch():
    assert abs(epoch_of(ISS[0]) - datetime(2008, 9, 20, 12, 25, 40, 104192, tzinfo=UTC)) < timedelta(milliseconds=1)
    assert epoch_of(changed(ISS[0], 19, "57")).year == 1957
    assert epoch_of(changed(ISS[0], 19, "56")).year == 2056


def test_trailing_blanks_and_scenario_orbit():
    plain = Constellation.from_tle([ISS])
    assert Constellation.from_tle([(ISS[0] + "  \n", ISS[1] + "\r\n")]) == plain
    assert Constellation.from_orbit(TleOrbit(pattern="tle", lines=(ISS,))) == plain
    assert plain.altitude_m[0] == pytest.approx(350e3, abs=5e3)  # the station's height that year


A, B = "\n".join(ISS), "\n".join(OTHER)
WAYS = {
    "pairs": [ISS, OTHER],
    "lists": [list(ISS), list(OTHER)],
    "lines": [*ISS, *OTHER],
    "texts": [A, B],
    "text": f"{A}\n{B}\n",
    "one text in a list": [f"{A}\n{B}\n"],
    "pair and text": [ISS, B],
    "CRLF": f"{A}\n{B}\n".replace("\n", "\r\n"),
    "blank lines": f"\n\n{A}\n\n  \n{B}\n\n",
    "indented": f"   {ISS[0]}\n   {ISS[1]}  \n\t{OTHER[0]}\n\t{OTHER[1]}",
    "comments": f"# mine\n{A}\n# other\n{B}",
}
NAMED = {
    "triples": [("STATION", *ISS), ("1 B", *OTHER)],
    "text": f"STATION\n{A}\n1 B\n{B}",
    "zeros": f"0 STATION\n{A}\n0 1 B\n{B}",
    "padded": f"STATION                 \r\n{A}\r\n\r\n1 B\r\n{B}\r\n",
    "triple and text": [["0 STATION", *ISS], f"1 B\n{B}"],
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_write_two_lines(way):
    """Catches: only pairs are read, so that the text of a catalogue is refused."""
    sets = read_lines(WAYS[way])
    assert [each.lines for each in sets] == [ISS, OTHER]
    assert [(each.name, each.number) for each in sets] == [("", 25544), ("", 100002)]


@pytest.mark.parametrize("way", NAMED)
def test_ways_to_write_three_lines(way):
    sets = read_lines(NAMED[way])
    assert [each.lines for each in sets] == [ISS, OTHER]
    assert [each.name for each in sets] == ["STATION", "1 B"]


@pytest.mark.parametrize("text", [*(w for w in WAYS.values() if isinstance(w, str)), NAMED["padded"]])
@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"])
def test_files_are_read_like_texts(tmp_path, text, begin):
    path = tmp_path / "some.txt"
    path.write_bytes(begin + text.encode())
    assert read_elements(path) == read_lines(text)


def test_a_name_outside_utf_8_is_read(tmp_path):
    path = tmp_path / "some.tle"
    path.write_bytes(f"ÉTOILE\n{A}".encode("latin-1"))
    assert read_elements(path)[0].name == "ÉTOILE"


NUMBERS = {"    5": 5, "00005": 5, "99999": 99999, "A0000": 100000, "J0001": 180001, "Z9999": 339999}


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_catalogue_numbers_with_letters(text, number):
    assert read_lines([two_lines(text)])[0].number == number


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
        (1, lambda s: sealed(changed(s, 21, "400")), "line 1, column 21: epoch day = 400.51782528: must be 1 to 366"),
        (1, lambda s: sealed(changed(s, 63, "4")), "line 1, column 63: ephemeris type = '4'"),
        (2, lambda s: sealed(changed(s, 3, "25545")), "line 2, column 3: catalogue number = 25545"),
        (2, lambda s: sealed(changed(s, 9, "251.6416")), "line 2, column 9: inclination = 251.642"),
        (2, lambda s: sealed(changed(s, 18, "361.0000")), "line 2, column 18: right ascension of"),
        (2, lambda s: sealed(changed(s, 53, " 0.00000000")), "line 2, column 53: mean motion"),
        (2, lambda s: "", "line 2, column 1: the line ends"),
    ],
)  # fmt: skip
def test_broken_lines_name_satellite_line_and_column(line, edit, where):
    broken = tuple(edit(text) if i + 1 == line else text for i, text in enumerate(ISS))
    with pytest.raises(OrbitError) as caught:
        Constellation.from_tle([OTHER, ("STATION", *broken)])
    message = str(caught.value)
    assert message.startswith("tle 2, satellite 25544 STATION, ") and where in message and "\n" not in message, message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{B}\nSTATION\n{ISS[0]}\n",
            "some.tle, line 4, satellite 25544 STATION: must be followed by line 2 of the set",
        ),
        (f"{B}\nSTATION\n{ISS[1]}\n", "some.tle, line 3: 'STATION': must be line 1 of an element set, or a name"),
        (f"{B}\n\n{changed(A, 69, '8')}\n", "some.tle, satellite 25544, line 4, column 69: checksum = 8: must be 7"),
        ("No GP data found", "some.tle, line 1: 'No GP data found': must be line 1"),
        ("# nothing\n", "file = some.tle: must hold at least one element set"),
        ("", "file = some.tle: must hold element sets, is empty"),
        ("\0\0\0", "file = some.tle: must hold element sets, is not text"),
    ],
)
def test_a_broken_file_names_file_line_and_satellite(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some.tle").write_text(text)
    with pytest.raises(OrbitError) as caught:
        read_elements("some.tle")
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value), caught.value


@pytest.mark.parametrize("name", ["missing.tle", "."])
def test_what_is_no_file_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OrbitError, match=f"file = {name}: not readable: "):
        read_elements(name)


@given(st.lists(st.sampled_from([*ISS, *OTHER, "NAME", "", "1 ", "2 "]), max_size=8).map("\n".join) | st.text())
def test_any_text_is_read_or_refused_in_one_line(text):
    """Catches: a text that is no element set ends in an error that is not ours, or in several lines."""
    try:
        assert all(each.lines in (ISS, OTHER) for each in read_lines(text))
    except OrbitError as error:
        assert str(error).startswith("tle ") and "\n" not in str(error)


@pytest.mark.parametrize("lines", [[], ["two strings"], [("only one",)], [(1, 2)], [5], [None]])
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
        with pytest.raises(OrbitError, match=r"tle 1, satellite 25544: epoch = 2008-09-20: 1.\.\d days .* 14"):
            build_ephemeris(fresh, start=start, steps=steps)
    late = Constellation.from_tle([ISS], allow_old=True)
    assert np.isfinite(build_ephemeris(late, start=EPOCH + timedelta(days=30), steps=3).position_gcrs_m).all()


def test_decayed_orbit_is_an_error_not_a_number():
    draggy = two_lines("25545", epoch=EPOCH, motion=15.72125391, drag=" 99999-1")
    with pytest.raises(OrbitError, match="tle 2, satellite 25545: no position at 2008-"):
        build_ephemeris(Constellation.from_tle([ISS, draggy]), start=EPOCH + timedelta(days=10), steps=1440)
