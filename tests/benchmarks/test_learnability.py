"""`make learnability` with tiny budgets: whole files, runs that are used again, and figures counted by hand."""

import importlib.util
import json
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

pytest.importorskip("matplotlib")
PROGRAM = Path(__file__).parents[2] / "benchmarks" / "learnability"
SMALL = {
    "n_timesteps": 96, "n_envs": 4, "group": 2, "n_steps": 8, "batch_size": 16, "width": 8,
    "eval.every": 1, "eval.episodes": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def study():
    sys.path.append(str(PROGRAM.parent))
    spec = importlib.util.spec_from_file_location("learnability_study", PROGRAM / "study.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]
    sys.path.remove(str(PROGRAM.parent))


@pytest.fixture
def learnability(tmp_path, monkeypatch):
    """Calls the program for a fleet of three satellites and episodes of half an hour."""
    tiny = Scenario.load("starter12", {"name": "tiny", "shells.0.orbit.total": 3, "episode.hours": 0.5})
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny.model_dump(mode="json")))
    budget = ["--seeds", "1", "--episodes", "2", "--test-episodes", "2", "--processes", "1"]
    places = ["--runs", "runs", "--output", "docs"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(PROGRAM.parents[1]))

    def call(**changes):
        settings = [f"{name}={value}" for name, value in {**SMALL, **changes}.items()]
        given = [word for setting in settings for word in ("--set", setting)]
        monkeypatch.setattr(sys, "argv", ["learnability", "--scenarios", "tiny.yaml", *budget, *places, *given])
        for name in ("study", "page", "figures"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        runpy.run_path(str(PROGRAM), run_name="__main__")

    return call


def test_writes_a_page_that_a_second_call_repeats_without_training(learnability, tmp_path, capsys):
    learnability()
    assert "trained runs/tiny-ppo-0" in capsys.readouterr().err
    page, data = tmp_path / "docs" / "learnability.md", tmp_path / "docs" / "learnability.json"
    text, numbers = page.read_text(), json.loads(data.read_text())["tiny"]
    links = re.findall(r"\((figures/[\w.-]+)\)", text)
    assert len(links) == 2 and all((tmp_path / "docs" / link).stat().st_size < 100_000 for link in links)
    assert [line["decisions"] for line in numbers["curves"]["PPO 0"]] == [0, 32, 64, 96]
    assert [line["decisions"] for line in numbers["learning"]["PPO 0"]] == [32, 64, 96]
    assert numbers["test"]["episodes"] == [10_000, 10_001] and numbers["inspected"] == [20_100, 20_101]
    assert numbers["curves"]["PPO 0"][0]["mean"] == pytest.approx(np.mean(numbers["chosen_on"]["tuned"]))
    for name, values in numbers["test"].items():
        if name != "episodes":  # the mean of each in the table
            assert re.search(rf"^\| {re.escape(name)} \| {np.mean(values):.2f} \|", text, re.MULTILINE), name
    page.write_text(text.replace("# Learnability\n", "# Learnability\n\nBy hand.\n") + "\n## What follows\n\nAlso.\n")
    learnability()
    assert capsys.readouterr().err == ""
    numbers_only = text.partition("<!-- numbers")[2]
    assert page.read_text() == text.replace("# Learnability\n", "# Learnability\n\nBy hand.\n") + (
        "\n## What follows\n\nAlso.\n"
    )
    assert numbers_only in page.read_text() and json.loads(data.read_text())["tiny"] == numbers
    with pytest.raises(SystemExit, match=r"error: runs/tiny-ppo-0: a run of another configuration; delete it"):
        learnability(gamma=0.5)


def test_figures_are_drawn_again_from_the_numbers_of_the_page(learnability, tmp_path, monkeypatch, capsys):
    """Catches: a figure that needs the training runs, which only one machine had."""
    monkeypatch.setattr(sys, "argv", ["learnability", "--figures", "--output", "docs"])
    (tmp_path / "docs").mkdir()
    stored = json.loads((PROGRAM.parents[1] / "docs" / "learnability.json").read_text(encoding="utf-8"))
    (tmp_path / "docs" / "learnability.json").write_text(json.dumps({"tiny": stored["starter12"]}))
    for name in ("study", "page", "figures"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    runpy.run_path(str(PROGRAM), run_name="__main__")
    drawn = sorted(path.name for path in (tmp_path / "docs" / "figures").iterdir())
    assert drawn == ["learnability-tiny-curves.png", "learnability-tiny-worth.png"]


def test_runs_of_another_version_are_refused(study, tmp_path):
    curves = {"PPO 0": [{"decisions": 0.0, "mean": 89.0}], "PPO 1": [{"decisions": 0.0, "mean": 88.5}]}
    folders = {label: tmp_path / label for label in curves}
    with pytest.raises(study.OdcGymError, match=r"PPO 1: trained where `tuned` scored 88\.5"):
        study.refuse_outdated_runs(folders, curves, 89.0)


def test_common_share_by_hand(study):
    rng = np.random.default_rng(0)
    common, own, other = rng.normal(0, 2, (6000, 2)), rng.normal(0, 1, (6000, 2)), rng.normal(0, 1, (6000, 2))
    assert study.common_share(common + own, common + other, 1) == pytest.approx(4 / 5, abs=0.02)
    assert study.common_share(own, other, 1) == pytest.approx(0.0, abs=0.04)
    assert study.common_share(common, common, 3) == 1.0
    # rewards of one rollout a decision after the other are own over a decision, and common over an hour
    late = np.roll(common, 1, axis=0)
    assert study.common_share(common, late, 1) < 0.05 and study.common_share(common, late, 12) > 0.85


OLDER = re.compile(r"those of the version of \d+ \w+ \d{4}\*\*, not of the present one")


def test_the_page_says_whether_its_runs_are_of_the_present_version(starter12):
    """Catches: numbers of an earlier model that read as if they were of this one, and a note that is out of date."""
    docs = PROGRAM.parents[1] / "docs"
    stored = json.loads((docs / "learnability.json").read_text(encoding="utf-8"))["starter12"]["chosen_on"]
    sim = Simulator(starter12, 1)
    sim.reset(stored["episodes"][:1])
    score = 0.0
    for _ in range(sim.decisions):
        sim.step(sim.view.layout.zeros(1))
        score += sim.row_reward(0)
    present = abs(score - stored["zero"][0]) < 1e-6
    assert present != bool(OLDER.search((docs / "learnability.md").read_text(encoding="utf-8")))
