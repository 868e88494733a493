"""Scheduler with one clock for all satellites."""

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
    """Clock of all satellites, chosen on validation episodes; see docs/schedulers.md."""

    clock: float = number(
        0.75, 0.0, 1.0, "clock over full clock; values below the lowest clock count as the lowest clock"
    )


@scheduler("fixed-clock", FixedClockParameters)
class FixedClock:
    """Scheduler that asks for one clock on all satellites, day and night.

    The least loaded satellite takes new work.

    Controls: clocks.
    """

    def __init__(self, view: View, parameters: FixedClockParameters | None = None) -> None:
        """Store the parameters; the scheduler is stateless."""
        self.parameters = parameters or FixedClockParameters()

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Request the clock on all satellites; all other values are 0, (B, A).

        Requests are relative to the current sustainable clock. A clock between the lowest and the full clock is exact
        until light or load change within the decision.
        """
        sustainable = view.observation["clock_sustainable"]
        clock = np.full_like(sustainable, self.parameters.clock)
        actions = view.layout.zeros(view.num_envs)
        request = clock_request(clock, sustainable, view.design["x_min"])
        view.layout.clocks(actions)[:] = np.where(clock < 1.0, request, 1.0)  # also where the full clock is sustainable
        return actions
