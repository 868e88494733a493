"""Policies of sets: the order of satellites and classes, other fleets, and the noise of each kind of component."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.utils import ConstantSchedule

from odc_gym.dial_files import NAMES
from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.dials import DIALS
from odc_gym.interface.observations import FLEET, SATELLITE, satellite_size, size
from odc_gym.policies.natures import ClassNature, natures_of
from odc_gym.scenario import Scenario
from odc_gym.training.dial_policy import DialPolicy
from odc_gym.training.fleet_policy import FleetPolicy

S, C = 4, 3
NATURES = (ClassNature("wide", 0.9, 1.0), ClassNature("narrow", 0.7, 0.25), ClassNature("service", 0.5, 0.5))
KINDS = {FleetPolicy: 4, DialPolicy: len(DIALS)}


def policy_of(kind, natures=NATURES, satellites=S, **kwargs):
    """A policy with weights as training could leave them."""
    here = spaces.Box(-1, 1, (size(satellites, len(natures)),)), kind.action_box(satellites, len(natures))
    log_std = list(np.linspace(-3, -1, KINDS[kind]))
    sizes = {"satellites": satellites, "natures": natures, "width": 8}
    policy = kind(*here, ConstantSchedule(1e-3), log_std=log_std, **sizes, **kwargs)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            if parameter is not policy.log_std:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return policy


def outputs(policy, observation):
    with torch.no_grad():
        normal = policy.get_distribution(observation).distribution
        return normal.mean.numpy(), normal.stddev.numpy(), policy.predict_values(observation).numpy()


def observed(satellites=S, classes=C):
    return torch.randn(2, size(satellites, classes), generator=torch.Generator().manual_seed(1))


def by_kind(kind, actions, satellites=S, classes=C):
    """Parts of actions whose last axes are the satellite axis, the class axis, or none."""
    if kind is DialPolicy:
        of_classes = actions[:, : 4 * classes].reshape(len(actions), 4, classes)
        return {"of_classes": of_classes, "of_fleet": actions[:, 4 * classes :]}
    layout = ActionLayout(satellites, classes)
    parts = {"bids": layout.bids(actions), "clocks": layout.clocks(actions)}
    return parts | {"of_classes": np.stack([layout.urgency(actions), layout.offsets(actions)], 1)}


@pytest.mark.parametrize("kind", KINDS)
def test_renumbering_satellites_renumbers_their_actions_and_nothing_else(kind):
    """Catches weights that belong to a place in the observation or in the action."""
    policy, observation, order = policy_of(kind), observed(), [2, 0, 3, 1]
    each = satellite_size(C)
    own = observation[:, : S * each].reshape(2, S, each)[:, order].flatten(1)
    first = outputs(policy, observation)
    second = outputs(policy, torch.cat([own, observation[:, S * each :]], 1))
    wanted = by_kind(kind, first[0])
    for name in ("bids", "clocks"):
        if name in wanted:
            wanted[name] = wanted[name][..., order]
    for name, found in by_kind(kind, second[0]).items():
        np.testing.assert_allclose(found, wanted[name], rtol=1e-5, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(second[2], first[2], rtol=1e-5, atol=1e-6)
    assert first[0].std() > 0.01
    assert kind is DialPolicy or np.abs(np.diff(by_kind(kind, first[0])["clocks"])).min() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_another_order_of_classes_gives_their_components_in_this_order(kind):
    """Catches blocks of features that are cut by feature in place of by class, and components of another class."""
    order = [2, 0, 1]
    start = {"start": list(np.linspace(-0.5, 0.5, len(NAMES)))} if kind is DialPolicy else {}
    policy, observation = policy_of(kind, **start), observed()
    other = policy_of(kind, [NATURES[k] for k in order])
    other.load_state_dict(policy.state_dict())
    blocks = (observation[:, : S * satellite_size(C)].reshape(2, S, -1), observation[:, S * satellite_size(C) :])
    moved = []
    for block, first in zip(blocks, (len(SATELLITE), len(FLEET)), strict=True):
        classes = block[..., first:].reshape(*block.shape[:-1], C, -1)[..., order, :].flatten(-2)
        moved.append(torch.cat([block[..., :first], classes], -1).flatten(1))
    a, b = outputs(policy, observation), outputs(other, torch.cat(moved, 1))
    for k in (0, 1):
        wanted, found = by_kind(kind, a[k]), by_kind(kind, b[k])
        wanted["of_classes"] = wanted["of_classes"][..., order]
        if "bids" in wanted:
            wanted["bids"] = wanted["bids"][:, order]
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(a[2], b[2], rtol=1e-5, atol=1e-6)
    assert np.abs(np.diff(by_kind(kind, a[0])["of_classes"], axis=2)).min() > 1e-4  # the classes differ


@pytest.mark.parametrize("kind", KINDS)
def test_fitted_weights_act_alike_in_a_fleet_of_twins(kind):
    """Catches sums in place of means, and a start that stays behind."""
    start = {"start": list(np.linspace(-0.5, 0.5, len(NAMES)))} if kind is DialPolicy else {}
    policy, scenario = policy_of(kind, **start), Scenario.load("starter12")
    large, small = policy.fitted(12, scenario), policy.fitted(3, scenario)
    assert large.natures == natures_of(scenario)
    each, observation = satellite_size(C), observed(3)
    twins = torch.cat([observation[:, : 3 * each].repeat(1, 4), observation[:, 3 * each :]], 1)
    few, many = by_kind(kind, outputs(small, observation)[0], 3), by_kind(kind, outputs(large, twins)[0], 12)
    for name, values in few.items():
        wanted = np.tile(values, [1] * (values.ndim - 1) + [4]) if name in ("bids", "clocks") else values
        np.testing.assert_allclose(many[name], wanted, rtol=1e-5, atol=1e-6, err_msg=name)
    two = policy.fitted(12, Scenario.load("threebody12"))
    assert outputs(two, observed(12, 2))[0].shape == (2, *kind.action_box(12, 2).shape)


def test_satellites_see_each_other():
    """Catches embeddings of satellites without the mean over the others."""
    policy = policy_of(FleetPolicy)
    observation = torch.zeros(2, size(S, C))
    observation[1, 0] = 1.0  # the first feature of the first satellite
    clocks = ActionLayout(S, C).clocks(outputs(policy, observation)[0])
    assert np.abs(clocks[1] - clocks[0]).min() > 0


def test_each_kind_of_component_has_its_own_noise():
    """Catches entries of `log_std` that are given to components of another kind."""
    deviation = np.log(outputs(policy_of(FleetPolicy), observed())[1])
    layout = ActionLayout(S, C)
    parts = (layout.bids(deviation), layout.clocks(deviation), layout.urgency(deviation), layout.offsets(deviation))
    for part, wanted in zip(parts, np.linspace(-3, -1, 4), strict=True):
        np.testing.assert_allclose(part, wanted, atol=1e-6)
    dials = np.log(outputs(policy_of(DialPolicy), observed())[1])[0]
    wanted = np.linspace(-3, -1, len(DIALS))
    np.testing.assert_allclose(dials, [*np.repeat(wanted[:4], C), *wanted[4:]], atol=1e-6)


def test_natures_tell_a_service_from_jobs_and_wide_from_narrow():
    natures = dict(zip(Scenario.load("starter12").class_names, natures_of(Scenario.load("starter12")), strict=True))
    assert [natures[name].role for name in ("finetuning", "batch", "interactive")] == ["wide", "narrow", "service"]
    assert natures["finetuning"].width == 1.0 and 0 < natures["interactive"].width < 1
    assert len({tuple(nature.features) for nature in natures.values()}) == 3
