"""Policies with held noise: the first action, the mean, and the correlation of the noise."""

import numpy as np
import pytest
import torch
from stable_baselines3.common.utils import ConstantSchedule

from odc_gym.envs.vector import action_space, build_simulator, observation_space
from odc_gym.policies.natures import natures_of
from odc_gym.training.fleet_policy import FleetPolicy
from odc_gym.training.policies import HeldNoisePolicy

WORLD = {"scenario": "starter12", "overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}


@pytest.fixture(scope="module")
def simulator():
    made = build_simulator(2, **WORLD)
    made.reset([0, 1])
    return made


def made_policy(simulator, kind, **kwargs):
    spaces = observation_space(simulator, "flat"), action_space(simulator), ConstantSchedule(1e-3)
    if kind == "fleet":
        natures = natures_of(simulator.scenario)
        return FleetPolicy(*spaces, satellites=3, natures=natures, width=8, log_std=[-1.5] * 4, **kwargs)
    return HeldNoisePolicy(*spaces, net_arch=[8], log_std=[-1.5] * simulator.action_size, **kwargs)


def shake(policy):
    """Weights as training could leave them; the first ones give a zero action."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return policy


@pytest.mark.parametrize("kind", ["fleet", "mlp"])
def test_first_action_is_zero_and_can_be_learnt_from(simulator, kind):
    policy = made_policy(simulator, kind)
    assert not policy.predict(simulator.observation, deterministic=True)[0].any()
    policy.get_distribution(torch.as_tensor(simulator.observation)).distribution.mean.sum().backward()
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in policy.action_net.parameters())


def test_a_prediction_is_the_mean_of_the_distribution_and_sets_the_mode_of_every_layer(simulator):
    """Catches a short way to the mean that rounds differently, and one that leaves layers in the training mode."""
    policy = shake(made_policy(simulator, "fleet"))
    observation = torch.as_tensor(simulator.observation)
    policy.set_training_mode(True)
    predicted, _ = policy.predict(observation.numpy(), deterministic=True)
    assert not any(module.training for module in policy.modules())
    with torch.no_grad():
        mean = policy.get_distribution(observation).distribution.mean.numpy()
    np.testing.assert_array_equal(predicted, mean.clip(-1, 1))
    assert predicted.any()
    noisy, _ = policy.predict(observation.numpy())
    assert (noisy != predicted).any()
    policy.set_training_mode(True)
    assert all(module.training for module in policy.modules())


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_noise_is_correlated_from_decision_to_decision_and_has_the_policys_spread(simulator, rho):
    policy = made_policy(simulator, "mlp", noise_correlation=rho)
    torch.manual_seed(0)
    observation = torch.zeros(400, simulator.observation.shape[1])
    with torch.no_grad():
        actions, _, log_prob = zip(*(policy(observation) for _ in range(30)), strict=True)
        _, log_prob_again, _ = policy.evaluate_actions(observation, actions[-1])
    draws = torch.stack(actions).numpy() / np.exp(-1.5)  # (30, B, A), mean 0
    assert draws.std() == pytest.approx(1, abs=0.01) and draws[-1].std() == pytest.approx(1, abs=0.03)
    assert (draws[1:] * draws[:-1]).mean() == pytest.approx(rho, abs=0.02)
    assert (draws[5:] * draws[:-5]).mean() == pytest.approx(rho**5, abs=0.03)
    torch.testing.assert_close(log_prob[-1], log_prob_again)
    assert not policy(observation, deterministic=True)[0].any()
