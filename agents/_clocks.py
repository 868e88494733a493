"""Clocks for powers, and requests for clocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def clock_of_dynamic(share: NDArray[Any], design: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Largest clock whose dynamic power is within a share of that at full clock, the lowest clock if none is, (B, S).

    Below the clock `x_v` power is linear in the clock, above it a cubic, which bisection inverts.

    Args:
        share: (B, S) dynamic power over that at full clock.
        design: parameters of the satellites, (B, S) each.
    """
    low = design["x_min"] + 0.0
    width = 1.0 - low
    for _ in range(14):  # 6e-5 of the range
        width = 0.5 * width
        middle = low + width
        rise = np.maximum(middle - design["x_v"], 0.0) / (1.0 - design["x_v"])
        volt = design["v0"] + (1.0 - design["v0"]) * rise
        drawn = design["static"] + (1.0 - design["static"]) * middle * volt * volt
        low = np.where(drawn <= share, middle, low)
    return np.where(share >= 1.0, 1.0, low)


def clock_request(clock: NDArray[Any], sustainable: NDArray[Any], lowest: NDArray[Any]) -> NDArray[Any]:
    """The request in [−1, 1] that means a clock: −1 the lowest, 0 the sustainable, 1 the full, linear between.

    Args:
        clock: (B, S) wanted clock over full clock; values outside [lowest, 1] count as the nearer end.
        sustainable: (B, S) sustainable clock over full clock.
        lowest: (B, S) lowest clock over full clock.
    """
    below = (clock - sustainable) / np.maximum(sustainable - lowest, 1e-6)
    above = (clock - sustainable) / np.maximum(1.0 - sustainable, 1e-6)
    return np.asarray(np.clip(np.where(clock < sustainable, below, above), -1.0, 1.0))
