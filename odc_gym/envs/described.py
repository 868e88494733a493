"""Description of an environment, the same for single environments and batches: names, decoding, pictures and spec."""

from __future__ import annotations

import copy
from typing import Any

from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded

from odc_gym.envs.arguments import plain
from odc_gym.rendering import Renderer
from odc_gym.simulator.components import ObservationTable, action_names, explain, observation_names
from odc_gym.simulator.simulator import Simulator


class Described:
    """Base of the environments: it reads `simulator`, `render_mode` and `_observation_mode` of its subclass."""

    simulator: Simulator
    render_mode: str | None
    _observation_mode: str
    scheduler_name: str = ""
    """Name of the scheduler, for pictures; `run_episode` sets it."""
    _spec: EnvSpec | None = None
    _renderer: Renderer | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """Specification that makes the environment again; its arguments are plain data, so `to_json` can write it."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = copy.copy(spec)
        if self._spec is not None:
            self._spec.kwargs = plain(self._spec.kwargs)

    def observation_names(self) -> Any:
        """Return the names of the values of one environment's observation, such as `satellite[3].charge_frac`.

        Returns:
            In the mode `flat` a list of N names; in the mode `dict` an array of names for each block, of its shape.
        """
        return observation_names(self.simulator, self._observation_mode)

    def action_names(self) -> list[str]:
        """Return the names of the A values of one environment's action, such as `satellite[3].batch.bid`."""
        return action_names(self.simulator)

    def explain(self, observation: Any) -> ObservationTable:
        """Decode the observation of one environment into SI units, with the meaning of every value.

        Args:
            observation: a flat observation (N,), or a mapping with the blocks of a dict observation.

        Raises:
            ArgumentError: the observation has another shape, or lacks a block.
        """
        return explain(self.simulator, observation)

    def _frame(self, row: int, score: float, mode: str | None = None) -> Any:
        """Return the text or picture of one environment in the render mode; show it in the mode "human".

        Raises:
            ResetNeeded: the environment was never reset.
        """
        mode = mode or self.render_mode
        if mode is None:
            return None
        if self.simulator.seeds[row] < 0:
            raise ResetNeeded("the environment must be reset before it is rendered")
        if self._renderer is None:
            self._renderer = Renderer()
        return self._renderer.render(self.simulator, row, score, mode, self.scheduler_name)

    def _close_renderer(self) -> None:
        """Close the window of the mode "human"."""
        if self._renderer is not None:
            self._renderer.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.simulator.description})"
