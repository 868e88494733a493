"""Clocks and power limits from the agent's requests, relative to the sustainable plan of the present step.

Each function marked `simd_loop` is a loop over the first `n` lanes. Its rows have the shape (P,).
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine, simd_loop
from odc_gym.core.layout.state import Design, Row, State
from odc_gym.core.layout.work import Classes, Rules
from odc_gym.core.spacecraft.governor import idle_power
from odc_gym.physics.compute import class_clock, clock_of_dynamic, dynamic_frac, speed_frac
from odc_gym.physics.mathematics import blend, clip

UNLIMITED_W = 1e12  # limit of power that never binds


@simd_loop
def sustainable_clocks(
    clock: Row, sustainable_w: Row, idle_w: Row, busy_w: Row, x_min: Row, static: Row, v0: Row, x_v: Row, n: int
) -> None:
    """Compute the largest common clock whose power stays within the sustainable plan for the running work.

    Args:
        clock: sustainable clock; written.
        sustainable_w: compute power of the plan [W].
        idle_w: power without work [W].
        busy_w: dynamic power of the running work at full clock [W].
        x_min: lowest clock.
        static: share of dynamic power that does not depend on the clock.
        v0: lowest voltage over the voltage at full clock.
        x_v: clock up to which the voltage is the lowest.
        n: lanes P.
    """
    for s in range(n):
        target = (sustainable_w[s] - idle_w[s]) / max(busy_w[s], 1e-3)
        clock[s] = clock_of_dynamic(target, x_min[s], static[s], v0[s], x_v[s])


@simd_loop
def request_power_limits(
    held_w: Row, sustainable_w: Row, idle_w: Row, busy_w: Row, request: Row, order: Row, offset: float, x_min: Row,
    static: Row, v0: Row, x_v: Row, n: int,
) -> None:  # fmt: skip
    """Compute the power that a request allows where even the lowest clock draws more than the sustainable plan.

    Up to a request of 0, the limit is the power of the plan, and chips are gated for part of the time. From 0 to +1,
    the limit rises to the power at full clock. There is no limit elsewhere, nor where the agent sets the clock
    directly.

    Args:
        held_w: limit of compute power [W]; written.
        sustainable_w: compute power of the plan [W].
        idle_w: power without work [W].
        busy_w: dynamic power of the running work at full clock [W].
        request: clock request, -1 to 1.
        order: clock that the agent sets directly, 0: none.
        offset: largest clock offset of a class.
        x_min: lowest clock.
        static: share of dynamic power that does not depend on the clock.
        v0: lowest voltage over the voltage at full clock.
        x_v: clock up to which the voltage is the lowest.
        n: lanes P.
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
    """Compute the requested clock of one class, and the work rate at this clock.

    A clock that the agent sets directly replaces the clock by request.

    Args:
        clock: requested clock; written.
        rate: work per accelerator and second; written.
        request: clock request, -1 to 1.
        order: clock that the agent sets directly, 0: none.
        offset: clock offset of the class; it is added to the request.
        x_min: lowest clock.
        sustainable: sustainable clock.
        speed: work rate of an accelerator at full clock over that of the reference.
        kappa: share of the time of work that is bound by the clock.
        n: lanes P.
    """
    for s in range(n):
        ordered = 1.0 if order[s] > 0.0 else 0.0
        by_request = class_clock(clip(request[s] + offset, -1.0, 1.0), sustainable[s], x_min[s])
        x = blend(ordered, max(order[s], x_min[s]), by_request)
        clock[s] = x
        rate[s] = speed[s] * speed_frac(x, kappa)


@simd_loop
def add_class_dynamic_power(busy_w: Row, busy: Row, utilisation: float, dynamic_each_w: Row, n: int) -> None:
    """Add the dynamic power of one class at full clock.

    Args:
        busy_w: dynamic power of the running work [W]; added to.
        busy: number of accelerators at work.
        utilisation: share of dynamic power that work of the class draws.
        dynamic_each_w: dynamic power of an accelerator at full clock and utilisation 1 [W].
        n: lanes P.
    """
    for s in range(n):
        busy_w[s] += busy[s] * utilisation * dynamic_each_w[s]


@routine
def set_requested_clocks(
    sat: State, design: Design, sustainable_w: Row, classes: Classes, rules: Rules, offset: np.ndarray,
    scratch: np.ndarray, n: int,
) -> None:  # fmt: skip
    """Compute the sustainable clock of the present step, and the requested clock of each class.

    Where the plan is below the power of the lowest clock, the request sets a limit of power instead.

    Args:
        sat: state.
        design: design parameters.
        sustainable_w: compute power of the plan, (P,) [W].
        classes: state of the classes; clocks and rates are written.
        rules: class parameters.
        offset: clock offsets of the classes, (C,).
        scratch: work space, (2, P) at least.
        n: lanes P.
    """
    busy_w, idle_w = scratch[0], scratch[1]
    num_classes = rules.utilisation.shape[0]
    for s in range(n):
        busy_w[s] = 0.0
    for c in range(num_classes):
        add_class_dynamic_power(busy_w, classes.busy[c], rules.utilisation[c], design.dynamic_each_w, n)
    idle_power(idle_w, sat, design, n)
    clock = sat.clock_sustainable
    sustainable_clocks(clock, sustainable_w, idle_w, busy_w, design.x_min, design.static, design.v0, design.x_v, n)
    largest = -1.0
    for c in range(num_classes):
        largest = max(largest, offset[c])
    request_power_limits(
        sat.held_w, sustainable_w, idle_w, busy_w, sat.request, sat.clock_order, largest, design.x_min, design.static,
        design.v0, design.x_v, n,
    )  # fmt: skip
    for c in range(num_classes):
        request_clocks(
            classes.clock[c], classes.rate[c], sat.request, sat.clock_order, offset[c], design.x_min, clock,
            design.speed, rules.kappa[c], n,
        )  # fmt: skip
