"""Forks: a batch of environments that all continue from one state, for planners that try actions before they act.

import odc_gym
batch = odc_gym.fork(env, 32)
observations, rewards, *_ = batch.step(actions)  # (32, A); env has not moved
"""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv

from odc_gym.envs.arguments import check_autoreset_mode, check_integer
from odc_gym.envs.env import ODCSatEnv
from odc_gym.envs.vector import ODCSatVectorEnv
from odc_gym.errors import ArgumentError

AnyEnv = gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]


def fork(
    env: AnyEnv,
    n: int,
    row: int = 0,
    into: ODCSatVectorEnv | None = None,
    autoreset_mode: AutoresetMode | str = AutoresetMode.DISABLED,
) -> ODCSatVectorEnv:
    """Return a batch of n environments that continue from the present state of one environment.

    Every row has the episode, the observation, the score and the generator of later episodes of the original, and steps
    exactly like it. The original does not move, and wrappers around it are left out. The cost is that of a copy,
    because the batch shares all that episodes have in common; with `into` it is that of the changing state alone.

    Args:
        env: environment of `gym.make("odc_gym:ODCSat-v0")`, or a native batch of `gym.make_vec`, wrapped or not.
        n: number of rows of the batch.
        row: row of a native batch to continue from; 0 for a single environment.
        into: batch of n rows that an earlier call returned for this environment. It is used again, with the mode in
            which it was made, and returned.
        autoreset_mode: behaviour of a new batch after the end of an episode, as in `ODCSatVectorEnv`.

    Raises:
        ArgumentError: an argument has a value that is not allowed.
        ResetNeeded: the environment has no episode that could go on: it was never reset, or its episode has ended.
    """
    inner = getattr(env, "unwrapped", None)
    if not isinstance(inner, ODCSatEnv | ODCSatVectorEnv):
        raise ArgumentError(f"env = {env!r}: must be an environment or a native batch of odc_gym:ODCSat-v0")
    n, row, rows = check_integer("n", n, 1), check_integer("row", row, 0), inner.simulator.num_envs
    if row >= rows:
        raise ArgumentError(f"row = {row}: must be less than {rows}, the number of environments")
    mode = check_autoreset_mode(autoreset_mode)
    if not (into is None or _fits(into, inner, n)):
        raise ArgumentError(f"into = {into!r}: must be a batch of {n} rows that fork returned for this environment")
    course = inner._course(row)
    if course is None:
        raise ResetNeeded(f"environment {row} must be reset before a fork: it has no episode, or its episode has ended")
    batch = ODCSatVectorEnv._sibling(inner, n, mode) if into is None else into
    batch._continue_from(inner.simulator, row, course)
    return batch


def _fits(batch: Any, env: ODCSatEnv | ODCSatVectorEnv, n: int) -> bool:
    """Return whether a batch has n rows and the fleet of an environment, and is not this environment."""
    if not isinstance(batch, ODCSatVectorEnv) or batch is env:
        return False
    return batch.num_envs == n and batch.simulator.fleet is env.simulator.fleet
