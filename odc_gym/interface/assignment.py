"""Action mode `assign`: an agent sends single jobs to satellites and chooses clocks by level.

The module `actions` holds the mode `bids`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.waiting import feasible
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import fill
from odc_gym.core.layout.work import FREE, HOLD
from odc_gym.interface.actions import ActionRow
from odc_gym.physics.compute import request_of_clock

SUSTAINABLE = 0.0  # stands for the level that follows the sustainable plan; other levels are clocks
NOBODY = -1

ASSIGNMENTS = (
    ActionRow(
        "job",
        "visible job",
        "number s of the satellite to which the job is sent, where it starts as soon as there is room; S lets the job "
        "wait",
    ),
    ActionRow(
        "level", "satellite", "index into `assign.levels`: a clock relative to full clock, or the sustainable clock"
    ),
)


@dataclass(frozen=True)
class AssignmentLayout:
    """Layout of the action of S satellites: K jobs with S + 1 choices each, then S satellites with L levels each."""

    satellites: int
    slots: int
    levels: int

    @property
    def choices(self) -> np.ndarray:
        """Number of choices of each component, (K + S,)."""
        return np.array([self.satellites + 1] * self.slots + [self.levels] * self.satellites)

    @property
    def size(self) -> int:
        """Length of the action, K + S."""
        return self.slots + self.satellites

    def waiting(self, num_envs: int) -> np.ndarray:
        """Return the action, (B, K + S), that lets every job wait and sets every satellite to its first level."""
        action = np.zeros((num_envs, self.size), np.int64)
        action[:, : self.slots] = self.satellites
        return action


def level_clocks(levels: Sequence[Literal["sustainable"] | float]) -> np.ndarray:
    """Return the clocks of the levels relative to full clock, (L,), with `SUSTAINABLE` for the sustainable clock."""
    return np.array([SUSTAINABLE if level == "sustainable" else level for level in levels])


@routine
def decode_assignment(action: np.ndarray, slots: np.ndarray, levels: np.ndarray, env: Environment) -> None:
    """Decode an action of the mode `assign` into orders of the visible jobs and clocks of the satellites.

    Bids, urgencies and clock offsets are set to 0.

    Args:
        action: choices of K jobs, then of S satellites, (K + S,).
        slots: rows of the visible jobs in the job table, (K,); `NOBODY` where no job is.
        levels: clocks of the levels, (L,).
        env: the environment.
    """
    sat, n = env.sat, env.num_satellites
    for c in range(env.num_classes):
        fill(env.classes.bid[c], 0.0)
    fill(env.urgency, 0.0)
    fill(env.clock_offset, 0.0)
    count = slots.shape[0]
    for k in range(count):
        if slots[k] != NOBODY:
            choice = int(action[k])
            env.run[slots[k]]["order"] = choice + 1 if choice < n else HOLD
    for s in range(n):
        order = levels[int(action[count + s])]
        if order != sat.clock_order[s]:
            sat.switches[s] += 1.0
            sat.clock_order[s] = order
        sustainable = sat.clock_sustainable[s]
        sat.request[s] = request_of_clock(order, sustainable, env.design.x_min[s]) if order > 0.0 else 0.0


@routine
def hold_others(env: Environment) -> None:
    """Let waiting jobs without an order wait until they have one."""
    for k in range(env.scalars[0]["waiting"]):
        run = env.run[env.waiting[k]]
        if run["order"] == FREE:
            run["order"] = HOLD


@routine
def forget_orders(env: Environment) -> None:
    """Remove all orders at the end of their decision."""
    for k in range(env.scalars[0]["waiting"]):
        env.run[env.waiting[k]]["order"] = FREE


@routine
def show_slots(slots: np.ndarray, mask: np.ndarray, env: Environment, now_s: float) -> None:
    """Select the jobs that the agent may place, and determine the satellites that can take each of them now.

    Jobs are in queue order, but jobs that a satellite can take come before the others. Otherwise a few wide jobs that
    fit nowhere would hide all others.

    Args:
        slots: rows of the selected jobs in the job table, (K,); `NOBODY` where no job is. Written.
        mask: feasibility of each satellite, then of waiting, which is always feasible, (K, S + 1). Written.
        env: the environment.
        now_s: seconds since the episode's start.
    """
    most, count, n, waiting = slots.shape[0], env.scalars[0]["waiting"], env.num_satellites, env.waiting
    if most == 0:
        return
    can_start = env.work.can_start
    k = 0
    for i in range(count):
        can_start[i] = False
        if k < most:
            for s in range(n):
                mask[k, s] = feasible(env, waiting[i], s, now_s)
                can_start[i] |= mask[k, s]
            if can_start[i]:
                slots[k] = waiting[i]
                k += 1
    able = k
    for i in range(count):
        if k < most and not can_start[i]:
            slots[k] = waiting[i]
            k += 1
    for i in range(most):
        if i >= able:
            fill(mask[i], False)
        if i >= k:
            slots[i] = NOBODY
        mask[i, n] = True
