"""The environment as a stable-baselines3 VecEnv: one Simulator steps all environments at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from odc_gym.envs.vector import (
    action_space,
    build_simulator,
    observation_space,
    observe,
    of_row,
    start_info,
    step_columns,
)
from odc_gym.errors import RunError, ScenarioError
from odc_gym.seeds import EpisodeStream, environment_seeds, is_test_episode
from odc_gym.simulator.metrics import episode_metrics

Indices = int | Iterable[int] | None
_ROW_METHODS = ("episode_metrics", "action_masks")  # what `env_method` can call on one environment


def make_vec_env(env_id: str = "ODCSat-v0", n_envs: int = 64, seed: int | None = 0, **env_kwargs: Any) -> ODCSatVecEnv:
    """A VecEnv of n_envs environments, ready for any stable-baselines3 algorithm; no further wrapper is needed.

    Args:
        env_id: `ODCSat-v0`.
        n_envs: B.
        seed: environment i plays episode seed + i first, then training episodes; None plays training episodes only.
        **env_kwargs: as in `gym.make`: scenario, overrides, trace (`docs/traces.md`), decision_period_s, episode_hours,
            action_mode, observation_mode.

    Raises:
        ScenarioError: an argument with a value that is not allowed.
        RunError: a seed in the range that is kept for tests.
    """
    if env_id.removeprefix("odc_gym:") != "ODCSat-v0":
        raise ScenarioError(f"env_id = {env_id!r}: must be 'ODCSat-v0'")
    env = ODCSatVecEnv(n_envs, **env_kwargs)
    env.seed(seed)
    return env


class ODCSatVecEnv(VecEnv):
    """A batch of B environments that resets in the step in which an episode ends.

    Observations (B, N) float32, or blocks in the mode `dict`; actions (B, A) in [-1, 1], or choices (B, K + S) in the
    mode `assign`; rewards (B,) float32. Info of each step: costs and reward
    terms; at an episode's end also `terminal_observation` (N,), `TimeLimit.truncated` (always true: value functions
    must look past the end), `episode_metrics`, and `episode` with return `r`, length `l` and wall time `t` as the
    Monitor wrapper gives them.
    """

    render_mode: None = None

    def __init__(self, num_envs: int, observation_mode: str = "flat", **env_kwargs: Any) -> None:
        """Build the batch; `env_kwargs` as in `make_vec_env`.

        Raises:
            ScenarioError: an argument with a value that is not allowed.
        """
        self.simulator = build_simulator(num_envs, observation_mode=observation_mode, **env_kwargs)
        super().__init__(num_envs, observation_space(self.simulator, observation_mode), action_space(self.simulator))
        self._observation_mode = observation_mode
        self._stream = EpisodeStream(num_envs)
        self._actions: NDArray[Any] = np.zeros((num_envs, self.simulator.action_size))
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)
        self._started_s = time.time()

    def seed(self, seed: int | Sequence[int | None] | None = None) -> list[int | None]:
        """Choose the episodes of the next reset, and seed the generators that draw the later ones.

        Args:
            seed: n gives environment i the seed n + i; a sequence gives each its own; None draws training episodes.

        Raises:
            RunError: a seed in the range that is kept for tests.
        """
        seeds = environment_seeds(seed, self.num_envs)
        refuse_test_episodes(seeds)
        self._seeds = seeds
        return seeds

    def reset(self) -> Any:
        """Begin an episode in every environment; observations (B, N), or blocks (B, ...)."""
        self.simulator.reset(self._stream.next(self._seeds))
        self._returns[:] = 0
        self._lengths[:] = 0
        self._tell_start(range(self.num_envs))
        self._reset_seeds()
        self._reset_options()
        return self._observe()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions (B, A) for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step all environments; those that end begin their next episode.

        Returns:
            Observations (B, N), rewards (B,), dones (B,) and one info an environment.

        Raises:
            ActionError: actions of another shape, or values that are not finite.
        """
        simulator = self.simulator
        simulator.step(self._actions)
        self._returns += simulator.reward
        self._lengths += 1
        # own copies: stable-baselines3 adds the value of the next state to the rewards in place
        rewards, dones = simulator.reward.astype(np.float32), simulator.truncated.copy()
        columns = step_columns(simulator)
        rows = np.stack(list(columns.values()), axis=1).tolist()
        infos: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in rows]
        if dones.any():
            self._restart(np.flatnonzero(dones), infos)
        return self._observe(), rewards, dones, infos

    def _restart(self, rows: NDArray[np.intp], infos: list[dict[str, Any]]) -> None:
        final = self._observe()
        elapsed_s = round(time.time() - self._started_s, 6)
        for row in rows.tolist():
            infos[row] |= {
                "terminal_observation": of_row(final, row),
                "TimeLimit.truncated": True,
                "episode_metrics": episode_metrics(self.simulator, row),
                "episode": {"r": float(self._returns[row]), "l": int(self._lengths[row]), "t": elapsed_s},
            }
        self.simulator.reset(self._stream.draw(rows), rows)
        self._tell_start(rows.tolist())
        self._returns[rows] = 0
        self._lengths[rows] = 0

    def _observe(self) -> Any:
        return observe(self.simulator, self._observation_mode)

    def _tell_start(self, rows: Iterable[int]) -> None:
        for row in rows:
            self.reset_infos[row] = start_info(self.simulator, row)

    def close(self) -> None:
        """Nothing to release."""

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Everything that decides what comes next, as arrays by name; `set_state` goes on exactly here."""
        parts = {"simulator": self.simulator.get_state(), "stream": self._stream.get_state()}
        state = {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}
        return state | {"returns": self._returns.copy(), "lengths": self._lengths.copy()}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on where `get_state` was called, in a batch of the same scenario and size.

        Raises:
            ScenarioError: the state is of a batch of another size.
        """
        self._stream.set_state(_part(state, "stream"))
        self.simulator.set_state(_part(state, "simulator"))
        self._returns = state["returns"].copy()
        self._lengths = state["lengths"].copy()

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """An attribute of environments; they share one simulator, so it is the same for all."""
        value = getattr(self, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of all environments.

        Raises:
            ValueError: `indices` leaves environments out.
        """
        if set(self._get_indices(indices)) != set(range(self.num_envs)):
            raise ValueError(f"indices: environments share {attr_name!r}, so it can only be set for all of them")
        setattr(self, attr_name, value)

    def action_masks(self, row: int) -> NDArray[np.bool_]:
        """Feasible choices of one environment in the mode `assign`, (K (S + 1) + S L,), as MaskablePPO wants them."""
        return np.asarray(self.simulator.view.action_masks[row])

    def episode_metrics(self, row: int) -> dict[str, float]:
        """Metrics of the episode so far of one environment."""
        return episode_metrics(self.simulator, row)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method on environments: `episode_metrics` or, in the mode `assign`, `action_masks`.

        Raises:
            AttributeError: environments have no such method.
        """
        if method_name not in _ROW_METHODS:
            raise AttributeError(f"method_name = {method_name!r}: must be one of {', '.join(_ROW_METHODS)}")
        method = getattr(self, method_name)
        return [method(row, *method_args, **method_kwargs) for row in self._get_indices(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Indices = None
    ) -> list[bool]:
        """Whether environments do what a wrapper does: true for Monitor alone, whose `episode` info they give."""
        return [issubclass(wrapper_class, Monitor) for _ in self._get_indices(indices)]


def refuse_test_episodes(seeds: Iterable[int | None]) -> None:
    """Keep learners away from the episodes on which schedulers are compared.

    Raises:
        RunError: a seed in the range that is kept for tests.
    """
    for seed in seeds:
        if seed is not None and is_test_episode(seed):
            raise RunError(f"seed = {seed}: kept for tests; training seeds are 0-9999, validation 20000+")


def _part(state: Mapping[str, NDArray[Any]], part: str) -> dict[str, NDArray[Any]]:
    start = f"{part}/"
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
