"""Policies of the mode `dials`: sets of satellites and classes, the dials of their start, and other fleets."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.utils import ConstantSchedule

from odc_gym.dial_files import NAMES, dials_of, family, read_dials, roles_of
from odc_gym.envs.vector import build_simulator
from odc_gym.errors import RunError, SchedulerError
from odc_gym.interface.dials import DIALS, DialLayout
from odc_gym.interface.observations import FLEET, SATELLITE, satellite_size, size
from odc_gym.scenario import Scenario
from odc_gym.training.config import TrainConfig, load
from odc_gym.training.dial_policy import ClassNature, DialPolicy, natures_of
from odc_gym.training.policy_scheduler import load_policy_scheduler
from odc_gym.training.run import build_model, train

S = 4
NATURES = (ClassNature("wide", 0.9, 1.0), ClassNature("narrow", 0.7, 0.25), ClassNature("service", 0.5, 0.5))
WORLD = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}
TINY = {
    "env": {**WORLD, "action_mode": "dials"},
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


def dial_policy(natures=NATURES, satellites=S, start=None):
    """A policy with weights as training could leave them."""
    dials = DialLayout(tuple(map(str, natures))).size
    here = spaces.Box(-1, 1, (size(satellites, len(natures)),)), spaces.Box(-1, 1, (dials,))
    log_std = list(np.linspace(-3, -1, len(DIALS)))
    policy = DialPolicy(
        *here, ConstantSchedule(1e-3), satellites=satellites, natures=natures, width=8, log_std=log_std, start=start
    )
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return policy


def outputs(policy, observation):
    with torch.no_grad():
        normal = policy.get_distribution(observation).distribution
        return normal.mean.numpy(), normal.stddev.numpy(), policy.predict_values(observation).numpy()


def observed(satellites=S, classes=3):
    return torch.randn(2, size(satellites, classes), generator=torch.Generator().manual_seed(1))


def test_the_order_of_satellites_means_nothing():
    """Catches weights that belong to a place in the observation."""
    policy, observation = dial_policy(), observed()
    each = satellite_size(3)
    own = observation[:, : S * each].reshape(2, S, each)[:, [2, 0, 3, 1]].flatten(1)
    for a, b in zip(
        outputs(policy, observation), outputs(policy, torch.cat([own, observation[:, S * each :]], 1)), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert outputs(policy, observation)[0].std() > 0.01


def test_another_order_of_classes_gives_their_dials_in_this_order():
    """Catches blocks of features that are cut by feature in place of by class, and dials of another class."""
    order = [2, 0, 1]
    start = list(np.linspace(-0.5, 0.5, len(NAMES)))
    policy, observation = dial_policy(start=start), observed()
    other = dial_policy([NATURES[k] for k in order])
    other.load_state_dict(policy.state_dict())
    by_class = (observation[:, : S * satellite_size(3)].reshape(2, S, -1), observation[:, S * satellite_size(3) :])
    moved = []
    for block, first in zip(by_class, (len(SATELLITE), len(FLEET)), strict=True):
        classes = block[..., first:].reshape(*block.shape[:-1], 3, -1)[..., order, :].flatten(-2)
        moved.append(torch.cat([block[..., :first], classes], -1).flatten(1))
    a, b = outputs(policy, observation), outputs(other, torch.cat(moved, 1))
    for k in (0, 1):
        np.testing.assert_allclose(
            a[k][..., :12].reshape(2, 4, 3)[..., order], b[k][..., :12].reshape(2, 4, 3), atol=1e-6
        )
        np.testing.assert_allclose(a[k][..., 12:], b[k][..., 12:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(a[2], b[2], rtol=1e-5, atol=1e-6)
    assert np.abs(np.diff(a[0][:, :12].reshape(2, 4, 3), axis=2)).min() > 1e-4  # the classes differ


def test_fitted_weights_give_a_fleet_of_twins_the_same_dials():
    """Catches sums in place of means, and a start that stays behind."""
    start = list(np.linspace(-0.5, 0.5, len(NAMES)))
    policy = dial_policy(start=start)
    scenario = Scenario.load("starter12")
    fitted = policy.fitted(12, scenario)
    assert fitted.natures == natures_of(scenario)
    small = policy.fitted(3, scenario)
    each = satellite_size(3)
    observation = observed(3)
    twins = torch.cat([observation[:, : 3 * each].repeat(1, 4), observation[:, 3 * each :]], 1)
    np.testing.assert_allclose(outputs(fitted, twins)[0], outputs(small, observation)[0], rtol=1e-5, atol=1e-6)
    two = policy.fitted(12, Scenario.load("threebody12"))
    assert outputs(two, observed(12, 2))[0].shape == (2, 23)


def test_natures_tell_a_service_from_jobs_and_wide_from_narrow():
    natures = dict(zip(Scenario.load("starter12").class_names, natures_of(Scenario.load("starter12")), strict=True))
    assert [natures[name].role for name in ("finetuning", "batch", "interactive")] == ["wide", "narrow", "service"]
    assert natures["finetuning"].width == 1.0 and 0 < natures["interactive"].width < 1
    assert len({tuple(nature.features) for nature in natures.values()}) == 3


def dials_of_file(simulator, scenario=None):
    file = read_dials("all" if scenario is None else family(scenario))
    return dials_of(file.vector, roles_of(simulator.scenario))


@pytest.mark.parametrize("policy", ["FleetPolicy", "MlpPolicy"])
@pytest.mark.parametrize("start", [None, "tuned", "all"])
def test_an_untrained_policy_plays_the_dials_of_its_start(policy, start):
    """Catches dials of another class, and a start that the networks change before they have learnt."""
    model = build_model(tiny(policy=policy, start_dials=start), Scenario.load("starter12", WORLD["overrides"]))
    simulator = build_simulator(2, "starter12", **WORLD, action_mode="dials")
    simulator.reset([20_000, 20_001])
    for _ in range(3):
        dials, _ = model.policy.predict(simulator.observation, deterministic=True)
        tuned = {None: 0 * dials, "tuned": dials_of_file(simulator, "starter12"), "all": dials_of_file(simulator)}[
            start
        ]
        np.testing.assert_allclose(dials, np.broadcast_to(tuned, dials.shape), atol=1e-6)
        assert start is None or np.ptp(dials) > 0.1
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
        assert (found != started).all() and np.abs(found - started).max() < 0.5
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


def test_a_start_without_dials_and_an_unknown_one_are_one_line(tmp_path):
    with pytest.raises(RunError, match=r"start_dials = tuned: must be null unless env.action_mode is dials$"):
        load("ppo", {"start_dials": "tuned"})
    with pytest.raises(SchedulerError, match=r"^dials = peak1: must be the path of a .yaml file, or one of .*peak12"):
        train(tiny(start_dials="peak1"), output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_configuration_of_dials_is_of_this_mode():
    config = load("dials")
    assert config.env.action_mode == "dials" and config.start_dials == "tuned" and config.policy == "FleetPolicy"
