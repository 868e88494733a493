"""Candidates in dials: settings to start from, and random variations of a setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.seeds import random_stream

STARTS: tuple[Mapping[str, float], ...] = (
    {"packing": 0.55, "clock_charge": 0.35, "backlog": 0.7},
    {},
    {"packing": 0.55, "clock_charge": 0.35, "backlog": 0.7, "clock": -0.6},
    {"packing": 0.55, "clock_charge": 0.35, "backlog": 0.7, "clock": 0.4},
)
"""Settings by the last part of the name of a dial; other dials are 0. A planner begins with the first one."""
VARIATIONS = 402  # purpose of the random stream of variations
VARIED = 0.4  # share of the dials that a variation changes

Array = NDArray[Any]


def dials_by_name(names: Sequence[str], settings: Sequence[Mapping[str, float]]) -> Array:
    """Return the dials of settings, (N, D).

    Args:
        names: names of the dials, as of `DialLayout.names`.
        settings: values by the last part of the name, which stands for all classes.
    """
    last = [name.rpartition(".")[2] for name in names]
    return np.array([[setting.get(name, 0.0) for name in last] for setting in settings])


def variations(origins: Array, count: int, spread: float, decision: int) -> Array:
    """Return random variations of settings, (count, D): half of them of the first one, the others of all in turns.

    They depend on the number of the decision and not on the episode.

    Args:
        origins: settings that are varied, (N, D).
        count: number of variations.
        spread: standard deviation of a varied dial.
        decision: decisions since the episode began.
    """
    random = random_stream(decision, VARIATIONS)
    shape = (count, origins.shape[1])
    normal, varied = random.standard_normal(shape), random.random(shape) < VARIED
    turn = np.arange(count)
    origin = origins[np.where(turn % 2 == 0, 0, turn // 2 % len(origins))]
    return np.asarray(np.clip(origin + spread * normal * varied, -1.0, 1.0))
