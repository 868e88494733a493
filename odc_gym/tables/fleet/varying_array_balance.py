"""Energy balance of sustainable plans with an array output that varies over the sunlit part of an orbit.

The output of a body-fixed array follows the Sun's elevation, and a cold array gives more after an eclipse. At a
constant draw, the battery charges at up to its C-rate while the array gives more, and discharges while it gives less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Losses = tuple[Any, Any]

DRAW_POINTS = 65  # draws at which the balance is computed; linear interpolation between them
PART = 8  # orbits whose arrays of draws and parts are in memory at once: they fit the cache of a core


@dataclass(frozen=True)
class VaryingArray:
    """Array output over the sunlit part of N orbits.

    Attributes:
        array_w: output in each of K parts [W], (N, K).
        share: share of each part in the sunlit time, (N, K); sums to 1.
    """

    array_w: np.ndarray
    share: np.ndarray

    def balance(
        self,
        stored_w: np.ndarray,
        spare_w: np.ndarray,
        charge_losses: Losses,
        discharge_losses: Losses,
        max_charge_w: Any,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest constant draw in sunlight that recharges the cells for the eclipse.

        Args:
            stored_w: net power into the cells that the eclipse requires, mean over sunlight [W], (N, M).
            spare_w: power that the cells may give in sunlight within their depth of discharge, beside the eclipse, mean
                over sunlight [W], (N, M). A negative value does not bind.
            charge_losses: loss of charging as a fraction of power, and its increase per watt [1/W]; floats or (N, 1).
            discharge_losses: the same for discharging.
            max_charge_w: largest charging power [W], a float or (N, 1).

        Returns:
            The draw from array and battery, and the mean power that the cells give in sunlight [W], (N, M) each.
        """
        peak = self.array_w.max(1, keepdims=True)
        draws = peak * np.linspace(0.0, 1.0, DRAW_POINTS)  # (N, DRAW_POINTS)
        limits = [np.broadcast_to(v, peak.shape) for v in (max_charge_w, *charge_losses, *discharge_losses)]
        parts = [slice(begin, begin + PART) for begin in range(0, len(draws), PART)]
        means = [self._mean_flows(part, draws[part], *(limit[part] for limit in limits)) for part in parts]
        net_charge, discharged_mean = (np.concatenate(values) for values in zip(*means, strict=True))
        draw, deficit = np.empty(stored_w.shape), np.empty(stored_w.shape)
        for n, (need, spare) in enumerate(zip(stored_w, spare_w, strict=True)):
            reached = np.interp(-need, -net_charge[n], draws[n])  # the net charge falls with the draw
            by_depth = np.interp(spare, discharged_mean[n], draws[n], left=np.inf)
            draw[n] = np.where(need > net_charge[n, 0], -np.inf, np.minimum(reached, by_depth))
            deficit[n] = np.interp(draw[n], draws[n], discharged_mean[n])
        return draw, deficit

    def _mean_flows(
        self,
        orbits: slice,
        draws: np.ndarray,
        max_charge: np.ndarray,
        fixed_in: np.ndarray,
        slope_in: np.ndarray,
        fixed_out: np.ndarray,
        slope_out: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean power into the cells of some orbits, and the mean that the cells give [W], (N, D) each.

        Args:
            orbits: the N orbits.
            draws: D draws [W], (N, D).
            max_charge: largest charging power [W], (N, 1).
            fixed_in: loss of charging as a fraction of power, (N, 1).
            slope_in: its increase per watt [1/W], (N, 1).
            fixed_out: loss of discharging as a fraction of power, (N, 1).
            slope_out: its increase per watt [1/W], (N, 1).
        """
        share = self.share[orbits, None, :]
        surplus = self.array_w[orbits, None, :] - draws[:, :, None]  # orbits, draws, parts
        discharged = np.maximum(-surplus, 0.0)
        charged = np.clip(surplus, 0.0, max_charge[:, :, None], out=surplus)
        given = (discharged * (1.0 + fixed_out[:, :, None] + slope_out[:, :, None] * discharged) * share).sum(2)
        taken = (charged * (1.0 - fixed_in[:, :, None] - slope_in[:, :, None] * charged) * share).sum(2)
        return taken - given, given
