"""Fleets that are found aged: what the draws are, what they change, and that nothing breaks at the ends."""

import numpy as np
import pytest

from odc_gym.faults.faults import draw_condition
from odc_gym.physics.ageing import capacity_left
from odc_gym.scenario import Faults, Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.episode.variation import vary
from odc_gym.tables.fleet.fleet_model import FleetModel

CHIPS = np.full(12, 8)
OLD = Faults(mission_age_years=5.0, hard_failures_per_chip_year=0.09, satellite_loss_per_year=0.03)
SEEDS = range(400)


def drawn(faults, seeds=SEEDS):
    return [draw_condition(faults, seed, CHIPS) for seed in seeds]


def test_new_and_equal_satellites_need_no_draw():
    assert draw_condition(Faults(), 3, CHIPS) is None
    assert draw_condition(OLD.model_copy(update={"enabled": False}), 3, CHIPS) is None


def test_dead_accelerators_and_lost_satellites_have_their_means():
    """Binomial by exp(-rate x years), satellites by another rate: means and variance over 400 fleets."""
    living = np.array([c.living for c in drawn(OLD)])
    lost, left = 1.0 - np.exp(-0.15), np.exp(-0.45)
    share = (living == 0).mean()  # all eight of a satellite dead by themselves: 0.3 of 10 million
    assert share == pytest.approx(lost, abs=4.5 * np.sqrt(lost * (1 - lost) / living.size))
    flying = living[living > 0]
    assert flying.mean() == pytest.approx(8 * left, abs=4.5 * np.sqrt(8 * left * (1 - left) / flying.size))
    assert flying.var() == pytest.approx(8 * left * (1 - left), rel=0.1)
    assert np.abs(np.corrcoef(living.T) - np.eye(12)).max() < 4.5 / np.sqrt(len(SEEDS))


def test_older_fleets_have_lost_what_younger_ones_had_lost():
    young, old = drawn(OLD.model_copy(update={"mission_age_years": 2.0})), drawn(OLD)
    assert all((b.living <= a.living).all() for a, b in zip(young, old, strict=True))
    assert np.mean([b.living.sum() < a.living.sum() for a, b in zip(young, old, strict=True)]) > 0.99


def test_a_satellite_ages_by_itself_and_purposes_do_not_shift_each_other():
    spread = {"dynamic_power_sigma": 0.05, "leakage_sigma": 0.2}
    one, all_of_it = draw_condition(OLD, 9, CHIPS), draw_condition(OLD.model_copy(update=spread), 9, CHIPS)
    few = draw_condition(OLD.model_copy(update=spread), 9, CHIPS[:3])
    unlosable = draw_condition(OLD.model_copy(update={"satellite_loss_per_year": 0.0}), 9, CHIPS)
    assert np.array_equal(one.living, all_of_it.living) and (one.leakage == 1.0).all()
    for field in ("living", "dynamic_power", "leakage"):
        assert np.array_equal(getattr(few, field), getattr(all_of_it, field)[:3])
    assert np.array_equal(unlosable.living[one.living > 0], one.living[one.living > 0])


def test_spread_is_lognormal_with_mean_one():
    from scipy import stats

    conditions = drawn(Faults(dynamic_power_sigma=0.05, leakage_sigma=0.3))
    for name, sigma in (("dynamic_power", 0.05), ("leakage", 0.3)):
        values = np.array([getattr(c, name) for c in conditions]).ravel()
        assert values.mean() == pytest.approx(1.0, abs=4.5 * sigma / np.sqrt(values.size))
        assert stats.kstest(np.log(values), stats.norm(-0.5 * sigma**2, sigma).cdf).pvalue > 1e-4
    both = np.corrcoef(*(np.array([getattr(c, n) for c in conditions]).ravel() for n in ("dynamic_power", "leakage")))
    assert abs(both[0, 1]) < 4.5 / np.sqrt(len(SEEDS) * 12)


@pytest.fixture(scope="module")
def old(starter12):
    """Five years old, arrays at 2 % a year; satellites with a spread of their own."""
    solar = {"hardware.odcsat.solar.eol": None, "hardware.odcsat.solar.degradation_per_year": 0.02}
    faults = {"mission_age_years": 5.0, "dynamic_power_sigma": 0.04, "leakage_sigma": 0.2}
    return FleetModel(starter12.replace(solar | {"faults": faults, "episode.hours": 4}))


def test_the_numbers_of_an_old_fleet(old):
    """Arrays, batteries, powers and leakage of an aged world, each from the numbers of the new one."""
    found, condition = vary(old, 20_000), draw_condition(old.scenario.faults, 20_000, CHIPS)
    assert found is not old and np.array_equal(found.design_numbers["accelerators"], condition.living)
    assert found.design_numbers["array_peak_w"] == pytest.approx(old.design_numbers["array_peak_w"] * 0.98**5)
    assert found.design_numbers["leak"] == pytest.approx(0.10 * condition.leakage)
    assert found.design_numbers["dynamic_each_w"] == pytest.approx(725.0 * condition.dynamic_power)
    alive = condition.living > 0
    peak = 600.0 + condition.living * (75.0 + 725.0 * condition.dynamic_power)
    assert found.ratings[0, :12][alive] == pytest.approx(peak[alive])
    left = np.array([capacity_left(d, 5.75e-2, 0.0) for d in found.design_numbers["fatigue_start"]])
    assert ((left > 0.70) & (left < 0.92)).all()  # film and five years at a quarter of depth
    assert found.design_numbers["soft_depth"] == pytest.approx(0.30 * left)
    assert found.reference_value == old.reference_value and found.references is old.references
    assert not found.plans_hold and found.accelerators == 96


def test_wear_before_the_episode_is_that_of_the_plan_as_it_is_flown(starter12):
    """A day of the zero action against a year's mean: catches wrong orbits a year, cycles, or stress by charge."""
    sim = Simulator(starter12, 6)
    sim.reset(range(20_000, 20_006))
    for _ in range(sim.decisions):
        sim.step(np.zeros((6, sim.action_size)))
    flown = sim.sat.fatigue[:, :12].mean() * 365.25
    assert sim.fleet.wear_per_year.mean() == pytest.approx(flown, rel=0.3)


def test_an_old_fleet_flies_its_plan(old):
    """The plan of the episode is solved for what is left: nothing sheds or trips, and a new fleet does more."""
    sim, new = Simulator(old.scenario, 2), Simulator(old.scenario.replace({"faults.mission_age_years": 0.0}), 2)
    for each in (sim, new):
        each.reset([20_000, 20_001])
        for _ in range(each.decisions):
            each.step(np.zeros((2, each.action_size)))
    for row in range(2):
        aged, fresh = episode_metrics(sim, row), episode_metrics(new, row)
        assert aged["shed_h"] == aged["trips"] == aged["unserved_frac"] == 0.0
        assert 0.3 < aged["living_frac"] < 0.75 and fresh["living_frac"] == 1.0
        assert aged["work_accelerator_h"] < 0.9 * fresh["work_accelerator_h"]
    living = sim.design.accelerators[:, :12]
    seen = sim.view.observation
    assert np.array_equal(seen["free"] + seen["running"].sum(1), sim.sat.living[:, :12])
    assert (sim.sat.living[:, :12] <= living).all()
    assert sim.sat.capacity_left[:, :12].max() < 0.92


@pytest.mark.parametrize("mode", ["bids", "assign"])
def test_a_fleet_that_is_wholly_lost_divides_nothing_by_zero(starter12, mode):
    """No accelerator lives: observations, rewards, KPIs and rules stay finite, and nothing runs."""
    faults = {"mission_age_years": 20.0, "satellite_loss_per_year": 10.0, "hard_failures_per_chip_year": 10.0}
    sim = Simulator(starter12.replace({"faults": faults, "episode.hours": 2}), 1, action_mode=mode)
    with np.errstate(all="raise", under="ignore"):
        sim.reset([20_000])
    action = np.zeros((1, sim.action_size)) if mode == "bids" else sim.assignment.waiting(1)
    for _ in range(sim.decisions):
        sim.step(action)
        assert np.isfinite(sim.observation).all() and np.isfinite(sim.reward).all()
        assert np.isfinite(sim.mutable.state).all() and np.isfinite(sim.mutable.ledger).all()
    metrics = episode_metrics(sim, 0)
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["value"] == 0.0 and metrics["living_frac"] == 0.0 and sim.scalars["running"][0] == 0
    assert not sim.buffers.job_feasible[0, :, :-1].any()


@pytest.mark.parametrize("name", ["sun-aware", "gang-aware", "governor", "orbit-balanced", "coolest-first"])
def test_rules_fly_a_fleet_with_lost_satellites(starter12, name):
    """Catches a rule that divides by what a lost satellite has none of."""
    from odc_gym.agents import make_scheduler

    faults = {"mission_age_years": 5.0, "satellite_loss_per_year": 0.1}
    sim = Simulator(starter12.replace({"faults": faults, "episode.hours": 1}), 2)
    sim.reset([20_000, 20_001])
    assert (sim.sat.living[:, :12] == 0).any()
    scheduler = make_scheduler(name, sim)
    scheduler.reset(sim.view, np.ones(2, bool), np.array([20_000, 20_001]))
    with np.errstate(divide="raise", invalid="raise"):
        for _ in range(sim.decisions):
            sim.step(scheduler.act(sim.view))
    assert sim.mutable.ledger[:, 0].sum() > 0.0


def test_age_and_rates_take_part_in_randomise(starter12):
    """Drawn ages stand in the scenario of the episode, and in its design."""
    draws = {
        "faults.mission_age_years": {"low": 0.5, "high": 8.0},
        "faults.upsets_per_chip_year": {"low": 1, "high": 9},
    }
    fleet = FleetModel(starter12.replace({"randomise": draws}))
    worlds = [vary(fleet, seed) for seed in range(6)]
    ages = [w.scenario.faults.mission_age_years for w in worlds]
    assert len(set(ages)) == 6 and all(w.condition.years == age for w, age in zip(worlds, ages, strict=True))
    damage = np.array([w.design_numbers["fatigue_start"].mean() for w in worlds]) / ages
    assert damage == pytest.approx(damage[:1].repeat(6))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"faults.mission_age_years": -1}, "faults.mission_age_years = -1"),
        ({"faults.anomaly.latitude_width_deg": 0}, "faults.anomaly.latitude_width_deg = 0"),
        ({"randomise": {"faults.enabled": {"low": 0, "high": 1}}}, "randomise.faults.enabled"),
        ({"randomise": {"faults.reset_s": {"low": -9, "high": 60}}}, "randomise.faults.reset_s.low = -9"),
    ],
)
def test_wrong_values_are_told_in_one_line(starter12, change, message):
    from odc_gym.errors import ScenarioError

    with pytest.raises(ScenarioError, match=message) as error:
        starter12.replace(change)
    assert "\n" not in str(error.value)


def test_the_check_of_a_scenario_tells_its_upsets():
    """Hand figures of the cluster at 650 km: 6480 chips x 3 a year, on the reference orbit itself."""
    from odc_gym.scenario_check.design_report import design_report

    rows = {row.name: row.value for row in design_report(Scenario.load("suncatcher81"))}
    assert rows["upsets"] == pytest.approx(6480 * 3 / 365.25, rel=0.1)  # above an ellipsoid the orbit is 1.5 % higher
    assert rows["upsets in the anomaly"] == pytest.approx(0.53, abs=0.04)
    assert rows["hard failures"] == pytest.approx(6480 * 0.09 / 365.25)
    assert "upsets" not in {row.name for row in design_report(Scenario.load("starter12", {"faults.enabled": False}))}
