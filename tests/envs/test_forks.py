"""Forks of environments and saved states of batches, against the original that goes on."""

import copy

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import odc_gym
from odc_gym.errors import ArgumentError
from tests.envs.test_vector import assert_same, random_actions

SMALL = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}  # 6 decisions
DRAWN = SMALL["overrides"] | {
    "sensing.delay_s": 600,
    "sensing.charge_sigma": 0.05,
    "randomise.hardware.*.battery.capacity_wh": {"low": 8000, "high": 12000, "per": "satellite"},
    "randomise.earth.albedo": {"low": 0.2, "high": 0.4},
}


def single(**kwargs):
    return gym.make("ODCSat-v0", **{**SMALL, **kwargs})


def batch_of(num_envs=3, **kwargs):
    return gym.make_vec("ODCSat-v0", num_envs=num_envs, **{**SMALL, **kwargs})


def row_of(values, row):
    """The observation of one row, whatever the mode."""
    return {k: v[row] for k, v in values.items()} if isinstance(values, dict) else values[row]


def shown(batch):
    """The observations that a batch shows now."""
    return batch._observe()


def test_a_fork_keeps_the_last_jobs_of_the_day():
    """Catches job tables that are cut by as many rows as there are replicas, which do not count as arrivals."""
    env = gym.make("ODCSat-v0")
    for seed in (10, 13):  # whose tables end less than the replicas beyond a multiple of the step in which they grow
        env.reset(seed=seed)
        batch = odc_gym.fork(env, 1)
        ours, theirs = batch.unwrapped.simulator.jobs[0], env.unwrapped.simulator.jobs[0]
        assert np.isfinite(ours["arrival_s"]).sum() == np.isfinite(theirs["arrival_s"]).sum() > 0


@pytest.mark.parametrize("action_mode", ["bids", "dials", "assign"])
@pytest.mark.parametrize("observation_mode", ["flat", "dict"])
@pytest.mark.parametrize("decisions", [0, 3])
def test_every_row_steps_like_the_original_to_the_end(decisions, observation_mode, action_mode):
    env = single(action_mode=action_mode, observation_mode=observation_mode)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=7)
    for _ in range(decisions):
        observation, *_ = env.step(env.action_space.sample())
    batch = odc_gym.fork(env, 3)
    for row in range(3):
        assert_same(row_of(shown(batch), row), observation)
    for _ in range(6 - decisions):
        action = env.action_space.sample()
        theirs = env.step(action)
        ours = batch.step(np.repeat(action[None], 3, 0))
        for row in range(3):
            assert_same(row_of(ours[0], row), theirs[0])
            assert (ours[1][row], ours[2][row], ours[3][row]) == theirs[1:4]
            assert_same(ours[4]["cost"][row], np.float64(theirs[4]["cost"]))
    for name, value in theirs[4]["episode_metrics"].items():
        assert (ours[4]["episode_metrics"][name] == value).all(), name
    assert (batch._scores == env.unwrapped._score).all()
    with pytest.raises(ResetNeeded, match=r"environments .* must be reset"):
        batch.step(np.repeat(action[None], 3, 0))


def test_the_original_does_not_move_and_rows_are_independent():
    env, twin = single(), single()
    for one in (env, twin):
        one.reset(seed=3)
    batch = odc_gym.fork(env, 4)
    for _ in range(4):
        batch.step(random_actions(batch, np.random.default_rng(0)))
    assert len(set(batch.simulator.sat.charge_frac[:, 0])) == 4
    for action in random_actions(batch, np.random.default_rng(1)):
        assert_same(env.step(action), twin.step(action))


def test_a_used_batch_forgets_what_it_played():
    env = single()
    env.reset(seed=3)
    batch = odc_gym.fork(env, 2)
    for seed in (3, 4):  # the episode that the batch plays, then another
        for _ in range(3):
            batch.step(random_actions(batch, np.random.default_rng(0)))
        env.reset(seed=seed)
        env.step(np.full(env.action_space.shape, 0.3))
        assert odc_gym.fork(env, 2, into=batch) is batch
        action = np.full(env.action_space.shape, -0.2)
        theirs, ours = copy.deepcopy(env).step(action), batch.step(np.stack([action, action]))
        assert_same(ours[0][1], theirs[0])
        assert ours[1].tolist() == [theirs[1]] * 2


@pytest.mark.parametrize("max_episode_steps", [None, 4])
def test_rows_of_a_batch_and_their_later_episodes(max_episode_steps):
    """Catches: score, elapsed decisions, the time limit or the generator of another row."""
    envs = batch_of(autoreset_mode="SameStep", max_episode_steps=max_episode_steps, prefetch=False)
    envs.reset(seed=[5, 6, 7])
    rng = np.random.default_rng(0)
    envs.step(random_actions(envs, rng))
    forked = odc_gym.fork(envs, 2, row=1, autoreset_mode="SameStep")
    for _ in range(14):  # three episodes
        actions = random_actions(envs, rng)
        theirs, ours = envs.step(actions), forked.step(actions[[1, 1]])
        for row in range(2):
            assert_same(ours[0][row], theirs[0][1])
        assert ours[1].tolist() == [theirs[1][1]] * 2
        assert ours[3].tolist() == [theirs[3][1]] * 2
    assert (forked.simulator.seeds == envs.unwrapped.simulator.seeds[1]).all()
    assert (forked._scores == envs.unwrapped._scores[1]).all()


def test_delayed_readings_and_drawn_values_are_the_originals():
    env = single(overrides=DRAWN)
    env.reset(seed=11)
    action = np.full(env.action_space.shape, 0.5)
    for _ in range(3):
        observation, *_ = env.step(action)
    of_a_row = odc_gym.fork(odc_gym.fork(env, 2), 1, row=1)
    assert_same(shown(of_a_row)[0], observation)
    for name, values in env.unwrapped.simulator.drawn.items():
        assert_same(of_a_row.simulator.drawn[name], values)
    for _ in range(3):
        assert_same(of_a_row.step(action[None])[0][0], env.step(action)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n = 0: must be an integer >= 1"),
        ({"n": 2, "row": 1}, "row = 1: must be less than 1"),
        ({"n": 2, "row": -1}, "row = -1: must be an integer >= 0"),
        ({"n": 2, "autoreset_mode": "never"}, "autoreset_mode = 'never'"),
        ({"n": 2, "into": 3}, "into = 3: must be a batch of 2 rows that fork returned"),
    ],
)
def test_refused_arguments(arguments, message):
    env = single()
    env.reset(seed=0)
    with pytest.raises(ArgumentError, match=message):
        odc_gym.fork(env, **arguments)


def test_refused_environments():
    env = single()
    with pytest.raises(ArgumentError, match="must be an environment or a native batch"):
        odc_gym.fork(gym.make("CartPole-v1"), 2)
    with pytest.raises(ResetNeeded, match="environment 0 must be reset before a fork"):
        odc_gym.fork(env, 2)
    env.reset(seed=0)
    other = odc_gym.fork(env, 3)
    with pytest.raises(ArgumentError, match="must be a batch of 2 rows"):
        odc_gym.fork(env, 2, into=other)
    foreign = single()
    foreign.reset(seed=0)
    with pytest.raises(ArgumentError, match="that fork returned for this environment"):
        odc_gym.fork(foreign, 3, into=other)
    for _ in range(6):
        env.step(np.zeros(env.action_space.shape))
    with pytest.raises(ResetNeeded, match="its episode has ended"):
        odc_gym.fork(env, 3, into=other)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_a_batch_continues_exactly_from_its_state(mode):
    """Catches: a score, a count of decisions, a pending reset or a generator that is not in the state."""
    envs, other = (batch_of(autoreset_mode=mode, prefetch=False).unwrapped for _ in range(2))
    envs.reset(seed=40)
    rng = np.random.default_rng(0)
    for _ in range(6 if mode == "NextStep" else 4):
        envs.step(random_actions(envs, rng))
    other.set_state({name: np.array(array) for name, array in envs.get_state().items()})
    assert_same(shown(other), shown(envs))
    for _ in range(2 if mode == "Disabled" else 9):
        actions = random_actions(envs, rng)
        assert_same(other.step(actions), envs.step(actions))
    assert_same(other.get_state(), envs.get_state())


def test_rows_of_a_state():
    envs, other = (batch_of(prefetch=False, autoreset_mode="SameStep").unwrapped for _ in range(2))
    envs.reset(seed=40)
    other.reset(seed=50)
    rng = np.random.default_rng(0)
    envs.step(random_actions(envs, rng))
    before = other.get_state([1])
    other.set_state(envs.get_state([2, 0]), rows=[0, 2])
    assert_same(other.get_state([1]), before)
    for _ in range(9):
        actions = random_actions(envs, rng)
        theirs, ours = envs.step(actions), other.step(actions[[2, 1, 0]])
        assert_same(ours[0][[0, 2]], theirs[0][[2, 0]])
        assert_same(ours[1][[0, 2]], theirs[1][[2, 0]])


@pytest.mark.parametrize("rows", [[3], [-1], [0, 0], [], [0.5], 1, [True]])
def test_refused_rows(rows):
    envs = batch_of().unwrapped
    envs.reset(seed=0)
    with pytest.raises(ArgumentError, match="must be distinct integers from 0 to 2"):
        envs.get_state(rows)


@pytest.mark.parametrize("name", ["scores", "elapsed", "has_ended", "stream/pcg64", "simulator/run"])
def test_a_refused_state_changes_nothing(name):
    envs = batch_of().unwrapped
    envs.reset(seed=0)
    state = envs.get_state()
    envs.step(np.zeros(envs.action_space.shape))
    before = envs.get_state()
    for broken in ({k: v for k, v in state.items() if k != name}, state | {name: state[name][:2]}):
        with pytest.raises(ArgumentError, match="state"):
            envs.set_state(broken)
    assert_same(envs.get_state(), before)
