"""Clock requests for wanted clocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
