"""Replay page, without a browser: what lies in the file, and which recordings it refuses."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

from odc_gym.cli import main
from odc_gym.errors import RecordingError
from odc_gym.pages.replay import make_replay, write_replay
from odc_gym.pages.replay.bundle import BUNDLE, bundled_hash, source_hash
from odc_gym.pages.replay.detail import levels
from odc_gym.pages.replay.jobs import pack_slots
from odc_gym.pages.replay.orbits import EARTH_RATE, fit_elements, of_date, positions
from odc_gym.pages.replay.packing import Packer
from odc_gym.pages.replay.page import MOST_BYTES, script_json
from odc_gym.recording import record_episode, write_recording


def unpack(manifest, data):
    """Arrays of a page by name; a second reader of the format, beside `scripts/decode.js`."""
    block = zlib.decompress(base64.b64decode(data))
    found = {}
    for name, (dtype, shape, at, scale, offset, series) in manifest["arrays"].items():
        width, size = np.dtype(dtype).itemsize, int(np.prod(shape))
        planes = np.frombuffer(block, np.uint8, size * width, at).reshape(width, size)
        values = np.ascontiguousarray(planes.T).view(np.dtype(dtype).newbyteorder("<")).reshape(-1)
        if series:
            values = values.reshape(*shape[1:], shape[0])
            values = np.moveaxis(np.cumsum(values, axis=-1, dtype=dtype), -1, 0)
        found[name] = values.reshape(shape) * scale + offset
    return found


def parts(html):
    manifest = re.search(r'<script type="application/json" id="manifest">(.*?)</script>', html, re.DOTALL).group(1)
    data = re.search(r'id="data">(.*?)</script>', html, re.DOTALL).group(1)
    return json.loads(manifest), data


@pytest.fixture(scope="module")
def page(recorded):
    return make_replay(recorded)


@pytest.fixture(scope="module")
def contents(page):
    manifest, data = parts(page.html)
    return manifest, unpack(manifest, data)


def test_the_committed_bundle_fits_its_sources():
    """Catches a script that was edited without `make scripts`."""
    assert bundled_hash() == source_hash(), "run `make scripts` and commit replay.bundle.js"


def test_licences_of_all_bundled_libraries_are_there():
    """Catches a library that was added without its licence."""
    lock = json.loads((BUNDLE.parent / "scripts" / "package-lock.json").read_text())
    bundled = {
        name.removeprefix("node_modules/") for name, each in lock["packages"].items() if name and not each.get("dev")
    }
    bundled.discard("commander")  # a command-line tool of topojson-client, not bundled
    assert bundled == {path.stem for path in (BUNDLE.parent / "licences").glob("*.txt")}


def test_the_page_names_no_address(page):
    """Catches a font, script or picture that would be loaded from a network."""
    without_data = re.sub(r'id="data">.*?</script>', "", page.html, flags=re.DOTALL)
    assert not re.search(
        r"""https?://(?!www\.w3\.org)|(?:src|href)\s*=|url\(|@import|fetch\(|XMLHttpRequest""", without_data
    )


def test_arrays_in_the_page_equal_the_recording(contents, recorded):
    """Catches a wrong axis, offset or difference, and runs that are exchanged."""
    manifest, arrays = contents
    for k, recording in enumerate(recorded):
        run = manifest["runs"][k]
        assert (run["agent"], run["score"]) == (recording.agent, recording.score)
        for name, values, error in (
            ("charge", recording["satellite/charge_frac"], 1e-4),
            ("junction", recording["satellite/junction_k"] - 273.15, 0.01),
            ("held", recording["class/held"], 0),
            ("waiting_h", recording["account/backlog_now_s"] / 3600, 0.01),
        ):
            assert np.abs(arrays[f"{k}/{name}"] - values).max() <= error + 1e-6, name
        sums = np.cumsum([recording[f"reward/{name}"] for name in manifest["terms"]], axis=1).T
        assert np.allclose(arrays[f"{k}/terms"][1:], sums, rtol=1e-5, atol=1e-5)
        energy = np.diff(recording["satellite/electric_j"], axis=0)
        assert np.allclose(arrays[f"{k}/draw_w"][1:] * 300, energy, rtol=1e-3, atol=100)


def test_segments_and_events_equal_the_recording(contents, recorded):
    """Catches jobs that are shown on another satellite or at another time, and lost events."""
    _, arrays = contents
    for k, recording in enumerate(recorded):
        held = np.zeros(12)
        np.add.at(
            held,
            arrays[f"{k}/segment/satellite"].astype(int),
            arrays[f"{k}/segment/width"] * arrays[f"{k}/segment/length_s"],
        )
        segments = recording.segments
        expected = np.zeros(12)
        width = recording["job/width"][segments["job"]]
        np.add.at(expected, segments["satellite"], width * (segments["end_s"] - segments["begin_s"]))
        assert np.allclose(held, expected, rtol=1e-3)
        assert (arrays[f"{k}/event/kind"] == recording["event/kind"]).all()
        assert np.abs(arrays[f"{k}/event/time_s"] - recording["event/time_s"]).max() <= 0.5
        classes = recording["job/class_id"][recording["event/job"]]
        shown = arrays[f"{k}/job/class_id"][arrays[f"{k}/event/job"].astype(int)]
        about_jobs = recording["event/job"] >= 0
        assert (classes == shown)[about_jobs].all()


def test_light_has_one_bit_for_each_physics_step(contents, recorded):
    _, arrays = contents
    bits = np.unpackbits(arrays["lit"].astype(np.uint8), axis=1)[:, : len(recorded[0]["sunlit_frac"])]
    assert ((recorded[0]["sunlit_frac"] > 0.5) == bits.T).all()


def test_elements_give_the_sub_satellite_points(recorded):
    """Catches a frame that is turned: the points would lie over other places of the map."""
    recording = recorded[0]
    direction, sun, greenwich = of_date(recording)
    elements, error = fit_elements(direction, recording["time_s"])
    assert np.degrees(error) < 0.05
    p = positions(elements, recording["time_s"])
    longitude = np.degrees(np.arctan2(p[..., 1], p[..., 0]) - greenwich - EARTH_RATE * recording["time_s"][:, None])
    apart = (longitude - recording["orbit/longitude_deg"] + 180) % 360 - 180
    assert np.abs(apart * np.cos(np.arcsin(p[..., 2]))).max() < 0.05
    assert (
        np.abs(np.degrees(np.arcsin(p[..., 2])) - recording["orbit/latitude_deg"]).max() < 0.25
    )  # geocentric, geodetic
    assert np.degrees(np.arccos((sun * recording["orbit/sun"]).sum(1))).max() < 0.5  # precession since 2000


def test_slots_hold_each_segment_once_and_never_two_at_a_time():
    """Catches jobs that are drawn over each other, and parts of jobs that are not drawn."""
    rng = np.random.default_rng(1)
    begin = np.sort(rng.uniform(0, 100, 60))
    free = np.zeros(8)
    keep, width, end = [], [], []
    for k in range(60):
        room = int((free <= begin[k]).sum())
        if room:
            w = int(rng.integers(1, room + 1))
            e = begin[k] + rng.uniform(1, 30)
            free[np.flatnonzero(free <= begin[k])[:w]] = e
            keep.append(k), width.append(w), end.append(e)
    segments = {"satellite": np.zeros(len(keep), int), "begin_s": begin[keep], "end_s": np.array(end)}
    pieces = pack_slots(segments, np.array(width), rng.random(len(keep)) < 0.3, np.array([8.0]))
    assert (np.bincount(pieces[:, 0], pieces[:, 2], len(keep)) == width).all()
    for t in rng.uniform(0, 120, 200):
        now = [p for p in pieces if segments["begin_s"][p[0]] <= t < segments["end_s"][p[0]]]
        slots = [slot for _, first, n in now for slot in range(first, first + n)]
        assert len(slots) == len(set(slots)) and all(slot < 8 for slot in slots)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"seed": 20_001}, "seed = 20001, but 20000 in recording 1"),
        ({"scenario_name": "storm"}, "scenario_name = storm, but starter12"),
        ({"decision_period_s": 600.0}, "decision_period_s = 600.0, but 300.0"),
    ],
)
def test_another_episode_is_refused_in_one_line(recorded, changed, header, message):
    with pytest.raises(RecordingError) as error:
        make_replay([recorded[0], changed(**header)])
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_changed_field_of_the_scenario_is_named(recorded, changed):
    """Catches pages that compare runs of different hardware as if it was the same."""
    scenario = json.loads(json.dumps(recorded[0].header["scenario"]))
    scenario["episode"]["hours"] = 9.0
    with pytest.raises(RecordingError, match=r"scenario\.episode\.hours = 9\.0, but 8\.0"):
        make_replay([recorded[0], changed(scenario=scenario)])


def test_names_cannot_end_the_script_element(recorded, changed):
    """Catches a name that becomes code of the page."""
    bad = "</script><script>window.hacked = true</script>\u2028<!--"
    html = make_replay([changed(scenario_name=bad, description=bad, agent=bad)]).html
    assert html.count("window.hacked") == html.count("\\u003cscript\\u003ewindow.hacked") + html.count(
        "&lt;script&gt;window.hacked"
    )
    assert parts(html)[0]["scenario"] == bad
    assert "\u2028" not in script_json(bad) and "<" not in script_json(bad)


def test_two_runs_of_one_scheduler_have_different_names(recorded):
    assert make_replay([recorded[0], recorded[0]]).names == ["gang-aware (1)", "gang-aware (2)"]


def test_a_recording_that_stops_early_has_a_page(stopped):
    """Catches bins and fits that need a whole episode."""
    for recording in stopped:
        manifest, data = parts(make_replay([recording]).html)
        decisions = recording.header["decisions"]
        assert (manifest["samples"], manifest["end_s"]) == (decisions + 1, decisions * 300.0)
        assert len(unpack(manifest, data)["0/charge"]) == decisions + 1


def test_eccentric_orbits_have_their_directions_in_the_page(eccentric):
    """Catches elements that are used although they do not fit."""
    manifest, data = parts(make_replay([eccentric]).html)
    arrays = unpack(manifest, data)
    assert "orbit/elements" not in arrays
    unit = eccentric["orbit/position_km"] / np.linalg.norm(eccentric["orbit/position_km"], axis=2, keepdims=True)
    assert np.abs(arrays["orbit/direction"] - unit).max() < 1e-3


def test_a_packed_array_is_the_same_after_reading():
    rng = np.random.default_rng(2)
    pack = Packer()
    values = {
        "whole": rng.integers(-1000, 1000, (5, 3, 2)),
        "wide": rng.integers(0, 2**31, (7,)),
        "real": rng.normal(size=(4, 3)),
    }
    pack.put("whole", values["whole"], "int16", series=True)
    pack.put("wide", values["wide"], "uint32", series=True)
    pack.put("real", values["real"], "float32", series=False)
    pack.put("clipped", [-5, 300], "uint8")
    found = unpack({"arrays": pack.entries}, pack.base64())
    assert (found["whole"] == values["whole"]).all() and (found["wide"] == values["wide"]).all()
    assert np.allclose(found["real"], values["real"])
    assert found["clipped"].tolist() == [0, 255]


def test_pages_stay_small(page, recorded):
    """Catches a page that grows beyond what can be sent by mail; large fleets have wider bins."""
    assert len(page.html) < 300_000
    large = levels(288, 1_000 * 288 * 2, MOST_BYTES)
    assert not any(detail.fine for detail in large)
    assert all(288 % detail.stride == 0 for detail in large)
    assert levels(97, 97, MOST_BYTES)[-1].stride == 1  # a prime number of decisions has no wider bins


@pytest.mark.slow
def test_a_thousand_satellites_fit_into_a_page():
    recording = record_episode("megashell1k", "sun-aware", 20_000)
    page = make_replay([recording])
    assert len(page.html.encode()) <= MOST_BYTES
    assert "decisions" in page.left_out


def test_the_command_writes_the_page(tmp_path, recorded, capsys):
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for file, recording in zip(files, recorded, strict=True):
        write_recording(file, recording)
    out = tmp_path / "replay.html"
    with pytest.raises(SystemExit) as done:
        main(["replay", *map(str, files), "-o", str(out)])
    assert done.value.code == 0
    assert capsys.readouterr().out.startswith(f"{out}: gang-aware, full-clock; 0.")
    assert out.read_text().startswith("<!doctype html>")
    assert write_replay(tmp_path / "again.html", files).html == out.read_text()  # the same bytes every time


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", b"agent,score\n"])
def test_a_damaged_recording_gives_one_line_and_no_page(tmp_path, content, capsys):
    file, out = tmp_path / "day.npz", tmp_path / "replay.html"
    file.write_bytes(content)
    with pytest.raises(SystemExit) as done:
        main(["replay", str(file), "-o", str(out)])
    assert done.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not out.exists()
