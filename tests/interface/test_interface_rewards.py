from types import SimpleNamespace

import numpy as np
import pytest
from core_rig import Rig, starter

from odc_gym.core.layout.state import State
from odc_gym.interface.rewards import TERMS
from odc_gym.simulator.simulator import Simulator

NAMES = ["compute", "thermal", "energy", "wear", "stored_energy"]


def test_terms_sum_to_the_reward_and_costs_are_the_violations(starter12):
    sim = Simulator(starter12, 2, episode_hours=12)
    sim.reset([20_030, 20_031])
    layout, cost = sim.view.layout, np.zeros(2)
    action = layout.zeros(2)
    layout.clocks(action)[:] = 1.0
    for _ in range(sim.decisions):
        sim.step(action)
        assert list(sim.terms) == NAMES == [t.name for t in TERMS]
        assert sim.reward == pytest.approx(sum(sim.terms.values()), rel=1e-12, abs=1e-15)
        costs = sim.costs
        assert set(costs) == {"cost", "cost/thermal", "cost/energy"}
        assert costs["cost"] == pytest.approx(costs["cost/thermal"] + costs["cost/energy"])
        assert np.array_equal(costs["cost/thermal"], -sim.terms["thermal"])
        assert np.array_equal(costs["cost/energy"], -sim.terms["energy"])
        assert (sim.terms["compute"] >= 0.0).all() and (sim.terms["wear"] < 0.0).all()
        assert all((value >= 0.0).all() for value in costs.values())
        cost += costs["cost"]
    assert (cost > 0.0).any()  # full clock breaks some limit within half a day


def test_one_hundred_points_are_the_sustainable_output(starter12):
    """Value 1 of compute scores 100 / (sustainable x mean value x hours): catches the scale of another length."""
    for hours in (6.0, 24.0):
        sim = Simulator(starter12, 1, episode_hours=hours)
        mean = 0.5 * 1.0 + 0.2 * 0.5 + 0.3 * 2.0  # shares of the offered mix x value
        reference = sim.fleet.sustainable * mean * hours
        assert sim.fleet.reference_value == pytest.approx(reference, rel=0.02)
        sim.reset([20_030])
        paid = sim.ledger.paid[0].sum()
        sim.step(np.zeros((1, sim.action_size)))
        gained = sim.ledger.paid[0].sum() - paid
        assert sim.terms["compute"][0] == pytest.approx(100.0 * gained / sim.fleet.reference_value, rel=1e-12)


def test_thermal_violation_by_hand():
    """Held 2 K over 85 C for an hour: 8 accelerators x 0.0125 x (2 + 4/4) = 0.3 of value; degree-hours 2."""
    rig = Rig([starter(thermal__limit_c=85.0, thermal__throttle_c=87.0, thermal__trip_c=95.0, radiator__area_m2=4.0)])
    rig["charge_frac"] = 1.0
    rig.step(steps=400)
    assert rig["junction_k"][0] == pytest.approx(273.15 + 87.0, abs=1e-3)
    hot, violation = rig["hot_kh"][0], rig["thermal_h"][0]
    rig.step(steps=60)
    assert rig["hot_kh"][0] - hot == pytest.approx(2.0, rel=1e-3)
    assert 8 * 0.0125 * (rig["thermal_h"][0] - violation) == pytest.approx(0.30, rel=1e-3)


def test_energy_violation_by_hand():
    """Bus and standby unserved for an hour: f + f^2 = 2; charge at 2 %: y = 0.9, 8 x 0.5 (y + y^2) = 6.84."""
    rig = Rig([starter()])
    rig["charge_frac"], rig["shed"], rig["off"] = 0.02, 1.0, 1.0
    rig.step(sunlit=0.0, steps=60)
    assert rig["unserved_h"][0] == pytest.approx(2.0, rel=1e-6)
    assert 8 * 0.5 * rig["low_charge_h"][0] == pytest.approx(6.84, rel=1e-3)


def test_an_orbit_at_thirty_percent_costs_one_to_three_percent_of_its_value(starter12):
    """The wear price against the value of a satellite's orbit: catches a price of capacity fade instead of damage."""
    damage = 7.524e-6 * np.exp(1.04 * 0.25) * 0.703  # a cycle of 30 % around 75 % charge at 20 C
    price = starter12.reward.wear * 10.0 * damage  # 10 kWh
    orbit_value = 0.77 * 8 * 1.2 * 5739 / 3600  # share of slots x accelerators x mean value x hours
    assert 0.01 < price / orbit_value < 0.03


def test_stored_energy_is_concave_in_charge(starter12):
    """phi = price x kWh (c - 0.15 c^2): the change over an episode telescopes, whatever happens between."""
    sim = Simulator(starter12, 1, episode_hours=3)
    sim.reset([20_030])
    price = 0.9213 * 1e3 * sim.fleet.stored_value[0]
    assert price == pytest.approx(1.3, rel=0.03)
    charge = lambda: sim.sat.charge_frac[0, :12].copy()  # noqa: E731
    phi = lambda c: (price * 10.0 * (c - 0.15 * c * c)).sum()  # noqa: E731
    before, total = phi(charge()), 0.0
    for k in range(sim.decisions):
        sim.step(np.full((1, sim.action_size), np.sin(k)))
        total += sim.terms["stored_energy"][0]
    assert total * sim.fleet.reference_value / 100.0 == pytest.approx(phi(charge()) - before, rel=1e-9)


def test_stored_energy_is_worth_what_the_plan_makes_of_it(starter12):
    """Five watts more and less of the plan, where they matter more: catches a slope at another power."""
    from odc_gym.tables.fleet.sustainable import ThroughputCurve

    fleet = Simulator(starter12, 1).fleet
    curve = ThroughputCurve.of({name: float(v[0]) for name, v in fleet.design_numbers.items()}, fleet.mix)
    shell = fleet.shells[0]
    watts = np.stack([shell.plan.sun_w, shell.plan.dark_w])
    gained = (curve.at(watts + 5.0) - curve.at(watts - 5.0)) / 10.0
    assert shell.marginal == pytest.approx(gained.max(0), rel=0.02)


def test_violations_weigh_by_size_and_wear_by_capacity(starter12):
    """Twice the accelerators at half the speed weigh as before, twice the accelerators twice."""
    from odc_gym.core.layout.rewards import REWARD_SUMS
    from odc_gym.core.layout.state import Design
    from odc_gym.interface.rewards import fleet_sums

    sim = Simulator(starter12, 1)
    ones = State(*np.zeros(sim.mutable.state.shape[1:]))
    for account in (ones.thermal_h, ones.unserved_h, ones.low_charge_h, ones.fatigue):
        account[0] = 1.0

    def changes(**factors):
        design = Design(*sim.parameters.design[0].copy()[: len(Design._fields)])
        for name, factor in factors.items():
            getattr(design, name)[0] *= factor
        env, sums = SimpleNamespace(sat=ones, design=design, num_satellites=12), np.zeros(1, REWARD_SUMS)
        getattr(fleet_sums, "py_func", fleet_sums)(sums[0], sim.fleet.weights, env)
        return np.array(sums[0].tolist()[:4])

    one = changes()
    assert one[:3] == pytest.approx([8.0] * 3) and one[3] == pytest.approx(3.6e7)
    assert changes(accelerators=2.0, speed=0.5) == pytest.approx(one)
    assert changes(accelerators=2.0, capacity_j=3.0) == pytest.approx(one * [2, 2, 2, 3])
