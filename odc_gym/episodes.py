"""One episode of a single environment under one scheduler, as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from odc_gym.agents import SchedulerFactory, make_scheduler
from odc_gym.envs.env import ODCSatEnv
from odc_gym.errors import ArgumentError, SchedulerError
from odc_gym.simulator.components import bid_names
from odc_gym.simulator.metrics import episode_metrics

Policy = Callable[[Any], Any]
"""Function from an observation to an action."""


@dataclass(frozen=True, eq=False, repr=False)
class EpisodeTable:
    """Episode of T decisions: columns by name, as in `table["reward"]`, with its score and its KPIs.

    Attributes:
        scenario: name of the scenario.
        scheduler: name of the scheduler, or of its class or function.
        episode_seed: number of the episode.
        score: sum of the rewards.
        episode_metrics: KPIs by name, as `odc_gym.simulator.metrics.episode_metrics` describes them.
        columns: `time_h` (T,), the time since the episode's start at which a decision begins [h]; `reward` (T,);
            `action` (T, A); and the costs and reward terms of `info`, (T,) each.
        action_names: names of the A values of an action.
    """

    scenario: str
    scheduler: str
    episode_seed: int
    score: float
    episode_metrics: dict[str, float]
    columns: dict[str, NDArray[Any]]
    action_names: list[str]

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column."""
        return self.columns[name]

    def __len__(self) -> int:
        """Return the number of decisions, T."""
        return len(self.columns["reward"])

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """Return columns (T,), one for each value of the action too; `pandas.DataFrame` takes them."""
        flat = {name: column for name, column in self.columns.items() if name != "action"}
        return flat | {
            f"action/{name}": self.columns["action"][:, k].copy() for k, name in enumerate(self.action_names)
        }

    def __repr__(self) -> str:
        return (
            f"EpisodeTable({self.scheduler} on {self.scenario}, episode {self.episode_seed}: score {self.score:.2f} in "
            f"{len(self)} decisions; columns {', '.join(self.columns)}; {len(self.episode_metrics)} episode_metrics)"
        )


def run_episode(env: gymnasium.Env[Any, Any], scheduler: Any, seed: int | None = None) -> EpisodeTable:
    """Play one episode of a single environment.

    Args:
        env: environment of `gym.make("odc_gym:ODCSat-v0")`, with any wrappers that keep its actions. Wrappers that
            record videos or episodes see every step.
        scheduler: name of a scheduler, path of a Python file with one, folder of a training run, scheduler object or
            class; or a function from an observation of `env` to an action.
        seed: n plays episode n; None draws a training episode.

    Returns:
        The decisions as columns, the score and the KPIs.

    Raises:
        ArgumentError: `env` is not a single environment of this package.
        SchedulerError: the scheduler is unknown, or does not fit the environment.
        ActionError: an action has another shape, or values that are not finite.
    """
    inner = getattr(env, "unwrapped", None)
    if not isinstance(inner, ODCSatEnv):
        raise ArgumentError(f"env = {env!r}: must be a single environment, gym.make('odc_gym:ODCSat-v0')")
    name, act, begin = _policy(inner, scheduler)
    inner.scheduler_name = name
    observation, info = env.reset(seed=seed)
    episode_seed = int(info["episode_seed"])
    begin(episode_seed)
    rewards, actions, infos, over = [], [], [], False
    while not over:
        actions.append(np.array(act(observation)))
        observation, reward, terminated, truncated, _ = env.step(actions[-1])
        rewards.append(float(reward))
        infos.append(inner.simulator.row_info(0))
        over = terminated or truncated
    columns = {
        "time_h": np.arange(len(rewards)) * inner.view.decision_period_s / 3600.0,
        "reward": np.array(rewards),
        "action": np.array(actions),
        **{key: np.array([info[key] for info in infos]) for key in infos[0]},
    }
    metrics = episode_metrics(inner.simulator, 0)
    score = float(columns["reward"].sum())
    names = inner.action_names()
    if columns["action"].shape[1] != len(names):  # a rule acts in the mode bids
        names = bid_names(inner.simulator)
    return EpisodeTable(inner.scenario.name, name, episode_seed, score, metrics, columns, names)


def _policy(env: ODCSatEnv, scheduler: Any) -> tuple[str, Policy, Callable[[int], None]]:
    """Return the name of a scheduler, its function from observation to action, and its function that begins an episode.

    Raises:
        SchedulerError: the scheduler is unknown, does not fit the environment, or is of another kind.
    """
    name = str(scheduler) if isinstance(scheduler, str | Path) else _name_of(scheduler)
    if isinstance(scheduler, str | Path):
        scheduler = make_scheduler(scheduler, env)
    elif isinstance(scheduler, SchedulerFactory) or (isinstance(scheduler, type) and hasattr(scheduler, "act")):
        scheduler = scheduler(env.view)
    if hasattr(scheduler, "act") and hasattr(scheduler, "reset"):

        def begin(seed: int) -> None:
            scheduler.reset(env.view, np.ones(1, np.bool_), np.array([seed], np.int64))

        return name, lambda _: scheduler.act(env.view)[0], begin
    if not callable(scheduler):
        kinds = "a name, a Python file, a training run's folder, a scheduler, or a function of the observation"
        example = "lambda observation: model.predict(observation)[0]"
        raise SchedulerError(f"scheduler = {scheduler!r}: must be {kinds}, as in `{example}`")
    return name, scheduler, lambda _: None


def _name_of(scheduler: Any) -> str:
    """Return the name to show for a scheduler that is no text."""
    return str(getattr(scheduler, "name", None) or getattr(scheduler, "__name__", type(scheduler).__name__))
