"""Schedulers that know the future in comparisons: marked, and no competitors."""

import json
from dataclasses import replace
from functools import partial
from io import StringIO
from time import sleep

import fake_simulator
import numpy as np
import pytest
import report_rig
from fake_simulator import Constant
from rich.console import Console

from odc_gym.cli.compare import NOTED_S, _time_notes
from odc_gym.evaluation import document, evaluate, markdown, print_report
from odc_gym.evaluation.summary_across import summarise_across
from odc_gym.pages.report.page import Origin, comparison_page

NAMES = ("zero", "good", "seer")  # seer scores highest


@pytest.fixture(scope="module")
def comparison():
    return replace(report_rig.comparison(NAMES), foresighted=frozenset({"seer"}))


def printed(comparisons):
    console = Console(file=StringIO(), width=160)
    print_report(console, comparisons, "zero")
    return console.file.getvalue()


def test_the_answer_and_the_verdict_are_about_competitors(comparison):
    """Catches a report that recommends a scheduler nobody can operate."""
    lines = printed([comparison]).strip().splitlines()
    assert "good scores highest" in lines[0] and "good is better than zero" in lines[-1]
    assert "seer" not in lines[0] + lines[-1]


def test_one_word_marks_it_in_tables(comparison):
    text = printed([comparison])
    assert "seer (foresight)" in text and "good (foresight)" not in text
    assert "seer knows the future" in text
    assert "seer (foresight)" in markdown([comparison], "zero", False, "x")


def test_it_is_best_of_no_scenario(comparison):
    """Catches marks of the best scheduler across scenarios that go to the one with foresight."""
    both = [comparison, replace(comparison, scenario=comparison.scenario.replace({"name": "other"}))]
    found = summarise_across(both, "zero")
    assert set(found.best.values()) == {"good"}
    assert [row.name for row in found.rows if row.foresighted] == ["seer"]
    assert "good scores highest" in printed(both)


def test_documents_and_pages_say_so(comparison, tmp_path):
    """Catches a page whose verdict names it, or whose ranking hides what it is."""
    data = document(comparison, "zero")
    assert json.loads(json.dumps(data))["agents"]["seer"]["foresight"] is True
    assert data["agents"]["good"]["foresight"] is False
    page = comparison_page(data, [comparison.scenario], Origin("x", {}, (), tmp_path, (), ()))
    assert "seer (foresight)" in page and "good scores" in page and "seer scores" not in page


def test_alone_it_is_reported_like_any_other():
    """Catches an empty ranking when nothing but schedulers with foresight is compared."""
    alone = replace(report_rig.comparison(("seer",)), foresighted=frozenset({"seer"}))
    assert "seer scores" in printed_alone(alone)


def printed_alone(comparison):
    console = Console(file=StringIO(), width=160)
    print_report(console, [comparison], "seer")
    return console.file.getvalue()


class Slow(Constant):
    knows_future = True

    def act(self, view):
        sleep(0.004)
        return super().act(view)


def slow(view):
    return Slow(view, 0.0)


slow.knows_future = True


def test_time_is_measured_a_decision_of_an_episode(monkeypatch):
    """Catches times of whole batches, or of simulators, and factories whose foresight is forgotten."""
    fake_simulator.install(monkeypatch)
    found = evaluate(
        report_rig.comparison().scenario, {"slow": slow, "fast": partial(Constant, level=0.0)}, range(4), workers=1
    )
    assert 0.001 <= found.results["slow"].seconds < 0.1 and found.results["fast"].seconds < 0.001
    assert found.foresighted == {"slow"} and np.isfinite(found.results["slow"].seconds)


def test_the_note_names_slow_schedulers_only(comparison):
    results = {**comparison.results, "seer": replace(comparison.results["seer"], seconds=2.0 * NOTED_S)}
    (note,) = _time_notes([replace(comparison, results=results)])
    assert note.startswith("seconds a decision: seer 0.010;") and _time_notes([comparison]) == []
