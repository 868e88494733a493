"""One clock for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import clock_request
from odc_gym.agents._parameters import number
from odc_gym.agents.base import scheduler

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@dataclass(frozen=True)
class FixedClockParameters:
    """The clock, chosen on validation episodes; see docs/schedulers.md."""

    clock: float = number(0.75, 0.0, 1.0)  # over full clock; below the lowest clock counts as that


@scheduler("fixed-clock", FixedClockParameters)
class FixedClock:
    """Asks for one and the same clock on all satellites, in light and in shadow.

    Work is placed on the least loaded satellite.
    """

    def __init__(self, view: View, parameters: FixedClockParameters | None = None) -> None:
        """Keeps its clock; a rule without memory."""
        self.parameters = parameters or FixedClockParameters()

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """It remembers nothing."""

    def act(self, view: View) -> NDArray[Any]:
        """Clock requests, all else 0, (B, A).

        Requests are relative to the sustainable clock of the moment, so that a clock between the lowest and the full
        one is exact until light or load change within the decision.
        """
        sustainable = view.observation["clock_sustainable"]
        clock = np.full_like(sustainable, self.parameters.clock)
        actions = view.layout.zeros(view.num_envs)
        request = clock_request(clock, sustainable, view.design["x_min"])
        view.layout.clocks(actions)[:] = np.where(clock < 1.0, request, 1.0)  # also where the full clock is sustainable
        return actions
