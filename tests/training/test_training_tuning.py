"""Search of dials: what it finds, that it goes on where it stopped, and the command."""

import json
import shlex
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from odc_gym.agents import make_scheduler, scheduler_identity
from odc_gym.cli import app
from odc_gym.dial_files import NAMES, dials_of, read_dials, roles_of
from odc_gym.envs.vector import build_simulator
from odc_gym.errors import RunError
from odc_gym.interface.dials import ACTION_RANGE
from odc_gym.scenario import Scenario
from odc_gym.training.tuning import Players, Search, search

SHORT = {"episode.hours": 2}


@pytest.fixture(scope="module")
def scenario():
    return Scenario.load("threebody12", SHORT)


def test_scores_are_those_of_the_episodes(scenario):
    """Catches: rows that continue from another episode, or dials of another candidate."""
    vectors = np.random.default_rng(0).uniform(-0.5, 0.5, (3, len(NAMES)))
    found = Players([scenario]).scores(vectors, [5, 6])
    alone = build_simulator(1, scenario, action_mode="dials")
    for k, seed in enumerate((5, 6)):
        for i, vector in enumerate(vectors):
            alone.reset([seed])
            score = 0.0
            for _ in range(alone.decisions):
                alone.step(ACTION_RANGE * dials_of(vector, roles_of(scenario))[None])
                score += alone.reward[0]
            assert found[0, k, i] == score


def test_an_interrupted_search_goes_on_exactly(scenario, tmp_path):
    """Catches: a search that begins anew, or goes on with other candidates."""
    settings = Search(generations=3, population=4, episodes=1)
    whole = list(search([scenario], settings))
    stopped = search([scenario], settings, progress=tmp_path / "p.jsonl")
    next(stopped), next(stopped)
    stopped.close()
    resumed = list(search([scenario], settings, progress=tmp_path / "p.jsonl"))
    assert [g.mean for g in resumed] == [g.mean for g in whole]
    assert np.array_equal(resumed[-1].centre, whole[-1].centre)
    with pytest.raises(RunError, match="is of another search"):
        list(search([scenario], Search(generations=3, population=4, episodes=2), progress=tmp_path / "p.jsonl"))


def test_the_search_gains(scenario):
    """Catches: a search that minimises the score."""
    last = list(search([scenario], Search(generations=12, population=8, episodes=1)))[-1]
    players = Players([scenario])
    scores = players.scores(np.stack([np.zeros(len(NAMES)), last.centre]), range(100, 108))[0]
    assert scores[:, 1].mean() > scores[:, 0].mean()


@pytest.mark.parametrize(("field", "value"), [("population", 3), ("episodes", 0), ("sigma", 0.0), ("generations", -1)])
def test_settings_that_are_not_allowed_are_one_line(field, value):
    with pytest.raises(RunError, match=rf"{field} = {value}: must be"):
        Search(**{field: value})


def test_the_command_writes_a_file_that_is_a_scheduler(tmp_path):
    """Catches: a file that `compare` cannot play, and an identity that ignores its content."""
    file = tmp_path / "mine.yaml"
    arguments = ["threebody12", "--generations", "2", "--population", "4", "--episodes", "1", "--validation", "2"]
    result = CliRunner().invoke(
        app,
        [
            "tune",
            *arguments,
            "--ablate",
            "--set",
            "episode.hours=1",
            "--set",
            "hardware.*.solar.eol=0.9",
            "-o",
            str(file),
        ],
    )
    assert result.exit_code == 0, result.output
    assert result.output.startswith("threebody12: tuned ")
    command = shlex.split(read_dials(file).command)  # a path with a star is no pattern of the shell
    assert command[:3] == ["odc-gym", "tune", "threebody12"] and command[-2:] == ["--set", "hardware.*.solar.eol=0.9"]
    assert "clocks" in result.output and not list(tmp_path.glob("*.jsonl"))
    simulator = build_simulator(1, "threebody12", SHORT)
    simulator.reset([1])
    scheduler = make_scheduler(file, simulator)
    dials = dials_of(read_dials(file).vector, roles_of(simulator.scenario))
    assert np.array_equal(scheduler.act(simulator.view), simulator.view.actions_of_dials(dials))
    before = scheduler_identity(file)
    file.write_text(file.read_text(encoding="utf-8").replace("kept: ", "kept: 0.5 #"), encoding="utf-8")
    assert scheduler_identity(file) != before


def test_progress_lines_are_json(scenario, tmp_path):
    list(search([scenario], Search(generations=1, population=4, episodes=1), progress=tmp_path / "p.jsonl"))
    header, first = (json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines())
    assert header["population"] == 4 and len(first["scores"]) == 4


@pytest.mark.parametrize("text", ["", "not JSON", "3"])
def test_a_damaged_progress_file_is_one_line(scenario, tmp_path, text):
    """Catches: a traceback from a file that another program wrote."""
    (tmp_path / "p.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match="is no file of a search"):
        list(search([scenario], Search(generations=1, population=4, episodes=1), progress=tmp_path / "p.jsonl"))


def test_a_missing_library_is_one_line(monkeypatch):
    """Catches: a traceback where the extra `rl` is not installed."""
    monkeypatch.delitem(sys.modules, "odc_gym.training.tuning")
    monkeypatch.setitem(sys.modules, "cmaes", None)
    result = CliRunner().invoke(app, ["tune", "threebody12"])
    assert str(result.exception) == "tuning needs cmaes: pip install 'odc-gym[rl]'"
