"""Gymnasium environment `ODCSat-v0`, a batch of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from odc_gym.defaults import DEFAULT_ACTION_MODE, DEFAULT_SCENARIO
from odc_gym.envs.arguments import ScenarioSource, check_choice, check_options
from odc_gym.envs.described import Described
from odc_gym.envs.infos import EndInfo, end_info
from odc_gym.envs.vector import (
    RENDER_MODES,
    Course,
    action_space,
    build_simulator,
    mask_columns,
    observation_space,
    observe,
    reset_info,
    row_observation,
)
from odc_gym.rendering import HUMAN, load_pygame, render_fps
from odc_gym.saved_state import saved_array
from odc_gym.scenario import Scenario
from odc_gym.seeds import EpisodeStream, checked_seed
from odc_gym.simulator.copies import WholeCopy
from odc_gym.simulator.view import View

if TYPE_CHECKING:
    from odc_gym.workload import TraceSource


ENV_RENDER_MODES = (*RENDER_MODES, HUMAN)


class ODCSatEnv(WholeCopy, Described, gymnasium.Env[Any, NDArray[Any]]):
    """Environment in which an agent runs AI compute on a constellation of orbital data-centre satellites.

    `docs/environment.md` describes every component of action, observation and reward.

    - Action: `Box(-5, 5, (4 C + 15,))`, for C job classes: dials of a rule for the whole fleet. In the mode `bids`
      `Box(-1, 1, (S (C + 1) + 2 C,))`, for S satellites: bids, clocks, urgencies, offsets. In the mode `assign`
      `MultiDiscrete([S + 1] K + [L] S)`: satellites for K waiting jobs, clock levels.
    - Observation: `Box(-1, 1, (S (26 + 8 C) + 18 + 13 C,))` float32. In the mode `dict` its blocks `satellites` and
      `fleet`, and `jobs` (K, 8 + C) for K waiting jobs, with `jobs_present` (K,).
    - Reward: compute minus thermal and energy violations and battery wear, plus the change of stored energy. 100 is the
      value of the fleet's sustainable output over an episode.
    - Start: a steady state, drawn from the episode's seed.
    - End: the time limit truncates the episode; it never terminates.

    Args:
        scenario: a name in `configs/scenarios`, the path of a YAML file, a Scenario, or a mapping of its fields.
        overrides: dotted path to value, as in `Scenario.replace`.
        trace: file of jobs or requests that replaces the classes it holds, or several; see `docs/traces.md`.
        decision_period_s: time between decisions [s]; the scenario's if None.
        episode_hours: length of an episode [h]; the scenario's if None.
        render_mode: None, "ansi" for text, "rgb_array" for pictures, or "human" for a window that shows each decision.
        action_mode: "dials", "bids" or "assign".
        observation_mode: "flat" or "dict".

    Raises:
        ArgumentError: an argument has a value that is not allowed, or the mode "human" lacks pygame.
        ScenarioError: the scenario or an override is not allowed.
        TraceError: a trace is malformed.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": [mode for mode in ENV_RENDER_MODES if mode],
        "render_fps": 12,  # of a decision period of 5 minutes; each environment has its own
    }

    def __init__(
        self,
        scenario: ScenarioSource = DEFAULT_SCENARIO,
        overrides: Mapping[str, Any] | None = None,
        trace: TraceSource | None = None,
        decision_period_s: float | None = None,
        episode_hours: float | None = None,
        render_mode: str | None = None,
        action_mode: str = DEFAULT_ACTION_MODE,
        observation_mode: str = "flat",
    ) -> None:
        self.render_mode = check_choice("render_mode", render_mode, ENV_RENDER_MODES)
        if self.render_mode == HUMAN:
            load_pygame()
        self.simulator = build_simulator(
            1, scenario, overrides, trace, decision_period_s, episode_hours, action_mode, observation_mode
        )
        self.metadata = {**self.metadata, "render_fps": render_fps(self.view.decision_period_s)}
        self._observation_mode = observation_mode
        self.observation_space = observation_space(self.simulator, observation_mode)
        self.action_space = action_space(self.simulator)
        self._action_shape = self.action_space.shape
        self._stream = EpisodeStream(1)
        self._score = 0.0
        self._running = False

    @property
    def view(self) -> View:
        """View that schedulers read: SI arrays by name, first axis 1."""
        return self.simulator.view

    @property
    def scenario(self) -> Scenario:
        """Scenario that is simulated, with overrides applied."""
        return self.simulator.scenario

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: n plays episode n of the scenario; None draws a training episode from the environment's own
                generator.
            options: must be None or empty.

        Returns:
            Observation and info: `episode_seed`, `load_factor`, and in the mode `assign` `action_mask`.

        Raises:
            ArgumentError: the seed is no integer >= 0 and < 2**63, or there is an option.
            OdcGymError: the episode cannot be built. After any error `step` raises ResetNeeded until a reset succeeds.
        """
        self._running = False
        check_options(options, allowed=())
        number = None if seed is None else checked_seed(seed)
        super().reset(seed=number)
        self.simulator.reset(self._stream.next([number]))
        self._score, self._running = 0.0, True
        self._show()
        return self._observe(), reset_info(self.simulator, 0) | self._mask_info()

    def step(self, action: NDArray[Any]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Apply an action (A,) for one decision period; in the mode `dials` it may be one of the mode `bids`.

        Returns:
            Observation, reward, terminated (always False), truncated, and info. The info holds costs and reward terms,
            at the end `episode_metrics`, and in the mode `assign` the `action_mask` of the next step.

        Raises:
            ActionError: the action has another shape, or values that are not finite.
            ResetNeeded: the environment was never reset, its reset failed, or its episode has ended.
        """
        if not (self._running and self.simulator.begun):
            raise ResetNeeded("the environment must be reset before a step")
        batch, simulator = np.asarray(action), self.simulator
        if batch.shape != self._action_shape:
            simulator.check_shape(batch.shape)
        simulator.step(batch[None])
        reward = simulator.row_reward(0)
        self._score += reward
        truncated = simulator.row_over(0)
        info: dict[str, Any] = simulator.row_info(0)
        if simulator.assigns:
            info |= self._mask_info()
        if truncated:
            info = EndInfo(info | end_info(simulator, 0))
            self._running = False
        self._show()
        return self._observe(), reward, False, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Return the feasible choices of the mode `assign` for MaskablePPO, by component, (K (S + 1) + S L,).

        Raises:
            ActionError: the environment is in another mode.
        """
        return np.asarray(self.simulator.view.action_masks[0])

    def _observe(self) -> Any:
        return row_observation(observe(self.simulator, self._observation_mode), 0)

    def _mask_info(self) -> dict[str, Any]:
        return {name: value[0] for name, value in mask_columns(self.simulator).items()}

    def _course(self, row: int) -> Course | None:
        """Return the course of the environment; None if it has no episode that could go on."""
        if not (self._running and self.simulator.begun):
            return None
        clock, tick = self.simulator.fleet.clock, int(self.simulator.scalars["tick"][row])
        elapsed = (tick - clock.warm_up) // clock.steps
        return Course(self._score, elapsed, self.simulator.decisions, self._stream)

    def render(self) -> Any:
        """Return the fleet as text in the mode "ansi", as a picture (H, W, 3) uint8 in "rgb_array", else None.

        In the mode "human", `reset` and `step` show the fleet, and this call shows it again.

        Raises:
            ArgumentError: the mode is "human", and there is no display.
            ResetNeeded: the environment was never reset.
        """
        return self._frame(0, self._score)

    def picture(self) -> NDArray[np.uint8]:
        """Return the fleet as a picture (H, W, 3) in every render mode, so that a run in a window can be recorded.

        Raises:
            ResetNeeded: the environment was never reset.
        """
        return np.asarray(self._frame(0, self._score, "rgb_array"))

    def close(self) -> None:
        """Close the window of the mode "human"."""
        self._close_renderer()

    def _show(self) -> None:
        if self.render_mode == HUMAN:
            self._frame(0, self._score)

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return the complete state as arrays by name: episode, progress, score, and generator of later episodes."""
        own = {"score": np.array([self._score]), "begun": np.array([self._running])}
        return self.simulator.get_state() | self._stream.get_state() | own

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue exactly from a state of `get_state`, of this or another process.

        A state that is refused changes nothing.

        Raises:
            ArgumentError: the state is incomplete, or of another scenario or a batch of more than one environment.
        """
        stream = self._stream.restored(state)
        score, begun = saved_array(state, "score", np.float64, [1]), saved_array(state, "begun", np.bool_, [1])
        self.simulator.set_state(state)
        self._stream, self._score, self._running = stream, float(score[0]), bool(begun[0])
