"""Physics step of the satellites of one environment.

`budgets` finds the power that may be drawn, and `governor` finds the clocks that keep to it. `satellites` is the
sequence of physical effects, with one line for each. Each of them is one loop over satellites that compiles to SIMD
code. The scalar physics is in `odc_gym.physics`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from odc_gym.compilation.decorators import inline, routine, simd_loop
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

VECTOR = 4  # float64 lanes of an AVX2 register
DESIGN_ROWS = len(Design._fields)  # rows of the design block before the propagators
SCRATCH = governor.SCRATCH + PROPAGATOR_ROWS  # rows of work space
PROPAGATOR = governor.SCRATCH  # first row of the work space that holds the propagators of the step


class Flows(NamedTuple):
    """Mean powers of a satellite in one step [W]."""

    sun: float  # array output
    load: float  # load of compute and bus, conversion losses included
    into: float  # power into the battery's terminals
    out: float  # power out of the battery's terminals
    lost: float  # losses in the battery
    compute: float  # compute and leakage, measured at the bus
    wanted: float  # power that bus and compute want
    unserved: float  # part of `wanted` that is not served
    heaters: float  # power of both heaters
    battery_heat: float  # heat into the battery's node by electricity
    absorbed: float  # heat from Sun and Earth into radiator and battery


@simd_loop
def select_propagator(selected: np.ndarray, on: Row, propagators: np.ndarray, n: int) -> None:
    """Select the propagator of each satellite for the present state of its loop.

    Args:
        selected: propagators, [row, P]; written.
        on: 1 where the pump runs, (P,).
        propagators: propagators with the pump running, then with the pump at rest, [2 x row, P].
        n: lanes P.
    """
    for k in range(PROPAGATOR_ROWS):
        for s in range(n):
            selected[k, s] = blend(on[s], propagators[k, s], propagators[PROPAGATOR_ROWS + k, s])


@inline
def loop_nodes(design: Design, on: float, s: int) -> Nodes:
    """Return the constants of the three thermal nodes of satellite `s`; `on` is 1 while the pump runs."""
    return Nodes(
        design.radiation[s],
        blend(on, design.g12_on[s], design.g12_off[s]),
        blend(on, design.g23_on[s], design.g23_off[s]),
        design.ic1[s],
        design.ic2[s],
        design.ic3[s],
        design.slope3[s],
    )


@inline
def loop_propagator(rows: Any, s: int) -> Propagator:
    """Return the propagator of satellite `s` from the rows of the selected propagators."""
    return Propagator(
        rows.e11[s], rows.e12[s], rows.e13[s], rows.e21[s], rows.e22[s], rows.e23[s],
        rows.e31[s], rows.e32[s], rows.e33[s],
        rows.m11[s], rows.m13[s], rows.m21[s], rows.m23[s], rows.m31[s], rows.m33[s],
        rows.g1[s], rows.g2[s], rows.g3[s], rows.l1[s], rows.l2[s], rows.l3[s],
    )  # fmt: skip


@inline
def awake_accelerators(sat: State, design: Design, dt_s: float, s: int) -> None:
    """Gate free accelerators after the idle time of the design, and wake accelerators that jobs hold."""
    held = sat.living[s] - sat.free[s]
    full = 1.0 if held >= sat.awake[s] else 0.0
    idle_s = (1.0 - full) * (sat.idle_s[s] + dt_s)
    gate = 1.0 if idle_s >= design.gate_after_s[s] else 0.0
    sat.awake[s] = blend(max(full, gate), held, sat.awake[s])
    sat.idle_s[s] = (1.0 - gate) * idle_s


@inline
def heaters(sat: State, design: Design, sky: Sky, nodes: Nodes, propagator: Propagator, dt_s: float, s: int) -> None:
    """Set the powers that the heaters of loop and battery want [W].

    The loop's heater acts only where the radiator bypass cannot keep the loop warm enough.

    Args:
        sat: state.
        design: design parameters.
        sky: light and heat of the step.
        nodes: constants of the thermal nodes.
        propagator: propagator of the present loop state.
        dt_s: physics step [s].
        s: satellite.
    """
    t2, t3 = sat.loop_k[s], sat.radiator_k[s]
    bus_w = sat.bus_served_w[s] - sat.heater_w[s] - sat.battery_heater_w[s]
    other = design.absorb_m2[s] * sky.absorbed_w_m2[s] + (1.0 + design.loss[s]) * bus_w
    open_k = loop_at_end(sat.plate_k[s], t2, t3, sat.power_w[s], 0.0, other, nodes, propagator)
    standing_k = open_k + bypass_gain(nodes, propagator) * bypass_limit_w(t2, t3, design.bypass_share[s], nodes)
    closed_k, gain = bypassed_k(sat.plate_k[s], t2, t3, sat.power_w[s], design.bypass_share[s], nodes, dt_s)
    loop_k = blend(sat.loop_on[s], max(open_k, closed_k), standing_k)
    gain = blend(sat.loop_on[s], gain, propagator.l2 * nodes.ic2)
    sat.heater_w[s] = heater_w(loop_k, design.heater_k[s], 1.0 / gain, design.heater_most_w[s])
    heat = sat.battery_loss_w[s] + design.battery_absorb_m2[s] * sky.absorbed_w_m2[s]
    _, battery_k = radiating_node(sat.battery_k[s], heat, design.battery_radiation[s], design.battery_ic[s], dt_s)
    gain = 1.0 / (design.battery_ic[s] * dt_s)
    sat.battery_heater_w[s] = heater_w(battery_k, design.battery_heater_k[s], gain, design.battery_heater_most_w[s])


@inline
def bypassed_w(
    sat: State, design: Design, power_w: float, heater_w: float, other_w: float, nodes: Nodes, propagator: Propagator,
    dt_s: float, s: int,
) -> float:  # fmt: skip
    """Return the heat that the radiator bypass keeps in the loop [W].

    The loop ends the step at the set-point of the bypass, as far as the limits of the bypass allow.

    Args:
        sat: state.
        design: design parameters.
        power_w: heat of compute and leakage into the plate [W].
        heater_w: power of the loop's heater [W].
        other_w: all other heat into the radiator [W].
        nodes: constants of the thermal nodes.
        propagator: propagator of the present loop state.
        dt_s: physics step [s].
        s: satellite.
    """
    t1, t2, t3, share = sat.plate_k[s], sat.loop_k[s], sat.radiator_k[s], design.bypass_share[s]
    open_k = loop_at_end(t1, t2, t3, power_w, heater_w, other_w, nodes, propagator)
    closed_k, _ = bypassed_k(t1, t2, t3, power_w + heater_w, share, nodes, dt_s)
    gain = bypass_gain(nodes, propagator)
    running = sat.loop_on[s] * (1.0 if share > 0.0 else 0.0)
    most = blend(running, max(closed_k - open_k, 0.0) / gain, bypass_limit_w(t2, t3, share, nodes))
    return clip((design.bypass_k[s] - open_k) / gain, 0.0, most)


@simd_loop
def budgets(sat: State, design: Design, propagators: Any, sky: Sky, dt_s: float, n: int) -> None:
    """Set the compute power that heat, electricity and the request allow, the served bus power, and idle states.

    Args:
        sat: state; written.
        design: design parameters.
        propagators: rows of the selected propagators.
        sky: light and heat of the step.
        dt_s: physics step [s].
        n: lanes P.
    """
    for s in range(n):
        awake_accelerators(sat, design, dt_s, s)
        on = sat.loop_on[s]
        nodes, propagator = loop_nodes(design, on, s), loop_propagator(propagators, s)
        heaters(sat, design, sky, nodes, propagator, dt_s, s)
        bus = (
            blend(max(sat.shed[s], sat.halted[s]), design.safe_w[s], design.bus_w[s])
            + design.terminal_w[s] * sat.terminals[s]
        )
        bus += sat.heater_w[s] + sat.battery_heater_w[s]
        sat.bus_wanted_w[s] = bus
        sun = array_power_w(sky.sunlit_frac[s], sky.irradiance_frac[s], design.array_peak_w[s])
        charge, capacity_j = sat.charge_frac[s], design.capacity_j[s] * sat.capacity_left[s]
        fixed, slope = loss_shares(design.base_out[s], design.cell_law[s], sat.battery_k[s], design.one_hour_w[s])
        spare = discharge_limit_w(charge, RESERVE_FRAC, capacity_j, fixed, slope, design.rate_discharge_w[s], dt_s)
        sat.bus_served_w[s] = min(bus, design.eta_pcdu[s] * (sun + spare))
        above_floor = discharge_limit_w(
            charge, design.floor_frac[s], capacity_j, fixed, slope, design.rate_discharge_w[s], dt_s
        )
        leak_now = max(0.0, leakage_frac(sat.junction_k[s], design.leak[s], design.inverse_double_k[s]))
        electrical = (design.eta_pcdu[s] * (sun + above_floor) - bus) / (1.0 + leak_now)
        share = sat.bus_served_w[s] / max(bus, 1e-9)
        sat.heater_w[s] *= share
        sat.battery_heater_w[s] *= share
        warming = sat.heater_w[s] + sat.battery_heater_w[s]
        other = design.absorb_m2[s] * sky.absorbed_w_m2[s] + (1.0 + design.loss[s]) * sat.bus_served_w[s] - warming
        heat = governed_power_w(
            sat.plate_k[s], sat.loop_k[s], sat.radiator_k[s], other, design.throttle_k[s], nodes,
            propagator.g1, propagator.g2, propagator.g3, blend(on, design.gain_on[s], design.gain_off[s]),
        )  # fmt: skip
        sat.heat_limits[s] = 1.0 if heat < min(electrical, sat.held_w[s]) else 0.0
        sat.allowed_w[s] = max(0.0, min(min(electrical, heat), sat.held_w[s]))


@inline
def protection(sat: State, design: Design, junction_k: float, charge: float, dt_s: float, s: int) -> float:
    """Trip on heat, shed on low charge, count down to the restart, and return 1 if compute must be off.

    Args:
        sat: state.
        design: design parameters.
        junction_k: junction temperature at the end of the step [K].
        charge: charge of the battery at the end of the step, 0 to 1.
        dt_s: physics step [s].
        s: satellite.
    """
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
    """Add the flows of a step to the energy accounts of satellite `s`."""
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
    """Return the energy that a node radiates in a step [J], by Simpson's rule.

    Args:
        radiation: area x emissivity x Stefan-Boltzmann constant [W/K4].
        begin_k: temperature at the beginning of the step [K].
        middle_k: temperature in the middle of the step [K].
        end_k: temperature at the end of the step [K].
        dt_s: physics step [s].
    """
    q, h, u = begin_k * begin_k, middle_k * middle_k, end_k * end_k
    return radiation * (q * q + 4.0 * h * h + u * u) * (dt_s / 6.0)


@inline
def account_violations(
    sat: State, design: Design, flows: Flows, junction_k: float, charge: float, dt_s: float, s: int
) -> None:
    """Integrate heat above the limit, unserved power and low charge, from the old state to the new one.

    Args:
        sat: state; it still holds the old junction temperature and charge.
        design: design parameters.
        flows: mean powers of the step.
        junction_k: new junction temperature [K].
        charge: new charge, 0 to 1.
        dt_s: physics step [s].
        s: satellite.
    """
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


@inline
def account_living(sat: State, dt_s: float, s: int) -> None:
    """Add the accelerators that work to their account, and those whose compute is off to that of the cause.

    The first cause that holds counts: outage, safe mode or shed, trip, restart.
    """
    living = dt_s * sat.living[s]
    off = living * sat.off[s]
    out = min(sat.out[s], 1.0)
    low = max(sat.shed[s], sat.halted[s])  # a halt without an outage is safe mode
    sat.living_s[s] += living
    sat.off_outage_s[s] += off * out
    sat.off_energy_s[s] += off * (1.0 - out) * low
    sat.off_heat_s[s] += off * (1.0 - out) * (1.0 - low) * sat.tripped[s]
    sat.off_restart_s[s] += off * (1.0 - out) * (1.0 - low) * (1.0 - sat.tripped[s])


@simd_loop
def satellites(sat: State, design: Design, propagators: Any, sky: Sky, dt_s: float, n: int) -> None:
    """Advance all satellites by one physics step: supply, heat, battery, accounts, protection.

    Args:
        sat: state; written.
        design: design parameters.
        propagators: rows of the selected propagators.
        sky: light and heat of the step.
        dt_s: physics step [s].
        n: lanes P.
    """
    for s in range(n):
        # supply: the bus is served first, then compute
        sun = array_power_w(sky.sunlit_frac[s], sky.irradiance_frac[s], design.array_peak_w[s])
        charge, battery = sat.charge_frac[s], sat.battery_k[s]
        capacity_j = design.capacity_j[s] * sat.capacity_left[s]
        bus, served = sat.bus_wanted_w[s], sat.bus_served_w[s]
        out_fixed, out_slope = loss_shares(design.base_out[s], design.cell_law[s], battery, design.one_hour_w[s])
        reserve = discharge_limit_w(
            charge, RESERVE_FRAC, capacity_j, out_fixed, out_slope, design.rate_discharge_w[s], dt_s
        )
        power = min(sat.power_w[s], max(0.0, design.eta_pcdu[s] * (sun + reserve) - served))
        heater, battery_heater = sat.heater_w[s], sat.battery_heater_w[s]
        # heat: the bypass, then two half steps
        on = sat.loop_on[s]
        nodes, propagator = loop_nodes(design, on, s), loop_propagator(propagators, s)
        t1, t2, t3 = sat.plate_k[s], sat.loop_k[s], sat.radiator_k[s]
        outside = design.absorb_m2[s] * sky.absorbed_w_m2[s]
        other = outside + (1.0 + design.loss[s]) * served - heater - battery_heater + design.loss[s] * power
        leak_now = leakage_frac(sat.junction_k[s], design.leak[s], design.inverse_double_k[s])
        kept = bypassed_w(sat, design, power * (1.0 + leak_now), heater, other, nodes, propagator, dt_s, s)
        loop, other = heater + kept, other - kept
        leak, double, r_junction = design.leak[s], design.inverse_double_k[s], design.r_junction[s]
        h1, h2, h3, leak_a = half_step(
            t1, t2, t3, power, loop, other, design.loss[s], leak, double, r_junction, nodes, propagator
        )
        u1, u2, u3, leak_b = half_step(
            h1, h2, h3, power, loop, other, design.loss[s], leak, double, r_junction, nodes, propagator
        )
        junction = u1 + r_junction * power
        # battery: the charge, then the temperature
        in_fixed, in_slope = loss_shares(design.base_in[s], design.cell_law[s], battery, design.one_hour_w[s])
        compute = power + 0.5 * (leak_a + leak_b)
        load = (compute + served) * (1.0 + design.loss[s])
        surplus = sun - load
        limit = charge_limit_w(
            charge, design.inverse_taper[s], capacity_j, battery, in_fixed, in_slope, design.rate_charge_w[s], dt_s
        )
        into = min(max(surplus, 0.0), limit)
        out = max(-surplus, 0.0)
        lost = loss_w(into, in_fixed, in_slope) + loss_w(out, out_fixed, out_slope)
        balance = into - out - lost
        charge += balance * dt_s / capacity_j
        battery_heat = lost + battery_heater
        battery_outside = design.battery_absorb_m2[s] * sky.absorbed_w_m2[s]
        b_half, b_end = radiating_node(
            battery, battery_heat + battery_outside, design.battery_radiation[s], design.battery_ic[s], dt_s
        )
        # accounts
        unserved = (bus - served) + (sat.power_w[s] - power)  # summed in this order, it is exactly 0 if all is served
        flows = Flows(
            sun, load, into, out, lost, compute, bus + sat.power_w[s], unserved, heater + battery_heater, battery_heat,
            outside + battery_outside,
        )  # fmt: skip
        account_energy(sat, flows, dt_s, s)
        sat.radiated_j[s] += radiated_j(design.radiation[s], t3, h3, u3, dt_s)
        sat.radiated_j[s] += radiated_j(design.battery_radiation[s], battery, b_half, b_end, dt_s)
        account_violations(sat, design, flows, junction, charge, dt_s, s)
        sat.off_s[s] += dt_s * sat.off[s]
        account_living(sat, dt_s, s)
        # protection, and the new state
        down = protection(sat, design, junction, charge, dt_s, s)
        frozen = 1.0 if u2 < design.start_k[s] else 0.0
        warm = 1.0 if u1 > design.loop_on_k[s] else 0.0
        drawing = 1.0 if power > design.loop_on_w[s] else 0.0
        cold = 1.0 if u1 < design.loop_off_k[s] else 0.0
        sat.off[s] = max(down, sat.off[s] * frozen)
        sat.loop_on[s] = max(max(warm, drawing), on * (1.0 - cold))
        sat.bypassed_w[s], sat.battery_loss_w[s], sat.balance_w[s], sat.power_w[s] = kept, lost, balance, power
        sat.plate_k[s], sat.loop_k[s], sat.radiator_k[s] = u1, u2, u3
        sat.junction_k[s], sat.battery_k[s], sat.charge_frac[s] = junction, b_end, charge
        sat.charge_least[s] = min(sat.charge_least[s], charge)
        sat.junction_most[s] = max(sat.junction_most[s], junction)


@routine
def wear(
    sat: State, design: Design, points: np.ndarray, swings: np.ndarray, depth_damage: np.ndarray, cycles: np.ndarray,
    dt_s: float, n: int,
) -> None:  # fmt: skip
    """Add the battery damage of a step by cycles and by time, and update the remaining capacity.

    Args:
        sat: state.
        design: design parameters.
        points: turning points of the batteries' charge, (P, ...).
        swings: damage of the swings between them, (P, ...).
        depth_damage: damage of a cycle by depth, one row for each ageing law.
        cycles: work space, (P,).
        dt_s: physics step [s].
        n: satellites.
    """
    for s in range(n):
        table = depth_damage[int(design.ageing_law[s])]
        cycles[s] = count_cycles(points[s], swings[s], sat.charge_frac[s], table, design.ageing_charge[s])
    age(
        cycles, sat.cycles, sat.fatigue, sat.damage, sat.faded_j, sat.capacity_left, sat.charge_frac, sat.battery_k,
        design.ageing_charge, design.ageing_calendar_per_s, design.ageing_temperature, design.film_frac,
        design.linear_frac, design.capacity_j, dt_s, n,
    )  # fmt: skip


@simd_loop
def age(
    cycles: np.ndarray, cycles_before: np.ndarray, fatigue: np.ndarray, damage: np.ndarray, faded_j: np.ndarray,
    capacity_frac: np.ndarray, charge_frac: np.ndarray, battery_k: np.ndarray, charge_slope: np.ndarray,
    calendar_per_s: np.ndarray, temperature_slope: np.ndarray, film_frac: np.ndarray, linear_frac: np.ndarray,
    capacity_j: np.ndarray, dt_s: float, n: int,
) -> None:  # fmt: skip
    """Age batteries by the cycles of a step and by its time.

    Args:
        cycles: damage of all cycles so far at 25 C, (P,).
        cycles_before: the same before the step, (P,); written.
        fatigue: damage in the episode, (P,); written.
        damage: damage in the life of the battery, (P,); written.
        faded_j: energy in charge that faded, (P,); written.
        capacity_frac: remaining capacity over the first one, (P,); written.
        charge_frac: charge, (P,).
        battery_k: temperature [K], (P,).
        charge_slope: coefficient of the mean charge, (P,).
        calendar_per_s: damage by time [1/s], (P,).
        temperature_slope: coefficient of the temperature, (P,).
        film_frac: share of capacity that the film takes, (P,).
        linear_frac: share that fades linearly, (P,).
        capacity_j: first capacity [J], (P,).
        dt_s: physics step [s].
        n: satellites.
    """
    for s in range(n):
        charge = charge_frac[s]
        calendar = calendar_per_s[s] * dt_s * charge_stress(charge, charge_slope[s])
        warmth = temperature_stress(battery_k[s], temperature_slope[s])
        added = warmth * (cycles[s] - cycles_before[s] + calendar)
        cycles_before[s] = cycles[s]
        fatigue[s] += added
        damage[s] += added
        left = capacity_left(damage[s], film_frac[s], linear_frac[s])
        faded_j[s] += charge * capacity_j[s] * (capacity_frac[s] - left)
        capacity_frac[s] = left


@routine
def account_governed(sat: State, classes: Classes, num_classes: int, dt_s: float, n: int) -> None:
    """Add the step to the time in which the governor holds clocks below the request.

    Steps in which the sustainable plan limits the power do not count.

    Args:
        sat: state.
        classes: state of the classes, with requested clocks.
        num_classes: C.
        dt_s: physics step [s].
        n: satellites.
    """
    for s in range(n):
        if sat.allowed_w[s] >= sat.held_w[s]:
            continue  # the plan limits the power, not the governor
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
    """Advance the satellites by one physics step at the requested clocks.

    Args:
        satellite: rows of state, design, sky and propagator by value, for loops that compile to SIMD code.
        sat: state.
        design: design parameters.
        classes: state of the classes.
        rules: class parameters.
        propagators: propagators with the pump running, then with the pump at rest, [2 x row, P].
        battery: turning points of the charge (P, ...), damage of the swings between them (P, ...), and damage by depth.
        scratch: work space, (SCRATCH, P).
        dt_s: physics step [s].
        num_satellites: S.
    """
    state_rows, design_rows, light, propagator = satellite
    lanes, num_classes = scratch.shape[1], rules.value.shape[0]
    whole_lanes = min(lanes, (num_satellites + VECTOR - 1) // VECTOR * VECTOR)
    points, swings, depth_damage = battery
    select_propagator(scratch[PROPAGATOR:], sat.loop_on, propagators, lanes)
    budgets(state_rows, design_rows, propagator, light, dt_s, whole_lanes)
    governor.govern(sat, design, classes, rules, scratch, lanes, num_satellites)
    governor.apply_cap(
        sat.clock_cap, sat.duty, sat.power_w, sat.allowed_w, sat.off, scratch[2], scratch[1], scratch[0],
        design.host_w, sat.living, design.gated_each_w, design.standby_w, lanes,
    )  # fmt: skip
    satellites(state_rows, design_rows, propagator, light, dt_s, whole_lanes)
    account_governed(sat, classes, num_classes, dt_s, num_satellites)
    for c in range(num_classes):
        governor.grant_clocks(classes.clock[c], sat.clock_cap, lanes)
    wear(sat, design, points, swings, depth_damage, scratch[0], dt_s, num_satellites)
