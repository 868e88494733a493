"""The SB3 batch against SB3's own DummyVecEnv over single environments, wrapped in its Monitor."""

import csv
import inspect
import json

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common import env_util
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecMonitor, VecNormalize, VecVideoRecorder

import odc_gym  # noqa: F401  registers the id
from odc_gym.errors import ActionError, ArgumentError, ScenarioError
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
        ArgumentError, match=r"^seed = 1\d{4}: kept for tests; training seeds are 0-9999, validation 20000\+$"
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
    with pytest.raises(ArgumentError, match=r"^state: returns of shape \(3,\), must be of shape \(2,\)$"):
        small(2).set_state(small(3).get_state())


def test_attributes_and_methods():
    env = small(3)
    env.reset()
    assert env.get_attr("render_mode") == ["rgb_array"] * 3
    assert len(env.get_attr("simulator", indices=[0, 2])) == 2
    assert not env.has_attr("nonsense")
    env.set_attr("note", 5)
    assert env.get_attr("note", indices=1) == [5]
    with pytest.raises(ArgumentError, match="share 'note'"):
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


def test_bad_action():
    env = small(2)
    env.reset()
    with pytest.raises(ActionError):
        env.step(np.full((2, *env.action_space.shape), np.nan))


def test_the_signature_is_that_of_stable_baselines3():
    """Catches a parameter that is missing, has another name or default, or stands in another place."""
    ours, theirs = (
        [(p.name, p.default) for p in inspect.signature(make).parameters.values()]
        for make in (make_vec_env, env_util.make_vec_env)
    )
    assert ours == [*theirs, ("more_env_kwargs", inspect.Parameter.empty)]


@pytest.mark.parametrize("env_id", ["ODCSat-v0", "odc_gym:ODCSat-v0", gym.spec("ODCSat-v0").id])
def test_ids_of_the_environment(env_id):
    env = make_vec_env(env_id, env_kwargs=SMALL)
    assert isinstance(env, ODCSatVecEnv) and env.num_envs == 1
    env.reset()
    assert env.simulator.seeds[0] < 10_000  # without a seed, a training episode


@pytest.mark.parametrize("seed", [3, 25_000])
def test_rewards_equal_those_of_stable_baselines3s_make_vec_env(seed):
    theirs = env_util.make_vec_env("ODCSat-v0", 2, seed, env_kwargs=SMALL)
    assert isinstance(theirs, DummyVecEnv)
    ours = make_vec_env("ODCSat-v0", 2, seed, env_kwargs=SMALL)
    assert ours.render_mode == theirs.render_mode == "rgb_array"
    assert np.array_equal(ours.action_space.sample(), theirs.action_space.sample())
    assert same_observation(ours.reset(), theirs.reset())
    rng = np.random.default_rng(0)
    for _ in range(9):  # beyond an episode's end, whose successor the seed decides too
        actions = actions_of(ours, rng)
        (obs, reward, done, _), (obs2, reward2, done2, _) = ours.step(actions), theirs.step(actions)
        assert same_observation(obs, obs2) and np.array_equal(reward, reward2) and np.array_equal(done, done2)


def test_start_index_shifts_the_seeds():
    env = make_vec_env("ODCSat-v0", 3, seed=20_000, start_index=4, env_kwargs=SMALL)
    env.reset()
    assert env.simulator.seeds.tolist() == [20_004, 20_005, 20_006]
    with pytest.raises(ArgumentError, match="seed = 10000: kept for tests"):
        make_vec_env("ODCSat-v0", 1, seed=9_999, start_index=1, env_kwargs=SMALL)


def test_arguments_of_the_environment_come_in_a_mapping_or_as_keywords():
    mapping = make_vec_env("ODCSat-v0", 2, seed=0, env_kwargs=SMALL)
    keywords = make_vec_env("ODCSat-v0", n_envs=2, seed=0, **SMALL)
    both = make_vec_env("ODCSat-v0", 2, 0, env_kwargs={"episode_hours": 0.5}, overrides=SMALL["overrides"])
    first = mapping.reset()
    assert np.array_equal(first, keywords.reset()) and np.array_equal(first, both.reset())
    with pytest.raises(ArgumentError, match=r"^episode_hours: must be given either in env_kwargs or as a keyword, not"):
        make_vec_env("ODCSat-v0", env_kwargs=SMALL, episode_hours=1)


def test_monitor_files_hold_the_episodes(tmp_path):
    """In the format of stable-baselines3: a JSON comment, a header, and a line an episode."""
    folder, keywords = tmp_path / "logs", ("cost", "reward/compute")
    returns = []
    for start_index in (0, 2):
        env = make_vec_env(
            "ODCSat-v0", 2, seed=20_000, start_index=start_index, monitor_dir=folder, env_kwargs=SMALL,
            monitor_kwargs={"info_keywords": keywords},
        )  # fmt: skip
        assert isinstance(env, VecMonitor)
        env.reset()
        total = np.zeros(2)
        for _ in range(6):
            _, rewards, dones, infos = env.step(np.zeros((2, *env.action_space.shape)))
            total += rewards
        returns += total.tolist()
        assert dones.all() and all(info["episode"]["cost"] == info["cost"] for info in infos)
        env.close()
    assert {path.name for path in folder.iterdir()} == {"0.monitor.csv", "2.monitor.csv"}
    found = []
    for path in sorted(folder.iterdir()):
        comment, *lines = path.read_text().splitlines()
        assert json.loads(comment.removeprefix("#"))["env_id"] == "ODCSat-v0"
        found += csv.DictReader(lines)
    assert [line["l"] for line in found] == ["6"] * 4 and set(found[0]) == {"r", "l", "t", *keywords}
    assert [float(line["r"]) for line in found] == pytest.approx(returns, abs=1e-4)


def test_monitor_keywords_need_no_file():
    env = make_vec_env("ODCSat-v0", 1, env_kwargs=SMALL, monitor_kwargs={"info_keywords": ("cost",)})
    env.reset()
    for _ in range(6):
        infos = env.step(np.zeros((1, *env.action_space.shape)))[3]
    assert infos[0]["episode"]["cost"] == infos[0]["cost"]


@pytest.mark.parametrize("make", [make_vec_env, env_util.make_vec_env])
def test_kpis_are_recorded_by_monitors(make, tmp_path):
    """Catches KPIs that `info_keywords` cannot name, in our batch and in stable-baselines3's own."""
    keywords = ("episode_metrics/charge_least_frac", "cost")
    env = make(
        "odc_gym:ODCSat-v0", 2, seed=0, monitor_dir=str(tmp_path), env_kwargs=SMALL,
        monitor_kwargs={"info_keywords": keywords},
    )  # fmt: skip
    env.reset()
    for _ in range(6):
        infos = env.step(np.zeros((2, *env.action_space.shape)))[3]
    for info in infos:
        assert info["episode"][keywords[0]] == info["episode_metrics"]["charge_least_frac"]
    env.close()
    lines = [line for path in tmp_path.iterdir() for line in csv.DictReader(path.read_text().splitlines()[1:])]
    assert len(lines) == 2 and all(0.0 < float(line[keywords[0]]) <= 1.0 for line in lines)


def test_a_wrong_keyword_of_their_monitor_is_told():
    env = env_util.make_vec_env("ODCSat-v0", env_kwargs=SMALL, monitor_kwargs={"info_keywords": ("sheds",)})
    env.reset()
    with pytest.raises(KeyError, match="info has no value 'sheds'; did you mean episode_metrics/sheds"):
        for _ in range(6):
            env.step(np.zeros((1, *env.action_space.shape)))


def test_first_lines_of_tutorials():
    """Catches stable-baselines3's own `make_vec_env` and algorithms by id, which ask for pictures."""
    assert env_util.make_vec_env("odc_gym:ODCSat-v0", n_envs=4).num_envs == 4
    model = PPO("MlpPolicy", "odc_gym:ODCSat-v0", n_steps=8, batch_size=8, n_epochs=1, device="cpu")
    model.set_logger(Logger(None, []))
    assert model.learn(8).num_timesteps == 8


def test_pictures_equal_those_of_stable_baselines3s_batch():
    """Catches batches that do not render, and scores and rows that are mixed up."""
    ours, theirs = (make("ODCSat-v0", 3, 0, env_kwargs=SMALL) for make in (make_vec_env, env_util.make_vec_env))
    with pytest.raises(gym.error.ResetNeeded, match="must be reset before it is rendered"):
        ours.render()
    for env in (ours, theirs):
        env.reset()
    for _ in range(7):  # beyond an episode's end
        for env in (ours, theirs):
            env.step(np.full((3, *env.action_space.shape), 0.3))
        images = ours.get_images()
        assert all(np.array_equal(a, b) for a, b in zip(images, theirs.get_images(), strict=True))
    assert np.array_equal(ours.render(), theirs.render()) and np.array_equal(ours.render("rgb_array"), ours.render())
    assert np.array_equal(ours.env_method("render", indices=[2])[0], images[2])
    assert ours.metadata["render_fps"] == 12 and "rgb_array" in ours.metadata["render_modes"]


def test_texts_and_nothing_are_render_modes_too():
    env = small(2, render_mode="ansi")
    env.reset()
    assert env.env_method("render")[1].startswith("peak12  episode 1 ")
    assert env.render() is None and env.get_images() == [None, None]  # as stable-baselines3 treats text
    env = small(2, render_mode=None)
    env.reset()
    assert env.env_method("render") == [None, None]


def test_videos_of_the_batch(tmp_path):
    pytest.importorskip("moviepy")
    env = VecVideoRecorder(small(2), str(tmp_path), lambda step: step == 0, video_length=4)
    env.reset()
    for _ in range(6):
        env.step(np.zeros((2, *env.action_space.shape)))
    env.close()
    assert list(tmp_path.glob("*.mp4"))


@pytest.mark.parametrize(
    ("kwargs", "line"),
    [
        ({"env_id": "CartPole-v1"}, "env_id = 'CartPole-v1': must be 'ODCSat-v0'"),
        ({"env_id": gym.Env}, "env_id = <class 'gymnasium.core.Env'>: must be 'ODCSat-v0'"),
        ({"n_envs": 0}, "n_envs = 0: must be an integer >= 1"),
        ({"seed": -1}, "seed = -1: must be an integer >= 0"),
        ({"start_index": -1}, "start_index = -1: must be an integer >= 0"),
        ({"start_index": 0.5}, "start_index = 0.5: must be an integer >= 0"),
        (
            {"wrapper_class": Monitor},
            "wrapper_class = <class 'stable_baselines3.common.monitor.Monitor'>: must be None",
        ),
        ({"vec_env_cls": SubprocVecEnv}, "SubprocVecEnv'>: must be None, because one simulator steps all environments"),
        ({"vec_env_kwargs": {"start_method": "fork"}}, "vec_env_kwargs = {'start_method': 'fork'}: must be None"),
        ({"wrapper_kwargs": {"width": 84}}, "wrapper_kwargs = {'width': 84}: must be None"),
        ({"monitor_kwargs": {"reset_keywords": ()}}, "unknown key 'reset_keywords'; must be info_keywords"),
        ({"render_mode": "human"}, "render_mode = 'human': must be one of None, ansi, rgb_array"),
        (
            {"monitor_kwargs": {"info_keywords": ("charge_least_frac",)}},
            "info_keywords: info has no value 'charge_least_frac'; did you mean episode_metrics/charge_least_frac?",
        ),
        (
            {"monitor_kwargs": {"info_keywords": ("episode_metrics",)}},
            "info_keywords: info has no value 'episode_metrics'; ",
        ),
        ({"monitor_kwargs": {"info_keywords": "cost"}}, "info_keywords = 'cost': must be a tuple of names"),
        ({"monitor_kwargs": {"info_keywords": (3,)}}, "info_keywords: info has no value 3; must be a cost, a rew"),
        ({"env_kwargs": "episode_hours=1"}, "env_kwargs = 'episode_hours=1': must be a mapping, or None"),
        ({"monitor_kwargs": ("cost",)}, "monitor_kwargs = ('cost',): must be a mapping, or None"),
        ({"monitor_dir": True}, "monitor_dir = True: must be the path of a folder, or None"),
        ({"env_kwargs": {"action_mode": "clicks"}}, "action_mode = 'clicks': must be one of bids, dials, assign"),
    ],
)
def test_arguments_that_are_not_allowed_are_one_line(kwargs, line):
    with pytest.raises(ArgumentError) as caught:
        make_vec_env(**{"env_id": "ODCSat-v0", "env_kwargs": SMALL, **kwargs})
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_scenarios_and_unknown_arguments_are_refused():
    with pytest.raises(ScenarioError, match="scenario = nowhere: must be one of"):
        make_vec_env("ODCSat-v0", env_kwargs={"scenario": "nowhere"})
    with pytest.raises(TypeError, match="speed"):
        make_vec_env("ODCSat-v0", speed=3)


def test_defaults_that_are_written_out_change_nothing():
    env = make_vec_env("ODCSat-v0", 1, None, 0, None, None, dict(SMALL), None, {}, {}, {})
    assert isinstance(env, ODCSatVecEnv)
