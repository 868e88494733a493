"""Governor: the common cap on all clocks of a satellite that keeps its compute power within the allowed power.

`step.budgets` computes the allowed power from heat, electricity and the request. The functions marked `simd_loop` are
loops over satellites that compile to SIMD code. Their rows have the shape (P,).
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine, simd_loop
from odc_gym.core.layout.state import Design, Row, State
from odc_gym.core.layout.work import Classes, Rules
from odc_gym.physics.compute import dynamic_frac, idle_power_w
from odc_gym.physics.mathematics import blend, clip

BISECTIONS = 16  # of the cap on clocks, to 1e-5 of its range; the low end is taken
SCRATCH = 5  # rows of work space of `govern`


@simd_loop
def add_class_power(
    power: Row, busy: Row, clock: Row, cap: Row, utilisation: float, dynamic_each_w: Row, static: Row, v0: Row,
    x_v: Row, n: int,
) -> None:  # fmt: skip
    """Add the dynamic power of one class under a common cap on clocks.

    Args:
        power: compute power [W]; added to.
        busy: number of accelerators at work.
        clock: requested clock of the class.
        cap: cap on clocks.
        utilisation: share of dynamic power that work of the class draws.
        dynamic_each_w: dynamic power of an accelerator at full clock and utilisation 1 [W].
        static: share of dynamic power that does not depend on the clock.
        v0: lowest voltage over the voltage at full clock.
        x_v: clock up to which the voltage is the lowest.
        n: lanes P.
    """
    for s in range(n):
        x = min(clock[s], cap[s])
        power[s] += busy[s] * utilisation * dynamic_each_w[s] * dynamic_frac(x, static[s], v0[s], x_v[s])


@simd_loop
def unloaded_power(
    power: Row, host_w: Row, awake: Row, accelerators: Row, idle_each_w: Row, gated_each_w: Row, n: int
) -> None:
    """Compute the compute power of satellites without work.

    Args:
        power: compute power [W]; written.
        host_w: power of the host [W].
        awake: number of accelerators that are not gated.
        accelerators: number of accelerators that work.
        idle_each_w: power of an awake accelerator without work [W].
        gated_each_w: power of a gated accelerator [W].
        n: lanes P.
    """
    for s in range(n):
        power[s] = idle_power_w(host_w[s], awake[s], accelerators[s], idle_each_w[s], gated_each_w[s])


@simd_loop
def bisect_cap(cap: Row, width: Row, power: Row, allowed_w: Row, n: int) -> None:
    """Bisect the interval of the cap once: move to the upper half where the power is allowed.

    Args:
        cap: middle of the interval; written.
        width: half the length of the interval; halved.
        power: power under the cap [W].
        allowed_w: allowed power [W].
        n: lanes P.
    """
    for s in range(n):
        low = cap[s] - width[s]
        width[s] *= 0.5
        cap[s] = width[s] + blend(1.0 if power[s] <= allowed_w[s] else 0.0, cap[s], low)


@simd_loop
def apply_cap(
    clock_cap: Row, duty: Row, drawn_w: Row, allowed_w: Row, off: Row, cap: Row, power: Row, requested: Row,
    host_w: Row, accelerators: Row, gated_each_w: Row, standby_w: Row, n: int,
) -> None:  # fmt: skip
    """Compute cap, duty and compute power of the step from the power under the cap.

    Satellites whose compute is off draw the standby power.

    Args:
        clock_cap: cap on clocks; written.
        duty: share of the step in which jobs run; written.
        drawn_w: compute power [W]; written.
        allowed_w: allowed power [W].
        off: 1 where compute is off.
        cap: cap that `govern` found.
        power: power under this cap [W].
        requested: power at the requested clocks [W].
        host_w: power of the host [W].
        accelerators: number of accelerators that work.
        gated_each_w: power of a gated accelerator [W].
        standby_w: compute power while compute is off [W].
        n: lanes P.
    """
    for s in range(n):
        uncapped = 1.0 if requested[s] <= allowed_w[s] else 0.0
        gated = host_w[s] + accelerators[s] * gated_each_w[s]
        # if even the lowest clock draws too much, the chips are gated for part of the step
        over = 1.0 if power[s] > allowed_w[s] else 0.0
        share = clip((allowed_w[s] - gated) / max(power[s] - gated, 1e-9), 0.0, 1.0)
        share = blend(uncapped, 1.0, blend(over, share, 1.0))
        drawn = blend(uncapped, requested[s], gated + share * (power[s] - gated))
        on = 1.0 - off[s]
        clock_cap[s] = blend(uncapped, 1.0, cap[s])
        duty[s] = on * share
        drawn_w[s] = blend(on, drawn, standby_w[s])


@routine
def idle_power(power: Row, sat: State, design: Design, n: int) -> None:
    """Write the compute power of all satellites without work [W] to `power`, (P,)."""
    unloaded_power(power, design.host_w, sat.awake, sat.living, design.idle_each_w, design.gated_each_w, n)


@routine
def add_power_under_cap(cap: Row, power: Row, design: Design, classes: Classes, rules: Rules, n: int) -> None:
    """Add the dynamic power of all classes under a common cap on clocks.

    Args:
        cap: cap on clocks, (P,).
        power: compute power, (P,) [W]; added to.
        design: design parameters.
        classes: state of the classes, with requested clocks.
        rules: class parameters.
        n: lanes P.
    """
    dynamic, static, v0, x_v = design.dynamic_each_w, design.static, design.v0, design.x_v
    for c in range(rules.utilisation.shape[0]):
        add_class_power(
            power, classes.busy[c], classes.clock[c], cap, rules.utilisation[c], dynamic, static, v0, x_v, n
        )


@routine
def govern(
    sat: State, design: Design, classes: Classes, rules: Rules, scratch: np.ndarray, n: int, num_satellites: int
) -> None:
    """Find the common cap on clocks that keeps each satellite within its allowed power, by bisection.

    Args:
        sat: state.
        design: design parameters.
        classes: state of the classes, with requested clocks.
        rules: class parameters.
        scratch: work space, (SCRATCH, P) at least. The first three rows are results: power at the requested clocks,
            power under the cap, and the cap.
        n: lanes P.
        num_satellites: S.
    """
    requested, power, cap, width, idle = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    idle_power(idle, sat, design, n)
    for s in range(n):
        requested[s] = idle[s]
        cap[s] = 1.0
    add_power_under_cap(cap, requested, design, classes, rules, n)
    over = 0
    for s in range(num_satellites):
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
        add_power_under_cap(cap, power, design, classes, rules, n)
        bisect_cap(cap, width, power, sat.allowed_w, n)
    for s in range(n):
        cap[s] -= width[s]  # the low end
        power[s] = idle[s]
    add_power_under_cap(cap, power, design, classes, rules, n)


@simd_loop
def grant_clocks(clock: Row, cap: Row, n: int) -> None:
    """Limit the requested clocks of one class to the cap, which gives the granted clocks."""
    for s in range(n):
        clock[s] = min(clock[s], cap[s])
