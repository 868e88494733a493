"""Junction temperatures of a fleet as colours: the ramp up to the limit, and an alarm beyond it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from odc_gym.rendering.snapshot import Snapshot
from odc_gym.rendering.theme import ramp_steps

ZERO_C_K = 273.15
COLDEST_C = 20.0
"""Cold end of the ramp."""


class Temperatures(NamedTuple):
    """Junction temperatures of S satellites."""

    celsius: NDArray[np.floating]  # (S,)
    steps: NDArray[np.intp]  # index in the ramp, (S,)
    is_hot: NDArray[np.bool_]  # beyond the limit of the satellite, (S,)
    limit_c: float  # highest limit of the fleet, where the ramp ends


def temperatures_of(snapshot: Snapshot) -> Temperatures:
    """Return the junction temperatures that a snapshot shows."""
    junction_k, limit_k = np.asarray(snapshot.observation["junction_k"]), np.asarray(snapshot.design["limit_k"])
    celsius, limit_c = junction_k - ZERO_C_K, float(limit_k.max()) - ZERO_C_K
    return Temperatures(celsius, ramp_steps(celsius, COLDEST_C, limit_c), junction_k > limit_k, limit_c)
