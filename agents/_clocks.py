"""Conversions between compute power, clocks and clock requests, and power limits of satellites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

HEAT_MARGIN_K = 2.0  # below the junction limit
HEAT_GAIN = 0.025  # share of peak power per kelvin of room; both were chosen on validation episodes with `sun-aware`


def clock_for_dynamic_power(share: NDArray[Any], design: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Find the largest clock whose dynamic power is at most a share of that at full clock, (B, S).

    The lowest clock is the result where no clock is. Power is linear in the clock below `x_v` and cubic above it;
    bisection inverts it.

    Args:
        share: (B, S) dynamic power over that at full clock.
        design: parameters of the satellites, each (B, S).
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
    """Convert clocks to requests in [−1, 1]: −1 is the lowest, 0 the sustainable, 1 the full clock, linear between.

    Args:
        clock: (B, S) wanted clock over full clock; values outside [lowest, 1] count as the nearer end.
        sustainable: (B, S) sustainable clock over full clock.
        lowest: (B, S) lowest clock over full clock.
    """
    below = (clock - sustainable) / np.maximum(sustainable - lowest, 1e-6)
    above = (clock - sustainable) / np.maximum(1.0 - sustainable, 1e-6)
    return np.asarray(np.clip(np.where(clock < sustainable, below, above), -1.0, 1.0))


def class_utilisations(view: View) -> NDArray[Any]:
    """Return the dynamic power of each running class over that at peak, (C,)."""
    by_name = {str(name): work.utilisation for name, work in view.scenario.workload.classes.items()}
    return np.array([by_name[name] for name in view.class_names])


def clock_for_power(view: View, power_w: NDArray[Any], utilisation: NDArray[Any]) -> NDArray[Any]:
    """Compute the clock at which the running work draws a compute power, (B, S).

    Args:
        view: view of the environments.
        power_w: (B, S) compute power [W].
        utilisation: (C,) dynamic power of the classes, as of `class_utilisations`.
    """
    design, running = view.design, view.observation["running"]
    busy = np.maximum(running.sum(axis=1), 1.0)
    idle_w = design["gated_w"] + busy * (design["idle_each_w"] - design["gated_each_w"])
    drawing = np.maximum((running * utilisation[:, None]).sum(axis=1), 0.5)
    return clock_for_dynamic_power((power_w - idle_w) / (drawing * design["dynamic_each_w"]), design)


def clock_request_for_power(view: View, power_w: NDArray[Any], utilisation: NDArray[Any]) -> NDArray[Any]:
    """Compute the request in [-1, 1] at which the running work draws a compute power, (B, S); see `clock_for_power`."""
    clock = clock_for_power(view, power_w, utilisation)
    return clock_request(clock, view.observation["clock_sustainable"], view.design["x_min"])


def heat_budget_w(view: View, margin_k: float = HEAT_MARGIN_K, gain: float = HEAT_GAIN) -> NDArray[Any]:
    """Compute the compute power that brings the junction to its limit, less a margin, (B, S) [W].

    Args:
        view: view of the environments.
        margin_k: kelvins below the limit.
        gain: change of power over peak power, per kelvin of room.
    """
    room_k = view.design["limit_k"] - margin_k - view.observation["junction_k"]
    return np.asarray(view.observation["power_w"] + gain * view.design["peak_w"] * room_k)


def sunlit_power_w(view: View) -> NDArray[Any]:
    """Return the array output in sunlight, (B, S) [W]: the largest mean of the forecast windows."""
    return np.asarray(view.forecast["solar_mean_w"].max(axis=1))
