"""Action mode `bids`: bids, clock requests of satellites, urgencies and clock offsets of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.physics.mathematics import clip


class ActionRow(NamedTuple):
    """One kind of component of an action, in [-1, 1] in the mode `bids`; `per` states what it is given for."""

    name: str
    per: str
    meaning: str


ACTIONS = (
    ActionRow(
        "bid",
        "satellite, class",
        "bid of the satellite for jobs of the class; a job goes to the feasible satellite with the highest score, "
        "bid - load_weight x busy share. Below -0.5 the satellite accepts no new work of the class. Below -0.8 its "
        "running work of the class leaves",
    ),
    ActionRow(
        "clock",
        "satellite",
        "clock request: -1 is the lowest clock, 0 the sustainable clock of this moment, +1 the full clock; linear in "
        "between",
    ),
    ActionRow(
        "urgency",
        "class",
        "urgency u of the class: multiplies the rank of its jobs in the queue by 4^u, and the demand for which a "
        "service plans replicas by 2^u. Below -0.9 no work of the class starts, and a service retires its replicas",
    ),
    ActionRow(
        "clock_offset", "class", "offset that is added to the clock requests of all satellites for work of the class"
    ),
)


@dataclass(frozen=True)
class ActionLayout:
    """Layout of the flat action of S satellites and C classes: S x (C bids, clock), C urgencies, C clock offsets."""

    satellites: int
    classes: int

    @property
    def size(self) -> int:
        """Length of the flat action, S (C + 1) + 2 C."""
        return self.satellites * (self.classes + 1) + 2 * self.classes

    def zeros(self, num_envs: int) -> np.ndarray:
        """Return the zero action, (B, A): equal bids, and sustainable clocks."""
        return np.zeros((num_envs, self.size))

    def bids(self, action: np.ndarray) -> np.ndarray:
        """Return a view of the bids, (B, C, S)."""
        return self._satellites(action)[:, :, : self.classes].transpose(0, 2, 1)

    def clocks(self, action: np.ndarray) -> np.ndarray:
        """Return a view of the clock requests, (B, S)."""
        return self._satellites(action)[:, :, self.classes]

    def urgency(self, action: np.ndarray) -> np.ndarray:
        """Return a view of the urgencies, (B, C)."""
        start = self.satellites * (self.classes + 1)
        return action[:, start : start + self.classes]

    def offsets(self, action: np.ndarray) -> np.ndarray:
        """Return a view of the clock offsets, (B, C)."""
        return action[:, self.size - self.classes :]

    def _satellites(self, action: np.ndarray) -> np.ndarray:
        count = self.satellites * (self.classes + 1)
        return action[:, :count].reshape(
            action.shape[0], self.satellites, self.classes + 1
        )  # a view: one axis is split


@routine
def decode(action: np.ndarray, env: Environment) -> None:
    """Decode a flat action into the bids, clock requests, urgencies and clock offsets of an environment.

    Values are clipped to [-1, 1].
    """
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
