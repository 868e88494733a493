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
        surplus = self.array_w[:, None, :] - draws[:, :, None]
        # orbits, draws, parts
        max_charge, fixed_in, slope_in, fixed_out, slope_out = (
            np.broadcast_to(value, peak.shape)[:, :, None]
            for value in (max_charge_w, *charge_losses, *discharge_losses)
        )
        charged, discharged = np.clip(surplus, 0.0, max_charge), np.maximum(-surplus, 0.0)
        discharged_mean = (discharged * (1.0 + fixed_out + slope_out * discharged) * self.share[:, None, :]).sum(2)
        net_charge = (charged * (1.0 - fixed_in - slope_in * charged) * self.share[:, None, :]).sum(2) - discharged_mean
        draw, deficit = np.empty(stored_w.shape), np.empty(stored_w.shape)
        for n, (need, spare) in enumerate(zip(stored_w, spare_w, strict=True)):
            reached = np.interp(-need, -net_charge[n], draws[n])  # the net charge falls with the draw
            by_depth = np.interp(spare, discharged_mean[n], draws[n], left=np.inf)
            draw[n] = np.where(need > net_charge[n, 0], -np.inf, np.minimum(reached, by_depth))
            deficit[n] = np.interp(draw[n], draws[n], discharged_mean[n])
        return draw, deficit
