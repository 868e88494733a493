"""Commands `record` and `watch`."""

import webbrowser

import pytest
from test_cli import refused, run

from odc_gym.recording import read_recording

HOUR = ("--set", "episode.hours=1")


def test_record_writes_what_it_says(capsys, tmp_path):
    """Catches: a seed, an agent or a change of the scenario that does not reach the episode."""
    file = tmp_path / "day.npz"
    code, out, _ = run(capsys, "record", "starter12", "-a", "full-clock", "--seed", "20003", *HOUR, "-o", str(file),
                       "--export", "csv,trace")  # fmt: skip
    recording = read_recording(file)
    assert code == 0
    assert out.startswith(f"{file}: full-clock on starter12, episode 20003: score {recording.score:.2f}; ")
    assert (recording.header["seed"], recording.header["decisions"]) == (20_003, 12)
    assert {path.name for path in (tmp_path / "day-export").iterdir()} >= {"satellites.csv", "schedule.json"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("starter12", "-o", "day.txt"), "--output day.txt: must end with .npz"),
        (("starter12", "--export", "xml"), "export = xml: must be one of csv"),
        (("starter12", "-a", "gang-awre"), "did you mean gang-aware"),
        (("starter13",), "starter13"),
        (("starter12", "--seed", "x"), "x"),
        (("starter12", "-o", "missing/day.npz"), "must be a file in an existing folder"),
        ((), "scenario = none: name one"),
    ],
)
def test_wrong_arguments_of_record_are_one_line(capsys, tmp_path, monkeypatch, arguments, message):
    """Catches: a wrong argument that is noticed after the episode was played, or as a traceback."""
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "record", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_record_replaces_only_with_force(capsys, tmp_path):
    """Catches: an old recording that is lost."""
    file = tmp_path / "day.npz"
    file.write_text("precious")
    assert "add --force" in refused(capsys, "record", "starter12", *HOUR, "-o", str(file))
    assert file.read_text() == "precious"
    code, *_ = run(capsys, "record", "starter12", *HOUR, "-o", str(file), "--force")
    assert code == 0 and read_recording(file).header["decisions"] == 12


def test_watch_plays_prints_and_opens(capsys, tmp_path, monkeypatch):
    """Catches: a ledger that does not close, files that are missing, and a browser that opens against the wish."""
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    folder = tmp_path / "day"
    code, out, _ = run(capsys, "watch", "starter12", "-a", "zero,full-clock", *HOUR, "-o", str(folder))
    assert code == 0
    assert out.splitlines()[0].startswith("starter12, episode 20000: ")
    sums = [line.split("│")[2:4] for line in out.splitlines() if "electricity from" in line or "electricity to" in line]
    assert sums[0] == sums[1]
    assert opened == [(folder / "replay.html").resolve().as_uri()]
    names = {path.name for path in folder.iterdir()}
    assert names == {"1-zero.npz", "1-zero-export", "2-full-clock.npz", "2-full-clock-export", "replay.html"}
    assert "add --force" in refused(capsys, "watch", "starter12", *HOUR, "-o", str(folder))
    code, *_ = run(capsys, "watch", "starter12", *HOUR, "-o", str(folder), "--force", "--no-open", "-a", "zero")
    assert code == 0 and len(opened) == 1


def test_watch_refuses_a_scenario_twice(capsys):
    """Catches: one of two names that is ignored."""
    assert "name one" in refused(capsys, "watch", "starter12", "--scenario", "storm")
