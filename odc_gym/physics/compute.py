"""Accelerators: power and speed as functions of the clock, and idle states.

Clocks x are fractions of full clock. Powers are quoted at 60 C junction temperature and include the leakage there.
"""

from odc_gym.compilation.decorators import inline
from odc_gym.physics.mathematics import clip


@inline
def dynamic_frac(x: float, static: float, v0: float, x_v: float) -> float:
    """Return dynamic power over its value at full clock: static share plus clock times voltage squared.

    Voltage rises linearly from `v0` at clock `x_v` to 1 at full clock, and stays at `v0` below. Source: CMOS dynamic
    power C V^2 f; the three constants are fitted to published power-cap sweeps of data-centre GPUs.
    """
    v = max(v0, v0 + (1.0 - v0) * (x - x_v) / (1.0 - x_v))
    return static + (1.0 - static) * x * v * v


@inline
def speed_frac(x: float, kappa: float) -> float:
    """Return work rate over its value at full clock, for a share `kappa` of the time that is bound by the clock.

    Source: time per unit of work t(x) = kappa / x + 1 - kappa, the usual split of a kernel into compute- and
    memory-bound parts.
    """
    return x / (kappa + (1.0 - kappa) * x)


@inline
def idle_power_w(host_w: float, awake: float, accelerators: float, idle_each_w: float, gated_each_w: float) -> float:
    """Return the power [W] of the host, of awake accelerators without work, and of gated accelerators."""
    return host_w + awake * idle_each_w + (accelerators - awake) * gated_each_w


@inline
def clock_of_dynamic(target: float, x_min: float, static: float, v0: float, x_v: float) -> float:
    """Return the largest clock in [x_min, 1] whose dynamic fraction is at most `target`, or x_min if none is.

    It is the inverse of `dynamic_frac`, which is linear below `x_v`. Above, x v(x)^2 is convex, so Newton's method from
    full clock approaches the root without passing it. Eight steps leave less than 1e-9 for any v0 of 0.4 or more.
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
    """Return the clock for a request, piecewise linear.

    A request of -1 is the lowest clock, 0 the present sustainable clock, and +1 full clock.
    """
    up = max(request, 0.0)
    down = min(request, 0.0)
    return sustainable + up * (1.0 - sustainable) + down * (sustainable - x_min)


@inline
def request_of_clock(clock: float, sustainable: float, x_min: float) -> float:
    """Return the request whose `class_clock` is a clock, limited to [-1, 1]."""
    room = 1.0 - sustainable if clock > sustainable else sustainable - x_min
    return clip((clock - sustainable) / max(room, 1e-6), -1.0, 1.0)
