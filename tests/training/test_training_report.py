"""Report and learning curves of a run's folder, from its files alone."""

import builtins
import json

import numpy as np
import pytest
from matplotlib.image import imread

from odc_gym.training.curves import draw_curves, read_columns
from odc_gym.training.report import write_report


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "ppo-7"
    folder.mkdir()
    (folder / "config.yaml").write_text("algo: ppo\nseed: 7\n")
    versions = {"python": "3.11", "torch": "2.8.0", "stable-baselines3": "2.9.0", "git_commit": None}
    resumed = {"resumed": [{"decisions": 32, **versions, "torch": "2.9.1"}]}
    (folder / "versions.json").write_text(json.dumps(versions | resumed))
    rows = "".join(f"{32 * k},{80 + (5, 9, 7)[k]},{70 + k},89\n" for k in range(3))
    (folder / "evaluations.csv").write_text("decisions,mean,worst,best\n" + rows)
    (folder / "learning.csv").write_text("decisions,explained_variance,approx_kl\n32,0.5,0.01\n64,0.6,0.01\n")
    (folder / "monitor.csv").write_text('#{"t_start": 0}\nr,l,t\n80,16,1\n82,16,2\n')
    return folder


def test_report_begins_with_the_result_and_holds_what_reproduces_it(run):
    text = write_report(run).read_text()
    assert "Best validation score 89.00 after 32 of 64 decisions, +4.00 over the start (85.00)." in text
    assert "![learning curves](curves.png)" in text and "Not compared yet: `odc-gym compare --agents zero," in text
    assert f"odc-gym train --config {run}/config.yaml" in text and "seed: 7" in text
    assert "| torch | 2.8.0 |" in text and "| git_commit | - |" in text
    assert "Resumed at 32 decisions: torch 2.9.1." in text
    assert not list(run.glob(".*"))  # written whole, without remains


def test_comparison_is_in_the_report(run):
    text = write_report(run, ["Training gained +1.00.", "## starter12", "table"]).read_text()
    assert text.index("Best validation") < text.index("Training gained +1.00.") < text.index("curves.png")
    assert "## Test episodes\n\n## starter12\n\ntable\n" in text and "Not compared yet" not in text


def test_curves_are_a_picture(run):
    assert draw_curves(run)
    picture = imread(run / "curves.png")
    assert picture.shape[0] > 400 and picture.shape[1] > 600 and np.ptp(picture[..., :3]) > 0.9


def test_a_run_without_records_has_empty_curves(run):
    """Catches a run that was interrupted before its first evaluation."""
    for name in ("evaluations.csv", "learning.csv", "monitor.csv"):
        (run / name).unlink()
    assert read_columns(run / "evaluations.csv") == {}
    assert write_report(run).is_file() and (run / "curves.png").is_file()


def test_without_matplotlib_the_report_says_so_in_a_line(run, monkeypatch):
    imported = builtins.__import__

    def no_matplotlib(name, *arguments, **keywords):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return imported(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    text = write_report(run).read_text()
    assert "matplotlib is not installed" in text and "![" not in text and not (run / "curves.png").exists()
