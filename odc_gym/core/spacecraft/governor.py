"""The governor: the common cap on clocks that heat, electricity and the request allow, and the power under it.

Loops over satellites that compile to SIMD code; what is allowed is found in `step.budgets`.
"""

from odc_gym._jit import routine, simd_loop
from odc_gym.core.layout.state import D, X
from odc_gym.core.layout.work import G, K
from odc_gym.physics.compute import dynamic_frac, idle_power_w
from odc_gym.physics.mathematics import blend, clip

BISECTIONS = 16  # of the common cap on clocks: 1e-5 of the range, the low end taken
SCRATCH = 5  # rows of work space


@simd_loop
def class_power(power, busy, clock, cap, utilisation, dynamic_each_w, static, v0, x_v, n):
    """Add the dynamic power of one class under a common cap on clocks [W] to `power`."""
    for s in range(n):
        x = min(clock[s], cap[s])
        power[s] += busy[s] * utilisation * dynamic_each_w[s] * dynamic_frac(x, static[s], v0[s], x_v[s])


@simd_loop
def start_power(power, host_w, awake, accelerators, idle_each_w, gated_each_w, n):
    """Power of the satellites without any work [W]."""
    for s in range(n):
        power[s] = idle_power_w(host_w[s], awake[s], accelerators[s], idle_each_w[s], gated_each_w[s])


@simd_loop
def halve(cap, width, power, allowed_w, n):
    """One bisection of the cap: keep the low end unless the middle is allowed."""
    for s in range(n):
        low = cap[s] - width[s]
        width[s] *= 0.5
        cap[s] = width[s] + blend(1.0 if power[s] <= allowed_w[s] else 0.0, cap[s], low)


@simd_loop
def settle_cap(
    clock_cap, duty, drawn_w, allowed_w, off, cap, power, requested, host_w, accelerators, gated_each_w,
    standby_w, n
):  # fmt: skip
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
def idle_power(power, x, p, n):
    """Power of the satellites without work (P,) [W] from state and design blocks."""
    start_power(power, p[D.host_w], x[X.awake], x[X.living], p[D.idle_each_w], p[D.gated_each_w], n)


@routine
def power_under(cap, power, p, classes, rules, n):
    """Add the power of all classes under a common cap on clocks [W] to `power`."""
    dynamic, static, v0, x_v = p[D.dynamic_each_w], p[D.static], p[D.v0], p[D.x_v]
    for c in range(rules.shape[1]):
        class_power(
            power, classes[K.busy, c], classes[K.clock, c], cap, rules[G.utilisation, c], dynamic, static, v0, x_v, n
        )


@routine
def govern(x, p, classes, rules, scratch, n):
    """Find the common cap on clocks and the power under it: requests, held to what is allowed.

    Args:
        x: state block.
        p: design block.
        classes: class block, [field, C, P].
        rules: class parameters.
        scratch: work space, (SCRATCH, P) at least: power requested, power under the cap, the cap.
        n: lanes.
    """
    requested, power, cap, width, idle = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    idle_power(idle, x, p, n)
    for s in range(n):
        requested[s] = idle[s]
        cap[s] = 1.0
    power_under(cap, requested, p, classes, rules, n)
    over = 0
    for s in range(n):
        over += requested[s] > x[X.allowed_w, s]
    if over == 0:
        for s in range(n):
            power[s] = requested[s]
        return
    for s in range(n):
        width[s] = 0.5 * (1.0 - p[D.x_min, s])
        cap[s] = p[D.x_min, s] + width[s]
    for _ in range(BISECTIONS):
        for s in range(n):
            power[s] = idle[s]
        power_under(cap, power, p, classes, rules, n)
        halve(cap, width, power, x[X.allowed_w], n)
    for s in range(n):
        cap[s] -= width[s]  # the low end
        power[s] = idle[s]
    power_under(cap, power, p, classes, rules, n)


@simd_loop
def grant_clocks(clock, cap, n):
    """Requested clocks of one class become granted ones."""
    for s in range(n):
        clock[s] = min(clock[s], cap[s])
