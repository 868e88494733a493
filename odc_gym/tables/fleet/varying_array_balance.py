"""Sustainable plans under arrays whose output is not even over the sunlit part of an orbit.

A body-fixed array follows the Sun's height, a cold one gives more after an eclipse. At a constant draw the battery
fills where the array gives more, as fast as it may, and helps out where it gives less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Losses = tuple[Any, Any]

DRAW_POINTS = 65  # at which the balance is worked out, linear between


@dataclass(frozen=True)
class VaryingArray:
    """Array output over the sunlit part of N orbits.

    Attributes:
        array_w: output in each of K parts [W], (N, K).
        share: of each part in the sunlit time, (N, K); sums to 1.
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
        """The largest constant draw in sunlight after which the cells hold what the eclipse takes.

        Args:
            stored_w: what cells must gain, mean over sunlight [W], (N, M).
            spare_w: what cells may give in sunlight beside the eclipse, by their depth of discharge, mean over sunlight
                [W], (N, M); where it is negative, it does not bind.
            charge_losses: loss of charging over the power, and by watt of it [1/W]; each a float or (N, 1).
            discharge_losses: the same of discharging.
            max_charge_w: largest charging power [W], likewise.

        Returns:
            The draw from array and battery [W], and what the cells give in sunlight, mean over it [W], (N, M) each.
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
            reached = np.interp(-need, -net_charge[n], draws[n])  # gained falls with the draw
            by_depth = np.interp(spare, discharged_mean[n], draws[n], left=np.inf)
            draw[n] = np.where(need > net_charge[n, 0], -np.inf, np.minimum(reached, by_depth))
            deficit[n] = np.interp(draw[n], draws[n], discharged_mean[n])
        return draw, deficit
