"""One physics step of the satellites of one environment.

`budgets` finds what may be drawn, `governor` the clocks that keep to it, and `satellites` is the recipe: one line an
effect. Each is one loop over satellites that compiles to SIMD code; the scalar physics is in `odc_gym.physics`.
"""

from odc_gym._jit import inline, routine, simd_loop
from odc_gym.constants import HOUR_S
from odc_gym.core.layout.state import PROPAGATOR_ROWS, D, Design, X
from odc_gym.core.layout.work import K
from odc_gym.core.spacecraft import governor
from odc_gym.physics.ageing import capacity_left, charge_stress, count_cycles, temperature_stress
from odc_gym.physics.battery import (
    RESERVE_FRAC,
    charge_limit_w,
    discharge_limit_w,
    heater_w,
    loss_shares,
    loss_w,
    radiating_node,
)
from odc_gym.physics.mathematics import blend, clip
from odc_gym.physics.solar import array_power_w
from odc_gym.physics.thermal import (
    Nodes,
    Propagator,
    bypass_gain,
    bypass_limit_w,
    bypassed_k,
    governed_power_w,
    half_step,
    leakage_frac,
    loop_at_end,
)

_ON = len(Design._fields)
_OFF = _ON + PROPAGATOR_ROWS
_END = _OFF + PROPAGATOR_ROWS
SCRATCH = governor.SCRATCH + PROPAGATOR_ROWS  # rows of work space


@simd_loop
def select_propagator(e, on, of_on, of_off, n):
    """Propagator of the present loop state of each satellite, [row, P]."""
    for k in range(PROPAGATOR_ROWS):
        for s in range(n):
            e[k, s] = blend(on[s], of_on[k, s], of_off[k, s])


@inline
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


@inline
def loop_propagator(e, s):
    """Propagator of one satellite in its present loop state."""
    return Propagator(
        e.e11[s], e.e12[s], e.e13[s], e.e21[s], e.e22[s], e.e23[s], e.e31[s], e.e32[s], e.e33[s],
        e.m11[s], e.m13[s], e.m21[s], e.m23[s], e.m31[s], e.m33[s],
        e.g1[s], e.g2[s], e.g3[s], e.l1[s], e.l2[s], e.l3[s],
    )  # fmt: skip


@inline
def awake_accelerators(x, p, dt_s, s):
    """Accelerators without work sleep after a while; those that jobs take are awake."""
    held = x.living[s] - x.free[s]
    full = 1.0 if held >= x.awake[s] else 0.0
    idle_s = (1.0 - full) * (x.idle_s[s] + dt_s)
    gate = 1.0 if idle_s >= p.gate_after_s[s] else 0.0
    x.awake[s] = blend(max(full, gate), held, x.awake[s])
    x.idle_s[s] = (1.0 - gate) * idle_s


@inline
def heaters(x, p, sky, nodes, numbers, dt_s, s):
    """Powers that the heaters of loop and battery want [W]; the loop's only where its bypass falls short."""
    t2, t3 = x.loop_k[s], x.radiator_k[s]
    bus_w = x.bus_served_w[s] - x.heater_w[s] - x.battery_heater_w[s]
    other = p.absorb_m2[s] * sky.absorbed_w_m2[s] + (1.0 + p.loss[s]) * bus_w
    open_k = loop_at_end(x.plate_k[s], t2, t3, x.power_w[s], 0.0, other, nodes, numbers)
    standing_k = open_k + bypass_gain(nodes, numbers) * bypass_limit_w(t2, t3, p.bypass_share[s], nodes)
    closed_k, gain = bypassed_k(x.plate_k[s], t2, t3, x.power_w[s], p.bypass_share[s], nodes, dt_s)
    loop_k = blend(x.loop_on[s], max(open_k, closed_k), standing_k)
    gain = blend(x.loop_on[s], gain, numbers.l2 * nodes.ic2)
    x.heater_w[s] = heater_w(loop_k, p.heater_k[s], 1.0 / gain, p.heater_most_w[s])
    heat = x.battery_loss_w[s] + p.battery_absorb_m2[s] * sky.absorbed_w_m2[s]
    _, battery_k = radiating_node(x.battery_k[s], heat, p.battery_radiation[s], p.battery_ic[s], dt_s)
    gain = 1.0 / (p.battery_ic[s] * dt_s)
    x.battery_heater_w[s] = heater_w(battery_k, p.battery_heater_k[s], gain, p.battery_heater_most_w[s])


@inline
def bypassed_w(x, p, power_w, heater_w, other_w, nodes, numbers, dt_s, s):
    """Heat [W] that the bypass keeps in the loop so that it ends the step at its set-point, as far as that reaches."""
    t1, t2, t3, share = x.plate_k[s], x.loop_k[s], x.radiator_k[s], p.bypass_share[s]
    open_k = loop_at_end(t1, t2, t3, power_w, heater_w, other_w, nodes, numbers)
    closed_k, _ = bypassed_k(t1, t2, t3, power_w + heater_w, share, nodes, dt_s)
    gain = bypass_gain(nodes, numbers)
    running = x.loop_on[s] * (1.0 if share > 0.0 else 0.0)
    most = blend(running, max(closed_k - open_k, 0.0) / gain, bypass_limit_w(t2, t3, share, nodes))
    return clip((p.bypass_k[s] - open_k) / gain, 0.0, most)


@simd_loop
def budgets(x, p, e, sky, dt_s, n):
    """Power that heat, electricity and the request allow, bus power that can be served, and idle states."""
    for s in range(n):
        awake_accelerators(x, p, dt_s, s)
        on = x.loop_on[s]
        nodes, numbers = loop_nodes(p, on, s), loop_propagator(e, s)
        heaters(x, p, sky, nodes, numbers, dt_s, s)
        bus = blend(max(x.shed[s], x.halted[s]), p.safe_w[s], p.bus_w[s]) + p.terminal_w[s] * x.terminals[s]
        bus += x.heater_w[s] + x.battery_heater_w[s]
        x.bus_wanted_w[s] = bus
        sun = array_power_w(sky.sunlit_frac[s], sky.irradiance_frac[s], p.array_peak_w[s])
        charge, capacity_j = x.charge_frac[s], p.capacity_j[s] * x.capacity_left[s]
        fixed, slope = loss_shares(p.base_out[s], p.cell_law[s], x.battery_k[s], p.one_hour_w[s])
        spare = discharge_limit_w(charge, RESERVE_FRAC, capacity_j, fixed, slope, p.rate_discharge_w[s], dt_s)
        x.bus_served_w[s] = min(bus, p.eta_pcdu[s] * (sun + spare))
        above_floor = discharge_limit_w(charge, p.floor_frac[s], capacity_j, fixed, slope, p.rate_discharge_w[s], dt_s)
        leak_now = max(0.0, leakage_frac(x.junction_k[s], p.leak[s], p.inverse_double_k[s]))
        electrical = (p.eta_pcdu[s] * (sun + above_floor) - bus) / (1.0 + leak_now)
        share = x.bus_served_w[s] / max(bus, 1e-9)
        x.heater_w[s] *= share
        x.battery_heater_w[s] *= share
        warming = x.heater_w[s] + x.battery_heater_w[s]
        other = p.absorb_m2[s] * sky.absorbed_w_m2[s] + (1.0 + p.loss[s]) * x.bus_served_w[s] - warming
        heat = governed_power_w(
            x.plate_k[s], x.loop_k[s], x.radiator_k[s], other, p.throttle_k[s], nodes,
            numbers.g1, numbers.g2, numbers.g3, blend(on, p.gain_on[s], p.gain_off[s]),
        )  # fmt: skip
        x.allowed_w[s] = max(0.0, min(min(electrical, heat), x.held_w[s]))


@simd_loop
def satellites(x, p, e, sky, dt_s, n):
    """One physics step of `n` satellites: supply, heat, battery, protection, accounts."""
    for s in range(n):
        # supply: the bus first, then what compute may draw
        sun = array_power_w(sky.sunlit_frac[s], sky.irradiance_frac[s], p.array_peak_w[s])
        charge, battery = x.charge_frac[s], x.battery_k[s]
        capacity_j = p.capacity_j[s] * x.capacity_left[s]
        bus, served = x.bus_wanted_w[s], x.bus_served_w[s]
        out_fixed, out_slope = loss_shares(p.base_out[s], p.cell_law[s], battery, p.one_hour_w[s])
        reserve = discharge_limit_w(charge, RESERVE_FRAC, capacity_j, out_fixed, out_slope, p.rate_discharge_w[s], dt_s)
        power = min(x.power_w[s], max(0.0, p.eta_pcdu[s] * (sun + reserve) - served))
        heater, battery_heater = x.heater_w[s], x.battery_heater_w[s]
        # heat: bypass, then two half steps
        on = x.loop_on[s]
        nodes, numbers = loop_nodes(p, on, s), loop_propagator(e, s)
        t1, t2, t3 = x.plate_k[s], x.loop_k[s], x.radiator_k[s]
        outside = p.absorb_m2[s] * sky.absorbed_w_m2[s]
        other = outside + (1.0 + p.loss[s]) * served - heater - battery_heater + p.loss[s] * power
        leak_now = leakage_frac(x.junction_k[s], p.leak[s], p.inverse_double_k[s])
        kept = bypassed_w(x, p, power * (1.0 + leak_now), heater, other, nodes, numbers, dt_s, s)
        loop, other = heater + kept, other - kept
        leak, double, r_junction = p.leak[s], p.inverse_double_k[s], p.r_junction[s]
        h1, h2, h3, leak_a = half_step(
            t1, t2, t3, power, loop, other, p.loss[s], leak, double, r_junction, nodes, numbers
        )
        u1, u2, u3, leak_b = half_step(
            h1, h2, h3, power, loop, other, p.loss[s], leak, double, r_junction, nodes, numbers
        )
        # battery: its charge, then its heat
        in_fixed, in_slope = loss_shares(p.base_in[s], p.cell_law[s], battery, p.one_hour_w[s])
        compute = power + 0.5 * (leak_a + leak_b)
        load = (compute + served) * (1.0 + p.loss[s])
        surplus = sun - load
        limit = charge_limit_w(
            charge, p.inverse_taper[s], capacity_j, battery, in_fixed, in_slope, p.rate_charge_w[s], dt_s
        )
        into = min(max(surplus, 0.0), limit)
        out = max(-surplus, 0.0)
        lost = loss_w(into, in_fixed, in_slope) + loss_w(out, out_fixed, out_slope)
        balance = into - out - lost
        charge += balance * dt_s / capacity_j
        battery_heat = lost + battery_heater
        battery_outside = p.battery_absorb_m2[s] * sky.absorbed_w_m2[s]
        b_half, b_end = radiating_node(
            battery, battery_heat + battery_outside, p.battery_radiation[s], p.battery_ic[s], dt_s
        )
        # protection
        junction = u1 + r_junction * power
        trip_s = (x.trip_s[s] + dt_s) * x.tripped[s]
        cooled = 1.0 if junction < p.reset_k[s] else 0.0
        waited = 1.0 if trip_s >= p.reset_s[s] else 0.0
        hot = 1.0 if junction > p.trip_k[s] else 0.0
        tripped = max(hot, x.tripped[s] * (1.0 - max(cooled, waited)))
        low = 1.0 if charge < p.floor_frac[s] else 0.0
        restored = 1.0 if charge >= p.restore_frac[s] else 0.0
        shed = max(low, x.shed[s] * (1.0 - restored))
        down = max(max(tripped, shed), x.halted[s])
        was_down = max(x.tripped[s], x.shed[s])
        wait_s = blend(max(down, was_down), p.restart_s[s], max(x.wait_s[s] - dt_s, 0.0))
        waits = 1.0 if wait_s > 0.0 else 0.0
        frozen = 1.0 if u2 < p.start_k[s] else 0.0
        warm = 1.0 if u1 > p.loop_on_k[s] else 0.0
        drawing = 1.0 if power > p.loop_on_w[s] else 0.0
        cold = 1.0 if u1 < p.loop_off_k[s] else 0.0
        # accounts
        x.available_j[s] += dt_s * sun
        x.used_j[s] += dt_s * (load - out + into)
        x.electric_j[s] += dt_s * load
        x.compute_j[s] += dt_s * compute
        x.heater_j[s] += dt_s * (heater + battery_heater)
        x.heat_j[s] += dt_s * (load + lost)
        x.battery_heat_j[s] += dt_s * battery_heat
        x.absorbed_j[s] += dt_s * (outside + battery_outside)
        q, h, u = t3 * t3, h3 * h3, u3 * u3
        x.radiated_j[s] += p.radiation[s] * (q * q + 4.0 * h * h + u * u) * (dt_s / 6.0)
        q, h, u = battery * battery, b_half * b_half, b_end * b_end
        x.radiated_j[s] += p.battery_radiation[s] * (q * q + 4.0 * h * h + u * u) * (dt_s / 6.0)
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
        f = unserved / max(wanted, 1e-9)
        y0 = max(p.floor_frac[s] - x.charge_frac[s], 0.0) / p.floor_frac[s]
        y1 = max(p.floor_frac[s] - charge, 0.0) / p.floor_frac[s]
        x.unserved_h[s] += hours * (f + f * f)
        x.low_charge_h[s] += 0.5 * hours * (y0 + y0 * y0 + y1 + y1 * y1)
        x.shed_s[s] += dt_s * x.shed[s]
        x.tripped_s[s] += dt_s * x.tripped[s]
        x.trips[s] += max(0.0, tripped - x.tripped[s])
        x.sheds[s] += max(0.0, shed - x.shed[s])
        x.off_s[s] += dt_s * x.off[s]
        # the new state
        x.bypassed_w[s] = kept
        x.battery_loss_w[s] = lost
        x.battery_k[s] = b_end
        x.plate_k[s] = u1
        x.loop_k[s] = u2
        x.radiator_k[s] = u3
        x.junction_k[s] = junction
        x.charge_frac[s] = charge
        x.balance_w[s] = balance
        x.power_w[s] = power
        x.tripped[s] = tripped
        x.trip_s[s] = trip_s * tripped
        x.shed[s] = shed
        x.wait_s[s] = wait_s
        x.off[s] = max(max(down, waits), x.off[s] * frozen)
        x.loop_on[s] = max(max(warm, drawing), on * (1.0 - cold))
        x.charge_least[s] = min(x.charge_least[s], charge)
        x.junction_most[s] = max(x.junction_most[s], junction)


@routine
def wear(x, p, points, swings, tables, dt_s, n):
    """Battery damage of the step, by satellite, cycles as they close and calendar ageing; and what it leaves."""
    for s in range(n):
        charge, slope = x[X.charge_frac, s], p[D.ageing_charge, s]
        cycles = count_cycles(points[s], swings[s], charge, tables[int(p[D.ageing_law, s])], slope)
        calendar = p[D.ageing_calendar_per_s, s] * dt_s * charge_stress(charge, slope)
        warmth = temperature_stress(x[X.battery_k, s], p[D.ageing_temperature, s])
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


@inline
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
    governor.govern(x, p, classes, rules, scratch, n)
    governor.settle_cap(
        x[X.clock_cap], x[X.duty], x[X.power_w], x[X.allowed_w], x[X.off], scratch[2], scratch[1], scratch[0],
        p[D.host_w], x[X.living], p[D.gated_each_w], p[D.standby_w], n,
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
        governor.grant_clocks(classes[K.clock, c], x[X.clock_cap], n)
    wear(x, p, points, swings, table, dt_s, satellites_n)
