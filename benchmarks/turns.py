"""Timed turns of the benchmarks: steps of CartPole, and steps and resets of the environment."""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

ENV_ID = "odc_gym:ODCSat-v0"
BATCH_SIZE = 64
EPISODE_DECISIONS = 288
BATCH_DECISIONS = 48
FIRST_SEED = 20_000  # of the validation episodes

SMALL_BATCH = 4
FORKS = 32

Clock = Callable[[], float]
Turn = Callable[[int], tuple[float, int]]
"""Function that plays turn i and returns seconds, of the CPU if not said otherwise, and the number of timed units."""


def cartpole_turn() -> Turn:
    """Make turns of steps of a CartPole that recorded actions keep upright."""
    env = gym.make("CartPole-v1")
    observation, _ = env.reset(seed=0)
    actions = []
    ended = False
    while not ended:
        actions.append(int(observation[2] + observation[3] > 0))
        observation, _, terminated, truncated, _ = env.step(actions[-1])
        ended = bool(terminated or truncated)

    def turn(i: int) -> tuple[float, int]:
        env.reset(seed=0)
        started = time.process_time()
        for action in actions:
            env.step(action)
        return time.process_time() - started, len(actions)

    return turn


def single_turn(make_actions: Callable[[int], np.ndarray]) -> Turn:
    """Make turns of steps of one environment; `make_actions` gives the actions of an episode for an action size."""
    env = gym.make(ENV_ID)
    actions = make_actions(int(np.prod(env.action_space.shape or ())))

    def turn(i: int) -> tuple[float, int]:
        env.reset(seed=FIRST_SEED + i)
        started = time.process_time()
        for action in actions:
            env.step(action)
        return time.process_time() - started, len(actions)

    return turn


def recorded_turn(recorded: bool) -> Turn:
    """Make turns of steps of one environment under the zero action, recorded or not."""
    from odc_gym.recording import Recorder

    env = gym.make(ENV_ID)
    actions = zero_actions(int(np.prod(env.action_space.shape or ())))
    recorder = Recorder(env)

    def turn(i: int) -> tuple[float, int]:
        env.reset(seed=FIRST_SEED + i)
        if recorded:
            recorder.begin()
        started = time.process_time()
        for action in actions:
            env.step(action)
        return time.process_time() - started, len(actions)

    return turn


def batch_turn(clock: Clock = time.process_time, **kwargs: Any) -> Turn:
    """Make turns of steps of a batch under random actions; the unit is a step of one environment."""
    import odc_gym  # the version of this process

    if "prefetch" in inspect.signature(odc_gym.ODCSatVectorEnv).parameters:  # its thread would work in other turns
        kwargs["prefetch"] = False
    envs = gym.make_vec(ENV_ID, num_envs=BATCH_SIZE, **kwargs)
    action_size = int(np.prod(envs.action_space.shape or ())) // BATCH_SIZE
    actions = random_actions(action_size)[:, None].repeat(BATCH_SIZE, 1)
    envs.reset(seed=FIRST_SEED)
    state = envs.unwrapped.simulator.get_state()

    def turn(i: int) -> tuple[float, int]:
        envs.unwrapped.simulator.set_state(state)
        started = clock()
        for action in actions[:BATCH_DECISIONS]:
            envs.step(action)
        return clock() - started, BATCH_DECISIONS * BATCH_SIZE

    return turn


def episodes_turn(prefetch: bool) -> Turn:
    """Make turns of wall time of a small batch that plays one episode and begins the next; the unit is an episode."""
    envs = gym.make_vec(ENV_ID, num_envs=SMALL_BATCH, autoreset_mode="SameStep", prefetch=prefetch)
    action = np.zeros(envs.action_space.shape, np.float32)
    envs.reset(seed=FIRST_SEED)

    def turn(i: int) -> tuple[float, int]:
        started = time.perf_counter()
        for _ in range(EPISODE_DECISIONS):
            envs.step(action)
        return time.perf_counter() - started, SMALL_BATCH

    return turn


def planning_turn(copy_state: Callable[[gym.Env[Any, Any]], Callable[[], Any]], rows: int) -> Turn:
    """Make turns of copies of a state in the middle of an episode; the unit is one row of a copy."""
    env = gym.make(ENV_ID)
    env.reset(seed=FIRST_SEED)
    for action in zero_actions(int(np.prod(env.action_space.shape or ())))[:50]:
        env.step(action)
    call = copy_state(env)

    def turn(i: int) -> tuple[float, int]:
        started = time.process_time()
        for _ in range(4):
            call()
        return time.process_time() - started, 4 * rows

    return turn


def reset_turn() -> Turn:
    """Make turns of resets to new episodes."""
    env = gym.make(ENV_ID)

    def turn(i: int) -> tuple[float, int]:
        started = time.process_time()
        for k in range(4):
            env.reset(seed=FIRST_SEED + 4 * i + k)
        return time.process_time() - started, 4

    return turn


def zero_actions(size: int) -> np.ndarray:
    """Return the zero actions of an episode."""
    return np.zeros((EPISODE_DECISIONS, size), np.float32)


def random_actions(size: int) -> np.ndarray:
    """Draw random actions of an episode."""
    return np.random.default_rng(0).uniform(-1.0, 1.0, (EPISODE_DECISIONS, size)).astype(np.float32)


def environment_turns() -> dict[str, Turn]:
    """Make the turns of the environment by name."""
    return {
        "ODCSat-v0 step, zero actions": single_turn(zero_actions),
        "ODCSat-v0 step, random actions": single_turn(random_actions),
        f"ODCSat-v0 step in a batch of {BATCH_SIZE}, per environment": batch_turn(),
        "ODCSat-v0 reset": reset_turn(),
    }


def planning_turns() -> dict[str, Turn]:
    """Make the turns of copies of a state by name: forks, and `copy.deepcopy` of the environment."""
    import odc_gym  # older versions, which benchmarks/beside.py measures with this file, have no forks

    def forked_into(env: gym.Env[Any, Any]) -> Callable[[], Any]:
        batch = odc_gym.fork(env, FORKS)
        return lambda: odc_gym.fork(env, FORKS, into=batch)

    return {
        f"deepcopy, {FORKS} times": planning_turn(lambda env: lambda: copy.deepcopy(env), 1),
        f"fork into a new batch of {FORKS}": planning_turn(lambda env: lambda: odc_gym.fork(env, FORKS), FORKS),
        f"fork into a used batch of {FORKS}": planning_turn(forked_into, FORKS),
    }


def recording_turns() -> dict[str, Turn]:
    """Make the turns of a recorded episode beside one that is not, by name."""
    return {"step, zero actions": recorded_turn(False), "the same, recorded": recorded_turn(True)}


def wall_turns() -> dict[str, Turn]:
    """Make the turns of wall time by name; other work on the machine changes their ratios."""
    return {
        f"step in a batch of {BATCH_SIZE}, 1 thread": batch_turn(time.perf_counter, num_threads=1),
        f"step in a batch of {BATCH_SIZE}, 2 threads": batch_turn(time.perf_counter, num_threads=2),
        f"episode with reset in a batch of {SMALL_BATCH}": episodes_turn(prefetch=False),
        f"episode with reset in a batch of {SMALL_BATCH}, prefetch": episodes_turn(prefetch=True),
    }
