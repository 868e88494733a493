"""Randomised fields of a scenario: episodes use the drawn values, and everything else stays the same."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from core_rig import same_state
from fields import DESIGN, episode_inputs

from odc_gym.orbits import build_ephemeris
from odc_gym.scenario import Draw, Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.episode.tables import build_episode, plan_from_grid, plan_from_solver
from odc_gym.tables.episode.variation import quantile, vary
from odc_gym.tables.fleet.fleet_model import FleetModel

SMALL = {
    "shells.0.orbit.total": 3,
    "episode.hours": 4,
    "start": {"epoch": "2027-06-21T00:00:00"},
    "workload.rate_scale": 0.25,
}
CAPACITY, EOL = "hardware.odcsat.battery.capacity_wh", "hardware.odcsat.solar.eol"
EPISODES = 200
STRONG = {
    CAPACITY: {"low": 7000, "high": 13000, "per": "satellite"},
    EOL: {"low": 0.75, "high": 1.0, "per": "satellite"},
    "hardware.odcsat.radiator.area_m2": {"low": 4.8, "high": 7.2, "per": "satellite"},
    "hardware.odcsat.radiator.eps": {"low": 0.80, "high": 0.91, "per": "satellite"},
    "hardware.odcsat.power.pcdu": {"low": 0.92, "high": 0.97, "per": "satellite"},
    "hardware.odcsat.thermal.leak": {"dist": "log_uniform", "low": 0.05, "high": 0.20, "per": "satellite"},
    "earth.infrared_w_m2": {"low": 200, "high": 270},
    "earth.albedo": {"low": 0.2, "high": 0.45},
    "workload.rate_scale": {"low": 0.7, "high": 1.3},
}


def random(scenario, **draws):
    return scenario.replace({"randomise": draws})


@pytest.fixture(scope="module")
def small(starter12):
    return starter12.replace(SMALL)


@pytest.fixture(scope="module")
def strong(starter12):
    return random(starter12, **STRONG)


@pytest.fixture(scope="module")
def fleet(strong):
    return FleetModel(strong.replace({"start": {"epoch": "2027-06-21T00:00:00"}}))


@pytest.mark.parametrize("dist", ["uniform", "log_uniform"])
def test_quantiles_against_scipy(dist):
    from scipy import stats

    share = np.linspace(0.0, 1.0, 101)
    expected = stats.uniform(5, 15) if dist == "uniform" else stats.loguniform(5, 20)
    assert quantile(Draw(dist=dist, low=5, high=20), share) == pytest.approx(expected.ppf(share), rel=1e-8)


def test_draws_fill_their_range_and_do_not_follow_each_other(fleet):
    """Catches paths that share a stream, satellites that share a draw, and seeds that lie close."""
    draws = [vary(fleet, seed).drawn for seed in range(EPISODES)]
    share = {}
    for path, draw in fleet.scenario.randomise.items():
        values = np.array([d[path] for d in draws])
        assert values.shape == ((EPISODES, 12) if draw.per == "satellite" else (EPISODES,))
        log = draw.dist == "log_uniform"
        low, high, values = (np.log(v) if log else v for v in (draw.low, draw.high, values))
        share[path] = (values - low) / (high - low)
        assert (share[path] >= 0.0).all() and (share[path] <= 1.0).all()
        assert share[path].std() == pytest.approx(12**-0.5, abs=0.05)
        assert share[path].mean() == pytest.approx(0.5, abs=5 * 12**-0.5 / values.size**0.5)
    columns = np.concatenate([s.reshape(EPISODES, -1) for s in share.values()], 1)  # (EPISODES, all draws)
    together = np.corrcoef(columns.T)
    in_turn = np.corrcoef(columns[1:].T, columns[:-1].T)[: len(together), len(together) :]
    for found in (together - np.eye(len(together)), in_turn):
        assert np.abs(found).max() < 5.0 * EPISODES**-0.5


def test_another_random_path_does_not_move_the_others(small):
    one = FleetModel(random(small, **{CAPACITY: STRONG[CAPACITY]}))
    two = FleetModel(
        random(small, **{EOL: STRONG[EOL], CAPACITY: STRONG[CAPACITY], "earth.albedo": STRONG["earth.albedo"]})
    )
    for seed in range(3):
        assert np.array_equal(vary(one, seed).drawn[CAPACITY], vary(two, seed).drawn[CAPACITY])


def test_without_random_numbers_the_fleet_is_the_scenarios_own(small):
    fleet = FleetModel(small)
    assert vary(fleet, 5) is fleet and build_episode(fleet, 5).fleet is fleet


def test_what_scores_100_and_what_observations_are_relative_to_stay(fleet):
    varied = vary(fleet, 5)
    for name in ("reference_value", "sustainable", "weights", "clock", "accelerators"):
        assert getattr(varied, name) == getattr(fleet, name)
    assert varied.references is fleet.references and not np.array_equal(varied.design, fleet.design)


GROUPS = {
    CAPACITY: (6000, 9000),
    "hardware.odcsat.battery.soft_dod": (0.2, 0.28),
    "hardware.odcsat.solar.pointing_error_deg": (5, 10),
    "hardware.odcsat.power.bus_w": (950, 1100),
    "hardware.odcsat.solar.temperature_coefficient_per_k": (-0.003, -0.001),
    "hardware.odcsat.solar.heat_capacity_j_m2_k": (1000, 2000),
    "hardware.odcsat.radiator.alpha": (0.1, 0.15),
    "hardware.odcsat.radiator.pointing_error_deg": (2, 5),
    "hardware.odcsat.hot_back.view_factor": (0.06, 0.1),
    "hardware.odcsat.thermal.c_kj_k.1": (20, 28),
    "hardware.odcsat.accelerators.peak_w": (6000, 6800),
    "earth.infrared_w_m2": (245, 260),
    "earth.solar_w_m2": (1300, 1350),
    "workload.rate_scale": (0.15, 0.22),
    "workload.classes.*.clock_sensitivity": (0.4, 0.7),
    "workload.classes.finetuning.jobs_per_h": (6, 9),
    "workload.classes.batch.progress.every_min": (15, 25),
    "workload.classes.interactive.output_tokens_per_min": (80000, 120000),
    "network.backbone.rate_gbps": (40, 90),
    "hardware.*.thermal.dt_full_k.*": (7, 9),
}


@pytest.mark.parametrize("path", GROUPS)
def test_an_episode_is_that_of_a_scenario_with_the_drawn_values(small, path):
    """Every group of fields: catches a value that is drawn and reported, but not simulated."""
    low, high = GROUPS[path]
    drawn = build_episode(FleetModel(random(small, **{path: {"low": low, "high": high}})), 20_000)
    value = float(drawn.fleet.drawn[path])
    written = build_episode(FleetModel(small.replace({path: value})), 20_000)
    plain = build_episode(FleetModel(small), 20_000)
    assert low < value < high
    assert drawn.fleet.scenario.replace({"randomise": None}) == written.fleet.scenario
    changed = False
    for name in ("design", "ratings", "rules", "model_gb", "policy", "sensors"):
        ours, theirs, nominal = (np.array(getattr(t.fleet, name)) for t in (drawn, written, plain))
        assert np.array_equal(ours, theirs), name
        changed |= not np.array_equal(ours, nominal)
    for name in ("demand", "days", "forecast"):
        ours, theirs, nominal = (getattr(t, name) for t in (drawn, written, plain))
        assert np.allclose(ours, theirs, rtol=1e-6), name
        changed |= not np.array_equal(ours, nominal)
    assert np.allclose(drawn.sky[:, :3], written.sky[:, :3], rtol=1e-5)
    assert np.allclose(drawn.sky[:, 3], written.sky[:, 3], rtol=0.03)  # solved, or looked up on a grid
    arrivals = [t.jobs[np.isfinite(t.jobs["arrival_s"]) & (t.jobs["arrival_s"] >= 0)] for t in (drawn, written, plain)]
    assert np.array_equal(arrivals[0], arrivals[1])
    changed |= not all(np.array_equal(a, b) for a, b in zip(drawn.links, plain.links, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(drawn.links, written.links, strict=True))
    assert changed or not np.array_equal(drawn.sky, plain.sky) or len(arrivals[0]) != len(arrivals[2])


def test_each_satellite_flies_what_it_drew(small):
    scenario = random(small, **{CAPACITY: STRONG[CAPACITY], EOL: STRONG[EOL]})
    sim = Simulator(scenario, 2)
    sim.reset([20_000, 20_001])
    assert sim.drawn[CAPACITY].shape == (2, 3) and len(np.unique(sim.drawn[CAPACITY])) == 6
    for row in range(2):
        assert sim.design.capacity_j[row, :3] == pytest.approx(3600.0 * sim.drawn[CAPACITY][row], rel=1e-12)
        assert sim.design.array_peak_w[row, :3] == pytest.approx(36 * 245 * sim.drawn[EOL][row], rel=1e-12)
        assert (
            sim.parameters.design[row, :, 3:] == sim.parameters.design[row, :, 2:3]
        ).all()  # padding lanes repeat the last satellite
        assert np.array_equal(sim.view.design["capacity_j"][row], sim.design.capacity_j[row, :3])
        s = 1
        one = FleetModel(small.replace({CAPACITY: sim.drawn[CAPACITY][row, s], EOL: sim.drawn[EOL][row, s]}))
        assert np.array_equal(sim.parameters.design[row, :, s], one.design[:, s])


def test_satellites_of_other_hardware_keep_their_values(small):
    data = small.model_dump()
    data["hardware"]["big"] = data["hardware"]["odcsat"] | {
        "battery": data["hardware"]["odcsat"]["battery"] | {"capacity_wh": 20000.0}
    }
    data["shells"] = [*data["shells"], data["shells"][0] | {"hardware": "big"}]
    two = Scenario.model_validate(data)
    draw = {"low": 8000, "high": 9000, "per": "satellite"}
    one, both = (
        vary(FleetModel(random(two, **{path: draw})), 3) for path in (CAPACITY, CAPACITY.replace("odcsat", "*"))
    )
    assert (one.drawn[CAPACITY][3:] == 20000.0).all() and (one.drawn[CAPACITY][:3] < 9000.0).all()
    assert (both.design[DESIGN.capacity_j, :6] < 9000.0 * 3600.0).all()
    assert one.design[DESIGN.capacity_j, :6] == pytest.approx(3600.0 * one.drawn[CAPACITY], rel=1e-12)


def test_a_larger_battery_swings_less(small):
    """The same episode with a good half and with more than twice the battery, flown by the plan."""
    swing = []
    for low in (6000, 24000):
        sim = Simulator(random(small, **{CAPACITY: {"low": low, "high": low + 1}}), 1)
        sim.reset([20_000])
        charge = []
        while not sim.truncated.all():
            sim.step(np.zeros((1, sim.action_size)))
            charge.append(sim.view.observation["charge_frac"][0].copy())
        swing.append(np.ptp(charge, axis=0))
    assert (swing[1] < 0.5 * swing[0]).all() and swing[1].min() > 0.02


def test_the_solved_plan_is_the_plan_of_the_grid(starter12):
    """Both plans exist for the scenario's own satellites: catches a design number that the batch solver ignores."""
    fleet = FleetModel(starter12.replace({"start": {"epoch": "2027-01-01T00:00:00"}}))
    for month in (2, 9):
        start = datetime(2027, month, 10, tzinfo=UTC)
        e = build_ephemeris(fleet.constellation, start=start, step_s=60.0, steps=1600)
        flux = np.broadcast_to(e.solar_flux_w_m2[:, None] / 1361.0, e.beta_rad.shape)
        looked, solved = (
            plan(fleet, 0, fleet.design_numbers, flux, e.beta_rad) for plan in (plan_from_grid, plan_from_solver)
        )
        for ours, theirs in zip(solved, looked, strict=True):
            assert ours == pytest.approx(theirs, rel=0.03)  # a step of the solver's scan of eclipse powers
            assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.005)


def test_the_zero_action_holds_whatever_was_drawn(strong):
    """20 training episodes of a day: weak satellites follow their own plan and neither shed, nor trip, nor overheat."""
    sim = Simulator(strong, 20)
    sim.reset(range(20))
    while not sim.truncated.all():
        sim.step(np.zeros((20, sim.action_size)))
    kpis = [episode_metrics(sim, row) for row in range(20)]
    for name in ("shed_h", "trips", "degree_h", "unserved_frac"):
        assert max(kpi[name] for kpi in kpis) == 0.0, name
    assert max(kpi["junction_most_c"] for kpi in kpis) > 83.0  # heat binds: the plans are not timid
    assert min(kpi["charge_least_frac"] for kpi in kpis) > 0.62  # the plan keeps 0.30 of what it began with


def bits(sim, row):
    arrays = [array[row] for name, array in episode_inputs(sim).items() if name != "jobs"]
    arrays += [sim.jobs[row][name] for name in sim.jobs.dtype.names] + [values[row] for values in sim.drawn.values()]
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def test_same_seed_same_bits_in_any_place_of_any_batch(small):
    scenario = random(small, **STRONG | {"workload.rate_scale": {"low": 0.2, "high": 0.3}})
    alone, batch = Simulator(scenario, 1), Simulator(scenario, 4)
    batch.reset([7, 8, 9, 8])  # row 3 copies row 1
    alone.reset([8])
    assert bits(batch, 1) == bits(batch, 3) == bits(alone, 0) != bits(batch, 0)
    action = np.random.default_rng(0).uniform(-1, 1, (1, alone.action_size))
    for _ in range(10):
        alone.step(action)
        batch.step(np.repeat(action, 4, 0))
    assert np.array_equal(batch.observation[1], alone.observation[0])
    assert np.array_equal(batch.observation[3], alone.observation[0])
    assert same_state(batch.get_state([3]), alone.get_state())
    batch.reset([9], [1])
    assert bits(batch, 1) == bits(batch, 2)


def test_a_state_of_another_episode_brings_its_draws(small):
    scenario = random(small, **{CAPACITY: STRONG[CAPACITY], "earth.albedo": STRONG["earth.albedo"]})
    first, second = Simulator(scenario, 1), Simulator(scenario, 2)
    first.reset([11])
    second.reset([12, 13])
    first.step(np.zeros((1, first.action_size)))
    second.set_state(first.get_state(), [1])
    assert bits(second, 1) == bits(first, 0)
    assert second.drawn[CAPACITY][1].tolist() == first.drawn[CAPACITY][0].tolist()
    for _ in range(6):
        first.step(np.full((1, first.action_size), 0.3))
        second.step(np.full((2, first.action_size), 0.3))
    assert np.array_equal(second.observation[1], first.observation[0])


SCRIPT = """
import json, sys
from odc_gym.scenario import Scenario
from test_variation import digest_of_an_episode
print(digest_of_an_episode(Scenario.model_validate(json.load(sys.stdin))))
"""


def digest_of_an_episode(scenario):
    tables = build_episode(FleetModel(scenario), 20_000)
    fleet = tables.fleet
    parts = (*fleet.drawn.values(), fleet.design, fleet.rules, tables.sky, tables.demand)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def test_same_bits_in_another_process(small):
    """Catches draws that follow the order of a set, which Python changes from process to process."""
    scenario = random(small, **STRONG | {"workload.rate_scale": {"low": 0.2, "high": 0.3}})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=scenario.model_dump_json(), capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout.strip() == digest_of_an_episode(scenario)
