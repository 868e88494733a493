"""From the agent's requests to clocks and powers: the sustainable plan of this moment, and what is asked beyond it."""

from odc_gym._jit import routine, simd_loop
from odc_gym.core.layout.state import D, X
from odc_gym.core.layout.work import G, K
from odc_gym.core.spacecraft.governor import idle_power
from odc_gym.physics.compute import class_clock, clock_of_dynamic, dynamic_frac, speed_frac
from odc_gym.physics.mathematics import blend, clip

UNLIMITED_W = 1e12


@simd_loop
def sustainable_clocks(clock, sustainable_w, idle_w, busy_w, x_min, static, v0, x_v, n):
    """Largest common clock whose power stays within the sustainable plan for what runs now.

    `idle_w` is the power without work, `busy_w` the dynamic power of the work at full clock, (P,) [W].
    """
    for s in range(n):
        target = (sustainable_w[s] - idle_w[s]) / max(busy_w[s], 1e-3)
        clock[s] = clock_of_dynamic(target, x_min[s], static[s], v0[s], x_v[s])


@simd_loop
def held_powers(held_w, sustainable_w, idle_w, busy_w, request, order, offset, x_min, static, v0, x_v, n):
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
def request_clocks(clock, rate, request, order, offset, x_min, sustainable, speed, kappa, n):
    """Requested clock of one class, and the work rate that it promises; a clock asked for outright goes first."""
    for s in range(n):
        outright = 1.0 if order[s] > 0.0 else 0.0
        by_request = class_clock(clip(request[s] + offset, -1.0, 1.0), sustainable[s], x_min[s])
        x = blend(outright, max(order[s], x_min[s]), by_request)
        clock[s] = x
        rate[s] = speed[s] * speed_frac(x, kappa)


@simd_loop
def class_dynamic(busy_w, busy, utilisation, dynamic_each_w, n):
    """Add the dynamic power at full clock of one class [W] to `busy_w`."""
    for s in range(n):
        busy_w[s] += busy[s] * utilisation * dynamic_each_w[s]


@routine
def request(x, p, sustainable_w, classes, rules, offset, scratch, n):
    """Turn the agent's requests into clocks: the sustainable clock of this moment, then each class's own.

    Where the plan is below the lowest clock, a limit on power says what the clocks cannot.
    """
    busy_w, idle_w = scratch[0], scratch[1]
    for s in range(n):
        busy_w[s] = 0.0
    for c in range(rules.shape[1]):
        class_dynamic(busy_w, classes[K.busy, c], rules[G.utilisation, c], p[D.dynamic_each_w], n)
    idle_power(idle_w, x, p, n)
    clock = x[X.clock_sustainable]
    sustainable_clocks(clock, sustainable_w, idle_w, busy_w, p[D.x_min], p[D.static], p[D.v0], p[D.x_v], n)
    largest = -1.0
    for c in range(rules.shape[1]):
        largest = max(largest, offset[c])
    held_powers(
        x[X.held_w], sustainable_w, idle_w, busy_w, x[X.request], x[X.clock_order], largest, p[D.x_min], p[D.static],
        p[D.v0], p[D.x_v], n,
    )  # fmt: skip
    for c in range(rules.shape[1]):
        request_clocks(
            classes[K.clock, c],
            classes[K.rate, c],
            x[X.request],
            x[X.clock_order],
            offset[c],
            p[D.x_min],
            clock,
            p[D.speed],
            rules[G.kappa, c],
            n,
        )
