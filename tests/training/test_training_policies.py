import numpy as np
import pytest
import torch
from stable_baselines3.common.utils import ConstantSchedule

from odc_gym.envs.vector import action_space, build_simulator, observation_space
from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.observations import size
from odc_gym.training.policies import FleetPolicy, HeldNoisePolicy

S, C = 5, 3


class Sizes:
    observation_size = size(S, C)
    observation = np.zeros((1, observation_size))
    action_size = ActionLayout(S, C).size
    assigns = False


def fleet_policy(satellites=S):
    class Here(Sizes):
        observation = np.zeros((1, size(satellites, C)))
        action_size = ActionLayout(satellites, C).size

    spaces = observation_space(Here, "flat"), action_space(Here)
    return FleetPolicy(*spaces, ConstantSchedule(1e-3), satellites=satellites, classes=C, width=8, log_std=[-1.5] * 10)


def shake(policy):
    """Weights as training could leave them; the first ones give a zero action."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return policy


def outputs(policy, observation):
    with torch.no_grad():
        distribution = policy.get_distribution(observation)
        return distribution.distribution.mean, distribution.distribution.stddev, policy.predict_values(observation)


def test_renumbering_satellites_renumbers_their_actions_and_nothing_else():
    policy = shake(fleet_policy())
    per_satellite = (Sizes.observation_size - (size(0, C))) // S
    order = torch.tensor([3, 0, 4, 1, 2])
    observation = torch.randn(4, Sizes.observation_size, generator=torch.Generator().manual_seed(1))
    own = observation[:, : S * per_satellite].reshape(4, S, per_satellite)[:, order].flatten(1)
    renumbered = torch.cat([own, observation[:, S * per_satellite :]], 1)
    mean, deviation, value = outputs(policy, observation)
    mean2, deviation2, value2 = outputs(policy, renumbered)
    layout = ActionLayout(S, C)
    a, b = mean.numpy(), mean2.numpy()
    tolerance = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(layout.bids(b), layout.bids(a)[:, :, order], **tolerance)
    np.testing.assert_allclose(layout.clocks(b), layout.clocks(a)[:, order], **tolerance)
    np.testing.assert_allclose(layout.urgency(b), layout.urgency(a), **tolerance)
    np.testing.assert_allclose(layout.offsets(b), layout.offsets(a), **tolerance)
    np.testing.assert_allclose(value2, value, **tolerance)
    assert torch.equal(deviation, deviation2)
    assert np.abs(layout.bids(b) - layout.bids(a)).max() > 1e-3


def test_satellites_see_each_other():
    policy = shake(fleet_policy())
    observation = torch.zeros(2, Sizes.observation_size)
    observation[1, 0] = 1.0  # the first feature of the first satellite
    clocks = ActionLayout(S, C).clocks(outputs(policy, observation)[0].numpy())
    assert np.abs(clocks[1] - clocks[0]).min() > 0


def test_weights_fit_a_fleet_of_another_size():
    policy, larger = shake(fleet_policy()), fleet_policy(9)
    larger.load_state_dict(policy.state_dict())
    # satellites that all look alike act as they do in the smaller fleet
    one = torch.randn(size(1, C) - size(0, C))
    fleet = torch.randn(size(0, C))
    a = outputs(policy, torch.cat([one.repeat(5), fleet])[None])[0].numpy()
    b = outputs(larger, torch.cat([one.repeat(9), fleet])[None])[0].numpy()
    small, large = ActionLayout(5, C), ActionLayout(9, C)
    np.testing.assert_allclose(small.clocks(a)[0, 0], large.clocks(b)[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(small.urgency(a), large.urgency(b), rtol=1e-5, atol=1e-6)


def test_spread_is_one_per_kind_of_component():
    policy = fleet_policy()
    with torch.no_grad():
        policy.log_std.copy_(torch.arange(10.0) / 10)
    deviation = outputs(policy, torch.zeros(1, Sizes.observation_size))[1].log().numpy()
    layout = ActionLayout(S, C)
    np.testing.assert_allclose(layout.bids(deviation)[0], np.tile([[0.0], [0.1], [0.2]], (1, S)), atol=1e-6)
    np.testing.assert_allclose(layout.clocks(deviation), 0.3, atol=1e-6)
    np.testing.assert_allclose(layout.urgency(deviation), [[0.4, 0.5, 0.6]], atol=1e-6)
    np.testing.assert_allclose(layout.offsets(deviation), [[0.7, 0.8, 0.9]], atol=1e-6)


@pytest.mark.parametrize("kind", ["fleet", "mlp"])
def test_first_action_is_zero_and_can_be_learnt_from(kind):
    simulator = build_simulator(2, overrides={"shells.0.orbit.total": 3}, episode_hours=0.5)
    simulator.reset([0, 1])
    spaces = observation_space(simulator, "flat"), action_space(simulator)
    if kind == "fleet":
        policy = FleetPolicy(*spaces, ConstantSchedule(1e-3), satellites=3, classes=3, width=8, log_std=[0.0] * 10)
    else:
        policy = HeldNoisePolicy(*spaces, ConstantSchedule(1e-3), net_arch=[8], log_std=[0.0] * 18)
    assert not policy.predict(simulator.observation, deterministic=True)[0].any()
    policy.get_distribution(torch.as_tensor(simulator.observation)).distribution.mean.sum().backward()
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in policy.action_net.parameters())


def test_a_prediction_is_the_mean_of_the_distribution_and_sets_the_mode_of_every_layer():
    """Catches a short way to the mean that rounds differently, and one that leaves layers in the training mode."""
    policy = shake(fleet_policy())
    observation = torch.randn(4, Sizes.observation_size, generator=torch.Generator().manual_seed(1)) * 0.1
    policy.set_training_mode(True)
    predicted, _ = policy.predict(observation.numpy(), deterministic=True)
    assert not any(module.training for module in policy.modules())
    mean = outputs(policy, observation)[0].numpy()
    np.testing.assert_array_equal(predicted, mean.clip(-1, 1))
    assert predicted.any()
    noisy, _ = policy.predict(observation.numpy())
    assert (noisy != predicted).any()
    policy.set_training_mode(True)
    assert all(module.training for module in policy.modules())


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_noise_is_correlated_from_decision_to_decision_and_has_the_policys_spread(rho):
    spaces = observation_space(Sizes, "flat"), action_space(Sizes)
    policy = HeldNoisePolicy(
        *spaces, ConstantSchedule(1e-3), net_arch=[8], log_std=[-1.5] * Sizes.action_size, noise_correlation=rho
    )
    torch.manual_seed(0)
    observation = torch.zeros(400, Sizes.observation_size)
    with torch.no_grad():
        actions, _, log_prob = zip(*(policy(observation) for _ in range(30)), strict=True)
        _, log_prob_again, _ = policy.evaluate_actions(observation, actions[-1])
    draws = torch.stack(actions).numpy() / np.exp(-1.5)  # (30, B, A), mean 0
    assert draws.std() == pytest.approx(1, abs=0.01) and draws[-1].std() == pytest.approx(1, abs=0.03)
    assert (draws[1:] * draws[:-1]).mean() == pytest.approx(rho, abs=0.02)
    assert (draws[5:] * draws[:-5]).mean() == pytest.approx(rho**5, abs=0.03)
    torch.testing.assert_close(log_prob[-1], log_prob_again)
    assert not policy(observation, deterministic=True)[0].any()
