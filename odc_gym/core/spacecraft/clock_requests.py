"""From the agent's requests to clocks and powers: the sustainable plan of this moment, and what is asked beyond it."""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine, simd_loop
from odc_gym.core.layout.state import Design, Row, State
from odc_gym.core.layout.work import Classes, Rules
from odc_gym.core.spacecraft.governor import idle_power
from odc_gym.physics.compute import class_clock, clock_of_dynamic, dynamic_frac, speed_frac
from odc_gym.physics.mathematics import blend, clip

UNLIMITED_W = 1e12


@simd_loop
def sustainable_clocks(
    clock: Row, sustainable_w: Row, idle_w: Row, busy_w: Row, x_min: Row, static: Row, v0: Row, x_v: Row, n: int
) -> None:
    """Largest common clock whose power stays within the sustainable plan for what runs now.

    `idle_w` is the power without work, `busy_w` the dynamic power of the work at full clock, (P,) [W].
    """
    for s in range(n):
        target = (sustainable_w[s] - idle_w[s]) / max(busy_w[s], 1e-3)
        clock[s] = clock_of_dynamic(target, x_min[s], static[s], v0[s], x_v[s])


@simd_loop
def held_powers(
    held_w: Row, sustainable_w: Row, idle_w: Row, busy_w: Row, request: Row, order: Row, offset: float, x_min: Row,
    static: Row, v0: Row, x_v: Row, n: int,
) -> None:  # fmt: skip
    """Power that a request allows where even the lowest clock takes more than the sustainable plan.

    That of the plan for requests up to 0, where chips are then gated for part of the time; no limit at +1, nor for a
    clock that is asked for outright. `offset` is the largest of a class.
    """
    for s in range(n):
        full = idle_w[s] + busy_w[s]
        least = idle_w[s] + busy_w[s] * dynamic_frac(x_min[s], static[s], v0[s], x_v[s])
        share = clip(request[s] + offset, 0.0, 1.0)
        limit = sustainable_w[s] + share * (full - sustainable_w[s])
        beyond = (1.0 if least > sustainable_w[s] else 0.0) * (0.0 if order[s] > 0.0 else 1.0)
        held_w[s] = blend(beyond, limit, UNLIMITED_W)


@simd_loop
def request_clocks(
    clock: Row, rate: Row, request: Row, order: Row, offset: float, x_min: Row, sustainable: Row, speed: Row,
    kappa: float, n: int,
) -> None:  # fmt: skip
    """Requested clock of one class, and the work rate that it promises; a clock asked for outright goes first."""
    for s in range(n):
        outright = 1.0 if order[s] > 0.0 else 0.0
        by_request = class_clock(clip(request[s] + offset, -1.0, 1.0), sustainable[s], x_min[s])
        x = blend(outright, max(order[s], x_min[s]), by_request)
        clock[s] = x
        rate[s] = speed[s] * speed_frac(x, kappa)


@simd_loop
def class_dynamic(busy_w: Row, busy: Row, utilisation: float, dynamic_each_w: Row, n: int) -> None:
    """Add the dynamic power at full clock of one class [W] to `busy_w`."""
    for s in range(n):
        busy_w[s] += busy[s] * utilisation * dynamic_each_w[s]


@routine
def set_requested_clocks(
    sat: State, design: Design, sustainable_w: Row, classes: Classes, rules: Rules, offset: np.ndarray,
    scratch: np.ndarray, n: int,
) -> None:  # fmt: skip
    """Turn the agent's requests into clocks: the sustainable clock of this moment, then each class's own.

    Where the plan is below the lowest clock, a limit on power says what the clocks cannot.
    """
    busy_w, idle_w = scratch[0], scratch[1]
    num_classes = rules.utilisation.shape[0]
    for s in range(n):
        busy_w[s] = 0.0
    for c in range(num_classes):
        class_dynamic(busy_w, classes.busy[c], rules.utilisation[c], design.dynamic_each_w, n)
    idle_power(idle_w, sat, design, n)
    clock = sat.clock_sustainable
    sustainable_clocks(clock, sustainable_w, idle_w, busy_w, design.x_min, design.static, design.v0, design.x_v, n)
    largest = -1.0
    for c in range(num_classes):
        largest = max(largest, offset[c])
    held_powers(
        sat.held_w, sustainable_w, idle_w, busy_w, sat.request, sat.clock_order, largest, design.x_min, design.static,
        design.v0, design.x_v, n,
    )  # fmt: skip
    for c in range(num_classes):
        request_clocks(
            classes.clock[c], classes.rate[c], sat.request, sat.clock_order, offset[c], design.x_min, clock,
            design.speed, rules.kappa[c], n,
        )  # fmt: skip
