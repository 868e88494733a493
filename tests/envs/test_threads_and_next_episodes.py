"""Threads and episodes that are begun in advance change how long a batch takes, and nothing else."""

import copy
import multiprocessing
import pickle

import gymnasium as gym
import numpy as np
import pytest

from odc_gym.envs.sb3 import ODCSatVecEnv
from odc_gym.errors import ArgumentError, OdcGymError
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

HOURS = 1.0
PLAIN = {"num_threads": 1, "prefetch": False}
FAST = [
    {"num_threads": 3, "prefetch": False},
    {"num_threads": 1, "prefetch": True},
    {"num_threads": 2, "prefetch": True},
]


def batch(settings, **kwargs):
    return gym.make_vec(
        "odc_gym:ODCSat-v0", 4, vectorization_mode="vector_entry_point", episode_hours=HOURS, **settings, **kwargs
    )


def recorded(env, steps=30):
    """Observations and rewards over more than two episodes."""
    actions, values = np.random.default_rng(1), []
    observation, _ = env.reset(seed=7)
    for _ in range(steps):
        shape = env.action_space.shape
        action = actions.integers(0, 2, shape) if env.action_space.dtype.kind == "i" else actions.uniform(-1, 1, shape)
        values += [observation] if isinstance(observation, np.ndarray) else list(observation.values())
        observation, rewards, _, ended, _ = env.step(action)
        values += [rewards, ended]
    return values


@pytest.mark.parametrize(
    "mode", [{}, {"autoreset_mode": "SameStep"}, {"action_mode": "assign", "observation_mode": "dict"}]
)
def test_results_are_the_same(mode):
    """Catches rows that share work arrays, and an episode that takes something from the one before it."""
    expected = recorded(batch(PLAIN, **mode))
    for settings in FAST:
        for ours, theirs in zip(recorded(batch(settings, **mode)), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_batch_of_stable_baselines3_is_the_same():
    def played(prefetch):
        env, rewards = ODCSatVecEnv(3, episode_hours=HOURS, prefetch=prefetch, num_threads=2 if prefetch else 1), []
        env.seed(3)
        env.reset()
        for _ in range(30):
            observation, reward, _, _ = env.step(np.zeros((3, env.simulator.action_size)))
            rewards += [observation, reward]
        return rewards

    np.testing.assert_equal(played(True), played(False))


@pytest.mark.parametrize("make", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_go_on_alike_while_episodes_are_prepared(make):
    env = batch(FAST[2])
    env.reset(seed=5)
    env.step(np.zeros(env.action_space.shape))
    other = make(env)
    for _ in range(2 * int(HOURS * 12)):
        ours, theirs = (e.step(np.zeros(e.action_space.shape)) for e in (env, other))
        np.testing.assert_array_equal(ours[0], theirs[0])


def _steps_in_child(env, results):
    for _ in range(2 * int(HOURS * 12)):
        observation = env.step(np.zeros(env.action_space.shape))[0]
    results.put(observation.sum())


@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_process_does_not_wait_for_threads_that_it_lacks():
    """Catches a hang: a fork copies the pool, but none of its threads."""
    env = batch(FAST[2])
    env.reset(seed=5)
    env.step(np.zeros(env.action_space.shape))
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_steps_in_child, args=(env, results), daemon=True)
    child.start()
    found = results.get(timeout=60)
    child.join()
    for _ in range(2 * int(HOURS * 12)):
        observation = env.step(np.zeros(env.action_space.shape))[0]
    assert found == observation.sum()


def small(**changes):
    return Scenario.load("starter12").replace({"episode.hours": HOURS, **changes})


def test_prepared_episodes_are_used_and_unwanted_ones_dropped():
    simulator = Simulator(small(), 1)
    simulator.next_episodes.prepare([3, 4])
    spare = simulator.next_episodes.take(3)
    assert spare is not None and spare.seeds.tolist() == [3]
    simulator.next_episodes.prepare([5])
    assert simulator.next_episodes.take(4) is None
    simulator.next_episodes.give_back(spare)
    assert simulator.next_episodes.take(5).seeds.tolist() == [5]


def test_an_episode_that_cannot_be_built_is_an_error_where_it_begins(monkeypatch):
    """Catches an error that is lost in the thread, or raised in the middle of another episode."""

    def fail(fleet, seed):
        raise OdcGymError("no such episode")

    simulator = Simulator(small(), 1)
    monkeypatch.setattr("odc_gym.simulator.simulator.build_episode", fail)
    simulator.next_episodes.prepare([3])
    assert simulator.next_episodes.take(3) is None
    simulator.next_episodes.prepare([3])
    with pytest.raises(OdcGymError, match="no such episode"):
        simulator.reset([3])


def test_a_row_adopts_an_episode_exactly():
    """The other simulator has longer tables of jobs, and is in the middle of its episode."""
    simulator = Simulator(small(), 2)
    simulator.reset([1, 2])
    other = simulator.sibling(3)
    other.reset([11, 12, 13])
    for _ in range(3):
        other.step(np.zeros((3, other.action_size)))
    other._grow(5 * other.run.shape[1])
    simulator.adopt(1, other, 2)
    for name, ours in simulator.row_arrays().items():
        theirs = other.row_arrays()[name]
        np.testing.assert_array_equal(ours[1], theirs[2][tuple(slice(0, n) for n in ours.shape[1:])], err_msg=name)
    for _ in range(3):
        simulator.step(np.zeros((2, simulator.action_size)))
        other.step(np.zeros((3, other.action_size)))
        assert simulator.reward[1] == other.reward[2]
        np.testing.assert_array_equal(simulator.observation[1], other.observation[2])


@pytest.mark.parametrize("number", [0, -1, 1.5, "2"])
def test_wrong_numbers_of_threads_are_refused(number):
    with pytest.raises(ArgumentError, match=r"^num_threads"):
        batch({"num_threads": number})


@pytest.mark.parametrize("prepared", [False, True])
def test_rows_of_one_episode_begin_alike(prepared):
    """Catches rows that are mixed up where several adopt one episode, and a decision bound to another row."""
    simulator, alone = Simulator(small(), 4), Simulator(small(), 1)
    for seeds, rows in (([3, 4, 3, 3], [0, 1, 2, 3]), ([5, 6, 5], [3, 0, 1])):
        if prepared:
            simulator.next_episodes.prepare(seeds)
        simulator.reset(seeds, rows)
        for seed, row in zip(seeds, rows, strict=True):
            alone.reset([seed])
            for name, array in simulator.row_arrays().items():
                theirs = alone.row_arrays()[name][0]
                np.testing.assert_array_equal(array[row], theirs[tuple(slice(0, n) for n in array.shape[1:])], name)
            np.testing.assert_array_equal(simulator.observation[row], alone.observation[0])
    assert simulator.seeds.tolist() == [6, 5, 3, 5]
