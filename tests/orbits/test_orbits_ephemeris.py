import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.errors import OrbitError
from odc_gym.orbits import Constellation, GroundSite, build_ephemeris

START = datetime(2027, 6, 21, 3, 20, tzinfo=UTC)
STARTER = Constellation.walker(altitude_km=550, inclination_deg=53, total=12, planes=3, phasing=1)
SITES = (
    GroundSite(name="Svalbard", latitude_deg=78.23, longitude_deg=15.41, altitude_m=458),
    GroundSite(name="Quito", latitude_deg=-0.2, longitude_deg=281.5),
)
TABLES = {
    "position_gcrs_m": (90, 12, 3),
    "sun_direction": (90, 3),
    "sun_distance_m": (90,),
    "solar_flux_w_m2": (90,),
    "beta_rad": (90, 12),
    "orbit_angle_rad": (90, 12),
    "sunlit_frac": (90, 12),
    "sunlit_instant_frac": (90, 12),
    "latitude_deg": (90, 12),
    "longitude_deg": (90, 12),
    "altitude_m": (90, 12),
    "elevation_deg": (90, 12, 2),
}


def tables(**change):
    e = build_ephemeris(STARTER, **{"start": START, "steps": 90, "sites": SITES} | change)
    return {name: getattr(e, name) for name in TABLES}


def test_shapes_and_ranges():
    t = tables()
    assert {name: value.shape for name, value in t.items()} == TABLES
    assert all(np.isfinite(value).all() and value.dtype == np.float64 for value in t.values())
    for name in ("sunlit_frac", "sunlit_instant_frac"):
        assert t[name].min() == 0 and t[name].max() == 1
    assert np.abs(t["latitude_deg"]).max() <= 53.3
    assert t["altitude_m"].min() > 545e3 and t["altitude_m"].max() < 568e3
    assert 1315 < t["solar_flux_w_m2"].min() < 1325  # close to aphelion
    assert (t["orbit_angle_rad"] >= 0).all() and (t["orbit_angle_rad"] < 2 * np.pi + 1e-12).all()


def test_same_bits_whatever_was_built_before():
    first = tables()
    for shift in (-3, 17, 170):
        tables(start=START + timedelta(days=shift), step_s=37.0, steps=50)
    again = tables()
    assert all(np.array_equal(first[name], again[name]) for name in TABLES)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_orbits_ephemeris import tables; import hashlib; "
        "print(hashlib.sha256(b''.join(v.tobytes() for v in tables().values())).hexdigest())"
    )
    ours = hashlib.sha256(b"".join(v.tobytes() for v in first.values())).hexdigest()
    other = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == ours and other.stderr == ""


def test_a_shorter_table_is_the_head_of_a_longer_one():
    long, short = tables(steps=90), tables(steps=45)
    for name in TABLES:
        assert np.allclose(long[name][:45], short[name], rtol=1e-12, atol=1e-9)


def test_steps_of_any_length_agree():
    """Means over 10 min are means of 1 min means; instants are the same instants."""
    fine, coarse = tables(step_s=60.0, steps=90), tables(step_s=600.0, steps=9)
    for name in TABLES:
        if name == "sunlit_frac":
            assert np.allclose(fine[name].reshape(9, 10, 12).mean(axis=1), coarse[name], atol=1e-12)
        else:
            assert np.allclose(fine[name][::10], coarse[name], rtol=1e-12, atol=1e-9)


def test_dates_without_an_offset_are_utc():
    naive = build_ephemeris(STARTER, start=START.replace(tzinfo=None), steps=2)
    shifted = build_ephemeris(STARTER, start=START.astimezone(timezone(timedelta(hours=-7))), steps=2)
    assert naive.start == shifted.start == START
    assert np.array_equal(naive.position_gcrs_m, shifted.position_gcrs_m)


@settings(max_examples=25, deadline=None)
@given(
    altitude_km=st.floats(300, 2000),
    inclination_deg=st.floats(0, 180),
    raan_deg=st.floats(0, 360),
    day=st.integers(0, 9000),
)
def test_orbit_angle_and_beta_give_the_sun_zenith_angle(altitude_km, inclination_deg, raan_deg, day):
    c = Constellation.walker(
        altitude_km=altitude_km, inclination_deg=inclination_deg, total=3, planes=3, raan_deg=raan_deg
    )
    e = build_ephemeris(c, start=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day), steps=60)
    up = e.position_gcrs_m / np.linalg.norm(e.position_gcrs_m, axis=2, keepdims=True)
    cosine = (up * e.sun_direction[:, None]).sum(axis=2)
    assert np.allclose(cosine, np.cos(e.beta_rad) * np.cos(e.orbit_angle_rad), atol=1e-8)
    assert np.allclose(np.linalg.norm(e.sun_direction, axis=1), 1)
    turned = np.diff(np.unwrap(e.orbit_angle_rad, axis=0), axis=0)
    well_defined = np.abs(e.beta_rad[:-1]) < np.radians(80)
    assert (turned[well_defined] > 0).all()  # along the motion


def test_eclipses_begin_after_noon_and_lie_at_midnight():
    e = build_ephemeris(STARTER, start=START, steps=300)
    dark = e.orbit_angle_rad[e.sunlit_instant_frac == 0]
    assert np.cos(dark).max() < 0
    assert abs(np.angle(np.exp(1j * dark).mean()) % (2 * np.pi) - np.pi) < 0.05


@pytest.mark.parametrize(
    "change, word",
    [
        ({"step_s": 0}, "step_s = 0"),
        ({"step_s": float("nan")}, "step_s = nan"),
        ({"step_s": 7200}, "step_s = 7200"),
        ({"steps": 0}, "steps = 0"),
        ({"steps": 1.5}, "steps = 1.5"),
        ({"start": datetime(1960, 1, 1)}, "start = 1960-01-01"),
        ({"start": datetime(2052, 12, 31, 23), "steps": 3000}, "2053-01-03"),
    ],
)
def test_bad_input_is_told_in_one_line(change, word):
    with pytest.raises(OrbitError) as caught:
        tables(**change)
    assert word in str(caught.value) and "\n" not in str(caught.value)


def test_no_satellites():
    with pytest.raises(OrbitError, match="at least one satellite"):
        build_ephemeris(Constellation(()), start=START)


@pytest.mark.parametrize("field, value", [("latitude_deg", 91), ("longitude_deg", -181), ("altitude_m", 2e4)])
def test_bad_site(field, value):
    with pytest.raises(OrbitError, match=f"site X: {field} = "):
        GroundSite(**{"name": "X", "latitude_deg": 0.0, "longitude_deg": 0.0} | {field: value})


def test_import_is_light():
    code = "import sys, odc_gym.orbits; print(*[m for m in ('skyfield', 'scipy', 'sgp4') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
