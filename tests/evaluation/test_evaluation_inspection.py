"""Inspection: statistics computed by hand."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from odc_gym.agents import scheduler_factory
from odc_gym.evaluation.ablations import ACTION_KINDS
from odc_gym.evaluation.inspection import (
    InspectedScheduler,
    Recording,
    action_use,
    autocorrelation,
    inspect,
    record,
    term_use,
)
from odc_gym.evaluation.inspection_tables import inspection_document, inspection_tables
from odc_gym.interface.actions import ActionLayout
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator


@pytest.fixture(scope="module")
def small():
    return Scenario.load("starter12", {"shells.0.orbit.total": 3, "episode.hours": 2})


def test_use_of_actions_counted_by_hand(small):
    layout = ActionLayout(satellites=2, classes=2)
    # bid, bid, clock of two satellites; urgencies; offsets
    first = [1.0, -0.6, 0.0, -1.0, 0.0, 1.0, -0.95, 0.0, 0.0, 0.0]
    second = [0.2, -0.6, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0]
    actions = np.array([[first], [second]])  # (T, B, A)
    use = action_use(Recording({}, actions, np.zeros(0), {}), small, SimpleNamespace(layout=layout))
    assert use["bid"].saturated == 2 / 8 and use["bid"].closing == 3 / 8 and use["bid"].draining == 1 / 8
    assert use["clock"].saturated == 1 / 4 and use["clock"].mean == 0.25 and use["clock"].closing == 0.0
    assert use["urgency"].saturated == 0.0 and use["urgency"].closing == 1 / 4
    assert use["clock_offset"].saturated == 1 / 4 and use["clock_offset"].deviation == pytest.approx(np.sqrt(3) / 4)
    # deviations over the two satellites: class 0: 1 and 0; class 1: 0.3 and 0.3; clocks 0.5 and 0
    assert use["bid"].between_satellites == pytest.approx((1.0 + 0.3 + 0.0 + 0.3) / 4)
    assert use["clock"].between_satellites == pytest.approx(0.25)
    assert use["urgency"].between_satellites == 0.0


def test_terms_share_score_and_variance():
    rng = np.random.default_rng(0)
    big, small = rng.normal(2.0, 3.0, (5000, 4)), rng.normal(1.0, 1.0, (5000, 4))
    use = term_use({"big": big, "against": -0.5 * big, "small": small})
    assert sum(term.share for term in use.values()) == pytest.approx(1.0)
    assert sum(term.variance_share for term in use.values()) == pytest.approx(1.0)
    assert use["big"].sum == pytest.approx(big.sum(0).mean()) and use["big"].deviation == pytest.approx(3.0, rel=0.02)
    # reward = big / 2 + small: variances 9/4 and 1; cov(big, reward) = 9/2
    assert use["big"].variance_share == pytest.approx(4.5 / 3.25, rel=0.03)
    assert use["small"].variance_share == pytest.approx(1.0 / 3.25, rel=0.05)
    assert term_use({"none": np.zeros((3, 2))})["none"].variance_share == 0.0


def test_autocorrelation_of_a_known_process():
    rng = np.random.default_rng(0)
    values = np.zeros((4000, 8))
    for t in range(1, 4000):
        values[t] = 0.8 * values[t - 1] + rng.normal(size=8)
    found = autocorrelation(values, lags=(1, 2, 6, 5000))
    assert found == {
        1: pytest.approx(0.8, abs=0.02),
        2: pytest.approx(0.64, abs=0.03),
        6: pytest.approx(0.26, abs=0.05),
    }


def test_a_recording_adds_up_to_the_episodes(small):
    simulator = Simulator(small, 2)
    scheduler = scheduler_factory("sun-aware")(simulator.view)
    kept = record(simulator, scheduler, [20_000, 20_001])
    assert kept.rewards.shape == (24, 2) and kept.actions.shape == (24, 2, simulator.action_size)
    assert kept.observation.shape == (simulator.observation.shape[1],)
    value = kept.metrics["value"] * simulator.fleet.weights.points
    np.testing.assert_allclose(kept.terms["compute"].sum(0), value, rtol=1e-9)


def test_inspection_of_a_rule_and_of_zero(small, tmp_path):
    full, zero = (
        InspectedScheduler(scheduler_factory("full-clock"), identity="full"),
        InspectedScheduler(scheduler_factory("zero")),
    )
    seeds = [20_000, 20_001, 20_002]
    told = []

    def look():
        told.clear()
        schedulers = {"full-clock": full, "itself": InspectedScheduler(zero.factory, learned=True)}
        return inspect(
            small, schedulers, zero, seeds, workers=1, progress=lambda *counts: told.append(counts), store=tmp_path
        )

    found = look()["full-clock"]
    np.testing.assert_allclose(found.rewards.sum(0), found.score)
    # full-clock asks for full clocks and nothing else: without them it is zero, and with them alone it is itself
    assert found.actions["clock"].saturated == 1.0 and found.actions["bid"].saturated == 0.0
    for kind in ACTION_KINDS:
        if kind != "clock":
            assert found.zeroed[kind].value == found.alone[kind].value == 0.0
    assert found.zeroed["clock"].value == -found.alone["clock"].value != 0.0
    assert found.masked == {}
    played = told[0][0]
    assert 0 < np.abs(found.perturbed - found.score).max() < 5
    again = look()
    assert again["full-clock"].zeroed == found.zeroed and told[0][0] > played == 0  # what was finished is not repeated
    itself = again["itself"]
    assert len(itself.masked) > 10
    assert all(e.value == 0.0 for e in (*itself.zeroed.values(), *itself.alone.values(), *itself.masked.values()))


def test_tables_and_document_say_what_was_found(small):
    zero = InspectedScheduler(scheduler_factory("zero"), learned=True)
    full = InspectedScheduler(scheduler_factory("full-clock"))
    found = inspect(small, {"zero": zero, "full-clock": full}, zero, [20_000, 20_001], workers=1)
    tables = inspection_tables(found, "here")
    assert all(len(line) == len(table.head) for table in tables for line in table.rows)
    cells = {(table.title, line[0]): line[1:] for table in tables for line in table.rows}
    assert cells["here: what actions are used for, by kind of component", "clock: saturated"] == ("0.0 %", "100.0 %")
    change = found["full-clock"].score - found["zero"].score
    assert cells["here: what each kind of component is worth", "clock frozen"][1].startswith(f"{-change.mean():+.2f} (")
    assert cells["here: noise and memory of the reward", "difference: deviation"] == ("-", f"{change.std(ddof=1):.2f}")
    assert tables[-1].head == ("block", "zero")
    data = json.loads(json.dumps(inspection_document(found), allow_nan=False))
    assert data["full-clock"]["frozen"]["clock"]["mean"] == pytest.approx(-change.mean())
    assert data["zero"]["terms"]["compute"]["sum"] == found["zero"].terms["compute"].sum


def test_a_scheduler_is_inspected_in_the_environment_that_it_requires(small):
    whole = scheduler_factory("first-come")
    ordered = Simulator(small.replace(whole.requires["overrides"]), 1)
    found = inspect(
        small, {"fcfs": InspectedScheduler(whole)}, InspectedScheduler(scheduler_factory("zero")), [20_000], workers=1
    )["fcfs"]
    flown = record(ordered, whole(ordered.view), [20_000])
    assert (found.rewards == sum(flown.terms.values())).all()
    assert found.zeroed["bid"].value == 0.0
