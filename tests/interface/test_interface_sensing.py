"""Telemetry: noise of the right size that is the episode's own, readings of the right age, and truth left alone."""

import gymnasium as gym
import numpy as np
import pytest
from core_rig import same_state
from fields import SENSORS

import odc_gym  # noqa: F401  registers the id
from odc_gym.envs.vector import ODCSatVectorEnv
from odc_gym.errors import OdcGymError, ScenarioError
from odc_gym.interface.observations import FLEET, SATELLITE
from odc_gym.interface.sensing import AGED, FLEET_MEASURED, NOISY
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator

EPISODE, S = 20_000, 3
SMALL = {"shells.0.orbit.total": S, "episode.hours": 6, "workload.rate_scale": 0.25}
NOISE = {"sensing.charge_sigma": 0.03, "sensing.temperature_sigma_k": 2.0, "sensing.power_sigma_frac": 0.05}


@pytest.fixture(scope="module")
def small(starter12):
    return starter12.replace(SMALL)


def fly(scenario, decisions=36, level=0.0, seeds=(EPISODE,), **options):
    """Play one request for clocks; returns the simulator and what was seen before each decision, (D, B, ...)."""
    sim = Simulator(scenario, len(seeds), **options)
    sim.reset(seeds)
    seen = []
    for _ in range(decisions):
        seen.append({name: value.copy() for name, value in sim.view.observation.items()} | {"flat": sim.observation})
        actions = np.zeros((len(seeds), sim.action_size))
        sim.view.layout.clocks(actions)[:] = level
        sim.step(actions)
    return sim, {name: np.array([each[name] for each in seen]) for name in seen[0]}


@pytest.fixture(scope="module")
def truth(small):
    return fly(small)


@pytest.fixture(scope="module")
def noisy(small):
    return fly(small.replace(NOISE))


def test_what_is_measured_are_features():
    assert set(AGED) < {f.name for f in SATELLITE} and set(FLEET_MEASURED) < {f.name for f in FLEET}


def test_noise_changes_what_is_seen_and_nothing_else(truth, noisy):
    """Catches noise written into the state, or on features that are known exactly."""
    (sim, exact), (other, seen) = truth, noisy
    assert same_state(sim.get_state(), other.get_state())
    assert episode_metrics(sim, 0) == episode_metrics(other, 0)
    changed = {name for name in exact if not np.array_equal(exact[name], seen[name])}
    assert changed == {*NOISY, *FLEET_MEASURED, "flat"}


def test_noise_has_the_size_that_the_scenario_says(starter12):
    """12 satellites, 48 decisions: standard deviations within 5 standard errors, no mean."""
    scenario = starter12.replace({"episode.hours": 4})
    exact, seen = (fly(s, 48)[1] for s in (scenario, scenario.replace(NOISE)))
    sizes = {"charge_frac": 0.03, "junction_k": 2.0, "radiator_k": 2.0}
    errors = {name: seen[name] - exact[name] for name in sizes}
    errors["power_w"], sizes["power_w"] = seen["power_w"] / exact["power_w"] - 1.0, 0.05
    inside = exact["charge_frac"] < 0.85  # away from the bound
    errors["charge_frac"] = errors["charge_frac"][inside]
    for name, sigma in sizes.items():
        count = errors[name].size
        assert count > 200
        assert errors[name].std() == pytest.approx(sigma, rel=5.0 / (2 * count) ** 0.5), name
        assert abs(errors[name].mean()) < 5.0 * sigma / count**0.5, name
    sensors = np.array([errors[name].ravel() / sizes[name] for name in ("junction_k", "radiator_k", "power_w")])
    assert np.abs(np.corrcoef(sensors) - np.eye(3)).max() < 5.0 / sensors.shape[1] ** 0.5
    by_satellite = np.corrcoef(errors["junction_k"][:, 0].T)
    assert np.abs(by_satellite - np.eye(12)).max() < 5.0 / 48**0.5


def test_derived_features_agree_with_the_readings(noisy):
    """Usable energy and the fleet's figures follow what is seen: catches the truth left in one of them."""
    _, seen = noisy
    assert seen["usable_energy_j"] == pytest.approx((seen["charge_frac"] - 0.20) * 3.6e7 * 0.97)
    assert seen["charge_mean_frac"] == pytest.approx(seen["charge_frac"].mean(-1))
    assert seen["charge_least_frac"] == pytest.approx(seen["charge_frac"].min(-1))
    assert seen["junction_margin_k"] == pytest.approx(358.15 - seen["junction_k"].max(-1))
    at = [f.name for f in SATELLITE].index("charge_frac")
    assert seen["flat"][:, 0, at] == pytest.approx(seen["charge_frac"][:, 0, 0], abs=1e-6)


def test_readings_stay_within_physical_bounds(small):
    _, seen = fly(small.replace({"sensing.charge_sigma": 1.0, "sensing.power_sigma_frac": 1.0}))
    assert seen["charge_frac"].min() == 0.0 and seen["charge_frac"].max() == 1.0
    assert seen["power_w"].min() >= 0.0 and np.abs(seen["flat"]).max() <= 1.0


def test_all_schedulers_see_the_same_noise(small):
    """Common random numbers: the error of a reading does not depend on what was done before."""
    errors = []
    for level in (0.0, -1.0, 1.0):
        exact, seen = (fly(s, 24, level)[1] for s in (small, small.replace(NOISE)))
        errors.append(seen["junction_k"] - exact["junction_k"])
        assert np.ptp(exact["junction_k"]) > 1.0
    assert errors[1] == pytest.approx(errors[0], abs=1e-9) and errors[2] == pytest.approx(errors[0], abs=1e-9)


def test_episodes_and_moments_have_their_own_noise(small):
    seeds = (EPISODE, EPISODE + 1, EPISODE)
    exact, seen = (fly(s, 12, seeds=seeds)[1]["junction_k"] for s in (small, small.replace(NOISE)))
    error = seen - exact
    assert np.array_equal(seen[:, 0], seen[:, 2])
    assert len(np.unique(error[:, :2].round(9))) > 0.9 * error[:, :2].size  # steps are 1/256 of sigma


@pytest.mark.parametrize("decisions", [1, 3])
def test_delay_shows_the_reading_of_an_earlier_decision(small, truth, decisions):
    """At the start too, where it is one of the warm-up: catches a ring that begins empty, and slots off by one."""
    _, exact = truth
    _, seen = fly(small.replace({"sensing.delay_s": 300.0 * decisions}))
    for name in AGED:
        assert np.array_equal(seen[name][decisions:], exact[name][:-decisions]), name
    for name in exact:
        if name not in (*AGED, *FLEET_MEASURED, "flat"):
            assert np.array_equal(seen[name], exact[name]), name
    assert (seen["junction_k"][0] > 300.0).all() and not np.array_equal(seen["junction_k"][0], exact["junction_k"][0])


def test_delay_counts_physics_steps_rounded_up(small):
    """Without work nothing depends on when decisions are made, so that decisions of a minute show the readings between.

    730 km: the warm-up is 100 minutes for decisions of one minute and of five.
    """
    empty = small.replace({"workload.rate_scale": 0.0, "shells.0.orbit.altitude_km": 730, "episode.hours": 2})
    _, minutes = fly(empty, 120, decision_period_s=60.0)
    for delay_s, steps in ((61.0, 2), (120.0, 2), (420.0, 7)):
        _, seen = fly(empty.replace({"sensing.delay_s": delay_s}), 24)
        for name in ("charge_frac", "radiator_k"):
            for d in range(2, 24):
                assert np.array_equal(seen[name][d], minutes[name][5 * d - steps]), (delay_s, name, d)


def test_delayed_readings_keep_the_noise_that_they_were_made_with(small, noisy):
    _, fresh = noisy
    _, late = fly(small.replace({**NOISE, "sensing.delay_s": 600}))
    for name in NOISY:
        assert np.array_equal(late[name][2:], fresh[name][:-2]), name


def test_a_restored_state_goes_on_exactly(small):
    """Catches readings on their way that a snapshot forgets, and noise from a generator."""
    scenario = small.replace({**NOISE, "sensing.delay_s": 420})
    first, second = Simulator(scenario, 1), Simulator(scenario, 3)
    first.reset([EPISODE + 5])
    second.reset([1, 2, 3])
    for _ in range(7):
        first.step(np.zeros((1, first.action_size)))
    second.set_state(first.get_state(), [1])
    assert np.array_equal(second.observation[1], first.observation[0])
    for _ in range(5):
        first.step(np.full((1, first.action_size), 0.4))
        second.step(np.full((3, first.action_size), 0.4))
        assert np.array_equal(second.observation[1], first.observation[0])


def test_a_state_with_other_telemetry_is_refused(small):
    first, second = Simulator(small, 1), Simulator(small.replace({"sensing.delay_s": 60}), 1)
    first.reset([1])
    second.reset([1])
    with pytest.raises(OdcGymError, match=r"^state: "):
        second.set_state(first.get_state())


def test_telemetry_can_be_random(small):
    """What an episode draws is what it is flown with, delays beyond the scenario's own included."""
    draws = {
        "sensing.delay_s": {"low": 0, "high": 1500},
        "sensing.temperature_sigma_k": {"dist": "log_uniform", "low": 0.1, "high": 10},
    }
    sim = Simulator(small.replace({"randomise": draws}), 6)
    sim.reset(range(6))
    drawn = sim.drawn["sensing.delay_s"]
    assert (
        np.array_equal(sim.parameters.sensors[:, SENSORS.delay_steps], np.ceil(drawn / 60.0)) and np.ptp(drawn) > 300.0
    )
    assert np.array_equal(
        sim.parameters.sensors[:, SENSORS.temperature_sigma_k], sim.drawn["sensing.temperature_sigma_k"]
    )
    k = int(np.argmax(drawn))
    told = {"sensing.delay_s": drawn[k], "sensing.temperature_sigma_k": sim.drawn["sensing.temperature_sigma_k"][k]}
    alone = Simulator(small.replace({path: float(value) for path, value in told.items()}), 1)
    alone.reset([k])
    for _ in range(8):
        assert np.array_equal(alone.observation[0], sim.observation[k])
        alone.step(np.zeros((1, alone.action_size)))
        sim.step(np.zeros((6, sim.action_size)))


@pytest.mark.parametrize("path, value", [("charge_sigma", -0.1), ("power_sigma_frac", 2), ("delay_s", 7200)])
def test_values_that_are_not_allowed_are_one_line(small, path, value):
    with pytest.raises(ScenarioError, match=rf"^sensing\.{path} = {value}: [^\n]+$"):
        small.replace({f"sensing.{path}": value})


def test_by_default_nothing_is_kept(truth):
    sim, seen = truth
    assert sim.mutable.past.size == 0 and not sim.parameters.sensors.any()
    sim.reset([EPISODE])
    assert np.array_equal(seen["charge_frac"][0, 0], sim.sat.charge_frac[0, :S])


def test_single_environments_and_batches_see_the_same():
    """Observations of both modes and of every wrapper: catches one that measures for itself."""
    options = {
        "overrides": {"shells.0.orbit.total": 3, **NOISE, "sensing.delay_s": 90},
        "episode_hours": 0.5,
        "observation_mode": "dict",
    }
    batch, alone = ODCSatVectorEnv(2, **options), [gym.make("ODCSat-v0", **options) for _ in range(2)]
    together, _ = batch.reset(seed=[7, 8])
    apart = [env.reset(seed=seed)[0] for env, seed in zip(alone, (7, 8), strict=True)]
    for _ in range(4):
        for name, values in together.items():
            assert np.array_equal(values, [each[name] for each in apart]), name
        actions = np.full(batch.action_space.shape, 0.2, np.float32)
        together = batch.step(actions)[0]
        apart = [env.step(action)[0] for env, action in zip(alone, actions, strict=True)]
