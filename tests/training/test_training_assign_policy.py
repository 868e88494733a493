"""The policy of the mode `assign`: pairs are treated alike, and it begins as the operator does."""

import numpy as np
import pytest
import torch
from stable_baselines3.common.utils import ConstantSchedule, obs_as_tensor

from odc_gym.agents import make_scheduler, scheduler_factory
from odc_gym.envs.vector import action_space, observation_space
from odc_gym.errors import SchedulerError
from odc_gym.evaluation import evaluate
from odc_gym.evaluation.inspection import InspectedScheduler, inspect
from odc_gym.evaluation.worker import rollout
from odc_gym.simulator.simulator import Simulator
from odc_gym.training.assign_policy import AssignPolicy
from odc_gym.training.config import TrainConfig
from odc_gym.training.policy_scheduler import feasible_choices
from odc_gym.training.run import train

S, K = 12, 16


@pytest.fixture(scope="module")
def sim(starter12):
    sim = Simulator(starter12, 3, episode_hours=2, action_mode="assign")
    sim.reset([1, 2, 3])
    return sim


def policy_of(sim):
    return AssignPolicy(observation_space(sim, "dict"), action_space(sim), ConstantSchedule(1e-3), width=8)


def shake(policy):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return policy


def logits(policy, blocks):
    with torch.no_grad():
        features = policy.extract_features(obs_as_tensor(blocks, "cpu"))
        jobs, levels = policy.action_net(features).split([K * (S + 1), S * 6], 1)
        return jobs.reshape(-1, K, S + 1).numpy(), levels.reshape(-1, S, 6).numpy()


def test_renumbering_satellites_and_jobs_renumbers_choices_and_nothing_else(sim):
    """Catches blocks that are read in another order than stable-baselines3 joins them in."""
    policy, blocks = shake(policy_of(sim)), sim.buffers.blocks
    satellites, jobs = np.random.default_rng(0).permutation(S), np.random.default_rng(1).permutation(K)
    renumbered = blocks | {
        "satellites": blocks["satellites"][:, satellites],
        "jobs": blocks["jobs"][:, jobs],
        "jobs_present": blocks["jobs_present"][:, jobs],
    }
    (a, level_a), (b, level_b) = logits(policy, blocks), logits(policy, renumbered)
    assert np.ptp(a[0, 0]) > 0.1
    columns = [*satellites, S]
    np.testing.assert_allclose(b, a[:, jobs][:, :, columns], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(level_b, level_a[:, satellites], rtol=1e-4, atol=1e-5)


def test_it_begins_as_the_operator(sim):
    """Each job goes to the emptiest satellite that can take it, at the sustainable clock."""
    action = feasible_choices(policy_of(sim), sim.view)
    free = sim.view.observation["free"]
    for b, k in zip(*np.nonzero(sim.view.job_present), strict=True):
        able = np.flatnonzero(sim.buffers.job_feasible[b, k, :-1])
        if able.size:
            assert free[b, action[b, k]] == free[b, able].max()
        else:
            assert action[b, k] == S
    assert (action[:, K:] == 0).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = {
        "algo": "maskable_ppo", "policy": "AssignPolicy", "scenario": "starter12", "start_dials": None,
        "n_timesteps": 32, "n_envs": 4, "group": 2, "n_steps": 8,
        "batch_size": 16, "width": 8, "eval": {"episodes": 2},
        "env": {
            "overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5,
            "action_mode": "assign", "observation_mode": "dict",
        },
    }  # fmt: skip
    return train(TrainConfig.model_validate(config), output=tmp_path_factory.mktemp("runs") / "run")


def test_a_run_operates_the_mode_it_was_trained_in(run, starter12):
    small = starter12.replace({"shells.0.orbit.total": 3})
    sim = Simulator(small, 2, episode_hours=0.5, action_mode="assign")
    sim.reset([20_000, 20_001])
    scheduler = make_scheduler(run, sim)
    scheduler.reset(sim.view, np.ones(2, bool), sim.seeds)
    action = scheduler.act(sim.view)
    assert action.shape == (2, K + 3)
    sim.step(action)
    with pytest.raises(SchedulerError, match="trained with action_size = 19, but the environment has 18"):
        make_scheduler(run, Simulator(small, 1))


def test_a_run_is_compared_in_its_own_mode(run, starter12):
    fleet = starter12.replace({"shells.0.orbit.total": 3, "episode.hours": 0.5})
    factories = {name: scheduler_factory(name) for name in ("zero", str(run), "first-come")}
    result = evaluate(fleet, factories, [20_000, 20_001], workers=1)
    sim = Simulator(fleet, 2, action_mode="assign")
    sim.reset([20_000, 20_001])
    assert (rollout(sim, make_scheduler(run, sim)).score == result.results[str(run)].score).all()
    with pytest.raises(SchedulerError, match="scheduler = zero: needs an environment with action_mode='bids'"):
        make_scheduler("zero", sim)
    with pytest.raises(SchedulerError, match="its action_mode is assign, must be bids"):
        inspect(
            fleet, {"run": InspectedScheduler(factories[str(run)])}, InspectedScheduler(factories["zero"]), [20_000]
        )
