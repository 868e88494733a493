"""Vectorised environment of stable-baselines3 over one simulator that steps all environments at once."""

from __future__ import annotations

import dataclasses
import inspect
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from odc_gym.defaults import DEFAULT_ACTION_MODE
from odc_gym.envs.arguments import check_choice, check_integer, check_mapping
from odc_gym.envs.described import Described
from odc_gym.envs.infos import end_info, name_hint
from odc_gym.envs.vector import (
    RENDER_MODES,
    action_space,
    build_simulator,
    next_episodes,
    observation_space,
    observe,
    prepares_episodes,
    reset_info,
    row_observation,
    step_columns,
)
from odc_gym.errors import ArgumentError
from odc_gym.rendering import render_fps
from odc_gym.saved_state import entries_under, saved_array
from odc_gym.seeds import EpisodeStream, checked_seed, environment_seeds, is_test_episode
from odc_gym.simulator.copies import WholeCopy
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Episodes

Indices = int | Iterable[int] | None
ENV_ID = "ODCSat-v0"
_ROW_METHODS = {"episode_metrics": "episode_metrics", "action_masks": "action_masks", "render": "_render_row"}
"""Methods of one environment that `env_method` can call, and the methods of the batch that take its row."""
_SHARED_METHODS = ("observation_names", "action_names", "explain")  # of one environment, the same for all
_MONITOR_ARGUMENTS = ("info_keywords",)  # arguments of VecMonitor that `monitor_kwargs` can carry


def make_vec_env(
    env_id: str,
    n_envs: int = 1,
    seed: int | None = None,
    start_index: int = 0,
    monitor_dir: str | Path | None = None,
    wrapper_class: None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    vec_env_cls: None = None,
    vec_env_kwargs: Mapping[str, Any] | None = None,
    monitor_kwargs: Mapping[str, Any] | None = None,
    wrapper_kwargs: Mapping[str, Any] | None = None,
    **more_env_kwargs: Any,
) -> VecEnv:
    """Make a batch of environments for any algorithm of stable-baselines3.

    The signature is that of `stable_baselines3.common.env_util.make_vec_env`. One simulator steps the whole batch, so
    arguments that concern single environments or the class of the batch must keep their defaults. Every environment
    reports its episodes in `info["episode"]`, as the Monitor wrapper does.

    Args:
        env_id: `ODCSat-v0` or `odc_gym:ODCSat-v0`.
        n_envs: number of environments B.
        seed: environment i plays episode seed + start_index + i first, then training episodes; None plays training
            episodes only.
        start_index: shift of the seeds, and the number in the name of the monitor file.
        monitor_dir: folder for the monitor file `<start_index>.monitor.csv`, one line an episode of any environment;
            None writes no file.
        wrapper_class: must be None; wrap the returned batch instead.
        env_kwargs: arguments of the environment, as in `gym.make`: scenario, overrides, trace (`docs/traces.md`),
            decision_period_s, episode_hours, render_mode ("rgb_array" if not given), action_mode, observation_mode.
        vec_env_cls: must be None; the batch is an `ODCSatVecEnv`.
        vec_env_kwargs: must be None or empty.
        monitor_kwargs: `info_keywords`, the names of further values of `info` to record at the end of an episode: a
            cost, a reward term, or a KPI as `episode_metrics/<name>`.
        wrapper_kwargs: must be None or empty.
        **more_env_kwargs: more arguments of the environment, beside those in `env_kwargs`.

    Returns:
        An `ODCSatVecEnv`; with `monitor_dir` or `monitor_kwargs` a VecMonitor around one.

    Raises:
        ArgumentError: an argument has a value that is not allowed, or a seed lies in the range kept for tests.
        ScenarioError: the scenario or an override is not allowed.
        TraceError: a trace is malformed.
    """
    if not isinstance(env_id, str) or env_id.removeprefix("odc_gym:") != ENV_ID:
        raise ArgumentError(f"env_id = {env_id!r}: must be {ENV_ID!r}")
    n_envs, start_index = check_integer("n_envs", n_envs, 1), checked_seed(start_index, "start_index")
    if not (monitor_dir is None or isinstance(monitor_dir, str | Path)):
        raise ArgumentError(f"monitor_dir = {monitor_dir!r}: must be the path of a folder, or None")
    env_kwargs = check_mapping("env_kwargs", env_kwargs)
    monitor_kwargs = check_mapping("monitor_kwargs", monitor_kwargs)
    unsupported = {
        "wrapper_class": wrapper_class,
        "vec_env_cls": vec_env_cls,
        "vec_env_kwargs": vec_env_kwargs,
        "wrapper_kwargs": wrapper_kwargs,
    }
    for name, value in unsupported.items():
        if value:
            raise ArgumentError(f"{name} = {value!r}: must be None, because one simulator steps all environments")
    given_twice = sorted(set(env_kwargs) & set(more_env_kwargs))
    if given_twice:
        raise ArgumentError(f"{given_twice[0]}: must be given either in env_kwargs or as a keyword, not both")
    arguments = {"render_mode": "rgb_array", **env_kwargs, **more_env_kwargs}
    env = ODCSatVecEnv(n_envs, **arguments)
    keywords = _info_keywords(env, monitor_kwargs)
    seeds = [None if first is None else first + start_index for first in environment_seeds(seed, n_envs)]
    env.seed(seeds)
    if seeds[0] is not None:
        env.action_space.seed(seeds[0])
    if monitor_dir is None and not monitor_kwargs:
        return env
    filename = None if monitor_dir is None else str(Path(monitor_dir) / str(start_index))
    with warnings.catch_warnings():  # VecMonitor computes the `episode` info anew, with the same meaning
        warnings.filterwarnings("ignore", "The environment is already wrapped with a `Monitor` wrapper")
        return _CopyableMonitor(env, filename, keywords)


class _CopyableMonitor(WholeCopy, VecMonitor):
    """Monitor that can be copied and pickled with its batch; only the original writes to its file."""

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in vars(self).items() if name != "class_attributes"}
        return kept | {"results_writer": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, class_attributes=dict(inspect.getmembers(type(self))))


def _info_keywords(env: ODCSatVecEnv, monitor_kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the values of `info` that a monitor shall record.

    Raises:
        ArgumentError: there is another key than `info_keywords`, or no such value at the end of an episode.
    """
    for name in monitor_kwargs:
        if name not in _MONITOR_ARGUMENTS:
            raise ArgumentError(f"monitor_kwargs: unknown key {name!r}; must be {', '.join(_MONITOR_ARGUMENTS)}")
    keywords = monitor_kwargs.get("info_keywords", ())
    if not isinstance(keywords, list | tuple):
        raise ArgumentError(f"info_keywords = {keywords!r}: must be a tuple of names of values of info")
    if not keywords:
        return ()
    known = [*step_columns(env.simulator), *end_info(env.simulator, 0)]
    known.remove("episode_metrics")  # a mapping, whose entries have names of their own
    for keyword in keywords:
        if keyword not in known:
            raise ArgumentError(f"info_keywords: info has no value {keyword!r}{name_hint(keyword, known)}")
    return tuple(keywords)


class ODCSatVecEnv(WholeCopy, Described, VecEnv):
    """Batch of B environments, each of which is reset in the step that ends its episode.

    Observations are (B, N) float32, or blocks in the mode `dict`. Actions are (B, A) in [-1, 1], or choices (B, K + S)
    in the mode `assign`. Rewards are (B,) float32. The info of each step holds costs and reward terms. At the end of an
    episode it also holds `terminal_observation` (N,), `TimeLimit.truncated`, `episode_metrics`, and `episode` with
    return `r`, length `l` and wall time `t`, as the Monitor wrapper gives them. `TimeLimit.truncated` is always true,
    so value functions must bootstrap beyond the end.
    """

    def __init__(
        self,
        num_envs: int,
        observation_mode: str = "flat",
        render_mode: str | None = None,
        prefetch: bool | None = None,
        **env_kwargs: Any,
    ) -> None:
        """Build the batch.

        Args:
            num_envs: number of environments B.
            observation_mode: `flat` or `dict`.
            render_mode: None, `ansi` for texts, or `rgb_array` for pictures.
            prefetch: whether a thread begins the next episodes while the present ones are played, as in
                `ODCSatVectorEnv`.
            **env_kwargs: further arguments of the environment, as in `make_vec_env`.

        Raises:
            ArgumentError: an argument has a value that is not allowed.
            ScenarioError: the scenario or an override is not allowed.
            TraceError: a trace is malformed.
        """
        self.render_mode = check_choice("render_mode", render_mode, RENDER_MODES)
        arguments = {"action_mode": DEFAULT_ACTION_MODE, **env_kwargs, "observation_mode": observation_mode}
        self.spec = dataclasses.replace(gym.spec(ENV_ID), kwargs={**arguments, "render_mode": render_mode})
        self.simulator = build_simulator(num_envs, **arguments)
        self._prefetch = self._must_prepare = prepares_episodes(self.simulator, prefetch)
        num_envs = self.simulator.num_envs
        super().__init__(num_envs, observation_space(self.simulator, observation_mode), action_space(self.simulator))
        self.metadata["render_fps"] = render_fps(self.simulator.view.decision_period_s)  # type: ignore[assignment]
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
            ArgumentError: a seed is no integer >= 0 and < 2**63, or lies in the range kept for tests.
        """
        seeds = environment_seeds(seed, self.num_envs)
        refuse_test_episodes(seeds)
        self._seeds = seeds
        return seeds

    def reset(self) -> Any:
        """Begin an episode in every environment; return observations (B, N), or blocks (B, ...).

        Raises:
            OdcGymError: an episode cannot be built. `step_wait` then raises ResetNeeded until a reset succeeds.
        """
        self.simulator.reset(self._stream.next(self._seeds))
        self._must_prepare = self._prefetch
        self._returns[:] = 0
        self._lengths[:] = 0
        self._record_reset_infos(range(self.num_envs))
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
            ActionError: actions have another shape, or values that are not finite.
            OdcGymError: the next episode of an environment cannot be built. The environments must then be reset.
            ResetNeeded: the environments were never reset, or a reset failed.
        """
        simulator = self.simulator
        if not simulator.begun:
            raise ResetNeeded("the environments must be reset before a step")
        dones = simulator.ending
        ended = np.flatnonzero(dones)
        seeds, episodes = next_episodes(simulator, self._stream, ended, self._actions)
        if self._must_prepare:
            simulator.next_episodes.prepare(self._stream.peek())
            self._must_prepare = False
        simulator.step(self._actions)
        self._returns += simulator.reward
        self._lengths += 1
        # copies, because stable-baselines3 adds the value of the next state to the rewards in place
        rewards = simulator.reward.astype(np.float32)
        columns = step_columns(simulator)
        rows = np.stack(list(columns.values()), axis=1).tolist()
        infos: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in rows]
        if ended.size:
            self._restart(ended, infos, seeds, episodes)
        return self._observe(), rewards, dones, infos

    def _restart(
        self,
        rows: NDArray[np.intp],
        infos: list[dict[str, Any]],
        seeds: list[int],
        episodes: Episodes | None,
    ) -> None:
        """Add the end of the episode to the infos of `rows`, and begin their next episodes."""
        final = self._observe()
        elapsed_s = round(time.time() - self._started_s, 6)
        for row in rows.tolist():
            infos[row] |= {
                "terminal_observation": row_observation(final, row),
                "TimeLimit.truncated": True,
                **end_info(self.simulator, row),
                "episode": {"r": float(self._returns[row]), "l": int(self._lengths[row]), "t": elapsed_s},
            }
        self.simulator.reset(seeds, rows, episodes)
        self._must_prepare = self._prefetch
        self._record_reset_infos(rows.tolist())
        self._returns[rows] = 0
        self._lengths[rows] = 0

    def _observe(self) -> Any:
        return observe(self.simulator, self._observation_mode)

    def _record_reset_infos(self, rows: Iterable[int]) -> None:
        for row in rows:
            self.reset_infos[row] = reset_info(self.simulator, row)

    def close(self) -> None:
        """Do nothing: the batch holds no resources."""

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return everything that decides the further course, as arrays by name; `set_state` continues from it."""
        sources = {"simulator": self.simulator.get_state(), "stream": self._stream.get_state()}
        state = {f"{source}/{name}": value for source, values in sources.items() for name, value in values.items()}
        return state | {"returns": self._returns.copy(), "lengths": self._lengths.copy()}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state of a batch of the same scenario and size.

        A state that is refused changes nothing.

        Raises:
            ArgumentError: the state is incomplete, or of another scenario or a batch of another size.
        """
        returns = saved_array(state, "returns", np.float64, [self.num_envs])
        stream = self._stream.restored(entries_under(state, "stream/"))
        lengths = saved_array(state, "lengths", np.int64, [self.num_envs])
        self.simulator.set_state(entries_under(state, "simulator/"))
        self._stream, self._returns, self._lengths = stream, returns.copy(), lengths.copy()

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return an attribute for each environment; all share one simulator, so the values are the same."""
        value = getattr(self, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of all environments.

        Raises:
            ArgumentError: `indices` leaves environments out.
        """
        if set(self._get_indices(indices)) != set(range(self.num_envs)):
            raise ArgumentError(f"indices: environments share {attr_name!r}, so it can only be set for all of them")
        setattr(self, attr_name, value)

    def action_masks(self, row: int) -> NDArray[np.bool_]:
        """Return the feasible choices of one environment in the mode `assign`, (K (S + 1) + S L,), for MaskablePPO."""
        return np.asarray(self.simulator.view.action_masks[row])

    def episode_metrics(self, row: int) -> dict[str, float]:
        """Compute the metrics of the episode so far of one environment."""
        return episode_metrics(self.simulator, row)

    def get_images(self) -> list[NDArray[np.uint8] | None]:
        """Return the picture (H, W, 3) of each environment, which `render` tiles; None without "rgb_array".

        Raises:
            ResetNeeded: the batch was never reset.
        """
        return [self._render_row(row) if self.render_mode == "rgb_array" else None for row in range(self.num_envs)]

    def _render_row(self, row: int) -> Any:
        """Return the text or picture of one environment, as the render mode says."""
        return self._frame(row, float(self._returns[row]))

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method on environments.

        It is one of `episode_metrics`, `render`, `observation_names`, `action_names`, `explain` or, in the mode
        `assign`, `action_masks`.

        Raises:
            AttributeError: environments have no such method.
        """
        if method_name in _SHARED_METHODS:
            method = getattr(self, method_name)
            return [method(*method_args, **method_kwargs) for _ in self._get_indices(indices)]
        if method_name not in _ROW_METHODS:
            known = ", ".join((*_ROW_METHODS, *_SHARED_METHODS))
            raise AttributeError(f"method_name = {method_name!r}: must be one of {known}")
        method = getattr(self, _ROW_METHODS[method_name])
        return [method(row, *method_args, **method_kwargs) for row in self._get_indices(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Indices = None
    ) -> list[bool]:
        """Return whether environments provide the effect of a wrapper: true only for Monitor, for its `episode`."""
        return [issubclass(wrapper_class, Monitor) for _ in self._get_indices(indices)]


def refuse_test_episodes(seeds: Iterable[int | None]) -> None:
    """Refuse seeds of the episodes on which schedulers are compared, so that no learner trains on them.

    Raises:
        ArgumentError: a seed lies in the range kept for tests.
    """
    for seed in seeds:
        if seed is not None and is_test_episode(seed):
            raise ArgumentError(f"seed = {seed}: kept for tests; training seeds are 0-9999, validation 20000+")
