"""What an agent does: bids for satellites and classes, clocks of satellites, urgencies and offsets of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.physics.mathematics import clip


class ActionRow(NamedTuple):
    """One component of the action, in [-1, 1]."""

    name: str
    per: str
    meaning: str


ACTIONS = (
    ActionRow(
        "bid",
        "satellite, class",
        "a job goes to the feasible satellite with the highest bid - load_weight x busy share; below -0.5 it "
        "is closed to new work of the class, below -0.8 its running work leaves",
    ),
    ActionRow(
        "clock", "satellite", "-1 the lowest clock, 0 the sustainable clock of this moment, +1 full; linear between"
    ),
    ActionRow(
        "urgency",
        "class",
        "multiplies the class's rank in the queue by 4^u and the replicas of a service by 2^u; below -0.9 it is held",
    ),
    ActionRow("clock_offset", "class", "added to the clock request of all satellites for work of this class"),
)


@dataclass(frozen=True)
class ActionLayout:
    """Places in the flat action of S satellites and C classes: S x (C bids, clock), C urgencies, C offsets."""

    satellites: int
    classes: int

    @property
    def size(self) -> int:
        """Length of the flat action, S (C + 1) + 2 C."""
        return self.satellites * (self.classes + 1) + 2 * self.classes

    def zeros(self, num_envs: int) -> np.ndarray:
        """The zero action: equal bids, sustainable clocks, (B, A)."""
        return np.zeros((num_envs, self.size))

    def bids(self, action: np.ndarray) -> np.ndarray:
        """View of the bids, (B, C, S)."""
        return self._satellites(action)[:, :, : self.classes].transpose(0, 2, 1)

    def clocks(self, action: np.ndarray) -> np.ndarray:
        """View of the clock requests, (B, S)."""
        return self._satellites(action)[:, :, self.classes]

    def urgency(self, action: np.ndarray) -> np.ndarray:
        """View of the urgencies, (B, C)."""
        start = self.satellites * (self.classes + 1)
        return action[:, start : start + self.classes]

    def offsets(self, action: np.ndarray) -> np.ndarray:
        """View of the clock offsets, (B, C)."""
        return action[:, self.size - self.classes :]

    def _satellites(self, action: np.ndarray) -> np.ndarray:
        count = self.satellites * (self.classes + 1)
        view = action[:, :count].view()
        view.shape = (action.shape[0], self.satellites, self.classes + 1)  # raises rather than copies
        return view


@routine
def decode(action: np.ndarray, env: Environment) -> None:
    """Read a flat action into bids, clock requests, urgencies and clock offsets (C,), held in [-1, 1]."""
    sat, n, classes = env.sat, env.num_satellites, env.num_classes
    for s in range(n):
        at = s * (classes + 1)
        for c in range(classes):
            env.classes.bid[c, s] = clip(action[at + c], -1.0, 1.0)
        wanted = clip(action[at + classes], -1.0, 1.0)
        if wanted != sat.request[s]:
            sat.switches[s] += 1.0
            sat.request[s] = wanted
        sat.clock_order[s] = 0.0
    at = n * (classes + 1)
    for c in range(classes):
        env.urgency[c] = clip(action[at + c], -1.0, 1.0)
        env.clock_offset[c] = clip(action[at + classes + c], -1.0, 1.0)
