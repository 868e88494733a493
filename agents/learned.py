"""Scheduler of a trained policy that comes with the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents.base import scheduler
from odc_gym.dial_files import dials_of, read_dials, roles_of
from odc_gym.dial_files import family as dial_family
from odc_gym.policies.actor import Actor
from odc_gym.policies.files import FOLDER, PolicyFile, family, read_policy
from odc_gym.policies.natures import natures_of

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@dataclass(frozen=True)
class PlaysPolicy:
    """Factory of the scheduler that plays the policy of a file; it can be sent to another process."""

    file: PolicyFile
    data: Path  # file that was read

    def __call__(self, view: View) -> Learned:
        """Make the scheduler for a view."""
        return Learned(view, self.file)


@scheduler("learned")
class Learned:
    """Scheduler that plays a policy trained by reinforcement learning.

    It is that of the scenario or its base in `configs/policies`. The policy adds its bids, clocks, urgencies and clock
    offsets to those of constant dials. Where the package has no policy, training did not improve on the constant dials
    of `tuned`, and the scheduler plays those.

    Controls: everything.

    Source: Schulman et al. 2017, Proximal Policy Optimization Algorithms; Silver et al. 2018, Residual Policy Learning.
    """

    data = FOLDER

    def __init__(self, view: View, file: PolicyFile | None = None) -> None:
        """Read the policy for the view's scenario, unless a file is given."""
        scenario = view.scenario
        name = family(scenario.name)
        if file is None and name is not None:
            file = read_policy(FOLDER / f"{name}.npz")
        self._actor = None if file is None else Actor(file.tensors, view.satellites, natures_of(scenario))
        base = read_dials(dial_family(scenario.name)).vector if file is None else np.array(file.about.base)
        self._dials = dials_of(base, roles_of(scenario)) if base.size else None

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Return the actions of the policy, (B, A)."""
        actions = view.layout.zeros(view.num_envs) if self._dials is None else view.actions_of_dials(self._dials)
        return actions if self._actor is None else np.clip(actions + self._actor.act(view.encoded), -1.0, 1.0)
