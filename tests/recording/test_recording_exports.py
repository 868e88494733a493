"""Exports of recordings, read back by the libraries that other people read them with."""

import csv
import json
from itertools import pairwise

import numpy as np
import pytest

from odc_gym.errors import RecordingError
from odc_gym.recording import record_episode
from odc_gym.recording.exports import FORMATS, export, require_formats


@pytest.fixture(scope="module")
def recording():
    return record_episode("starter12", "full-clock", 20_000, overrides={"episode.hours": 4.0})


def test_csv_holds_the_tables(recording, tmp_path):
    """Catches: columns that are shifted, or rows in another order than their labels."""
    paths = {path.stem: path for path in export(recording, tmp_path, ["csv"])}
    with paths["satellites"].open() as file:
        rows = list(csv.DictReader(file))
    charge = recording["satellite/charge_frac"]
    assert len(rows) == charge.size
    row = next(row for row in rows if float(row["time_s"]) == 3000.0 and row["satellite"] == "7")
    assert float(row["charge_frac"]) == pytest.approx(charge[10, 7])
    with paths["events"].open() as file:
        events = list(csv.DictReader(file))
    assert [event["kind"] for event in events] == recording.table("events")["kind"].tolist()


def test_frames_hold_the_tables(recording):
    """Catches: a table whose columns differ in length."""
    pytest.importorskip("pandas")
    accounts = recording.frame("accounts")
    last = accounts[(accounts.time_s == accounts.time_s.max()) & (accounts["class"] == "batch")]
    assert last.paid.item() == recording["account/paid"][-1][recording.class_names.index("batch")]
    assert len(recording.frame("segments")) == (recording.frame("events").kind == "placed").sum()


def test_bars_of_the_schedule_do_not_overlap(recording, tmp_path):
    """Catches: two jobs in one lane of a satellite at a time, and times in the wrong unit."""
    (path,) = export(recording, tmp_path, ["trace"])
    events = json.loads(path.read_text())["traceEvents"]
    bars = sorted((e["pid"], e["tid"], e["ts"], e["dur"]) for e in events if e["ph"] == "X")
    assert len(bars) == len(recording.segments["job"])
    for (pid, tid, ts, dur), (next_pid, next_tid, next_ts, _) in pairwise(bars):
        assert (pid, tid) != (next_pid, next_tid) or ts + dur <= next_ts + 1e-3
    assert max(ts + dur for *_, ts, dur in bars) == pytest.approx(4 * 3600e6)


def test_czml_puts_satellites_where_they_are(recording, tmp_path):
    """Catches: kilometres for metres, samples without times, and values that are not finite."""
    pytest.importorskip("czml3")
    (path,) = export(recording, tmp_path, ["czml"])
    document, *packets = json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(text))
    assert document["clock"]["interval"].startswith(recording.header["start"][:16])
    assert len(packets) == 12
    samples = np.array(packets[3]["position"]["cartesian"]).reshape(-1, 4)
    assert samples[:, 0].tolist() == recording["time_s"].tolist()
    np.testing.assert_allclose(samples[:, 1:], recording["orbit/position_km"][:, 3] * 1e3, rtol=1e-6)


def test_parquet_holds_the_tables(recording, tmp_path):
    """Catches: types that Arrow cannot hold."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    paths = {path.stem: path for path in export(recording, tmp_path, ["parquet"])}
    jobs = parquet.read_table(paths["jobs"])
    assert jobs["status"].to_pylist() == recording.table("jobs")["status"].tolist()


def test_minari_holds_the_episode(recording, tmp_path, monkeypatch):
    """Catches: observations that are shifted against actions, and rewards of another episode."""
    minari = pytest.importorskip("minari", reason="minari is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    export(recording, tmp_path, ["minari"])
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    (episode,) = minari.load_dataset("odc-gym/starter12/full-clock-v0").iterate_episodes()
    assert sum(episode.rewards) == pytest.approx(recording.score)
    assert len(episode.observations) == len(episode.actions) + 1


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_format_without_its_package_is_one_line(name, monkeypatch):
    """Catches: an ImportError after the episode was played."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    if FORMATS[name][1]:
        with pytest.raises(
            RecordingError, match=rf"export = {name}: needs {FORMATS[name][1]}; install odc-gym\[export\]"
        ):
            require_formats([name])
    else:
        require_formats([name])
    with pytest.raises(RecordingError, match="export = xml: must be one of csv"):
        require_formats(["xml"])
