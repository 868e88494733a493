"""The SB3 batch against SB3's own DummyVecEnv over single environments, wrapped in its Monitor."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import odc_gym  # noqa: F401  registers the id
from odc_gym.errors import ActionError, RunError, ScenarioError
from odc_gym.sb3 import ODCSatVecEnv, make_vec_env

SMALL = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}  # 6 decisions


def small(n_envs=3, seed=0, **kwargs):
    return make_vec_env("ODCSat-v0", n_envs=n_envs, seed=seed, **{**SMALL, **kwargs})


def learner(env, **kwargs):
    model = PPO("MlpPolicy", env, n_steps=6, batch_size=12, n_epochs=1, device="cpu", **kwargs)
    model.set_logger(Logger(None, []))  # the default one leaves folders behind
    return model


def actions_of(env, rng):
    if hasattr(env.action_space, "nvec"):
        return rng.integers(0, env.action_space.nvec, (env.num_envs, *env.action_space.shape))
    return rng.uniform(-1, 1, (env.num_envs, *env.action_space.shape)).astype(np.float32)


def same_observation(a, b):
    if isinstance(b, dict):
        return set(a) == set(b) and all(same_observation(a[name], b[name]) for name in b)
    return np.array_equal(a, b) and a.dtype == b.dtype


@pytest.mark.parametrize("modes", [("bids", "flat"), ("bids", "dict"), ("assign", "flat"), ("assign", "dict")])
def test_equals_dummy_vec_env_over_single_environments(modes):
    kwargs = dict(zip(("action_mode", "observation_mode"), modes, strict=True))
    ours = small(**kwargs)
    theirs = DummyVecEnv([lambda: Monitor(gym.make("ODCSat-v0", **SMALL, **kwargs))] * 3)
    theirs.seed(0)
    assert ours.observation_space == theirs.observation_space and ours.action_space == theirs.action_space
    assert same_observation(ours.reset(), theirs.reset())
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(15):
        actions = actions_of(ours, rng)
        (obs, reward, done, infos), (obs2, reward2, done2, infos2) = ours.step(actions), theirs.step(actions)
        assert same_observation(obs, obs2) and np.array_equal(reward, reward2) and np.array_equal(done, done2)
        for info in (*theirs.reset_infos, *infos2):
            info.pop("action_mask", None)  # asked for by method here: a list of masks a step is slow
        if modes[0] == "assign":
            assert np.array_equal(ours.env_method("action_masks"), theirs.env_method("action_masks"))
        assert ours.reset_infos == theirs.reset_infos
        assert reward.dtype == reward2.dtype and done.dtype == done2.dtype
        for info, info2 in zip(infos, infos2, strict=True):
            ends += "episode" in info
            if "episode" in info2:
                assert info["episode"]["r"] == pytest.approx(info2["episode"]["r"], abs=1e-5)  # Monitor rounds
                assert info["episode"]["l"] == info2["episode"]["l"] == 6 and info["episode"]["t"] >= 0
                assert same_observation(info.pop("terminal_observation"), info2.pop("terminal_observation"))
                info["episode"] = info2["episode"] = None
            else:
                info2.pop("TimeLimit.truncated")  # DummyVecEnv tells it, as false, between ends too
            assert info == info2
    assert ends == 6


def test_ppo_bootstraps_the_value_beyond_the_time_limit():
    env = small(2)
    model = learner(env, gamma=0.9, seed=0)
    policy = model.policy
    seen = {}
    step_wait = env.step_wait

    def spy():
        obs, rewards, dones, infos = step_wait()
        if dones.all():
            seen["rewards"] = rewards.copy()
            seen["final"] = np.stack([info["terminal_observation"] for info in infos])
            with torch.no_grad():
                seen["value"] = policy.predict_values(torch.as_tensor(seen["final"])).numpy()[:, 0]
        return obs, rewards, dones, infos

    env.step_wait = spy
    model.learn(12)
    stored = model.rollout_buffer.rewards[-1]
    np.testing.assert_allclose(stored, seen["rewards"] + 0.9 * seen["value"], rtol=1e-5)
    assert abs(seen["value"]).min() > 0


def test_first_episodes_follow_the_seed_and_later_ones_are_training_episodes():
    env = small(4, seed=25_000)
    env.reset()
    assert env.simulator.seeds.tolist() == [25_000, 25_001, 25_002, 25_003]
    seen = []
    for _ in range(13):
        _, _, dones, _ = env.step(np.zeros((4, *env.action_space.shape)))
        if dones.all():
            seen += env.simulator.seeds.tolist()
    assert len(seen) == 8 and max(seen) < 10_000 and len(set(seen)) > 1
    env.reset()  # a seed holds for one reset
    assert max(env.simulator.seeds) < 10_000


def test_lists_of_seeds_and_none():
    env = small(2, seed=None)
    assert env.seed([7, 20_005]) == [7, 20_005]
    env.reset()
    assert env.simulator.seeds.tolist() == [7, 20_005]
    assert env.seed() == [None, None]


@pytest.mark.parametrize("seed", [10_000, 9_999, 19_999, [3, 15_000]])
def test_test_episodes_are_refused(seed):
    with pytest.raises(
        RunError, match=r"^seed = 1\d{4}: kept for tests; training seeds are 0-9999, validation 20000\+$"
    ):
        small(2, seed=seed)


@pytest.mark.parametrize("before", [0, 4, 6, 9])
def test_state_goes_on_exactly(before):
    env, other = small(3, seed=11), small(3, seed=500)
    rng = np.random.default_rng(3)
    env.reset()
    other.reset()
    for _ in range(before):
        env.step(actions_of(env, rng))
    state = {name: np.array(value) for name, value in env.get_state().items()}
    other.set_state(state)
    assert np.array_equal(other.simulator.observation, env.simulator.observation)
    for _ in range(14):
        actions = actions_of(env, rng)
        a, b = env.step(actions), other.step(actions)
        for x, y in zip(a[:3], b[:3], strict=True):
            assert np.array_equal(x, y)
        for info, info2 in zip(a[3], b[3], strict=True):
            final, final2 = info.pop("terminal_observation", None), info2.pop("terminal_observation", None)
            assert (final is None) == (final2 is None)
            if final is not None:
                assert np.array_equal(final, final2)
                info["episode"].pop("t"), info2["episode"].pop("t")
            assert info == info2


def test_state_of_another_size_is_refused():
    with pytest.raises(ScenarioError, match="must be of 2 environments, got 3"):
        small(2).set_state(small(3).get_state())


def test_attributes_and_methods():
    env = small(3)
    env.reset()
    assert env.get_attr("render_mode") == [None] * 3
    assert len(env.get_attr("simulator", indices=[0, 2])) == 2
    assert not env.has_attr("nonsense")
    env.set_attr("note", 5)
    assert env.get_attr("note", indices=1) == [5]
    with pytest.raises(ValueError, match="share 'note'"):
        env.set_attr("note", 6, indices=[0])
    assert env.env_method("episode_metrics", indices=1)[0] == env.episode_metrics(1)
    with pytest.raises(AttributeError, match="must be one of episode_metrics"):
        env.env_method("fly")
    assert env.env_is_wrapped(Monitor) == [True] * 3
    assert env.env_is_wrapped(gym.wrappers.TimeLimit, indices=0) == [False]
    assert [info["episode_seed"] for info in env.reset_infos] == [0, 1, 2]
    env.close()


def test_sb3s_own_tools_accept_it():
    env = VecNormalize(small(2, seed=20_000))
    model = learner(env)
    model.learn(24)
    assert [episode["l"] for episode in model.ep_info_buffer] == [6] * 4
    returns, lengths = evaluate_policy(model, small(2, seed=20_000), 4, return_episode_rewards=True)
    assert lengths == [6] * 4 and np.isfinite(returns).all()


def test_bad_action_and_bad_id():
    env = small(2)
    env.reset()
    with pytest.raises(ActionError):
        env.step(np.full((2, *env.action_space.shape), np.nan))
    with pytest.raises(ScenarioError, match="env_id = 'CartPole-v1': must be 'ODCSat-v0'"):
        make_vec_env("CartPole-v1")
    assert isinstance(make_vec_env("odc_gym:ODCSat-v0", 1, **SMALL), ODCSatVecEnv)
