"""The native batch against Gymnasium's own: SyncVectorEnv over single environments tells what must come out."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import odc_gym  # noqa: F401  registers the id
from odc_gym.envs.vector import ODCSatVectorEnv
from odc_gym.errors import ArgumentError

SMALL = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}  # 6 decisions
MODES = list(AutoresetMode)


def small(num_envs=3, **kwargs):
    return ODCSatVectorEnv(num_envs, **{**SMALL, **kwargs})


def singles(num_envs, mode, **kwargs):
    return SyncVectorEnv([lambda: gym.make("ODCSat-v0", **SMALL, **kwargs)] * num_envs, autoreset_mode=mode)


def random_actions(env, rng):
    """Actions (B, ...) of any action space, as an agent would send them."""
    if hasattr(env.single_action_space, "nvec"):
        return rng.integers(0, env.single_action_space.nvec, env.action_space.shape)
    return rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)


def assert_same(ours, theirs, where=""):
    if isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        for i, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_same(*pair, f"{where}[{i}]")
    elif isinstance(theirs, dict):
        assert set(ours) == set(theirs), where
        for key in theirs:
            assert_same(ours[key], theirs[key], f"{where}/{key}")
    elif isinstance(theirs, np.ndarray) and theirs.dtype == object:
        assert ours.dtype == object and ours.shape == theirs.shape, where
        for a, b in zip(ours, theirs, strict=True):
            if a is None or b is None:
                assert a is b, where
            else:
                assert_same(a, b, where)
    else:
        assert np.array_equal(ours, theirs), where
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype, where


@pytest.mark.parametrize("action_mode", ["bids", "dials", "assign"])
@pytest.mark.parametrize("observation_mode", ["flat", "dict"])
@pytest.mark.parametrize("mode", MODES)
def test_equals_gymnasiums_batch_of_single_environments(mode, observation_mode, action_mode):
    kwargs = {"action_mode": action_mode, "observation_mode": observation_mode}
    ours, theirs = small(autoreset_mode=mode, **kwargs), singles(3, mode, **kwargs)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.metadata["autoreset_mode"] is mode
    assert_same(ours.reset(seed=40), theirs.reset(seed=40))
    rng = np.random.default_rng(0)
    for step in range(15):
        actions = random_actions(ours, rng)
        a, b = ours.step(actions), theirs.step(actions)
        assert_same(a, b, f"step {step}")
        assert ours.observation_space.contains(a[0])
        if mode is AutoresetMode.DISABLED and a[3].any():
            options = {"reset_mask": a[3].copy()}
            assert_same(ours.reset(options=dict(options)), theirs.reset(options=dict(options)))


@pytest.mark.parametrize("mode", MODES)
def test_environments_out_of_step_still_equal_single_ones(mode):
    ours, theirs = small(autoreset_mode=mode), singles(3, mode)
    rng = np.random.default_rng(1)
    assert_same(ours.reset(seed=[5, 9, 21_000]), theirs.reset(seed=[5, 9, 21_000]))
    mask = np.array([False, True, False])
    for step in range(16):
        if step == 2:  # from here on row 1 is two decisions behind the others
            options, seed = {"reset_mask": mask}, [None, 77, None]
            assert_same(ours.reset(seed=seed, options=dict(options)), theirs.reset(seed=seed, options=dict(options)))
        actions = rng.uniform(-1, 1, ours.action_space.shape)
        a, b = ours.step(actions), theirs.step(actions)
        assert_same(a, b, f"step {step}")
        if mode is AutoresetMode.DISABLED and a[3].any():
            options = {"reset_mask": a[3].copy()}
            assert_same(ours.reset(options=dict(options)), theirs.reset(options=dict(options)))


def test_next_step_mode_ignores_the_action_on_the_reset_step():
    ours, twin = small(), small()
    for envs in (ours, twin):
        envs.reset(seed=0)
        for _ in range(6):
            truncated = envs.step(np.zeros(envs.action_space.shape))[3]
        assert truncated.all()
    a = ours.step(np.full(ours.action_space.shape, np.nan))
    b = twin.step(np.ones(twin.action_space.shape))
    assert_same(a, b)
    assert not a[1].any() and not a[3].any()
    assert "cost" not in a[4]


def test_make_vec_builds_the_native_batch():
    envs = gym.make_vec("ODCSat-v0", num_envs=2, autoreset_mode="SameStep", **SMALL)
    assert isinstance(envs.unwrapped, ODCSatVectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    observations, _ = envs.reset(seed=3)
    assert observations.dtype == np.float32 and observations.shape == envs.observation_space.shape
    wrapped = gym.wrappers.vector.RecordEpisodeStatistics(envs)
    wrapped.reset(seed=3)
    total = np.zeros(2)
    for _ in range(6):
        _, reward, _, truncated, infos = wrapped.step(np.zeros(envs.action_space.shape))
        total += reward
    assert truncated.all() and infos["_episode_seed"].all()
    np.testing.assert_allclose(infos["episode"]["r"], total)


def test_metrics_costs_and_terms():
    envs = small(2)
    envs.reset(seed=0)
    for _ in range(6):
        _, reward, _, truncated, infos = envs.step(envs.action_space.sample() * 0)
        terms = sum(value for name, value in infos.items() if name.startswith("reward/"))
        np.testing.assert_allclose(terms, reward, rtol=1e-12, atol=1e-12)
        assert ("episode_metrics" in infos) == truncated.all()
        assert infos["_cost"].all() and {"cost/thermal", "cost/energy"} <= set(infos)
    assert infos["_episode_metrics"].all()


def test_max_episode_steps_truncates_early():
    envs = small(2, max_episode_steps=4, autoreset_mode="Disabled")
    envs.reset(seed=0)
    ends = [envs.step(np.zeros(envs.action_space.shape))[3].all() for _ in range(4)]
    assert ends == [False, False, False, True]
    with pytest.raises(gym.error.ResetNeeded, match=r"environments \[0, 1\]"):
        envs.step(np.zeros(envs.action_space.shape))


@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array"])
@pytest.mark.parametrize("mode", MODES)
def test_frames_equal_those_of_single_environments(render_mode, mode):
    """Also after the end of an episode: catches scores that go on, and rows in each other's places."""
    ours = small(2, autoreset_mode=mode, render_mode=render_mode)
    theirs = singles(2, mode, render_mode=render_mode)
    with pytest.raises(gym.error.ResetNeeded, match="must be reset before it is rendered"):
        ours.render()
    ours.reset(seed=3)
    theirs.reset(seed=3)
    for _ in range(8):
        actions = np.full(ours.action_space.shape, 0.4)
        truncated = ours.step(actions)[3]
        theirs.step(actions)
        frames, expected = ours.render(), theirs.render()
        assert isinstance(frames, tuple) and len(frames) == 2
        assert all(np.array_equal(a, b) for a, b in zip(frames, expected, strict=True))
        if mode is AutoresetMode.DISABLED and truncated.any():
            for envs in (ours, theirs):
                envs.reset(options={"reset_mask": truncated.copy()})


def test_no_frames_without_a_render_mode():
    envs = small(2)
    envs.reset(seed=0)
    assert envs.render() is None and envs.metadata["render_modes"] == ["ansi", "rgb_array"]


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(gym.error.ResetNeeded):
        small(2).step(np.zeros((2, 18)))


def test_results_do_not_depend_on_what_came_before_in_the_other_rows():
    wide, narrow = small(4, autoreset_mode="SameStep"), small(1, autoreset_mode="SameStep")
    wide.reset(seed=[1, 2, 3, 4])
    narrow.reset(seed=3)
    rng = np.random.default_rng(2)
    for _ in range(14):
        actions = rng.uniform(-1, 1, wide.action_space.shape)
        a, b = wide.step(actions), narrow.step(actions[2:3])
        assert np.array_equal(a[0][2], b[0][0]) and a[1][2] == b[1][0] and a[3][2] == b[3][0]


def test_returned_arrays_are_not_written_to_later():
    envs = small(2, autoreset_mode="SameStep")
    kept = [envs.reset(seed=0)[0]]
    copies = [kept[0].copy()]
    for _ in range(8):
        observation, reward, _, truncated, _ = envs.step(np.full(envs.action_space.shape, 0.3))
        kept += [observation, reward, truncated]
        copies += [observation.copy(), reward.copy(), truncated.copy()]
    assert all(np.array_equal(a, b) for a, b in zip(kept, copies, strict=True))


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"autoreset_mode": "sometimes"}, "autoreset_mode = 'sometimes': must be one of NextStep, SameStep, Disabled"),
        ({"action_mode": "clicks"}, "action_mode = 'clicks': must be one of bids, dials, assign"),
        ({"observation_mode": "pixels"}, "observation_mode = 'pixels': must be one of flat, dict"),
        ({"num_envs": 0}, "num_envs = 0: must be an integer >= 1"),
        ({"render_mode": "human"}, "render_mode = 'human': must be one of None, ansi, rgb_array"),
        ({"max_episode_steps": 0}, "max_episode_steps = 0: must be an integer >= 1"),
    ],
)
def test_bad_arguments_are_one_line(kwargs, text):
    with pytest.raises(ArgumentError) as caught:
        small(**kwargs)
    assert text in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("mask", [[True, False], np.array([1, 0]), np.array([True]), np.zeros(2, bool)])
def test_bad_reset_mask(mask):
    envs = small(2)
    with pytest.raises(ArgumentError, match=r"options\.reset_mask: must"):
        envs.reset(options={"reset_mask": mask})
