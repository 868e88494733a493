"""Accelerators: power and speed against clock, idle states.

Clocks x are fractions of full clock. Powers are quoted at 60 C junction and include the leakage there.
"""

from odc_gym._jit import inline
from odc_gym.physics.mathematics import clip


@inline
def dynamic_frac(x: float, static: float, v0: float, x_v: float) -> float:
    """Dynamic power over its value at full clock: static share plus clock times voltage squared.

    Voltage rises linearly from `v0` at clock `x_v` to 1 at full clock, and stays at `v0` below. Source: CMOS dynamic
    power C V^2 f; the three constants are fitted to published power-cap sweeps of data-centre GPUs.
    """
    v = max(v0, v0 + (1.0 - v0) * (x - x_v) / (1.0 - x_v))
    return static + (1.0 - static) * x * v * v


@inline
def speed_frac(x: float, kappa: float) -> float:
    """Work rate over its value at full clock for a share `kappa` of the time bound by the clock.

    Source: time per unit of work t(x) = kappa / x + 1 - kappa, the usual split of a kernel in compute- and memory-bound
    parts.
    """
    return x / (kappa + (1.0 - kappa) * x)


@inline
def idle_power_w(host_w: float, awake: float, accelerators: float, idle_each_w: float, gated_each_w: float) -> float:
    """Power [W] of the host, of awake accelerators without work, and of gated ones."""
    return host_w + awake * idle_each_w + (accelerators - awake) * gated_each_w


@inline
def clock_of_dynamic(target: float, x_min: float, static: float, v0: float, x_v: float) -> float:
    """Largest clock in [x_min, 1] whose dynamic fraction is at most `target`, x_min if none is.

    The inverse of `dynamic_frac`: linear below `x_v`; above, x v(x)^2 is convex, so that Newton's method from full
    clock falls to the root without passing it; eight steps leave less than 1e-9 for any v0 of 0.4 or more.
    """
    y = (target - static) / (1.0 - static)
    slope = (1.0 - v0) / (1.0 - x_v)
    x = 1.0
    for _ in range(8):
        v = v0 + slope * (x - x_v)
        x -= (x * v * v - y) / (v * v + 2.0 * slope * x * v)
    low = y / (v0 * v0)
    return clip(low if low <= x_v else x, x_min, 1.0)


@inline
def class_clock(request: float, sustainable: float, x_min: float) -> float:
    """Clock for a request: -1 the lowest, 0 the sustainable one of this moment, +1 full; piecewise linear."""
    up = max(request, 0.0)
    down = min(request, 0.0)
    return sustainable + up * (1.0 - sustainable) + down * (sustainable - x_min)


@inline
def request_of_clock(clock: float, sustainable: float, x_min: float) -> float:
    """The request whose `class_clock` is a clock, held in [-1, 1]."""
    room = 1.0 - sustainable if clock > sustainable else sustainable - x_min
    return clip((clock - sustainable) / max(room, 1e-6), -1.0, 1.0)
