"""Starts of training runs at dials, in the modes `dials` and `bids`, and policies that fly other fleets."""

import numpy as np
import pytest
import torch

from odc_gym.dial_files import dials_of, family, read_dials, roles_of
from odc_gym.envs.vector import build_simulator
from odc_gym.errors import RunError, SchedulerError
from odc_gym.interface.dials import ACTION_RANGE
from odc_gym.interface.observations import size
from odc_gym.scenario import Scenario
from odc_gym.training.config import TrainConfig, load
from odc_gym.training.policy_scheduler import load_policy_scheduler
from odc_gym.training.run import build_model, train

WORLD = {"scenario": "starter12", "overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}
TINY = {
    "scenario": "starter12",
    "env": {"overrides": WORLD["overrides"], "episode_hours": 0.5, "action_mode": "dials"},
    "n_timesteps": 32,
    "n_envs": 4,
    "group": 2,
    "n_steps": 4,
    "batch_size": 8,
    "width": 8,
    "net_arch": {"pi": [8], "vf": [8]},
    "eval": {"every": 2, "episodes": 2},
    "learning_rate": 3e-3,
}


def tiny(**changes):
    return TrainConfig.model_validate({**TINY, **changes})


def observed(satellites):
    return torch.randn(2, size(satellites, 3), generator=torch.Generator().manual_seed(1))


def dials_of_file(simulator, scenario=None):
    file = read_dials("all" if scenario is None else family(scenario))
    return ACTION_RANGE * dials_of(file.vector, roles_of(simulator.scenario))


@pytest.mark.parametrize("policy", ["FleetPolicy", "MlpPolicy"])
@pytest.mark.parametrize("start", [None, "tuned", "all"])
def test_an_untrained_policy_plays_the_dials_of_its_start(policy, start):
    """Catches dials of another class, and a start that the networks change before they have learnt."""
    model = build_model(tiny(policy=policy, start_dials=start), Scenario.load("starter12", WORLD["overrides"]))
    simulator = build_simulator(2, **WORLD, action_mode="dials")
    simulator.reset([20_000, 20_001])
    for _ in range(3):
        dials, _ = model.policy.predict(simulator.observation, deterministic=True)
        tuned = {None: 0 * dials, "tuned": dials_of_file(simulator, "starter12"), "all": dials_of_file(simulator)}[
            start
        ]
        np.testing.assert_allclose(dials, np.broadcast_to(tuned, dials.shape), atol=1e-6)
        assert start is None or np.ptp(dials) > 0.5
        simulator.step(dials)


def test_the_start_can_be_learnt_away_from():
    """Catches gradients that stop at the dials of the start."""
    model = build_model(tiny(start_dials="all"), Scenario.load("starter12", WORLD["overrides"]))
    before = model.policy.predict(observed(3).numpy(), deterministic=True)[0]
    model.learn(32)
    after = model.policy.predict(observed(3).numpy(), deterministic=True)[0]
    assert (np.abs(after - before) > 1e-6).all(1).all()


@pytest.mark.parametrize("satellites", [3, 6])
def test_a_policy_flies_other_fleets_and_other_classes(tmp_path, satellites):
    """Catches an interface that refuses them, and weights that a file of another fleet loses."""
    run = train(tiny(start_dials="all"), output=tmp_path / "run")
    for scenario in ("starter12", "threebody12"):
        overrides = {"shells.0.orbit.total": satellites}
        simulator = build_simulator(2, scenario, overrides=overrides, episode_hours=0.5, action_mode="dials")
        simulator.reset([20_000, 20_001])
        found = load_policy_scheduler(run / "model.zip", simulator.view).act(simulator.view)
        started = load_policy_scheduler(run / "start.zip", simulator.view).act(simulator.view)
        assert found.shape == (2, simulator.action_size)
        np.testing.assert_allclose(started, np.broadcast_to(dials_of_file(simulator), started.shape), atol=1e-6)
        assert (found != started).all() and np.abs(found - started).max() < 2.5
    bidding = build_simulator(1, **WORLD)
    bidding.reset([20_000])
    with pytest.raises(SchedulerError, match="action_mode = dials, but the environment has bids"):
        load_policy_scheduler(run, bidding.view)


def test_a_policy_of_one_network_over_all_flies_its_own_fleet_alone(tmp_path):
    run = train(tiny(policy="MlpPolicy", start_dials="all"), output=tmp_path / "run")
    other = build_simulator(1, "starter12", episode_hours=0.5, action_mode="dials")
    other.reset([20_000])
    with pytest.raises(SchedulerError, match="trained with observation_size"):
        load_policy_scheduler(run, other.view)


def on_bids(**changes):
    env = {"overrides": WORLD["overrides"], "episode_hours": 0.5, "action_mode": "bids"}
    return tiny(env=env, **changes)


@pytest.mark.parametrize("policy", ["FleetPolicy", "MlpPolicy"])
def test_an_untrained_policy_on_bids_acts_as_the_dials_of_its_start(tmp_path, policy):
    """Catches a base that validation, the file or the learner's environments leave out."""
    run = train(on_bids(policy=policy, start_dials="all", learning_rate=1e-9), output=tmp_path / "run")
    simulator = build_simulator(2, **WORLD)
    simulator.reset([20_000, 20_001])
    scores = np.zeros(2)
    scheduler = load_policy_scheduler(run / "start.zip", simulator.view)
    while not simulator.truncated.all():
        actions = scheduler.act(simulator.view)
        wanted = simulator.view.actions_of_dials(dials_of_file(simulator) / ACTION_RANGE)
        np.testing.assert_allclose(actions, wanted, atol=1e-6)
        simulator.step(actions)
        scores += simulator.reward
    rows = (run / "evaluations.csv").read_text().splitlines()
    assert float(rows[1].split(",")[1]) == pytest.approx(scores.mean(), abs=1e-9)
    zero = build_simulator(2, **WORLD)
    zero.reset([20_000, 20_001])
    assert np.abs(wanted).max() > 0.1


def test_the_environments_of_a_learner_add_its_actions_to_those_of_the_dials():
    """Catches the sum beyond the action space, and dials that are read after the step."""
    model = build_model(on_bids(start_dials="all"), Scenario.load("starter12", WORLD["overrides"]))
    env, twin = model.get_env(), build_simulator(4, **WORLD)
    env.reset()
    twin.reset(env.unwrapped.simulator.seeds)
    generator = np.random.default_rng(0)
    for _ in range(3):
        own = generator.uniform(-1, 1, (4, twin.action_size)).astype(np.float32)
        base = twin.view.actions_of_dials(dials_of_file(twin) / ACTION_RANGE)
        twin.step(np.clip(base + own, -1, 1))
        *_, infos = env.step(own)
        np.testing.assert_array_equal(env.unwrapped.simulator.reward, twin.reward)
    assert (np.abs(base + own) > 1).any() and len(infos) == 4


def test_a_policy_on_bids_flies_other_fleets_with_their_dials(tmp_path):
    """Catches dials of the classes of the first fleet, and weights that do not fit."""
    run = train(on_bids(start_dials="all"), output=tmp_path / "run")
    simulator = build_simulator(2, "threebody12", episode_hours=0.5)
    simulator.reset([20_000, 20_001])
    started = load_policy_scheduler(run / "start.zip", simulator.view).act(simulator.view)
    wanted = simulator.view.actions_of_dials(dials_of_file(simulator) / ACTION_RANGE)
    np.testing.assert_allclose(started, wanted, atol=1e-6)
    found = load_policy_scheduler(run / "model.zip", simulator.view).act(simulator.view)
    assert found.shape == wanted.shape and (found != started).any()


def test_a_start_without_dials_and_an_unknown_one_are_one_line(tmp_path):
    with pytest.raises(RunError, match=r"start_dials = tuned: must be null with env.action_mode = assign$"):
        load("maskable_ppo", {"start_dials": "tuned"})
    with pytest.raises(SchedulerError, match=r"^dials = peak1: must be the path of a .yaml file, or one of .*peak12"):
        train(tiny(start_dials="peak1"), output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_configuration_of_dials_is_of_this_mode():
    config = load("dials")
    assert config.env.action_mode == "dials" and config.start_dials == "tuned" and config.policy == "FleetPolicy"
