"""One physics step of the satellites of one environment.

`budgets` finds what may be drawn, `governor` the clocks that keep to it, and `satellites` is the recipe: one line an
effect. Each is one loop over satellites that compiles to SIMD code; the scalar physics is in `odc_gym.physics`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from odc_gym._jit import inline, routine, simd_loop
from odc_gym.constants import HOUR_S
from odc_gym.core.layout.state import PROPAGATOR_ROWS, Design, Row, Sky, State
from odc_gym.core.layout.work import Classes, Rules
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

DESIGN_ROWS = len(Design._fields)
SCRATCH = governor.SCRATCH + PROPAGATOR_ROWS  # rows of work space


class Flows(NamedTuple):
    """Mean powers of a satellite in one step [W]."""

    sun: float  # array output
    load: float  # compute and bus, conversion losses included
    into: float  # into the battery's terminals
    out: float  # out of them
    lost: float  # in the battery
    compute: float  # with leakage, at the bus
    wanted: float  # by bus and compute
    unserved: float  # of that
    heaters: float
    battery_heat: float  # into the battery's node by electricity
    absorbed: float  # from Sun and Earth, by radiator and battery


@simd_loop
def select_propagator(selected: np.ndarray, on: Row, propagators: np.ndarray, n: int) -> None:
    """Write the propagator of the present loop state of each satellite, [row, P].

    Args:
        selected: written.
        on: whether each loop runs, (P,).
        propagators: of running loops, then of loops at rest, [2 x row, P].
        n: lanes P.
    """
    for k in range(PROPAGATOR_ROWS):
        for s in range(n):
            selected[k, s] = blend(on[s], propagators[k, s], propagators[PROPAGATOR_ROWS + k, s])


@inline
def loop_nodes(p: Design, on: float, s: int) -> Nodes:
    """Return the constants of the three nodes in the present loop state."""
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
def loop_propagator(e: Any, s: int) -> Propagator:
    """Return the propagator of one satellite in its present loop state."""
    return Propagator(
        e.e11[s], e.e12[s], e.e13[s], e.e21[s], e.e22[s], e.e23[s], e.e31[s], e.e32[s], e.e33[s],
        e.m11[s], e.m13[s], e.m21[s], e.m23[s], e.m31[s], e.m33[s],
        e.g1[s], e.g2[s], e.g3[s], e.l1[s], e.l2[s], e.l3[s],
    )  # fmt: skip


@inline
def awake_accelerators(x: State, p: Design, dt_s: float, s: int) -> None:
    """Gate accelerators that were idle for a while, and wake those that jobs hold."""
    held = x.living[s] - x.free[s]
    full = 1.0 if held >= x.awake[s] else 0.0
    idle_s = (1.0 - full) * (x.idle_s[s] + dt_s)
    gate = 1.0 if idle_s >= p.gate_after_s[s] else 0.0
    x.awake[s] = blend(max(full, gate), held, x.awake[s])
    x.idle_s[s] = (1.0 - gate) * idle_s


@inline
def heaters(x: State, p: Design, sky: Sky, nodes: Nodes, propagator: Propagator, dt_s: float, s: int) -> None:
    """Powers that the heaters of loop and battery want [W]; the loop's only where its bypass falls short."""
    t2, t3 = x.loop_k[s], x.radiator_k[s]
    bus_w = x.bus_served_w[s] - x.heater_w[s] - x.battery_heater_w[s]
    other = p.absorb_m2[s] * sky.absorbed_w_m2[s] + (1.0 + p.loss[s]) * bus_w
    open_k = loop_at_end(x.plate_k[s], t2, t3, x.power_w[s], 0.0, other, nodes, propagator)
    standing_k = open_k + bypass_gain(nodes, propagator) * bypass_limit_w(t2, t3, p.bypass_share[s], nodes)
    closed_k, gain = bypassed_k(x.plate_k[s], t2, t3, x.power_w[s], p.bypass_share[s], nodes, dt_s)
    loop_k = blend(x.loop_on[s], max(open_k, closed_k), standing_k)
    gain = blend(x.loop_on[s], gain, propagator.l2 * nodes.ic2)
    x.heater_w[s] = heater_w(loop_k, p.heater_k[s], 1.0 / gain, p.heater_most_w[s])
    heat = x.battery_loss_w[s] + p.battery_absorb_m2[s] * sky.absorbed_w_m2[s]
    _, battery_k = radiating_node(x.battery_k[s], heat, p.battery_radiation[s], p.battery_ic[s], dt_s)
    gain = 1.0 / (p.battery_ic[s] * dt_s)
    x.battery_heater_w[s] = heater_w(battery_k, p.battery_heater_k[s], gain, p.battery_heater_most_w[s])


@inline
def bypassed_w(
    x: State, p: Design, power_w: float, heater_w: float, other_w: float, nodes: Nodes, propagator: Propagator,
    dt_s: float, s: int,
) -> float:  # fmt: skip
    """Heat [W] that the bypass keeps in the loop so that it ends the step at its set-point, as far as that reaches."""
    t1, t2, t3, share = x.plate_k[s], x.loop_k[s], x.radiator_k[s], p.bypass_share[s]
    open_k = loop_at_end(t1, t2, t3, power_w, heater_w, other_w, nodes, propagator)
    closed_k, _ = bypassed_k(t1, t2, t3, power_w + heater_w, share, nodes, dt_s)
    gain = bypass_gain(nodes, propagator)
    running = x.loop_on[s] * (1.0 if share > 0.0 else 0.0)
    most = blend(running, max(closed_k - open_k, 0.0) / gain, bypass_limit_w(t2, t3, share, nodes))
    return clip((p.bypass_k[s] - open_k) / gain, 0.0, most)


@simd_loop
def budgets(x: State, p: Design, e: Any, sky: Sky, dt_s: float, n: int) -> None:
    """Power that heat, electricity and the request allow, bus power that can be served, and idle states."""
    for s in range(n):
        awake_accelerators(x, p, dt_s, s)
        on = x.loop_on[s]
        nodes, propagator = loop_nodes(p, on, s), loop_propagator(e, s)
        heaters(x, p, sky, nodes, propagator, dt_s, s)
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
            propagator.g1, propagator.g2, propagator.g3, blend(on, p.gain_on[s], p.gain_off[s]),
        )  # fmt: skip
        x.allowed_w[s] = max(0.0, min(min(electrical, heat), x.held_w[s]))


@inline
def protection(sat: State, design: Design, junction_k: float, charge: float, dt_s: float, s: int) -> float:
    """Trip on heat, shed on low charge, and count down to the restart; return whether compute must be off."""
    trip_s = (sat.trip_s[s] + dt_s) * sat.tripped[s]
    cooled = 1.0 if junction_k < design.reset_k[s] else 0.0
    waited = 1.0 if trip_s >= design.reset_s[s] else 0.0
    hot = 1.0 if junction_k > design.trip_k[s] else 0.0
    tripped = max(hot, sat.tripped[s] * (1.0 - max(cooled, waited)))
    low = 1.0 if charge < design.floor_frac[s] else 0.0
    restored = 1.0 if charge >= design.restore_frac[s] else 0.0
    shed = max(low, sat.shed[s] * (1.0 - restored))
    down = max(max(tripped, shed), sat.halted[s])
    was_down = max(sat.tripped[s], sat.shed[s])
    wait_s = blend(max(down, was_down), design.restart_s[s], max(sat.wait_s[s] - dt_s, 0.0))
    waits = 1.0 if wait_s > 0.0 else 0.0
    sat.shed_s[s] += dt_s * sat.shed[s]
    sat.tripped_s[s] += dt_s * sat.tripped[s]
    sat.trips[s] += max(0.0, tripped - sat.tripped[s])
    sat.sheds[s] += max(0.0, shed - sat.shed[s])
    sat.tripped[s] = tripped
    sat.trip_s[s] = trip_s * tripped
    sat.shed[s] = shed
    sat.wait_s[s] = wait_s
    return max(down, waits)


@inline
def account_energy(sat: State, flows: Flows, dt_s: float, s: int) -> None:
    """Integrate the energy accounts of a step."""
    sat.available_j[s] += dt_s * flows.sun
    sat.used_j[s] += dt_s * (flows.load - flows.out + flows.into)
    sat.electric_j[s] += dt_s * flows.load
    sat.compute_j[s] += dt_s * flows.compute
    sat.heater_j[s] += dt_s * flows.heaters
    sat.heat_j[s] += dt_s * (flows.load + flows.lost)
    sat.battery_heat_j[s] += dt_s * flows.battery_heat
    sat.absorbed_j[s] += dt_s * flows.absorbed
    sat.discharged_j[s] += dt_s * flows.out
    sat.bus_j[s] += dt_s * flows.wanted
    sat.unserved_j[s] += dt_s * flows.unserved


@inline
def radiated_j(radiation: float, begin_k: float, middle_k: float, end_k: float, dt_s: float) -> float:
    """Return the energy that a node radiates in a step [J], by Simpson's rule over three temperatures."""
    q, h, u = begin_k * begin_k, middle_k * middle_k, end_k * end_k
    return radiation * (q * q + 4.0 * h * h + u * u) * (dt_s / 6.0)


@inline
def account_violations(
    sat: State, design: Design, flows: Flows, junction_k: float, charge: float, dt_s: float, s: int
) -> None:
    """Integrate heat over the limit, unserved power and low charge, from the old state to the new one."""
    hours = dt_s / HOUR_S
    e0 = max(sat.junction_k[s] - design.limit_k[s], 0.0)
    e1 = max(junction_k - design.limit_k[s], 0.0)
    sat.hot_kh[s] += 0.5 * hours * (e0 + e1)
    sat.thermal_h[s] += 0.5 * hours * (e0 + 0.25 * e0 * e0 + e1 + 0.25 * e1 * e1)
    f = flows.unserved / max(flows.wanted, 1e-9)
    y0 = max(design.floor_frac[s] - sat.charge_frac[s], 0.0) / design.floor_frac[s]
    y1 = max(design.floor_frac[s] - charge, 0.0) / design.floor_frac[s]
    sat.unserved_h[s] += hours * (f + f * f)
    sat.low_charge_h[s] += 0.5 * hours * (y0 + y0 * y0 + y1 + y1 * y1)


@simd_loop
def satellites(x: State, p: Design, e: Any, sky: Sky, dt_s: float, n: int) -> None:
    """Advance `n` satellites by one physics step: supply, heat, battery, protection, accounts."""
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
        nodes, propagator = loop_nodes(p, on, s), loop_propagator(e, s)
        t1, t2, t3 = x.plate_k[s], x.loop_k[s], x.radiator_k[s]
        outside = p.absorb_m2[s] * sky.absorbed_w_m2[s]
        other = outside + (1.0 + p.loss[s]) * served - heater - battery_heater + p.loss[s] * power
        leak_now = leakage_frac(x.junction_k[s], p.leak[s], p.inverse_double_k[s])
        kept = bypassed_w(x, p, power * (1.0 + leak_now), heater, other, nodes, propagator, dt_s, s)
        loop, other = heater + kept, other - kept
        leak, double, r_junction = p.leak[s], p.inverse_double_k[s], p.r_junction[s]
        h1, h2, h3, leak_a = half_step(
            t1, t2, t3, power, loop, other, p.loss[s], leak, double, r_junction, nodes, propagator
        )
        u1, u2, u3, leak_b = half_step(
            h1, h2, h3, power, loop, other, p.loss[s], leak, double, r_junction, nodes, propagator
        )
        junction = u1 + r_junction * power
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
        # accounts
        unserved = (bus - served) + (x.power_w[s] - power)  # in this order exactly 0 when all is served
        flows = Flows(
            sun, load, into, out, lost, compute, bus + x.power_w[s], unserved, heater + battery_heater, battery_heat,
            outside + battery_outside,
        )  # fmt: skip
        account_energy(x, flows, dt_s, s)
        x.radiated_j[s] += radiated_j(p.radiation[s], t3, h3, u3, dt_s)
        x.radiated_j[s] += radiated_j(p.battery_radiation[s], battery, b_half, b_end, dt_s)
        account_violations(x, p, flows, junction, charge, dt_s, s)
        x.off_s[s] += dt_s * x.off[s]
        # protection, and the new state
        down = protection(x, p, junction, charge, dt_s, s)
        frozen = 1.0 if u2 < p.start_k[s] else 0.0
        warm = 1.0 if u1 > p.loop_on_k[s] else 0.0
        drawing = 1.0 if power > p.loop_on_w[s] else 0.0
        cold = 1.0 if u1 < p.loop_off_k[s] else 0.0
        x.off[s] = max(down, x.off[s] * frozen)
        x.loop_on[s] = max(max(warm, drawing), on * (1.0 - cold))
        x.bypassed_w[s], x.battery_loss_w[s], x.balance_w[s], x.power_w[s] = kept, lost, balance, power
        x.plate_k[s], x.loop_k[s], x.radiator_k[s] = u1, u2, u3
        x.junction_k[s], x.battery_k[s], x.charge_frac[s] = junction, b_end, charge
        x.charge_least[s] = min(x.charge_least[s], charge)
        x.junction_most[s] = max(x.junction_most[s], junction)


@routine
def wear(
    sat: State, design: Design, points: np.ndarray, swings: np.ndarray, depth_damage: np.ndarray, dt_s: float, n: int
) -> None:
    """Add the battery damage of a step, by cycles as they close and by time, and update the capacity that is left."""
    for s in range(n):
        charge, slope = sat.charge_frac[s], design.ageing_charge[s]
        cycles = count_cycles(points[s], swings[s], charge, depth_damage[int(design.ageing_law[s])], slope)
        calendar = design.ageing_calendar_per_s[s] * dt_s * charge_stress(charge, slope)
        warmth = temperature_stress(sat.battery_k[s], design.ageing_temperature[s])
        damage = warmth * (cycles - sat.cycles[s] + calendar)
        sat.cycles[s] = cycles
        sat.fatigue[s] += damage
        sat.damage[s] += damage
        left = capacity_left(sat.damage[s], design.film_frac[s], design.linear_frac[s])
        sat.faded_j[s] += charge * design.capacity_j[s] * (sat.capacity_left[s] - left)
        sat.capacity_left[s] = left


@routine
def propagator_block(scratch: np.ndarray) -> np.ndarray:
    """Return the part of the work space that holds the propagators of the step."""
    return scratch[SCRATCH - PROPAGATOR_ROWS :]


@routine
def account_governed(sat: State, classes: Classes, num_classes: int, dt_s: float, n: int) -> None:
    """Count the time in which the governor, not the plan, holds clocks below the request."""
    for s in range(n):
        if sat.allowed_w[s] >= sat.held_w[s]:
            continue  # the plan holds the power, not the governor
        for c in range(num_classes):
            if classes.busy[c, s] > 0.0 and sat.clock_cap[s] < classes.clock[c, s]:
                sat.governed_s[s] += dt_s
                break


@inline
def physics(
    satellite: tuple[State, Design, Sky, Any], sat: State, design: Design, classes: Classes, rules: Rules,
    propagators: np.ndarray, battery: tuple[np.ndarray, np.ndarray, np.ndarray], scratch: np.ndarray, dt_s: float,
    num_satellites: int,
) -> None:  # fmt: skip
    """Advance the hardware by one step at the requested clocks.

    Args:
        satellite: rows of state, design, light and propagator by value, for loops that become SIMD code.
        sat: state.
        design: parameters of the satellites.
        classes: what changes of the classes.
        rules: class parameters.
        propagators: of running loops, then of loops at rest, [2 x row, P].
        battery: turning points of the charge (P, ...), damage of the swings (P, ...), and damage by depth.
        scratch: work space, (SCRATCH, P).
        dt_s: physics step [s].
        num_satellites: S.
    """
    state_rows, design_rows, light, propagator = satellite
    lanes, num_classes = scratch.shape[1], rules.value.shape[0]
    points, swings, depth_damage = battery
    select_propagator(propagator_block(scratch), sat.loop_on, propagators, lanes)
    budgets(state_rows, design_rows, propagator, light, dt_s, lanes)
    governor.govern(sat, design, classes, rules, scratch, lanes)
    governor.settle_cap(
        sat.clock_cap, sat.duty, sat.power_w, sat.allowed_w, sat.off, scratch[2], scratch[1], scratch[0],
        design.host_w, sat.living, design.gated_each_w, design.standby_w, lanes,
    )  # fmt: skip
    satellites(state_rows, design_rows, propagator, light, dt_s, lanes)
    account_governed(sat, classes, num_classes, dt_s, num_satellites)
    for c in range(num_classes):
        governor.grant_clocks(classes.clock[c], sat.clock_cap, lanes)
    wear(sat, design, points, swings, depth_damage, dt_s, num_satellites)
