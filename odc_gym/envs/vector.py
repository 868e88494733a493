"""The environment as a native batch: one Simulator steps all environments at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.seeds import EpisodeStream, environment_seeds
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator

if TYPE_CHECKING:
    from odc_gym.workload import TraceSource

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
OBSERVATION_MODES = ("flat", "dict")


def build_simulator(
    num_envs: int,
    scenario: str | Path | Scenario = "starter12",
    overrides: dict[str, Any] | None = None,
    trace: TraceSource | None = None,
    decision_period_s: float | None = None,
    episode_hours: float | None = None,
    action_mode: str = "bids",
    observation_mode: str = "flat",
) -> Simulator:
    """The simulator behind a batch of B environments, from the arguments of the environment.

    Raises:
        ScenarioError: an argument with a value that is not allowed.
    """
    if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
        raise ScenarioError(f"num_envs = {num_envs!r}: must be an integer >= 1")
    if observation_mode not in OBSERVATION_MODES:
        allowed = ", ".join(OBSERVATION_MODES)
        raise ScenarioError(f"observation_mode = {observation_mode!r}: must be one of {allowed}")
    return Simulator(
        Scenario.load(scenario, overrides),
        num_envs,
        trace,
        decision_period_s,
        episode_hours,
        action_mode,
        shows_jobs=observation_mode == "dict",
    )


def observe(simulator: Simulator, observation_mode: str) -> Any:
    """Observations of a batch: (B, N) float32, or the blocks of `ObservationBuffers.blocks`."""
    return simulator.observation if observation_mode == "flat" else simulator.buffers.blocks


def of_row(observation: Any, row: int) -> Any:
    """The observation of one environment of a batch."""
    if isinstance(observation, dict):
        return {name: block[row] for name, block in observation.items()}
    return observation[row]


def step_columns(simulator: Simulator) -> dict[str, NDArray[np.float64]]:
    """What `info` tells of every step: costs and reward terms by name, each (B,)."""
    return {**simulator.costs, **{f"reward/{name}": value for name, value in simulator.terms.items()}}


def mask_columns(simulator: Simulator) -> dict[str, NDArray[Any]]:
    """What `info` tells of the coming step in the mode `assign`: feasible choices, (B, M)."""
    return {"action_mask": simulator.view.action_masks} if simulator.assigns else {}


def start_columns(simulator: Simulator) -> dict[str, NDArray[Any]]:
    """What `info` tells of a reset: the episode that begins, its load relative to the scenario's, and what it drew.

    Each (B,), or (B, S) where every satellite drew its own. The first is not called `episode`, which wrappers that
    record episodes use for themselves.
    """
    drawn = {f"randomised/{path}": values for path, values in simulator.drawn.items()}
    return {"episode_seed": simulator.seeds, "load_factor": simulator.load_factor, **drawn}


def start_info(simulator: Simulator, row: int) -> dict[str, Any]:
    """`start_columns` of one row: numbers, or arrays (S,)."""
    rows = {name: value[row] for name, value in start_columns(simulator).items()}
    return {name: value.item() if value.ndim == 0 else value.copy() for name, value in rows.items()}


class ODCSatVectorEnv(VectorEnv[Any, NDArray[Any], NDArray[Any]]):
    """A batch of B environments `ODCSat-v0`; row i equals a single environment with the same seeds bit for bit.

    Observations (B, N) float32, or in the mode `dict` blocks (B, ...); actions (B, A) in [-1, 1], or in the mode
    `assign` choices (B, K + S); rewards (B,) float64. Nothing terminates; the time limit truncates. Infos hold an array
    and a mask under `name` and `_name`: costs and reward terms of each step, `episode_metrics` at an episode's end,
    `episode_seed` and `load_factor` at its start, in the mode `assign` always `action_mask` (B, K (S + 1) + S L).
    """

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Path | Scenario = "starter12",
        overrides: dict[str, Any] | None = None,
        trace: TraceSource | None = None,
        decision_period_s: float | None = None,
        episode_hours: float | None = None,
        render_mode: None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        action_mode: str = "bids",
        observation_mode: str = "flat",
    ) -> None:
        """Build the batch.

        Args:
            num_envs: B.
            scenario: a name in `configs/scenarios`, the path of a YAML file, or a Scenario.
            overrides: dotted path to value, as in `Scenario.replace`.
            trace: file of jobs or requests that replaces the classes it holds, or several; see `docs/traces.md`.
            decision_period_s: time between decisions [s]; the scenario's if None.
            episode_hours: length of an episode [h]; the scenario's if None.
            render_mode: a batch draws no pictures: None.
            autoreset_mode: what happens after an episode's end, a mode or its name (NextStep, SameStep, Disabled).
            max_episode_steps: truncate after this many decisions, if that is earlier than the episode's end.
            action_mode: `bids` or `assign`.
            observation_mode: `flat` or `dict`.

        Raises:
            ScenarioError: an argument with a value that is not allowed.
        """
        if render_mode is not None:
            raise ScenarioError(f"render_mode = {render_mode!r}: must be None in a batch")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ScenarioError(f"max_episode_steps = {max_episode_steps}: must be >= 1")
        self.autoreset_mode = _mode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self.simulator = build_simulator(
            num_envs, scenario, overrides, trace, decision_period_s, episode_hours, action_mode, observation_mode
        )
        self.num_envs = num_envs
        self._observation_mode = observation_mode
        self.single_observation_space = observation_space(self.simulator, observation_mode)
        self.single_action_space = action_space(self.simulator)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._stream = EpisodeStream(num_envs)
        self._limit = self.simulator.decisions if max_episode_steps is None else max_episode_steps
        self._elapsed = np.zeros(num_envs, np.int64)
        self._begun = np.zeros(num_envs, np.bool_)  # has been reset once
        self._over = np.zeros(num_envs, np.bool_)  # the last step ended the episode and no reset followed

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes in all environments, or in those of a mask.

        Args:
            seed: n plays episode n + i in environment i; a sequence gives each its own; None draws training episodes.
            options: `reset_mask` (B,) bool chooses the environments; all without it.

        Returns:
            Observations, those of environments left alone unchanged, and infos.

        Raises:
            ScenarioError: a seed or an option that is not allowed.
        """
        rows = self._rows(options)
        seeds = environment_seeds(seed, self.num_envs)
        self._begin(self._stream.next([seeds[row] for row in rows], rows), rows)
        began = np.isin(np.arange(self.num_envs), rows)
        return self._observe(), self._start_infos(rows) | _masked(mask_columns(self.simulator), began)

    def step(self, actions: NDArray[Any]) -> tuple[Any, NDArray[np.float64], Mask, Mask, dict[str, Any]]:
        """Apply actions for one decision period.

        Returns:
            Observations, rewards (B,), terminations (B,), truncations (B,) and infos.

        Raises:
            ActionError: actions of another shape, or values that are not finite.
            ResetNeeded: an environment was never reset, or ended and is in mode `Disabled`.
        """
        idle = self._over.copy()
        if not self._begun.all() or (idle.any() and self.autoreset_mode is AutoresetMode.DISABLED):
            rows = np.flatnonzero(idle | ~self._begun).tolist()
            raise ResetNeeded(f"environments {rows} must be reset before a step")
        self._advance(actions, idle)
        ended = ~idle & (self.simulator.truncated | (self._elapsed >= self._limit))
        rewards = np.where(idle, 0.0, self.simulator.reward)
        if self.autoreset_mode is AutoresetMode.SAME_STEP and ended.any():
            infos = self._restart(ended)
        else:
            infos = self._infos(~idle, ended) | self._start_infos(np.flatnonzero(idle))
            self._over = ended.copy()
        infos |= _masked(mask_columns(self.simulator), np.ones(self.num_envs, np.bool_))
        return self._observe(), rewards, np.zeros(self.num_envs, np.bool_), ended, infos

    def _advance(self, actions: NDArray[Any], idle: Mask) -> None:
        """Step the simulator; environments of `idle` begin their next episode instead and ignore their action."""
        if not idle.all():
            self.simulator.step(_without(actions, idle) if idle.any() else actions)
            self._elapsed += 1
        if idle.any():
            rows = np.flatnonzero(idle)
            self._begin(self._stream.draw(rows), rows)

    def _begin(self, episodes: Sequence[int], rows: Rows) -> None:
        self.simulator.reset(episodes, rows)
        self._elapsed[rows] = 0
        self._begun[rows] = True
        self._over[rows] = False

    def _restart(self, ended: Mask) -> dict[str, Any]:
        """Same-step reset: infos of the step just done, with final observations; the rows of `ended` begin anew."""
        infos = self._infos(~ended, np.zeros_like(ended))
        final = self._observe()
        rows = np.flatnonzero(ended)
        for row in rows.tolist():
            infos = self._add_info(infos, {"final_obs": of_row(final, row)}, row)
        final_infos = self._infos(ended, ended) | _masked(mask_columns(self.simulator), ended)
        infos |= {"final_info": final_infos, "_final_info": ended.copy()}
        self._begin(self._stream.draw(rows), rows)
        return infos | self._start_infos(rows)

    def _start_infos(self, rows: Rows) -> dict[str, Any]:
        began = np.isin(np.arange(self.num_envs), rows)
        return _masked(start_columns(self.simulator), began)

    def _observe(self) -> Any:
        return observe(self.simulator, self._observation_mode)

    def _infos(self, stepped: Mask, ended: Mask) -> dict[str, Any]:
        """Costs and terms of the rows of `stepped`, 0 elsewhere, and the metrics of episodes that ended."""
        infos = _masked(step_columns(self.simulator), stepped)
        for row in np.flatnonzero(ended):
            metrics = episode_metrics(self.simulator, int(row))
            infos = self._add_info(infos, {"episode_metrics": metrics}, int(row))
        return infos

    def _rows(self, options: Mapping[str, Any] | None) -> Rows:
        mask = (options or {}).get("reset_mask")
        if mask is None:
            return np.arange(self.num_envs)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise ScenarioError(f"options.reset_mask: must be a bool array of shape ({self.num_envs},)")
        if not mask.any():
            raise ScenarioError("options.reset_mask: must choose at least one environment")
        return np.flatnonzero(mask)


def _masked(columns: Mapping[str, NDArray[Any]], rows: Mask) -> dict[str, Any]:
    """Columns (B,) with 0 outside the rows of a mask, and the mask under `_name`; nothing if it chooses no row."""
    if not rows.any():
        return {}
    infos: dict[str, Any] = {
        name: np.where(rows.reshape(-1, *[1] * (value.ndim - 1)), value, value.dtype.type(0))
        for name, value in columns.items()
    }
    return infos | {f"_{name}": rows.copy() for name in columns}


def _mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        allowed = ", ".join(m.value for m in AutoresetMode)
        raise ScenarioError(f"autoreset_mode = {mode!r}: must be one of {allowed}") from None


def _without(actions: NDArray[Any], idle: Mask) -> NDArray[Any]:
    """Actions with zeros in the rows that ignore theirs; one of a wrong shape goes on as it is, to be refused."""
    array = np.asarray(actions)
    if array.ndim != 2 or len(array) != len(idle):
        return array
    return np.where(idle[:, None], 0, array)


def observation_space(simulator: Simulator, observation_mode: str) -> spaces.Space[Any]:
    """Observations of one environment: a Box (N,) of float32 in [-1, 1], or a Dict of such blocks."""
    if observation_mode == "flat":
        return spaces.Box(-1.0, 1.0, (simulator.observation.shape[1],), np.float32)
    shapes = {name: block.shape[1:] for name, block in simulator.buffers.blocks.items()}
    blocks: dict[str, spaces.Space[Any]] = {n: spaces.Box(-1.0, 1.0, shape, np.float32) for n, shape in shapes.items()}
    return spaces.Dict(blocks | {"jobs_present": spaces.MultiBinary(shapes["jobs_present"])})


def action_space(simulator: Simulator) -> spaces.Space[NDArray[Any]]:
    """Actions of one environment: a Box (A,) of float32 in [-1, 1], or the choices (K + S,) of the mode `assign`."""
    if simulator.assigns:
        return spaces.MultiDiscrete(simulator.assignment.choices)
    return spaces.Box(-1.0, 1.0, (simulator.action_size,), np.float32)
