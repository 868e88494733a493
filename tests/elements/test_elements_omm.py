"""Orbit mean-elements messages in all formats of catalogues: equal to two lines, and strict in every field."""

import json
import math
import pickle
from datetime import timedelta

import numpy as np
import pytest
from element_sets import EPOCH, as_csv, as_kvn, as_xml, message, two_lines
from hypothesis import given
from hypothesis import strategies as st
from skyfield.api import EarthSatellite, load

from odc_gym.elements import read_elements, read_lines, read_messages
from odc_gym.errors import OrbitError
from odc_gym.orbits import Constellation, build_ephemeris

MESSAGES = [message(90001), message(123456789, anomaly=90.0, epoch=EPOCH + timedelta(hours=5, microseconds=123456))]
AS_SERVED = {
    "json": json.dumps(MESSAGES),
    "json of text": json.dumps([{k: str(v) for k, v in m.items()} | {"DECAY_DATE": None} for m in MESSAGES], indent=1),
    "xml": as_xml(MESSAGES),
    "csv": as_csv(MESSAGES),
    "kvn": as_kvn(MESSAGES),
}


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read the element sets of a file with some text."""
    monkeypatch.chdir(tmp_path)

    def read_some(text):
        (tmp_path / "some").write_text(text, newline="")
        return read_elements("some")

    return read_some


@pytest.mark.parametrize("served", AS_SERVED)
@pytest.mark.parametrize("begin", ["", "﻿", "\n\n"])
def test_formats_of_catalogues(read, served, begin):
    """Catches: messages are refused, or satellites with numbers beyond the five columns of two lines."""
    if begin == "\n\n" and served == "xml":
        begin = ""  # the declaration must come first
    sets = read(begin + AS_SERVED[served])
    assert sets == read_messages(MESSAGES)
    assert [each.number for each in sets] == [90001, 123456789]
    assert sets[0].epoch == EPOCH and sets[1].epoch == EPOCH + timedelta(hours=5, microseconds=123456)
    assert pickle.loads(pickle.dumps(sets)) == sets
    assert read_messages([each.message for each in sets]) == sets  # what a scenario holds is read again


def test_a_single_object_of_json_is_one_message(read):
    assert read(json.dumps(MESSAGES[0])) == read_messages(MESSAGES[:1])


@given(
    motion=st.floats(12.7, 15.9), eccentricity=st.floats(1e-6, 0.02), inclination=st.floats(0.1, 179.0),
    node=st.floats(0.0, 359.9), anomaly=st.floats(0.0, 359.9), days=st.integers(0, 27000),
)  # fmt: skip
def test_a_message_moves_like_the_two_lines_of_its_satellite(motion, eccentricity, inclination, node, anomaly, days):
    """Catches: a wrong unit, a lost digit or a swapped angle. The tolerance is that of the lines' digits."""
    rounded = {
        "epoch": EPOCH - timedelta(days=days / 2),
        "motion": round(motion, 8),
        "eccentricity": round(eccentricity, 7),
        "inclination": round(inclination, 4),
        "node": round(node, 4),
        "anomaly": round(anomaly, 4),
    }
    lines, omm = read_lines([two_lines(**rounded)])[0], read_messages([message(**rounded)])[0]
    assert lines.epoch == omm.epoch and lines.number == omm.number
    assert lines.altitude_km == pytest.approx(omm.altitude_km, abs=1e-6)
    start, satellites = lines.satellite(), omm.satellite()
    for day in (0.0, 0.7, 9.3):
        ours, theirs = (s.sgp4(s.jdsatepoch, s.jdsatepochF + day)[1] for s in (satellites, start))
        assert np.allclose(ours, theirs, atol=1e-5)  # km


def test_messages_agree_with_skyfield():
    timescale = load.timescale(builtin=True)
    times = timescale.from_datetimes([EPOCH + timedelta(minutes=t) for t in range(0, 1440, 111)])
    messages = [message(90001), message(90002, motion=14.72, inclination=97.98, eccentricity=0.0011)]
    shell = Constellation.from_elements(read_messages(messages))
    ours = build_ephemeris(shell, start=EPOCH, steps=1440).position_gcrs_m[::111]
    theirs = [EarthSatellite.from_omm(timescale, m).at(times).position.m.T for m in messages]
    assert np.abs(ours - np.stack(theirs, axis=1)).max() < 1.0


WRONG = [
    ({"MEAN_MOTION": None}, "MEAN_MOTION: is missing"),
    ({"BSTAR": ""}, "BSTAR: is missing"),
    ({"EPOCH": None}, "EPOCH: is missing"),
    ({"MEAN_MOTION": "fast"}, "MEAN_MOTION = fast: must be a number"),
    ({"MEAN_MOTION": "15,05"}, "MEAN_MOTION = 15,05: must be a number"),
    ({"MEAN_MOTION": "1_5"}, "MEAN_MOTION = 1_5: must be a number"),
    ({"MEAN_MOTION": True}, "MEAN_MOTION = True: must be a number"),
    ({"MEAN_MOTION": 0}, "MEAN_MOTION = 0: must be 0 to 18, 0 excluded"),
    ({"MEAN_MOTION": math.nan}, "MEAN_MOTION = nan: must be 0 to 18"),
    ({"BSTAR": math.inf}, "BSTAR = inf: must be -10 to 10"),
    ({"ECCENTRICITY": 1.0}, "ECCENTRICITY = 1: must be 0 to 1, 1 excluded"),
    ({"ECCENTRICITY": [0.1]}, "ECCENTRICITY = [0.1]: must be a number"),
    ({"INCLINATION": 181}, "INCLINATION = 181: must be 0 to 180"),
    ({"RA_OF_ASC_NODE": -1}, "RA_OF_ASC_NODE = -1: must be 0 to 360"),
    ({"EPOCH": "27079.5"}, "EPOCH = 27079.5: must be a UTC date and time such as 2027-"),
    ({"EPOCH": "2027-02-30T00:00:00"}, "EPOCH = 2027-02-30T00:00:00: must be a UTC date"),
    ({"EPOCH": "2027-03-20T12:00:00+02:00"}, "EPOCH = 2027-03-20T12:00:00+02:00: must be a UTC date"),
    ({"EPOCH": "2027-367T12:00:00"}, "EPOCH = 2027-367T12:00:00: must be a UTC date"),
    ({"TIME_SYSTEM": "GPS"}, "TIME_SYSTEM = GPS: must be UTC"),
    ({"REF_FRAME": "GCRF"}, "REF_FRAME = GCRF: must be TEME"),
    ({"CENTER_NAME": "MOON"}, "CENTER_NAME = MOON: must be EARTH"),
    ({"MEAN_ELEMENT_THEORY": "SGP4-XP"}, "MEAN_ELEMENT_THEORY = SGP4-XP: must be SGP4"),
    ({"EPHEMERIS_TYPE": 4}, "EPHEMERIS_TYPE = 4: must be 0"),
]


@pytest.mark.parametrize(("change", "line"), WRONG, ids=[line.split(":")[0] for _, line in WRONG])
@pytest.mark.parametrize("served", [None, "json"])
def test_a_wrong_field_is_named_with_entry_and_satellite(read, served, change, line):
    messages = [message(90000), message(90001) | change]
    with pytest.raises(OrbitError) as caught:
        read_messages(messages) if served is None else read(json.dumps(messages))
    place = "omm 2" if served is None else "some, entry 2"
    assert str(caught.value).startswith(f"{place}, satellite 90001 ALPHA 90001: {line}"), caught.value
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [None, "", "1234567890", "A0001", -1, 1.5, True])
def test_catalogue_numbers_are_checked(number):
    with pytest.raises(OrbitError, match=r"^omm 1, satellite ALPHA 90001: NORAD_CAT_ID"):
        read_messages([message(90001) | {"NORAD_CAT_ID": number}])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[{", "some: not readable as JSON: "),
        ("[" * 5000, "some: not readable as JSON: "),
        ("[]", "file = some: must hold at least one element set"),
        ('["a"]', "some, entry 1: must be the fields of an orbit mean-elements message"),
        ("<html><body/></html>", "some: must hold orbit mean-elements messages <omm>, got <html>"),
        ("<ndm><omm></ndm>", "some: not readable as XML: "),
        (as_csv(MESSAGES).replace(",15.05,", ",15,05,"), "some, line 2: 18 values, must be 17 as in the header"),
        (
            as_csv([message(90001, MEAN_MOTION="")]),
            "some, line 2, satellite 90001 ALPHA 90001: MEAN_MOTION: is missing",
        ),
        (as_kvn(MESSAGES).replace("rev/day", "rad/s"), "some, line 1: MEAN_MOTION: unit = rad/s: must be rev/day"),
        (as_kvn(MESSAGES) + "\nnothing", "some, line 43: 'nothing': must have the form NAME = VALUE"),
        (
            as_xml(MESSAGES).replace("<INCLINATION>", '<INCLINATION units="rad">'),
            "some, entry 1: INCLINATION: unit = rad: must be deg",
        ),
    ],
)
def test_a_broken_file_is_told_in_one_line(read, text, line):
    with pytest.raises(OrbitError) as caught:
        read(text)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value), caught.value


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(MESSAGES[0])), inner, max_size=3),
    max_leaves=6,
)


@given(json_values, st.sampled_from(list(MESSAGES[0])))
def test_any_value_is_read_or_refused_in_one_line(value, field):
    """Catches: a value of another type ends in an error that is not ours."""
    for messages in ([MESSAGES[0] | {field: value}], [value]):
        try:
            assert read_messages(messages)[0].message is not None
        except OrbitError as error:
            assert str(error).startswith("omm 1") and "\n" not in str(error)
