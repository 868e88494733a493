"""Sheds that are seen coming: jobs write a checkpoint first. Trips are not seen coming."""

import numpy as np
import pytest
from fields import LEDGER, SAT, replace_arrays

from odc_gym.core.layout.work import RUNNING
from odc_gym.faults.faults import EVENT
from odc_gym.simulator.simulator import Simulator

SEED = 20_000
FLOOR = 0.20
ENOUGH = 3000.0  # unsaved work on one satellite


def fly(sim, steps=1):
    action = sim.view.layout.zeros(3)
    sim.view.layout.clocks(action)[:] = 1.0
    for _ in range(steps):
        sim.step(action)


def unsaved_in_the_dark(sim, minutes=12):
    """Unsaved work of `on` each satellite, (S,); 0 where the Sun shines within some minutes."""
    tick = int(sim.scalars["tick"][0])
    dark = (sim.tables.skies[0, tick : tick + minutes, 0, : sim.satellites] == 0.0).all(0)
    unsaved = np.array([sim.run["uncheckpointed_s"][0, on(sim, s, 0)].sum() for s in range(sim.satellites)])
    return np.where(dark, unsaved, 0.0)


@pytest.fixture(scope="module")
def fleet(starter12):
    """Three rows of the same quiet episode, decisions of one physics step."""
    sim = Simulator(starter12.replace({"faults.enabled": False, "episode.hours": 4}), 3, decision_period_s=60)
    sim.reset([SEED] * 3)
    fly(sim, 10)
    while unsaved_in_the_dark(sim).max() < ENOUGH:
        fly(sim)
    return sim, sim.get_state()


@pytest.fixture
def sim(fleet):
    sim, start = fleet
    replace_arrays(sim, events=np.zeros((3, 0), EVENT))
    sim.set_state(start)
    return sim


def on(sim, s, row):
    """Jobs of finetuning that run on a satellite for longer than a test."""
    c = sim.class_names.index("finetuning")
    mine = (sim.jobs["class_id"][row] == c) & (sim.run["status"][row] == RUNNING) & (sim.run["host"][row] == s)
    left = sim.jobs["work_s"][row] - sim.run["checkpointed_s"][row] - sim.run["uncheckpointed_s"][row]
    return np.flatnonzero(mine & (left > 1000.0 * sim.jobs["total_accelerators"][row]))


def test_a_shed_is_seen_coming_and_a_trip_is_not(sim):
    """Rows: nothing happens, the battery is nearly at its floor, the chips are too hot."""
    s, c = int(unsaved_in_the_dark(sim).argmax()), sim.class_names.index("finetuning")
    jobs = on(sim, s, 1)
    sim.sat.charge_frac[1, s] = FLOOR + 0.012
    for node, kelvin in ((SAT.plate_k, 385.0), (SAT.junction_k, 385.0), (SAT.loop_k, 384.0), (SAT.radiator_k, 380.0)):
        sim.mutable.state[2, node, s] = kelvin
    old = np.maximum(
        sim.run["before_s"][2, jobs] - sim.run["checkpointed_s"][2, jobs], 0.0
    )  # was never counted as executed
    unsaved = sim.run["uncheckpointed_s"][2, jobs] - old
    fly(sim)
    assert sim.sat.warned[1, s] == 1.0 and sim.sat.shed[1, s] == 0.0
    assert np.array_equal(sim.run["uncheckpointed_s"][1, jobs], np.zeros(len(jobs)))
    fly(sim, 6)
    assert sim.sat.sheds[1, s] == 1.0 and sim.sat.trips[2, s] == 1.0
    assert (sim.run["host"][1:][:, jobs] != s).all() and (sim.run["host"][0, jobs] == s).any()
    lost = sim.ledger.lost_s[:, c]
    gangs = sim.jobs["total_accelerators"][1, jobs].sum()
    assert 0.0 <= lost[1] <= 2 * 60.0 * gangs  # of the steps between the warning and the shed
    assert lost[2] == pytest.approx(unsaved.sum(), abs=2 * 60.0 * gangs) and lost[2] > 3.0 * lost[1]
    evicted = sim.ledger.evicted[:]
    assert (evicted[1:].sum(1) >= len(jobs)).all()
    assert np.array_equal(sim.ledger.foreseen[1], evicted[1]) and sim.ledger.forced[1].sum() == 0.0
    assert np.array_equal(sim.ledger.forced[2], evicted[2]) and sim.ledger.foreseen[2].sum() == 0.0
    assert sim.scalars["off_stops"][2] == evicted[2].sum() and sim.scalars["off_stops"][:2].sum() == 0.0


def test_a_false_alarm_costs_the_writing_alone(sim):
    """The sun comes back in time: the charge is put up again after the warning."""
    s = int(unsaved_in_the_dark(sim).argmax())
    jobs = on(sim, s, 1)
    charge = sim.sat.charge_frac[1, s]
    sim.sat.charge_frac[1, s] = FLOOR + 0.012
    fly(sim)
    wrote = sim.run["writing_s"][1, jobs].copy()
    assert (wrote == 20.0).any() and set(wrote) <= {0.0, 20.0}
    sim.sat.charge_frac[1, s] = charge
    fly(sim)
    assert sim.sat.warned[1, s] == 0.0
    assert (sim.run["host"][1, jobs] == s).all() and (sim.run["delay_s"][1, jobs] == 0.0).all()
    assert sim.run["active"][1, jobs[wrote > 0.0]] == pytest.approx(2.0 / 3.0)
    assert sim.mutable.ledger[1, [LEDGER.forced, LEDGER.foreseen, LEDGER.lost_s]].sum() == 0.0


def test_a_warning_is_given_once(sim):
    """Held a hair above its floor, a satellite is not told anew each minute."""
    s = int(unsaved_in_the_dark(sim).argmax())
    jobs, unsaved = on(sim, s, 1), []
    for _ in range(5):
        sim.sat.charge_frac[1, s] = FLOOR + 0.005
        fly(sim)
        assert sim.sat.warned[1, s] == 1.0
        unsaved.append(sim.run["uncheckpointed_s"][1, jobs])
    assert (unsaved[0] == 0.0).all() and (np.diff(unsaved, axis=0) > 0.0).all()
