"""Designs: fleets whose scores have different scales are detected, and compared in absolute figures."""

import json
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from odc_gym.evaluation import documents, print_report
from odc_gym.evaluation.designs import compare_designs, design_figures, fleet_of
from odc_gym.evaluation.results import Comparison, SchedulerResult
from odc_gym.scenario import Scenario

EPISODES = 12
WORK = np.linspace(1500.0, 1700.0, EPISODES)
SMALL = Scenario.load("starter12", {"name": "small", "hardware.*.battery.capacity_wh": 6000})
LARGE = Scenario.load("starter12", {"name": "large", "hardware.*.battery.capacity_wh": 14000})


def comparison(scenario, work, life=3.0, offered=2000.0, hours=24.0):
    """Comparison of `zero` that does `work` accelerator-h; the score is relative to the fleet, as in an episode."""
    fleet = fleet_of(scenario)
    metrics = {
        "work_accelerator_h": work,
        "value": 1.2 * work,
        "years_to_80_percent": np.full(EPISODES, life),
        "tokens_chat": 1e6 * work,
    }
    result = SchedulerResult(100.0 * 1.2 * work / fleet.reference_value, {}, metrics)
    load = np.full(EPISODES, offered / (fleet.sustainable * hours))
    return Comparison(scenario, np.arange(EPISODES), {"zero": result, "idle": result}, load)


def report(comparisons, width=80):
    console = Console(file=StringIO(), width=width)
    print_report(console, comparisons, "zero")
    return console.file.getvalue()


def test_a_larger_battery_that_scores_less_is_told_to_do_more():
    """Catches the comparison of designs by scores that are relative to each design's own output."""
    both = [comparison(SMALL, WORK), comparison(LARGE, WORK + 60.0, life=7.5)]
    assert both[0].scores("zero").mean() > both[1].scores("zero").mean()
    text = report(both)
    assert text.splitlines()[1].startswith("The fleets differ, so scores compare schedulers only")
    last = " ".join(text[text.rindex("Fleets under") :].split())
    assert last == (
        "Fleets under zero, minus small: work of large +60.0 accelerator-h a day (60.0 to 60.0), more; "
        "battery life of large +4.50 years (4.50 to 4.50), more."
    )
    assert "own scale" in text and "Every episode offers the same work" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_differences_of_fleets_are_paired_by_episode():
    designs = compare_designs(both := [comparison(SMALL, WORK), comparison(LARGE, WORK + 60.0)])
    work = design_figures(both, designs, "zero")[0]
    assert (work.name, work.unit) == ("work", "accelerator-h a day") and work.differences[0] is None
    assert (work.differences[1].low, work.differences[1].high) == pytest.approx((60.0, 60.0))
    names = [figure.name for figure in design_figures(both, designs, "zero")]
    assert names == ["work", "value", "tokens", "battery life"]


def test_other_work_is_told():
    both = [comparison(SMALL, WORK), comparison(LARGE, WORK, offered=3000.0)]
    designs = compare_designs(both)
    assert not designs.same_work and designs.offered == pytest.approx((1.0, 1.5))
    assert "The offered work differs (times that of small: large 1.50)" in " ".join(report(both).split())


@pytest.mark.parametrize(
    ("changes", "differ"),
    [
        ({"workload.rate_scale": 0.9}, False),
        ({"reward.wear": 0.0}, False),
        ({"shells.0.orbit.total": 24}, True),
        ({"shells.0.orbit.altitude_km": 600}, True),
        ({"hardware.*.accelerators.bf16_tflops": 900}, True),
        ({"workload.classes.batch.value": 5.0}, True),  # the same satellites, but another value scores 100
        ({"episode.hours": 48}, False),
    ],
)
def test_what_makes_fleets_differ(changes, differ):
    other = SMALL.replace({"name": "other", **changes})
    assert (compare_designs([comparison(SMALL, WORK), comparison(other, WORK)]) is not None) is differ


def test_longer_episodes_are_compared_by_the_day():
    long = LARGE.replace({"episode.hours": 48})
    both = [comparison(SMALL, WORK), comparison(long, 2.0 * WORK)]
    work = design_figures(both, compare_designs(both), "zero")[0]
    assert work.means[0] == pytest.approx(work.means[1])


def test_document_has_the_figures_of_designs():
    both = [comparison(SMALL, WORK), comparison(LARGE, WORK + 60.0)]
    data = json.loads(json.dumps(documents(both, "zero"), allow_nan=False))
    designs = data["across"]["designs"]
    assert designs["same_work"] and designs["agents"]["zero"]["work"]["minus_first"]["large"]["mean"] == pytest.approx(
        60.0
    )
    assert (
        data["scenarios"]["small"]["fleet"]["reference_value"] < data["scenarios"]["large"]["fleet"]["reference_value"]
    )
