"""Command `bound`, and bounds beside the scores of `compare`."""

import json

import pytest
from test_cli import refused, run

HOUR = ("--set", "episode.hours=2")


def test_bound_prints_the_answer_first_and_writes_json(capsys, tmp_path):
    """Catches: an answer below other lines, and a file that says something else."""
    file = tmp_path / "bound.json"
    code, out, _ = run(capsys, "bound", "starter12", "-e", "2", "--first-seed", "20003", *HOUR, "-o", str(file))
    data = json.loads(file.read_text())
    points = [each["points"] for each in data["bounds"]]
    assert code == 0
    assert out.startswith(f"starter12: no scheduler scores more than {sum(points) / 2:.2f} in 2 episodes on average")
    assert [each["seed"] for each in data["bounds"]] == [20_003, 20_004]
    assert sum(data["bounds"][0]["binds"].values()) == pytest.approx(points[0], abs=40.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("starter13",), "starter13"),
        ((), "scenario = none: name one"),
        (("starter12", "--cell-min", "0"), "--cell-min 0: must be from 1 to 1440"),
        (("starter12", "-e", "0"), "0"),
        (("starter12", "-o", "missing/bound.json"), "must be a file in an existing folder"),
        (("starter12", "--set", "episode.hours=x"), "episode.hours"),
    ],
)
def test_wrong_arguments_of_bound_are_one_line(capsys, tmp_path, monkeypatch, arguments, message):
    """Catches: a wrong argument that is noticed after the work, or as a traceback."""
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "bound", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_compare_shows_shares_of_the_bound_and_stores_them(capsys, tmp_path, monkeypatch):
    """Catches: shares of another episode's bound, and bounds that are computed again."""
    file, store = tmp_path / "c.json", tmp_path / "store"
    arguments = ("compare", "zero,idle", "-e", "2", "--first-seed", "20000", "--workers", "1", *HOUR, "--bound",
                 "--store", str(store), "--json", str(file), "--force")  # fmt: skip
    code, out, _ = run(capsys, *arguments)
    data = json.loads(file.read_text())
    assert code == 0 and "share of the bound" in out
    scores, points = data["agents"]["zero"]["score"], data["bound"]["points"]
    assert data["bound"]["share"]["zero"] == pytest.approx([s / p for s, p in zip(scores, points, strict=True)])
    assert all(p > s for s, p in zip(scores, points, strict=True))
    monkeypatch.setattr("odc_gym.cli.bounds._bound", None)
    assert run(capsys, *arguments)[0] == 0
    assert json.loads(file.read_text())["bound"] == data["bound"]
