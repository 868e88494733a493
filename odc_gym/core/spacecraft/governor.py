"""The governor: the common cap on clocks that heat, electricity and the request allow, and the power under it.

Loops over satellites that compile to SIMD code; what is allowed is found in `step.budgets`.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine, simd_loop
from odc_gym.core.layout.state import Design, Row, State
from odc_gym.core.layout.work import Classes, Rules
from odc_gym.physics.compute import dynamic_frac, idle_power_w
from odc_gym.physics.mathematics import blend, clip

BISECTIONS = 16  # of the common cap on clocks: 1e-5 of the range, the low end taken
SCRATCH = 5  # rows of work space


@simd_loop
def class_power(
    power: Row, busy: Row, clock: Row, cap: Row, utilisation: float, dynamic_each_w: Row, static: Row, v0: Row,
    x_v: Row, n: int,
) -> None:  # fmt: skip
    """Add the dynamic power of one class under a common cap on clocks [W] to `power`."""
    for s in range(n):
        x = min(clock[s], cap[s])
        power[s] += busy[s] * utilisation * dynamic_each_w[s] * dynamic_frac(x, static[s], v0[s], x_v[s])


@simd_loop
def start_power(
    power: Row, host_w: Row, awake: Row, accelerators: Row, idle_each_w: Row, gated_each_w: Row, n: int
) -> None:
    """Power of the satellites without any work [W]."""
    for s in range(n):
        power[s] = idle_power_w(host_w[s], awake[s], accelerators[s], idle_each_w[s], gated_each_w[s])


@simd_loop
def halve(cap: Row, width: Row, power: Row, allowed_w: Row, n: int) -> None:
    """One bisection of the cap: keep the low end unless the middle is allowed."""
    for s in range(n):
        low = cap[s] - width[s]
        width[s] *= 0.5
        cap[s] = width[s] + blend(1.0 if power[s] <= allowed_w[s] else 0.0, cap[s], low)


@simd_loop
def settle_cap(
    clock_cap: Row, duty: Row, drawn_w: Row, allowed_w: Row, off: Row, cap: Row, power: Row, requested: Row,
    host_w: Row, accelerators: Row, gated_each_w: Row, standby_w: Row, n: int,
) -> None:  # fmt: skip
    """Cap, duty and power of the step from the power under the cap; satellites that are off stand by."""
    for s in range(n):
        free_run = 1.0 if requested[s] <= allowed_w[s] else 0.0
        gated = host_w[s] + accelerators[s] * gated_each_w[s]
        # at the lowest clock and still too much: the chips are gated for part of the step
        over = 1.0 if power[s] > allowed_w[s] else 0.0
        share = clip((allowed_w[s] - gated) / max(power[s] - gated, 1e-9), 0.0, 1.0)
        share = blend(free_run, 1.0, blend(over, share, 1.0))
        drawn = blend(free_run, requested[s], gated + share * (power[s] - gated))
        on = 1.0 - off[s]
        clock_cap[s] = blend(free_run, 1.0, cap[s])
        duty[s] = on * share
        drawn_w[s] = blend(on, drawn, standby_w[s])


@routine
def idle_power(power: Row, sat: State, design: Design, n: int) -> None:
    """Write the power of the satellites without work (P,) [W]."""
    start_power(power, design.host_w, sat.awake, sat.living, design.idle_each_w, design.gated_each_w, n)


@routine
def power_under(cap: Row, power: Row, design: Design, classes: Classes, rules: Rules, n: int) -> None:
    """Add the power of all classes under a common cap on clocks [W] to `power`."""
    dynamic, static, v0, x_v = design.dynamic_each_w, design.static, design.v0, design.x_v
    for c in range(rules.utilisation.shape[0]):
        class_power(power, classes.busy[c], classes.clock[c], cap, rules.utilisation[c], dynamic, static, v0, x_v, n)


@routine
def govern(sat: State, design: Design, classes: Classes, rules: Rules, scratch: np.ndarray, n: int) -> None:
    """Find the common cap on clocks and the power under it: requests, held to what is allowed.

    Args:
        sat: state.
        design: parameters of the satellites.
        classes: what changes of the classes.
        rules: class parameters.
        scratch: work space, (SCRATCH, P) at least: power requested, power under the cap, the cap.
        n: lanes P.
    """
    requested, power, cap, width, idle = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    idle_power(idle, sat, design, n)
    for s in range(n):
        requested[s] = idle[s]
        cap[s] = 1.0
    power_under(cap, requested, design, classes, rules, n)
    over = 0
    for s in range(n):
        over += requested[s] > sat.allowed_w[s]
    if over == 0:
        for s in range(n):
            power[s] = requested[s]
        return
    for s in range(n):
        width[s] = 0.5 * (1.0 - design.x_min[s])
        cap[s] = design.x_min[s] + width[s]
    for _ in range(BISECTIONS):
        for s in range(n):
            power[s] = idle[s]
        power_under(cap, power, design, classes, rules, n)
        halve(cap, width, power, sat.allowed_w, n)
    for s in range(n):
        cap[s] -= width[s]  # the low end
        power[s] = idle[s]
    power_under(cap, power, design, classes, rules, n)


@simd_loop
def grant_clocks(clock: Row, cap: Row, n: int) -> None:
    """Requested clocks of one class become granted ones."""
    for s in range(n):
        clock[s] = min(clock[s], cap[s])
