"""`make benchmark`: answers by hand from synthetic numbers, pages of partial results, and a store that resumes."""

import copy
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from odc_gym.errors import OdcGymError
from odc_gym.scenario import Scenario

pytest.importorskip("matplotlib")
pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "benchmarks" / "benchmark"
MODULES = ("answers", "figures", "page", "study")


@pytest.fixture
def program(monkeypatch):
    """Return the modules of the program by name; other studies have modules of the same names."""
    for folder in (ROOT / "benchmarks", ROOT / "docs", PROGRAM):
        monkeypatch.syspath_prepend(str(folder))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def main(program):
    """Return the program's main function and its parser's module."""
    spec = importlib.util.spec_from_file_location("benchmark_main", PROGRAM / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numbers_of(name="tiny"):
    """Return numbers of one scenario: `good` is the better rule on validation, `lucky` on tests."""
    base = np.array([70.0, 80.0, 90.0, 60.0])
    test = {
        "good": [(base - 5).tolist()],
        "lucky": [(base - 4).tolist()],
        "tuned": [(base - 2).tolist()],
        "mpc": [(base - 1 + np.array([3, -3, 3, -3])).tolist()[:2]],
        "PPO": [(base + 1).tolist(), (base + 3).tolist()],
        "clairvoyant": [(base + 6).tolist()[:2]],
    }
    scenario = {
        "rules": ["good", "lucky"],
        "wanted": {"good": 4, "lucky": 4, "tuned": 4, "lookahead": 2, "mpc": 2, "clairvoyant": 2, "bound": 2}
        | {"PPO": 4},
        "test": test,
        "choice": {"good": [[50.0, 52.0]], "lucky": [[49.0, 52.0]], "PPO": [[60.0, 60.0], [60.0, 60.0]]},
        "bound": [100.0, 100.0],
        "absent": {},
        "seconds": {"mpc": 0.5},
        "training": [
            {"seed": k, "decisions": 100, "wall_s": None if k else 20.0, "curve": [[0.0, 50.0], [100.0, 55.0 + k]]}
            for k in (0, 1)
        ],
        "wanted_runs": 3,
    }
    return {
        "command": "python benchmarks/benchmark",
        "machine": "a machine",
        "versions": {"numpy": "1"},
        "test_from": 10_000,
        "choice_from": 20_200,
        "training_seeds": [0, 1, 2],
        "scenarios": {name: scenario},
    }


def test_answers_by_hand(program):
    """Catches: a rule chosen on its test episodes, means over different episodes, and runs that are left out."""
    answers, scenario = program["answers"], numbers_of()["scenarios"]["tiny"]
    assert answers.entrants(scenario) == {"learned": "PPO", "planner": "mpc", "tuned": "tuned", "rule": "good"}
    count, means = answers.bracket(scenario)
    assert count == 2 and means["bound"] == 100.0 and means["clairvoyant"] == 81.0
    assert means["PPO"] == pytest.approx(77.0) and means["good"] == 70.0
    found, count = answers.difference(scenario, "PPO", "tuned")
    assert count == 4 and found.value == pytest.approx(4.0)
    assert found.low < 3.5  # the runs differ by 2 and the episodes not at all, so that the runs make the interval
    assert answers.difference(scenario, "PPO", "mpc")[1] == 2
    assert answers.difference(scenario, "PPO", "lookahead") is None


def test_a_sentence_names_the_winner_and_what_is_not_resolved(program):
    """Catches: a lead that reads as a win although its interval includes 0."""
    scenario = numbers_of()["scenarios"]["tiny"]
    scenario["test"]["PPO"] = [scenario["test"]["PPO"][1]]
    scenario["test"]["mpc"] = np.add(scenario["test"]["tuned"], [[3.0, 1.0, 3.0, 1.0]]).tolist()
    scenario["test"]["tuned"] = np.subtract(scenario["test"]["PPO"], [[3.0, -3.0, 3.0, -2.0]]).tolist()
    text = program["answers"].sentence("tiny", scenario)
    assert text.startswith("tiny: PPO scores most, 78.00 on the 4 episodes that all of them played; it beats mpc")
    beaten, _, level = text.partition("not resolved")
    assert "good by 8.00" in beaten and "tuned by 0.25" in level


def test_page_has_the_answer_first_and_names_as_text(program, tmp_path):
    """Catches: a page that begins with its details, and a name of a user that becomes a tag of the page."""
    page = program["page"].write(numbers_of("<script>$x$"), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "<script>" not in text.replace("\\<script>", "").replace("'<script>$x$'", "")
    assert text.index("beats the best rule on") < text.index("![") < text.index("## Bracket") < text.index("## All")
    assert "mpc by" in text or "mpc scores" in text
    assert "lookahead" in text.partition("## Not run")[2] and "2 of 3 training runs" in text
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"benchmark-bracket.png", "benchmark-curves.png"}
    assert "| 2 of 3 | 100 | 20 |" in text
    assert program["page"].write(json.loads((tmp_path / "benchmark.json").read_text()), tmp_path) == page
    assert page.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("absent", ["PPO", "mpc", "clairvoyant", "tuned", "good+lucky", "bound"])
def test_page_without_an_entrant(program, tmp_path, absent):
    """Catches: a page that fails, or that prints a number, where something has not been run."""
    numbers = copy.deepcopy(numbers_of())
    scenario = numbers["scenarios"]["tiny"]
    for name in absent.split("+"):
        scenario["test"].pop(name, None)
        scenario["choice"].pop(name, None)
    if absent == "bound":
        scenario["bound"] = []
    text = program["page"].write(numbers, tmp_path).read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| tiny |"))
    assert "—, not run" in row
    assert absent.partition("+")[0] in text.partition("## Not run")[2].partition("## Definitions")[0]


def test_page_of_nothing(program, tmp_path):
    """Catches: a first page, before anything has been played, that fails."""
    numbers = numbers_of()
    numbers["scenarios"]["tiny"] |= {"test": {}, "choice": {}, "bound": [], "training": []}
    text = program["page"].write(numbers, tmp_path).read_text(encoding="utf-8")
    assert "No learned scheduler has been compared yet." in text and "not enough has been run" in text


def test_a_second_call_plays_only_what_is_missing(program, main, tmp_path, monkeypatch, capsys):
    """Catches: episodes that are played again, and a page of a stopped benchmark that claims all its episodes."""
    tiny = Scenario.load("starter12", {"name": "tiny", "shells.0.orbit.total": 3, "episode.hours": 0.5})
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny.model_dump(mode="json")))
    monkeypatch.chdir(tmp_path)
    sizes = ["--episodes", "3", "--validation-episodes", "1", "--planner-episodes", "0", "--bound-episodes", "1"]
    call = ["--scenarios", "tiny.yaml", "--rules", "zero", "tuned", "--processes", "1", *sizes]
    call += ["--runs", "runs", "--output", "page"]
    study, played = program["study"], []
    unchanged = study.evaluate

    def evaluate(scenario, factories, seeds, **options):
        if "clairvoyant" in factories:  # the search takes long
            raise study.SchedulerError("too slow for a test")
        return unchanged(scenario, factories, seeds, **options, progress=lambda done, of: played.append((done, of)))

    monkeypatch.setattr(study, "evaluate", evaluate)
    monkeypatch.setattr(study, "scheduler_names", lambda: ["zero", "tuned"])  # a package without shipped policies
    main.main(call)
    first = json.loads(Path("page/benchmark.json").read_text())["scenarios"]["tiny"]
    assert len(first["test"]["zero"][0]) == 3 and "learned" not in first["wanted"] and len(first["bound"]) == 1
    assert first["absent"]["clairvoyant"] == "too slow for a test"
    assert "too slow for a test" in Path("page/benchmark.md").read_text()
    played.clear()
    main.main(call)
    assert played and all(done == of for done, of in played)  # all of them come from the store
    folder = next(Path("runs/episodes/tiny").glob("zero-*"))
    (folder / "10001.json").unlink()
    main.main([*call, "--only-page"])
    data = json.loads(Path("page/benchmark.json").read_text())
    assert len(data["scenarios"]["tiny"]["test"]["zero"][0]) == 1 and "only-page" not in data["command"]
    assert "zero: 1 of 3 episodes" in Path("page/benchmark.md").read_text()
    shutil.rmtree("runs")
    main.main([*call, "--from-numbers"])
    assert "zero: 1 of 3 episodes" in Path("page/benchmark.md").read_text()


def test_command_has_no_folders_of_one_machine(main):
    """Catches: a page with the paths of the machine that wrote it."""
    given = ["--episodes", "4", "--runs", "/secret/runs", "--output=/secret/docs", "--only-page"]
    assert main.command_line(given) == "python benchmarks/benchmark --episodes 4"


def test_runs_of_another_configuration_are_refused(program, tmp_path):
    """Catches: a page that mixes runs of two trainings."""
    runs = importlib.import_module("training_runs")
    config = runs.load("dials", {"scenario": "starter12", "seed": 0})
    (tmp_path / "config.yaml").write_text(runs.dump(config))
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(Scenario.load("starter12").model_dump(mode="json")))
    assert not runs.finished(tmp_path, config)
    with pytest.raises(OdcGymError, match="another configuration"):
        runs.finished(tmp_path, config.model_copy(update={"seed": 1}))
