import json

import numpy as np
import pytest
from scipy.stats import rankdata

from odc_gym.evaluation import documents
from odc_gym.evaluation.results import Comparison, SchedulerResult
from odc_gym.evaluation.summary_across import load_strata_across, summarise_across
from odc_gym.evaluation.text_tables import text_report
from odc_gym.scenario import Scenario

BASE = np.array([50.0, 60.0, 70.0, 80.0])
SWING = np.array([1.0, -1.0, 1.0, -1.0])


def comparison(name, scores, groups=(), absent=(), load=(1.0, 1.1, 1.2, 1.3)):
    results = {
        scheduler: SchedulerResult(np.array(s, float), {"compute": np.array(s, float)}, {"load_factor": np.array(load)})
        for scheduler, s in scores.items()
    }
    scenario = Scenario.load("starter12", {"name": name})
    return Comparison(scenario, np.arange(4), results, np.array(load), None, dict(groups), dict(absent))


@pytest.fixture
def three():
    """`good` beats `zero` by 3 and 1; `even` ties with it once, and loses by 3 once; `alien` operates `one` alone."""
    one = {"zero": BASE, "good": BASE + 3, "even": BASE + 3 + 0.5 * SWING, "alien": BASE + 9}
    two = {"zero": BASE + 10, "good": BASE + 11, "even": BASE + 8}
    return [comparison("one", one), comparison("two", two, absent={"alien": "made for one"})]


def test_figures_by_hand(three):
    result = summarise_across(three, "zero")
    rows = {row.name: row for row in result.rows}
    assert [row.name for row in result.rows] == ["good", "even", "zero", "alien"]
    assert rows["zero"].means == {"one": 65.0, "two": 75.0} and rows["alien"].means == {"one": 74.0}
    assert [rows[n].score.value for n in ("good", "even", "zero")] == pytest.approx([72.0, 70.5, 70.0])
    assert rows["good"].paired.value == pytest.approx(2.0)  # (3 + 1) / 2
    assert (rows["good"].paired.low, rows["good"].paired.high) == pytest.approx((2.0, 2.0))
    assert rows["even"].paired.value == pytest.approx(0.5)  # (3 - 2) / 2
    assert rows["even"].improvement.value == 0.5  # always better in one, never in two
    assert rows["zero"].paired is None and rows["zero"].improvement is None
    # alien has no rank: the others are ranked among themselves, good and even tie in one
    assert [rows[n].rank.value for n in ("good", "even", "zero")] == [1.25, 2.25, 2.5]
    assert (rows["alien"].score, rows["alien"].paired, rows["alien"].rank) == (None, None, None)


def test_the_best_and_what_is_not_resolved_from_it(three):
    result = summarise_across(three, "zero")
    assert result.best == {"one": "alien", "two": "good"}
    assert {row.name: row.tied for row in result.rows} == {n: frozenset() for n in ("good", "even", "zero", "alien")}
    without = [comparison(c.scenario.name, {n: c.results[n].score for n in ("zero", "good", "even")}) for c in three]
    result = summarise_across(without, "zero")
    assert result.best == {"one": "good", "two": "good"}
    assert {row.name: row.tied for row in result.rows}["even"] == {"one"}  # even - good swings about 0 there


def test_episodes_are_drawn_together_in_all_scenarios():
    # what an episode gives in one scenario it takes in the other: the mean over scenarios is sure, each alone is not
    swings = 10 * SWING
    pair = [
        comparison("one", {"zero": BASE, "a": BASE + 2 + swings}),
        comparison("two", {"zero": BASE, "a": BASE + 2 - swings}),
    ]
    (row,) = (row for row in summarise_across(pair, "zero").rows if row.name == "a")
    assert (row.paired.low, row.paired.high) == pytest.approx((2.0, 2.0))
    assert "zero" in {r.name for r in summarise_across(pair, "zero").rows if r.tied == {"one", "two"}}


def test_runs_of_a_group_are_one_row():
    groups = {"ppo": ("r1", "r2")}
    both = [comparison(n, {"zero": BASE, "r1": BASE + 1, "r2": BASE + 3}, groups) for n in ("one", "two")]
    result = summarise_across(both, "zero")
    assert [(row.name, row.runs) for row in result.rows] == [("ppo", 2), ("zero", 1)]
    assert result.rows[0].paired.value == pytest.approx(2.0) and result.rows[0].rank.value == 1.0
    assert summarise_across(both, "r1").rows[0].paired.value == pytest.approx(1.0)  # a baseline that is one of the runs


def test_ranks_are_those_of_scipy():
    rng = np.random.default_rng(0)
    scores = {f"a{k}": rng.integers(0, 3, (3, 4)).astype(float) for k in range(5)}
    parts = [comparison(f"s{p}", {name: table[p] for name, table in scores.items()}) for p in range(3)]
    means = np.array([[table[p].mean() for table in scores.values()] for p in range(3)])
    expected = dict(zip(scores, rankdata(-means, axis=1).mean(axis=0), strict=True))
    rows = summarise_across(parts, "a0").rows
    assert {row.name: row.rank.value for row in rows} == pytest.approx(expected)
    assert all(row.rank.low <= row.rank.high and row.rank.low >= 1 and row.rank.high <= 5 for row in rows)


def test_strata_across_hold_the_same_seeds():
    load = ((1.0, 1.4, 1.1, 1.2), (1.1, 1.3, 1.0, 1.4))  # means 1.05, 1.35, 1.05, 1.3
    parts = [comparison(n, {"zero": BASE}, load=each) for n, each in zip(("one", "two"), load, strict=True)]
    assert {name: part.tolist() for name, part in load_strata_across(parts).items()} == {
        "low": [0, 2],
        "medium": [3],
        "high": [1],
    }


def test_the_tables_mark_standings_and_leave_out_what_does_not_exist(three):
    report = text_report(three, "zero", by_load=True)
    *each, last = report.sections
    assert [section.name for section in each] == ["one", "two"] and last.name == "across scenarios"
    standings, overall, *strata = last.tables
    lines = {line[0]: line for line in standings.rows}
    assert standings.head == ("scheduler", "one", "two", "mean") and len(strata) == 2 * 3
    assert lines["alien"] == ("alien", "74.00 *", "-", "-") and lines["good"][1:] == ("68.00", "76.00 *", "72.00")
    assert standings.notes[1:] == ("one: alien 74.00.", "two: good 76.00.")
    lines = {line[0]: line for line in overall.rows}
    assert set(lines) == {"good", "even", "zero"} and lines["zero"][2:4] == ("-", "-")
    assert lines["good"][1].startswith("72.00 (") and lines["good"][2:4] == ("+2.00 (2.00 to 2.00)", "better")
    assert report.answers == ("2 scenarios: good scores highest, 72.00; +2.00 over zero: better.",)
    assert report.verdicts == (
        "Verdict (2 scenarios x 4 episodes; too few for a claim, take 10 or more): good is better than zero, "
        "+2.00 (2.00 to 2.00), and better than even, +1.50 (1.25 to 1.75).",
    )
    assert "alien cannot operate two: made for one." in each[1].tables[0].notes
    assert len(text_report(three[:1], "zero").sections) == 1  # nothing across one scenario


def test_documents_hold_each_scenario_and_what_is_across(three):
    data = json.loads(json.dumps(documents(three, "zero"), allow_nan=False))
    assert list(data["scenarios"]) == ["one", "two"] and data["scenarios"]["two"]["scenario"] == "two"
    found = data["across"]
    assert found["designs"] is None  # the same fleet twice
    assert found["baseline"] == "zero" and found["absent"] == {"two": {"alien": "made for one"}}
    good = found["agents"]["good"]
    assert good["mean"] == pytest.approx(72.0) and good["rank"] == 1.25 and good["paired"]["mean"] == pytest.approx(2.0)
    assert good["scenarios"]["two"] == {"mean": 76.0, "best": True, "level_with_best": False}
    alien = found["agents"]["alien"]
    assert alien["mean"] is None and alien["rank"] is None and alien["paired"] is None
    assert list(alien["scenarios"]) == ["one"]
