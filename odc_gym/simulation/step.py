"""One physics step of the satellites of one environment.

`satellites` is the recipe: one line an effect. The functions before it find what the hardware may draw and at which
clocks. Each is one loop over satellites that compiles to SIMD code; the scalar physics is in `odc_gym.physics`.
"""

from odc_gym._jit import effect, lanes, routine
from odc_gym.physics.ageing import capacity_left, charge_stress, count_cycles, temperature_stress
from odc_gym.physics.battery import RESERVE_FRAC, charge_limit_w, discharge_limit_w, loss_w, stored_power_w
from odc_gym.physics.compute import dynamic_frac, idle_power_w
from odc_gym.physics.mathematics import clip
from odc_gym.physics.solar import array_power_w
from odc_gym.physics.thermal import Nodes, Propagator, governed_power_w, half_step, leakage_frac
from odc_gym.simulation.state import PROPAGATOR_ROWS, D, Design, G, K, X

BISECTIONS = 16  # of the common cap on clocks: 1e-5 of the range, the low end taken
HOUR_S = 3600.0
_ON = len(Design._fields)
_OFF = _ON + PROPAGATOR_ROWS
_END = _OFF + PROPAGATOR_ROWS
SCRATCH = 5 + PROPAGATOR_ROWS  # rows of work space


@effect
def blend(flag, a, b):
    """`a` where the flag is 1, `b` where it is 0; exact. A conditional on two rows would compile to slow gathers."""
    return flag * a + (1.0 - flag) * b


@lanes
def select_propagator(e, on, of_on, of_off, n):
    """Propagator of the present loop state of each satellite, [row, P]."""
    for k in range(PROPAGATOR_ROWS):
        for s in range(n):
            e[k, s] = blend(on[s], of_on[k, s], of_off[k, s])


@effect
def loop_nodes(p, on, s):
    """Constants of the three nodes in the present loop state."""
    return Nodes(
        p.radiation[s],
        blend(on, p.g12_on[s], p.g12_off[s]),
        blend(on, p.g23_on[s], p.g23_off[s]),
        p.ic1[s],
        p.ic2[s],
        p.ic3[s],
        p.slope3[s],
    )


@lanes
def budgets(x, p, e, sky, dt_s, n):
    """Power that heat, electricity and the request allow, bus power that can be served, and idle states."""
    for s in range(n):
        held = p.accelerators[s] - x.free[s]
        full = 1.0 if held >= x.awake[s] else 0.0
        idle_s = (1.0 - full) * (x.idle_s[s] + dt_s)
        gate = 1.0 if idle_s >= p.gate_after_s[s] else 0.0
        x.awake[s] = blend(max(full, gate), held, x.awake[s])
        x.idle_s[s] = (1.0 - gate) * idle_s
        sun = array_power_w(sky.sunlit_frac[s], sky.irradiance_frac[s], p.array_peak_w[s])
        charge = x.charge_frac[s]
        bus = p.bus_w[s] + p.terminal_w[s] * x.link_frac[s]
        spare = discharge_limit_w(
            charge, RESERVE_FRAC, p.capacity_j[s], p.eta_discharge[s], p.rate_discharge_w[s], dt_s
        )
        x.bus_served_w[s] = min(bus, p.eta_pcdu[s] * (sun + spare))
        above_floor = discharge_limit_w(
            charge, p.floor_frac[s], p.capacity_j[s], p.eta_discharge[s], p.rate_discharge_w[s], dt_s
        )
        leak_now = max(0.0, leakage_frac(x.junction_k[s], p.leak[s], p.inverse_double_k[s]))
        electrical = (p.eta_pcdu[s] * (sun + above_floor) - bus) / (1.0 + leak_now)
        other = p.absorb_m2[s] * sky.absorbed_w_m2[s] + x.battery_loss_w[s] + (1.0 + p.loss[s]) * x.bus_served_w[s]
        on = x.loop_on[s]
        heat = governed_power_w(
            x.plate_k[s], x.loop_k[s], x.radiator_k[s], other, p.throttle_k[s],
            loop_nodes(p, on, s), e.g1[s], e.g2[s], e.g3[s], blend(on, p.gain_on[s], p.gain_off[s]),
        )  # fmt: skip
        x.allowed_w[s] = max(0.0, min(min(electrical, heat), x.held_w[s]))


@lanes
def class_power(power, busy, clock, cap, utilisation, dynamic_each_w, static, v0, x_v, n):
    """Add the dynamic power of one class under a common cap on clocks [W] to `power`."""
    for s in range(n):
        x = min(clock[s], cap[s])
        power[s] += busy[s] * utilisation * dynamic_each_w[s] * dynamic_frac(x, static[s], v0[s], x_v[s])


@lanes
def start_power(power, host_w, awake, accelerators, idle_each_w, gated_each_w, n):
    """Power of the satellites without any work [W]."""
    for s in range(n):
        power[s] = idle_power_w(host_w[s], awake[s], accelerators[s], idle_each_w[s], gated_each_w[s])


@lanes
def halve(cap, width, power, allowed_w, n):
    """One bisection of the cap: keep the low end unless the middle is allowed."""
    for s in range(n):
        low = cap[s] - width[s]
        width[s] *= 0.5
        cap[s] = width[s] + blend(1.0 if power[s] <= allowed_w[s] else 0.0, cap[s], low)


@lanes
def settle_cap(
    clock_cap, duty, drawn_w, allowed_w, shed, tripped, cap, power, requested, host_w, accelerators, gated_each_w,
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
        on = 1.0 - max(shed[s], tripped[s])
        clock_cap[s] = blend(free_run, 1.0, cap[s])
        duty[s] = on * share
        drawn_w[s] = blend(on, drawn, standby_w[s])


@routine
def idle_power(power, x, p, n):
    """Power of the satellites without work (P,) [W] from state and design blocks."""
    start_power(power, p[D.host_w], x[X.awake], p[D.accelerators], p[D.idle_each_w], p[D.gated_each_w], n)


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
        scratch: work space, (SCRATCH, P): power requested, power under the cap, the cap.
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


@lanes
def satellites(x, p, e, sky, dt_s, n):
    """One physics step of `n` satellites: supply, heat, battery, protection, accounts."""
    for s in range(n):
        # supply: the bus first, then what compute may draw
        sun = array_power_w(sky.sunlit_frac[s], sky.irradiance_frac[s], p.array_peak_w[s])
        charge = x.charge_frac[s]
        bus = p.bus_w[s] + p.terminal_w[s] * x.link_frac[s]
        served = x.bus_served_w[s]
        reserve = discharge_limit_w(
            charge, RESERVE_FRAC, p.capacity_j[s], p.eta_discharge[s], p.rate_discharge_w[s], dt_s
        )
        power = min(x.power_w[s], max(0.0, p.eta_pcdu[s] * (sun + reserve) - served))
        # heat: two half steps
        on = x.loop_on[s]
        nodes = loop_nodes(p, on, s)
        numbers = Propagator(
            e.e11[s], e.e12[s], e.e13[s], e.e21[s], e.e22[s], e.e23[s], e.e31[s], e.e32[s], e.e33[s],
            e.m11[s], e.m13[s], e.m21[s], e.m23[s], e.m31[s], e.m33[s], e.g1[s], e.g2[s], e.g3[s],
        )  # fmt: skip
        outside = p.absorb_m2[s] * sky.absorbed_w_m2[s]
        other = outside + x.battery_loss_w[s] + (1.0 + p.loss[s]) * served + p.loss[s] * power
        t3 = x.radiator_k[s]
        h1, h2, h3, leak_a = half_step(
            x.plate_k[s],
            x.loop_k[s],
            t3,
            power,
            other,
            p.loss[s],
            p.leak[s],
            p.inverse_double_k[s],
            p.r_junction[s],
            nodes,
            numbers,
        )
        u1, u2, u3, leak_b = half_step(
            h1, h2, h3, power, other, p.loss[s], p.leak[s], p.inverse_double_k[s], p.r_junction[s], nodes, numbers
        )
        # battery
        compute = power + 0.5 * (leak_a + leak_b)
        load = (compute + served) * (1.0 + p.loss[s])
        surplus = sun - load
        limit = charge_limit_w(charge, p.inverse_taper[s], p.capacity_j[s], p.eta_charge[s], p.rate_charge_w[s], dt_s)
        into = min(max(surplus, 0.0), limit)
        out = max(-surplus, 0.0)
        charge += stored_power_w(into, out, p.eta_charge[s], p.eta_discharge[s]) * dt_s / p.capacity_j[s]
        # protection
        junction = u1 + p.r_junction[s] * power
        trip_s = (x.trip_s[s] + dt_s) * x.tripped[s]
        cooled = 1.0 if junction < p.reset_k[s] else 0.0
        waited = 1.0 if trip_s >= p.reset_s[s] else 0.0
        hot = 1.0 if junction > p.trip_k[s] else 0.0
        tripped = max(hot, x.tripped[s] * (1.0 - max(cooled, waited)))
        low = 1.0 if charge < p.floor_frac[s] else 0.0
        restored = 1.0 if charge >= p.restore_frac[s] else 0.0
        warm = 1.0 if u1 > p.loop_on_k[s] else 0.0
        drawing = 1.0 if power > p.loop_on_w[s] else 0.0
        cold = 1.0 if u1 < p.loop_off_k[s] else 0.0
        # accounts
        x.available_j[s] += dt_s * sun
        x.used_j[s] += dt_s * (load - out + into)
        x.electric_j[s] += dt_s * load
        x.compute_j[s] += dt_s * compute
        x.heat_j[s] += dt_s * (load + x.battery_loss_w[s])
        x.absorbed_j[s] += dt_s * outside
        q, h, u = t3 * t3, h3 * h3, u3 * u3
        x.radiated_j[s] += p.radiation[s] * (q * q + 4.0 * h * h + u * u) * (dt_s / 6.0)
        x.discharged_j[s] += dt_s * out
        wanted = bus + x.power_w[s]
        x.bus_j[s] += dt_s * wanted
        unserved = (bus - served) + (x.power_w[s] - power)  # in this order exactly 0 when all is served
        x.unserved_j[s] += dt_s * unserved
        hours = dt_s / HOUR_S
        e0 = max(x.junction_k[s] - p.limit_k[s], 0.0)
        e1 = max(junction - p.limit_k[s], 0.0)
        x.hot_kh[s] += 0.5 * hours * (e0 + e1)
        x.thermal_h[s] += 0.5 * hours * (e0 + 0.25 * e0 * e0 + e1 + 0.25 * e1 * e1)
        f = unserved / wanted
        y0 = max(p.floor_frac[s] - x.charge_frac[s], 0.0) / p.floor_frac[s]
        y1 = max(p.floor_frac[s] - charge, 0.0) / p.floor_frac[s]
        x.unserved_h[s] += hours * (f + f * f)
        x.low_charge_h[s] += 0.5 * hours * (y0 + y0 * y0 + y1 + y1 * y1)
        x.shed_s[s] += dt_s * x.shed[s]
        x.tripped_s[s] += dt_s * x.tripped[s]
        x.trips[s] += max(0.0, tripped - x.tripped[s])
        # the new state
        x.battery_loss_w[s] = loss_w(into, out, p.eta_charge[s], p.eta_discharge[s])
        x.plate_k[s] = u1
        x.loop_k[s] = u2
        x.radiator_k[s] = u3
        x.junction_k[s] = junction
        x.charge_frac[s] = charge
        x.power_w[s] = power
        x.tripped[s] = tripped
        x.trip_s[s] = trip_s * tripped
        x.shed[s] = max(low, x.shed[s] * (1.0 - restored))
        x.loop_on[s] = max(max(warm, drawing), on * (1.0 - cold))
        x.charge_least[s] = min(x.charge_least[s], charge)
        x.junction_most[s] = max(x.junction_most[s], junction)


@lanes
def grant_clocks(clock, cap, n):
    """Requested clocks of one class become granted ones."""
    for s in range(n):
        clock[s] = min(clock[s], cap[s])


@routine
def wear(x, p, points, swings, tables, dt_s, n):
    """Battery damage of the step, by satellite, cycles as they close and calendar ageing; and what it leaves."""
    for s in range(n):
        charge, slope = x[X.charge_frac, s], p[D.ageing_charge, s]
        cycles = count_cycles(points[s], swings[s], charge, tables[int(p[D.ageing_law, s])], slope)
        calendar = p[D.ageing_calendar_per_s, s] * dt_s * charge_stress(charge, slope)
        warmth = temperature_stress(p[D.ageing_k, s], p[D.ageing_temperature, s])
        damage = warmth * (cycles - x[X.cycles, s] + calendar)
        x[X.cycles, s] = cycles
        x[X.fatigue, s] += damage
        x[X.damage, s] += damage
        left = capacity_left(x[X.damage, s], p[D.film_frac, s], p[D.linear_frac, s])
        x[X.faded_j, s] += charge * p[D.capacity_j, s] * (x[X.capacity_left, s] - left)
        x[X.capacity_left, s] = left


@routine
def propagator_block(scratch):
    """The part of the work space that holds the propagators of the step."""
    return scratch[SCRATCH - PROPAGATOR_ROWS :]


@effect
def physics(x, p, state, design, light, numbers, classes, rules, points, swings, table, scratch, dt_s, satellites_n, n):
    """What the hardware does in one step with the clocks that are requested.

    Args:
        x: state block, [field, P].
        p: design block and propagators.
        state: rows of `x`.
        design: rows of `p`.
        light: rows of the tables of light of the step.
        numbers: rows of `propagator_block(scratch)`.
        classes: class block, [field, C, P].
        rules: class parameters, [field, C].
        points: turning points of the batteries' charge, (P, ...).
        swings: their damage.
        table: ageing table.
        scratch: work space, (SCRATCH, P).
        dt_s: physics step [s].
        satellites_n: satellites S.
        n: lanes P.
    """
    select_propagator(propagator_block(scratch), x[X.loop_on], p[_ON:_OFF], p[_OFF:_END], n)
    budgets(state, design, numbers, light, dt_s, n)
    govern(x, p, classes, rules, scratch, n)
    settle_cap(
        x[X.clock_cap], x[X.duty], x[X.power_w], x[X.allowed_w], x[X.shed], x[X.tripped], scratch[2], scratch[1],
        scratch[0], p[D.host_w], p[D.accelerators], p[D.gated_each_w], p[D.standby_w], n,
    )  # fmt: skip
    satellites(state, design, numbers, light, dt_s, n)
    for s in range(satellites_n):
        if x[X.allowed_w, s] >= x[X.held_w, s]:
            continue  # the plan holds the power, not the governor
        for c in range(rules.shape[1]):
            if classes[K.busy, c, s] > 0.0 and x[X.clock_cap, s] < classes[K.clock, c, s]:
                x[X.governed_s, s] += dt_s
                break
    for c in range(rules.shape[1]):
        grant_clocks(classes[K.clock, c], x[X.clock_cap], n)
    wear(x, p, points, swings, table, dt_s, satellites_n)
