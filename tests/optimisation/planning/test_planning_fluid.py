"""Fluid plans, against optima that can be found by hand."""

import numpy as np
import pytest

from odc_gym.optimisation.planning.fluid_inputs import FluidInputs, fluid_inputs
from odc_gym.optimisation.planning.fluid_plan import fluid_plan
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

SLOTS = 8
LEVELS = 3  # rates .5, .8 and 1 at .1, .3 and .6 kW: the slower, the less energy a unit of work takes


def given(classes=1, **changes):
    """One satellite of 10 accelerators with more of everything than it can use, slots of half an hour."""
    ones = np.ones((1, classes, 1))
    values = {
        "slot_h": 0.5, "group": np.zeros(1, int), "size": np.ones(1), "accelerators": np.full(1, 10.0),
        "idle_kw": np.full(1, 1.0), "busy_kw": ones * [0.1, 0.3, 0.6], "rate": ones * [0.5, 0.8, 1.0],
        "array_kw": np.full((SLOTS, 1), 100.0), "limit_kw": np.full((SLOTS, 1), 100.0),
        "compute_idle_kw": np.full(1, 0.5), "eta": np.ones((3, 1)), "rates_kw": np.full((2, 1), 50.0),
        "tier_kwh": np.array([[2.0], [2.0]]), "drawn_kwh": np.zeros((2, 1)), "wear": np.array([[0.0], [0.0]]),
        "stored": np.zeros(1), "service": np.zeros(classes, bool), "value": np.ones(classes),
        "work_h": np.full((SLOTS, classes), 1e3), "width": np.full((SLOTS, classes), 1e3),
        "headroom": np.ones(classes),
    }  # fmt: skip
    return FluidInputs(**{**values, **changes})


def test_plenty_runs_at_full_clock():
    plan = fluid_plan(given())
    assert plan.accelerators[0] == pytest.approx([10.0]) and plan.clock[0] == pytest.approx([1.0])
    assert plan.power_w == pytest.approx([500.0 + 6000.0])


def test_heat_limits_the_power():
    """Catches a limit of heat that counts without the power of idle accelerators."""
    assert fluid_plan(given(limit_kw=np.full((SLOTS, 1), 2.5))).power_w == pytest.approx([2500.0])


def test_light_and_battery_limit_the_energy_of_the_horizon():
    """Catches energy that is counted twice, and slots whose length is forgotten."""
    dark = given(array_kw=np.full((SLOTS, 1), 1.5))
    plan = fluid_plan(dark)  # 4 h x .5 kW above idle, and 4 kWh stored: 1.5 kW on average
    assert plan.power_w[0] >= 500.0 + 1000.0 and plan.clock[0, 0] < 1.0
    lossy = np.array([[1.0], [0.9], [0.9]])  # so that work gains nothing from being done sooner out of the battery
    kept = fluid_plan(dark._replace(stored=np.full(1, 1e3), eta=lossy))
    assert kept.power_w == pytest.approx([1000.0])  # stored energy is worth more than work: light alone


def test_wear_keeps_the_battery_for_what_is_worth_it():
    """Catches a price of wear that is not convex: the first tier is cheap here, the second one dear."""
    dark = given(array_kw=np.full((SLOTS, 1), 1.0), wear=np.array([[0.0], [1e3]]))
    free = fluid_plan(dark._replace(wear=np.zeros((2, 1))))
    assert fluid_plan(dark).power_w.sum() <= free.power_w.sum()
    dear = fluid_plan(dark._replace(wear=np.full((2, 1), 1e3)))
    assert dear.power_w == pytest.approx([500.0])


def test_work_that_is_not_there_is_not_planned():
    """Catches jobs that run before they arrive, or wider than they are."""
    arriving = np.arange(SLOTS)[:, None] * 1.0  # nothing in the first slot
    assert fluid_plan(given(work_h=arriving)).power_w == pytest.approx([500.0])
    narrow = fluid_plan(given(width=np.full((SLOTS, 1), 3.0)))
    assert narrow.accelerators[0] == pytest.approx([3.0])


def test_services_take_what_their_demand_needs_and_jobs_the_rest():
    """Catches demand that is served beyond what arrives, and replicas without headroom."""
    demand = np.column_stack([np.full(SLOTS, 1.6), np.full(SLOTS, 1e3)])  # 3.2 accelerators for half an hour
    two = given(
        classes=2, service=np.array([True, False]), value=np.array([3.0, 1.0]), work_h=demand,
        width=np.full((SLOTS, 2), 1e3), headroom=np.array([0.8, 1.0]), busy_kw=np.full((1, 2, 1), 0.6),
        rate=np.ones((1, 2, 1)),
    )  # fmt: skip
    assert fluid_plan(two).accelerators[0] == pytest.approx([4.0, 6.0])


def test_what_cannot_be_solved_is_no_plan():
    """Catches a scheduler that stops the comparison because the solver found no plan."""
    emptier_than_empty = np.full((2, 1), 50.0)
    assert fluid_plan(given(array_kw=np.zeros((SLOTS, 1)), drawn_kwh=emptier_than_empty)) is None


@pytest.mark.parametrize("name", ["starter12", "suncatcher81"])
def test_inputs_are_those_of_the_fleet(name):
    """Catches units and groups: powers in kW, groups that lose satellites."""
    simulator = Simulator(Scenario.load(name, {"episode.hours": 1}))
    simulator.reset([3])
    found = fluid_inputs(simulator, 0, 4, 900.0)
    design = simulator.view.design
    assert found.size.sum() == simulator.satellites == len(found.group)
    full_kw = (found.compute_idle_kw + (found.busy_kw[:, :, -1].max(1) * found.accelerators)) * 1e3
    assert full_kw == pytest.approx(design["peak_w"][0, 0], rel=0.15)
    assert found.array_kw.max() * 1e3 <= 1.25 * design["array_peak_w"].max()  # cold, and in the Earth's light
    lost = (found.drawn_kwh.sum(0) * found.size).sum() * 3.6e6
    shown = ((1.0 - simulator.view.observation["charge_frac"][0]) * design["capacity_j"][0]).sum()
    assert lost == pytest.approx(shown) and (np.diff(found.wear, axis=0) >= 0.0).all()
    assert fluid_plan(found) is not None
