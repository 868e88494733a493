"""Scheduler of constant dials, found by search."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler
from odc_gym.dial_files import FOLDER, DialFile, dials_of, family, read_dials, roles_of

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@dataclass(frozen=True)
class PlaysDials:
    """Factory of the scheduler that plays given dials; it can be sent to another process."""

    file: DialFile
    data: Path | None = None  # file that was read

    def __call__(self, view: View) -> Tuned:
        """Make the scheduler for a view."""
        return Tuned(view, self.file)


@scheduler("tuned")
class Tuned:
    """Scheduler that plays constant dials, found by search.

    They are those of the scenario or its base in `configs/dials`, or else those for all scenarios. The rule behind them
    reads light, charge, temperature, load and queue at each decision.

    Controls: everything.

    Source: Hansen 2016, The CMA Evolution Strategy: a tutorial.
    """

    data = FOLDER

    def __init__(self, view: View, file: DialFile | None = None) -> None:
        """Read the dials of the view's scenario, unless a file is given."""
        scenario = view.scenario
        file = file or read_dials(family(scenario.name))
        self._dials = dials_of(file.vector, roles_of(scenario))

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Return the actions that the dials stand for now, (B, A)."""
        return view.actions_of_dials(self._dials)
