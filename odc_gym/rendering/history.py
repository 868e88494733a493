"""History of an episode: what its strips show, kept each time that the episode is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from odc_gym.rendering.snapshot import Snapshot
from odc_gym.rendering.temperature import ZERO_C_K

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the satellites below the five lines of a band."""
CHARGE, JUNCTION, POWER, ARRAY, SCORE = slice(0, 5), slice(5, 10), 10, 11, 12
COLUMNS = 13


class History:
    """Values of one episode at the decisions at which it was drawn.

    Args:
        decisions: decisions of the episode.
    """

    def __init__(self, decisions: int) -> None:
        self.values = np.full((decisions + 1, COLUMNS), np.nan)
        self.last = -1

    def add(self, snapshot: Snapshot) -> None:
        """Add the present values; a return to an earlier decision forgets the later ones."""
        seen, row = snapshot.observation, self.values[snapshot.decision]
        self.values[snapshot.decision :] = np.nan
        self.last = snapshot.decision
        row[CHARGE] = np.quantile(seen["charge_frac"], QUANTILES) * 100.0
        row[JUNCTION] = np.quantile(seen["junction_k"], QUANTILES) - ZERO_C_K
        row[POWER] = float(np.sum(seen["power_w"]))
        row[ARRAY] = float(np.sum(seen["solar_15_w"]))
        row[SCORE] = snapshot.score

    def known(self, first: int) -> NDArray[np.intp]:
        """Return the decisions from `first` on whose values are known, (N,)."""
        rows = np.arange(first, self.last + 1)
        return np.compress(~np.isnan(self.values[first : self.last + 1, SCORE]), rows)
