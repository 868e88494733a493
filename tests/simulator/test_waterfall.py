"""Waterfall of accelerator-hours: it adds up, its parts are those of the accounts, and causes are told apart."""

import numpy as np
import pytest

from odc_gym.constants import HOUR_S
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator
from odc_gym.simulator.waterfall import IN_TIME, LOSSES, NAMEPLATE, PARTS, episode_waterfall

SCENARIOS = ("starter12", "storm", "pretraining-cluster", "serving")
HOURS, STEP_S = 8, 60


class Flight:
    """Hours at full clocks, a decision a minute, in which working accelerators are counted from outside."""

    def __init__(self, name, clock=1.0):
        self.sim = sim = Simulator(Scenario.load(name), 1, decision_period_s=STEP_S, episode_hours=HOURS)
        sim.reset([20_000])
        action, n = sim.view.layout.zeros(1), sim.satellites
        sim.view.layout.clocks(action)[:] = clock
        self.living_s = self.off_s = 0.0
        before = np.zeros(n)
        while not sim.truncated.all():
            sim.step(action)
            living, after = sim.sat.living[0, :n], sim.sat.off_s[0, :n].copy()
            self.living_s += living.sum() * STEP_S
            self.off_s += (living * (after - before)).sum()
            before = after
        self.parts = episode_waterfall(sim, 0)

    def account(self, name):
        return float(getattr(self.sim.sat, name)[0, : self.sim.satellites].sum())


@pytest.fixture(scope="module")
def flights():
    return {}


@pytest.fixture(params=SCENARIOS)
def flight(request, flights):
    if request.param not in flights:
        flights[request.param] = Flight(request.param)
    return flights[request.param]


def test_the_parts_add_up_to_the_nameplate(flight):
    """Catches a part that is counted twice or left out."""
    parts = flight.parts
    assert tuple(parts) == PARTS
    lost = sum(parts[loss.name] for loss in LOSSES)
    assert lost + parts[IN_TIME] == pytest.approx(parts[NAMEPLATE], rel=1e-9)
    assert parts[NAMEPLATE] == pytest.approx(flight.sim.fleet.accelerators * HOURS, rel=1e-12)


def test_no_part_is_negative(flight):
    """Catches an account that holds more than what it is a part of, such as idle time of accelerators at work."""
    least = min(flight.parts, key=flight.parts.get)
    assert flight.parts[least] > -1e-6 * flight.parts[NAMEPLATE], least
    assert flight.parts[IN_TIME] > 0.1 * flight.parts[NAMEPLATE]


def test_accelerators_that_work_and_those_that_are_off_are_those_seen_from_outside(flight):
    """Catches accounts that begin in the warm-up, miss a step, or read the state of the step before."""
    off = sum(flight.account(f"off_{cause}_s") for cause in ("outage", "energy", "heat", "restart"))
    assert flight.account("living_s") == pytest.approx(flight.living_s, rel=1e-12)
    assert off == pytest.approx(flight.off_s, rel=1e-12, abs=1e-6)


def test_causes_are_told_apart(flights, flight):
    """Catches a cause that takes the time of another: full clocks shed in `starter12`, and the storm has outages."""
    for name in SCENARIOS:
        flights.setdefault(name, flight if name == flight.sim.scenario.name else Flight(name))
    calm, storm = flights["starter12"], flights["storm"]
    assert calm.parts["off_energy"] > 0.0 and calm.parts["off_outage"] == 0.0
    sheds_h = float(calm.sim.sat.shed_s[0].sum()) / HOUR_S
    each = calm.sim.fleet.accelerators / calm.sim.satellites
    assert calm.parts["off_energy"] == pytest.approx(sheds_h * each, rel=0.05)
    assert storm.parts["off_outage"] > 0.0
    assert flights["pretraining-cluster"].parts["wait"] > 0.0


def test_cool_clocks_lose_time_to_energy_and_hot_ones_to_heat(flights):
    """Catches throttling by heat that is booked for the request, and the reverse."""
    hot = flights.setdefault("starter12", Flight("starter12")).parts
    cool = Flight("starter12", -1.0).parts
    assert cool["throttle_heat"] == 0.0 and cool["throttle_energy"] > 0.2 * cool[NAMEPLATE]
    assert hot["throttle_heat"] > 0.0 and hot["throttle_energy"] < cool["throttle_energy"]
