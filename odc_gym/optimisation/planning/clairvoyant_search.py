"""Clairvoyant search: dials over time for one episode whose future is known, improved branch by branch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from odc_gym.seeds import random_stream
from odc_gym.simulator.simulator import Simulator

Array = NDArray[Any]

SEARCH = 403  # purpose of the random stream of the search
AFRESH = 0.3  # share of the branches that vary the first start in place of the plan in force
VARIED = 0.5  # share of the dials that a branch changes
SCALES = (0.1, 0.3, 1.0)  # factors on the spread
LENGTHS = (1, 3, 6)  # blocks that a change lasts; it may also last to the end


class SearchSize(NamedTuple):
    """Size of a search."""

    branches: int  # branches at each block; the first one is the plan in force
    block: int  # decisions from one set of branches to the next
    passes: int  # times that the episode is searched from its begin to its end
    rounds: int  # rounds of constant settings before the first pass
    spread: float  # standard deviation of a changed dial


def clairvoyant_plan(source: Simulator, row: int, starts: Array, size: SearchSize) -> tuple[Array, float]:
    """Search for the dials of each decision from the present of a row to the end of its episode, with its true future.

    The plan in force is always one of the branches, and branches are played to the end. What the search promises can
    therefore be played, and it never falls.

    Args:
        source: simulator of the episode.
        row: its row.
        starts: settings to begin with, (N, D), at most as many as branches.
        size: size of the search.

    Returns:
        The plan, (decisions left, D), and its sum of rewards.
    """
    clock = source.fleet.clock
    left = -(-(clock.total - int(source.scalars["tick"][row])) // clock.steps)
    random = random_stream(int(source.seeds[row]), SEARCH)
    branches = source.sibling(size.branches, 1)
    anchor = source.sibling(1, 1)
    best_start, value = _best_constant(source, row, branches, starts, left, size, random)
    starts = np.concatenate([best_start[None], starts])
    plan = np.repeat(starts[:1], left, 0)
    for _ in range(size.passes):
        anchor.continue_from(source, row)
        so_far = 0.0
        for begin in range(0, left, size.block):
            branches.continue_from(anchor)
            dials = _varied(plan[begin:], starts, size, random)
            earned = _played(branches, dials)
            best = int(np.argmax(earned))
            plan[begin:], value = dials[best], so_far + float(earned[best])
            for settings in plan[begin : begin + size.block]:
                anchor.step(anchor.view.actions_of_dials(settings))
                so_far += float(anchor.reward[0])
    return plan, value


def _best_constant(
    source: Simulator, row: int, branches: Simulator, starts: Array, left: int, size: SearchSize,
    random: np.random.Generator,
) -> tuple[Array, float]:  # fmt: skip
    """Return the best constant setting found by an evolution strategy, (D,), and its sum of rewards.

    The first batch holds the starts, and each later one the best setting so far and variations of it.
    """
    settings = np.resize(starts, (size.branches, starts.shape[1]))
    best = 0
    for k in range(1 + size.rounds):
        if k:
            settings = _varied(settings[best][None], settings[best][None], size, random)[:, 0]
        branches.continue_from(source, row)
        earned = _played(branches, np.repeat(settings[:, None], left, 1))
        best = int(np.argmax(earned))
    return settings[best], float(earned[best])


def _varied(plan: Array, starts: Array, size: SearchSize, random: np.random.Generator) -> Array:
    """Return the plans of the branches, (N, T, D); the first one is the plan itself."""
    left, count = plan.shape
    dials = np.repeat(plan[None], size.branches, 0)
    for branch in dials[1:]:
        lasts = int(random.choice([*(size.block * length for length in LENGTHS), left]))
        origin = starts[random.integers(len(starts))] if random.random() < AFRESH else plan[0]
        change = random.standard_normal(count) * (random.random(count) < VARIED)
        branch[:lasts] = np.clip(origin + size.spread * random.choice(SCALES) * change, -1.0, 1.0)
    return dials


def _played(branches: Simulator, dials: Array) -> Array:
    """Play plans, (N, T, D), one in each row, and return their sums of rewards, (N,)."""
    total = np.zeros(len(dials))
    for t in range(dials.shape[1]):
        branches.step(branches.view.actions_of_dials(dials[:, t]))
        total += branches.reward
    return total
