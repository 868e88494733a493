"""Native batch of environments for `gymnasium.make_vec`; one simulator steps all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from odc_gym.cores import available_cores
from odc_gym.defaults import DEFAULT_ACTION_MODE, DEFAULT_SCENARIO
from odc_gym.envs.arguments import (
    OBSERVATION_MODES,
    ScenarioSource,
    check_autoreset_mode,
    check_choice,
    check_integer,
    check_number,
    check_options,
    check_overrides,
    check_rows,
    check_scenario,
    check_trace,
)
from odc_gym.envs.described import Described
from odc_gym.envs.infos import end_info
from odc_gym.errors import ArgumentError
from odc_gym.interface.dials import ACTION_RANGE
from odc_gym.rendering import HUMAN, RENDERERS, render_fps
from odc_gym.saved_state import entries_under, saved_array
from odc_gym.scenario import Scenario
from odc_gym.seeds import EpisodeStream, environment_seeds
from odc_gym.simulator.allocation import NO_EPISODE
from odc_gym.simulator.copies import WholeCopy
from odc_gym.simulator.simulator import ACTION_MODES, Episodes, Simulator

if TYPE_CHECKING:
    from odc_gym.workload import TraceSource

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
RENDER_MODES = (None, *RENDERERS)
PREFETCH_BYTES = 512 * 2**20  # largest batch that begins its next episodes in advance, which doubles its memory


def build_simulator(
    num_envs: int,
    scenario: ScenarioSource = DEFAULT_SCENARIO,
    overrides: Mapping[str, Any] | None = None,
    trace: TraceSource | None = None,
    decision_period_s: float | None = None,
    episode_hours: float | None = None,
    action_mode: str = "bids",
    observation_mode: str = "flat",
    num_threads: int = 1,
) -> Simulator:
    """Build the simulator of a batch of B environments from the arguments of the environment.

    Raises:
        ArgumentError: an argument has a value that is not allowed.
        ScenarioError: the scenario or an override is not allowed.
        TraceError: a trace is malformed.
    """
    check_choice("observation_mode", observation_mode, OBSERVATION_MODES)
    return Simulator(
        Scenario.load(check_scenario(scenario), check_overrides(overrides)),
        check_integer("num_envs", num_envs, 1),
        check_trace(trace),
        check_number("decision_period_s", decision_period_s),
        check_number("episode_hours", episode_hours),
        check_choice("action_mode", action_mode, ACTION_MODES),
        shows_jobs=observation_mode == "dict",
        num_threads=check_integer("num_threads", num_threads, 1),
    )


def next_episodes(
    simulator: Simulator, stream: EpisodeStream, rows: Rows, actions: NDArray[Any]
) -> tuple[list[int], Episodes | None]:
    """Draw the episodes that `rows` begin in a step, and build them before the step if other rows go on.

    If an episode cannot be built, the other rows have then not moved, and no transition of them is lost.

    Returns:
        Numbers of the episodes; the built episodes, or None if all rows begin.

    Raises:
        ActionError: the actions are refused; nothing is drawn.
        OdcGymError: an episode cannot be built.
    """
    if len(rows) == 0:
        return [], None
    simulator.checked(actions)
    seeds = stream.draw(rows)
    return seeds, simulator.build(seeds, rows) if len(rows) < simulator.num_envs else None


def prepares_episodes(simulator: Simulator, prefetch: bool | None) -> bool:
    """Return whether a thread begins the next episodes of a batch in advance: by default if a core and memory are free.

    Args:
        simulator: simulator of the batch.
        prefetch: True or False to decide; None for the default.
    """
    if prefetch is not None:
        return prefetch
    size = sum(array.nbytes for array in simulator.row_arrays().values())
    return available_cores() > 1 and size <= PREFETCH_BYTES


def observe(simulator: Simulator, observation_mode: str) -> Any:
    """Return the observations of a batch: (B, N) float32, or the blocks of `ObservationBuffers.blocks`."""
    return simulator.observation if observation_mode == "flat" else simulator.buffers.blocks


def row_observation(observation: Any, row: int) -> Any:
    """Return the observation of one environment of a batch."""
    if isinstance(observation, dict):
        return {name: block[row] for name, block in observation.items()}
    return observation[row]


def step_columns(simulator: Simulator) -> dict[str, NDArray[np.float64]]:
    """Return the values of `info` at every step: costs and reward terms by name, each (B,)."""
    return {**simulator.costs, **{f"reward/{name}": value for name, value in simulator.terms.items()}}


def mask_columns(simulator: Simulator) -> dict[str, NDArray[Any]]:
    """Return the values of `info` about the next step in the mode `assign`: the feasible choices, (B, M)."""
    return {"action_mask": simulator.view.action_masks} if simulator.assigns else {}


def reset_columns(simulator: Simulator) -> dict[str, NDArray[Any]]:
    """Return the values of `info` after a reset: episode, load relative to the scenario's, and random parameters.

    Each is (B,), or (B, S) for parameters drawn by satellite. The name `episode` is left to the wrappers that record
    episodes, so the episode is called `episode_seed`.
    """
    drawn = {f"randomised/{path}": values for path, values in simulator.drawn.items()}
    return {"episode_seed": simulator.seeds, "load_factor": simulator.load_factor, **drawn}


def reset_info(simulator: Simulator, row: int) -> dict[str, Any]:
    """Return `reset_columns` of one row: numbers, or arrays (S,)."""
    rows = {name: value[row] for name, value in reset_columns(simulator).items()}
    return {name: value.item() if value.ndim == 0 else value.copy() for name, value in rows.items()}


class Course(NamedTuple):
    """Course of one environment beside the state of its simulator."""

    score: float  # sum of the rewards of its episode
    elapsed: int  # decisions since the episode's start
    max_steps: int  # decisions at which its episodes are truncated
    stream: EpisodeStream  # of one environment: its later episodes


class ODCSatVectorEnv(WholeCopy, Described, VectorEnv[Any, NDArray[Any], NDArray[Any]]):
    """Batch of B environments `ODCSat-v0`; row i equals a single environment with the same seeds bit for bit.

    Observations are (B, N) float32, or in the mode `dict` blocks (B, ...). Actions are (B, A) in [-1, 1], bids or
    dials, or in the mode `assign` choices (B, K + S). Rewards are (B,) float64. Episodes never terminate; the time
    limit truncates them. Infos hold an array and a mask under `name` and `_name`: costs and reward terms of each step,
    `episode_metrics` at the end of an episode, and `episode_seed` and `load_factor` at its start. In the mode `assign`
    they always hold `action_mask` (B, K (S + 1) + S L).
    """

    def __init__(
        self,
        num_envs: int = 1,
        scenario: ScenarioSource = DEFAULT_SCENARIO,
        overrides: Mapping[str, Any] | None = None,
        trace: TraceSource | None = None,
        decision_period_s: float | None = None,
        episode_hours: float | None = None,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        action_mode: str = DEFAULT_ACTION_MODE,
        observation_mode: str = "flat",
        num_threads: int = 1,
        prefetch: bool | None = None,
    ) -> None:
        """Build the batch.

        Args:
            num_envs: number of environments B.
            scenario: a name in `configs/scenarios`, the path of a YAML file, a Scenario, or a mapping of its fields.
            overrides: dotted path to value, as in `Scenario.replace`.
            trace: file of jobs or requests that replaces the classes it holds, or several; see `docs/traces.md`.
            decision_period_s: time between decisions [s]; the scenario's if None.
            episode_hours: length of an episode [h]; the scenario's if None.
            render_mode: None, `ansi` for texts, or `rgb_array` for pictures.
            autoreset_mode: behaviour after the end of an episode: a mode or its name (NextStep, SameStep, Disabled).
            max_episode_steps: truncate after this many decisions, if that is earlier than the episode's end.
            action_mode: `bids`, `dials` or `assign`.
            observation_mode: `flat` or `dict`.
            num_threads: number of threads that step the environments; the results are the same.
            prefetch: whether a thread begins the next episodes while the present ones are played; the results are the
                same. None: if more than one core and enough memory are free.

        Raises:
            ArgumentError: an argument has a value that is not allowed.
            ScenarioError: the scenario or an override is not allowed.
            TraceError: a trace is malformed.
        """
        self.render_mode = check_choice("render_mode", render_mode, RENDER_MODES)
        self.autoreset_mode = check_autoreset_mode(autoreset_mode)
        if max_episode_steps is not None:
            max_episode_steps = check_integer("max_episode_steps", max_episode_steps, 1)
        simulator = build_simulator(
            num_envs, scenario, overrides, trace, decision_period_s, episode_hours, action_mode, observation_mode,
            num_threads,
        )  # fmt: skip
        self._prefetch = self._must_prepare = prepares_episodes(simulator, prefetch)
        self._set_up(simulator, observation_mode, max_episode_steps)

    @classmethod
    def _sibling(cls, env: Described, num_envs: int, autoreset_mode: AutoresetMode) -> ODCSatVectorEnv:
        """Return a batch of the fleet and the modes of another environment; its rows have no episodes yet."""
        batch = cls.__new__(cls)
        batch.render_mode = "rgb_array" if env.render_mode == HUMAN else env.render_mode
        batch.autoreset_mode = autoreset_mode
        batch._prefetch = batch._must_prepare = False
        batch._set_up(env.simulator.sibling(num_envs), env._observation_mode, None)
        return batch

    def _set_up(self, simulator: Simulator, observation_mode: str, max_episode_steps: int | None) -> None:
        """Make spaces and accounts of a batch whose rows have no episodes yet."""
        self.simulator = simulator
        self.metadata = batch_metadata(simulator, self.autoreset_mode)
        self.num_envs = num_envs = simulator.num_envs
        self._observation_mode = observation_mode
        self.single_observation_space = observation_space(simulator, observation_mode)
        self.single_action_space = action_space(simulator)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._stream = EpisodeStream(num_envs)
        self._max_steps = simulator.decisions if max_episode_steps is None else max_episode_steps
        self._elapsed = np.zeros(num_envs, np.int64)
        self._scores = np.zeros(num_envs)
        self._has_ended = np.zeros(num_envs, np.bool_)  # in the last step, without a reset since

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes in all environments, or in those of a mask.

        Args:
            seed: n plays episode n + i in environment i; a sequence gives each its own; None draws training episodes.
            options: `reset_mask` (B,) bool chooses the environments; without it all are reset.

        Returns:
            Observations, unchanged for environments that are not reset, and infos.

        Raises:
            ArgumentError: a seed or an option is not allowed.
            OdcGymError: an episode cannot be built. After any error `step` raises ResetNeeded until the chosen
                environments are reset; the others are as before.
        """
        rows: Rows = np.arange(self.num_envs)
        try:
            rows = self._rows(options)
            seeds = environment_seeds(seed, self.num_envs)
        except ArgumentError:
            self.simulator.withdraw(rows)
            raise
        self._begin(self._stream.next([seeds[row] for row in rows], rows), rows)
        began = np.isin(np.arange(self.num_envs), rows)
        return self._observe(), self._reset_infos(rows) | _masked(mask_columns(self.simulator), began)

    def step(self, actions: NDArray[Any]) -> tuple[Any, NDArray[np.float64], Mask, Mask, dict[str, Any]]:
        """Apply actions for one decision period.

        Returns:
            Observations, rewards (B,), terminations (B,), truncations (B,) and infos.

        Raises:
            ActionError: actions have another shape, or values that are not finite.
            OdcGymError: the next episode of an environment cannot be built. The environments that should have begun
                one must be reset; the others have not moved, unless all should have begun one.
            ResetNeeded: an environment has no episode: it was never reset, its reset failed, or it has ended in the
                mode `Disabled`.
        """
        idle = self._has_ended.copy()
        self._require_episodes(idle)
        ended = ~idle & (self.simulator.ending | (self._elapsed + 1 >= self._max_steps))
        at_once = self.autoreset_mode is AutoresetMode.SAME_STEP
        rows = np.flatnonzero(ended if at_once else idle)
        if idle.any():
            actions = _zero_rows(actions, idle)
        seeds, episodes = next_episodes(self.simulator, self._stream, rows, actions)
        if self._must_prepare:
            self.simulator.next_episodes.prepare(self._stream.peek())
            self._must_prepare = False
        if not idle.all():
            self.simulator.step(actions)
            self._elapsed += 1
        rewards = np.where(idle, 0.0, self.simulator.reward)
        self._scores += rewards
        if at_once:
            infos = self._end(ended) if ended.any() else self._infos(~idle, ended)
            self._begin(seeds, rows, episodes)
        else:
            self._begin(seeds, rows, episodes)
            infos = self._infos(~idle, ended)
            self._has_ended = ended.copy()
        infos |= self._reset_infos(rows) | _masked(mask_columns(self.simulator), np.ones(self.num_envs, np.bool_))
        return self._observe(), rewards, np.zeros(self.num_envs, np.bool_), ended, infos

    def _require_episodes(self, idle: Mask) -> None:
        """Raise ResetNeeded if an environment has no episode to step."""
        if self.simulator.begun and not (idle.any() and self.autoreset_mode is AutoresetMode.DISABLED):
            return
        missing = self.simulator.seeds == NO_EPISODE
        rows = np.flatnonzero(missing | idle if self.autoreset_mode is AutoresetMode.DISABLED else missing)
        raise ResetNeeded(f"environments {rows.tolist()} must be reset before a step")

    def get_state(self, rows: Sequence[int] | NDArray[np.integer[Any]] | None = None) -> dict[str, NDArray[Any]]:
        """Return everything that decides the further course, as arrays by name; `set_state` continues from it.

        Args:
            rows: environments to save, the first axis of all arrays; all if None.

        Raises:
            ArgumentError: `rows` are no distinct numbers of environments.
        """
        chosen = check_rows(rows, self.num_envs)
        sources = {
            "simulator": self.simulator.get_state(chosen),
            "stream": {name: words[chosen] for name, words in self._stream.get_state().items()},
        }
        state = {f"{source}/{name}": value for source, values in sources.items() for name, value in values.items()}
        own = {"scores": self._scores, "elapsed": self._elapsed, "has_ended": self._has_ended}
        return state | {name: array[chosen].copy() for name, array in own.items()}

    def set_state(
        self, state: Mapping[str, NDArray[Any]], rows: Sequence[int] | NDArray[np.integer[Any]] | None = None
    ) -> None:
        """Continue exactly from a state of `get_state`, of this or another batch of the same scenario.

        The state holds episodes, progress, scores, and the generators of later episodes. Rewards are 0 until the next
        step. A state that is refused changes nothing.

        Args:
            state: arrays by name.
            rows: environments to restore, in the order of the state's first axis; all if None.

        Raises:
            ArgumentError: the state is incomplete, of another scenario or of another number of environments, or `rows`
                are no distinct numbers of environments.
        """
        chosen = check_rows(rows, self.num_envs)
        scores = saved_array(state, "scores", np.float64, [len(chosen)])
        elapsed = saved_array(state, "elapsed", np.int64, [len(chosen)])
        has_ended = saved_array(state, "has_ended", np.bool_, [len(chosen)])
        stream = self._stream.restored(entries_under(state, "stream/"), chosen.tolist())
        self.simulator.set_state(entries_under(state, "simulator/"), chosen)
        self._stream, self._must_prepare = stream, self._prefetch
        self._scores[chosen], self._elapsed[chosen], self._has_ended[chosen] = scores, elapsed, has_ended

    def render(self) -> tuple[Any, ...] | None:
        """Return one text or picture (H, W, 3) uint8 an environment, as the render mode says; None without one.

        Raises:
            ResetNeeded: an environment was never reset.
        """
        if self.render_mode is None:
            return None
        return tuple(self._frame(row, float(score)) for row, score in enumerate(self._scores))

    def _course(self, row: int) -> Course | None:
        """Return the course of an environment; None if it has no episode that could go on."""
        if self.simulator.seeds[row] == NO_EPISODE or self._has_ended[row]:
            return None
        return Course(float(self._scores[row]), int(self._elapsed[row]), self._max_steps, self._stream.repeated(row, 1))

    def _continue_from(self, simulator: Simulator, row: int, course: Course) -> None:
        """Continue in all rows from a row of another simulator of the fleet, with the course of its environment."""
        self.simulator.continue_from(simulator, row)
        self._scores[:], self._elapsed[:], self._has_ended[:] = course.score, course.elapsed, False
        self._max_steps = course.max_steps
        self._stream = course.stream.repeated(0, self.num_envs)

    def _begin(self, seeds: Sequence[int], rows: Rows, episodes: Episodes | None = None) -> None:
        """Begin the episodes in the environments `rows`."""
        if len(rows) == 0:
            return
        self.simulator.reset(seeds, rows, episodes)
        self._must_prepare = self._prefetch
        self._elapsed[rows] = 0
        self._scores[rows] = 0.0
        self._has_ended[rows] = False

    def _end(self, ended: Mask) -> dict[str, Any]:
        """Return the infos of a step in which the rows of `ended` end, with their final observations and infos."""
        infos = self._infos(~ended, np.zeros_like(ended))
        final = self._observe()
        for row in np.flatnonzero(ended).tolist():
            infos = self._add_info(infos, {"final_obs": row_observation(final, row)}, row)
        final_infos = self._infos(ended, ended) | _masked(mask_columns(self.simulator), ended)
        return infos | {"final_info": final_infos, "_final_info": ended.copy()}

    def _reset_infos(self, rows: Rows) -> dict[str, Any]:
        if len(rows) == 0:
            return {}
        began = np.isin(np.arange(self.num_envs), rows)
        return _masked(reset_columns(self.simulator), began)

    def _observe(self) -> Any:
        return observe(self.simulator, self._observation_mode)

    def _infos(self, stepped: Mask, ended: Mask) -> dict[str, Any]:
        """Return costs and terms of the rows of `stepped`, 0 elsewhere, and the metrics of episodes that ended."""
        infos = _masked(step_columns(self.simulator), stepped)
        for row in np.flatnonzero(ended):
            infos = self._add_info(infos, end_info(self.simulator, int(row)), int(row))
        return infos

    def _rows(self, options: Mapping[str, Any] | None) -> Rows:
        check_options(options, allowed=("reset_mask",))
        if not options:
            return np.arange(self.num_envs)
        mask = options["reset_mask"]
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise ArgumentError(f"options.reset_mask: must be a bool array of shape ({self.num_envs},)")
        if not mask.any():
            raise ArgumentError("options.reset_mask: must choose at least one environment")
        return np.flatnonzero(mask)


def batch_metadata(simulator: Simulator, autoreset_mode: AutoresetMode) -> dict[str, Any]:
    """Return the metadata of a batch, as Gymnasium reads them."""
    fps = render_fps(simulator.view.decision_period_s)
    return {"render_modes": list(RENDERERS), "render_fps": fps, "autoreset_mode": autoreset_mode}


def _masked(columns: Mapping[str, NDArray[Any]], rows: Mask) -> dict[str, Any]:
    """Return columns (B,) with 0 outside the rows of a mask, and the mask under `_name`; nothing for an empty mask."""
    if not rows.any():
        return {}
    if rows.all():  # a copy costs less than a choice
        infos: dict[str, Any] = {name: value.copy() for name, value in columns.items()}
    else:
        infos = {
            name: np.where(rows.reshape(-1, *[1] * (value.ndim - 1)), value, value.dtype.type(0))
            for name, value in columns.items()
        }
    return infos | {f"_{name}": rows.copy() for name in columns}


def _zero_rows(actions: NDArray[Any], idle: Mask) -> NDArray[Any]:
    """Return actions with zeros in the idle rows; keep actions of a wrong shape, which the simulator refuses."""
    array = np.asarray(actions)
    if array.ndim != 2 or len(array) != len(idle):
        return array
    return np.where(idle[:, None], 0, array)


def observation_space(simulator: Simulator, observation_mode: str) -> spaces.Space[Any]:
    """Return the observation space of one environment: a Box (N,) of float32 in [-1, 1], or a Dict of such blocks."""
    if observation_mode == "flat":
        return spaces.Box(-1.0, 1.0, (simulator.observation.shape[1],), np.float32)
    shapes = {name: block.shape[1:] for name, block in simulator.buffers.blocks.items()}
    blocks: dict[str, spaces.Space[Any]] = {n: spaces.Box(-1.0, 1.0, shape, np.float32) for n, shape in shapes.items()}
    return spaces.Dict(blocks | {"jobs_present": spaces.MultiBinary(shapes["jobs_present"])})


def action_space(simulator: Simulator) -> spaces.Space[NDArray[Any]]:
    """Return the action space of one environment: a Box (A,), or in the mode `assign` K + S choices.

    The Box is [-1, 1] in the mode `bids`, and [-5, 5] in the mode `dials`.
    """
    if simulator.assigns:
        return spaces.MultiDiscrete(simulator.assignment.choices)
    limit = ACTION_RANGE if simulator.action_mode == "dials" else 1.0
    return spaces.Box(-limit, limit, (simulator.action_size,), np.float32)
