"""Ageing of batteries in the compiled recipe: what damage leaves of their capacity, and how long they would last."""

import math

import numpy as np
import pytest
import rainflow
from core_rig import Rig, starter
from fields import DESIGN

from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator

YEAR_S = 365.25 * 86400.0


def orbits(rig, count):
    """Fly through orbits of 36 min of darkness and 60 min of light under load; yields after each step."""
    for _ in range(count):
        for sunlit, steps in ((0.0, 36), (1.0, 60)):
            for _ in range(steps):
                rig.step(power_w=4000.0, sunlit=sunlit)
                yield


@pytest.fixture(scope="module")
def flown():
    """Three orbits of a new battery by each law, and of an old one: damage, capacity and charge after each step."""
    rig = Rig([starter(), starter(battery__ageing="saft"), starter()])
    rig["damage"] = [0.0, 0.0, 0.1]
    seen = [[rig[name].copy() for name in ("damage", "capacity_left", "charge_frac")] for _ in orbits(rig, 3)]
    return rig, np.array(seen)


def test_capacity_follows_the_damage_of_each_law(flown):
    """Beside `math.exp`: catches a law that takes the other's coefficients, and a damage that starts from 0 for all."""
    rig, seen = flown
    xu = [0.0575 * math.exp(-121.0 * f) + 0.9425 * math.exp(-f) for f in rig["damage"]]
    assert rig["capacity_left"][[0, 2]] == pytest.approx(np.array(xu)[[0, 2]], rel=1e-12)
    assert rig["capacity_left"][1] == pytest.approx(1.0 - rig["damage"][1], rel=1e-15)
    assert rig["damage"] - [0.0, 0.0, 0.1] == pytest.approx(rig["fatigue"], rel=1e-9)
    assert (np.diff(seen[:, 1], axis=0) <= 0.0).all() and (rig["fatigue"] > 1e-6).all()


def test_the_law_of_saft_costs_what_its_cycles_cost(flown):
    """Every cycle that `rainflow` counts costs 0.4 / (0.5 N(depth)), and nothing else does: catches calendar ageing."""
    rig, seen = flown
    expected = 0.0
    for depth, _, count, _, _ in rainflow.extract_cycles(np.append(1.0, seen[:, 2, 1])):
        assert depth < 0.001 or 0.1 < depth < 0.5
        cycles = np.interp(np.log(depth), np.log([0.1, 0.2, 0.3, 0.4, 0.5]), np.log([3e5, 1e5, 4e4, 2.1e4, 1.3e4]))
        expected += count * 0.4 / (0.5 * np.exp(cycles)) if depth > 0.1 else 0.0
    assert rig["fatigue"][1] == pytest.approx(expected, rel=1e-3)


def test_energy_that_fades_is_accounted(flown):
    """Stored energy is charge x capacity: what it loses without a current is charge x the fade, summed step by step."""
    rig, seen = flown
    nominal = rig.of("capacity_j")
    left = np.vstack([[1.0, 1.0, 1.0], seen[:, 1]])
    faded = nominal * (seen[:, 2] * (left[:-1] - left[1:])).sum(0)
    assert rig["faded_j"] == pytest.approx(faded, rel=1e-9)
    assert (rig["faded_j"][:2] > 0.0).all()


def test_a_warm_battery_ages_faster_by_the_temperature_stress():
    """At 25 C against 20 C 1.42 of all damage. Catches Celsius in the ratio, and a stress on cycles alone.

    The fade of the warm one makes its next cycle deeper by 1e-5.
    """
    rig = Rig([starter(battery__node__capacity_kj_k_kwh=1e9, battery__losses="constant")] * 2)
    rig["battery_k"] = [293.15, 298.15]
    for _ in orbits(rig, 1):
        pass
    cold, warm = rig["fatigue"]
    assert warm / cold == pytest.approx(1.0 / math.exp(6.93e-2 * -5.0 * 298.15 / 293.15), rel=5e-5)


def test_batteries_begin_as_old_as_the_design_says(starter12):
    """But for the orbit before the episode: catches an age lost on the flight to the plan, or added to by it."""
    sim = Simulator(starter12, 1, episode_hours=1)
    sim.design.fatigue_start[0, :12] = 0.05
    sim.fleet.design[DESIGN.fatigue_start, :12] = 0.05
    sim.reset([20_001])
    assert sim.sat.damage[0, :12] == pytest.approx(0.05, abs=3e-5)
    assert sim.sat.capacity_left[0, :12] == pytest.approx(0.0575 * math.exp(-6.05) + 0.9425 * math.exp(-0.05), abs=4e-5)
    assert (sim.sat.fatigue[0, :12] == 0.0).all() and (sim.sat.faded_j[0, :12] == 0.0).all()


@pytest.mark.parametrize("law, end", [("xu2018", math.log(0.9425 / 0.8)), ("saft", 0.2)])
def test_years_to_eighty_percent_by_hand(starter12, law, end):
    """An hour that costs a 2e-6th, at an age of 0.1: 0.0639 or 0.1 to go, 0.01753 a year; the first battery counts."""
    sim = Simulator(starter12.replace({"hardware.*.battery.ageing": law}), 1, episode_hours=1)
    sim.reset([20_001])
    for _ in range(sim.decisions):
        sim.step(np.zeros((1, sim.action_size)))
    sim.sat.damage[0, :12], sim.sat.fatigue[0, :12] = 0.1, 1e-7
    sim.sat.fatigue[0, 7] = 2e-6
    found = episode_metrics(sim, 0)["years_to_80_percent"]
    assert found == pytest.approx((end - 0.1) / (2e-6 * YEAR_S / 3600.0), rel=1e-6)
    sim.sat.fatigue[0, :12] = 0.0
    assert episode_metrics(sim, 0)["years_to_80_percent"] == 100.0
    sim.sat.damage[0, 3] = 0.3
    assert episode_metrics(sim, 0)["years_to_80_percent"] == 0.0
