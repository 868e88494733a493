/* Physics step of the satellites in plain C: the yardstick of the compiled kernel `settle`.
 *
 * It has the equations of odc_gym/core/spacecraft (clock_requests, step, governor) and odc_gym/physics, one for one and
 * in the same order of operations. fields.h holds the row numbers of State (S_), Design (D_), the propagator (P_), Sky
 * (L_), Classes (C_) and Rules (R_), and the numbers LANES, PROPAGATOR_ROWS, DESIGN_ROWS, SKY_ROWS and POINTS.
 * physics.py writes it and compares the results.
 */

#include <math.h>

#include "fields.h"

#define X(field) state[S_##field * LANES + s]
#define D(field) design[D_##field * LANES + s]
#define P(field) selected[P_##field * LANES + s]
#define L(field) sky[L_##field * LANES + s]
#define C(field, c) classes[(C_##field * num_classes + (c)) * LANES + s]
#define R(field, c) rules[R_##field * num_classes + (c)]
#define SATELLITES _Pragma("GCC ivdep") for (int s = 0; s < LANES; s++)
#define INLINE static inline __attribute__((always_inline))

typedef double real;
typedef struct { real radiation, g12, g23, ic1, ic2, ic3, slope3; } Nodes;

INLINE real max2(real a, real b) { return a > b ? a : b; }
INLINE real min2(real a, real b) { return a < b ? a : b; }
INLINE real clip(real x, real low, real high) { return min2(max2(x, low), high); }
INLINE real blend(real flag, real a, real b) { return flag * a + (1.0 - flag) * b; }

INLINE real bounded_exp(real x) {
    real y = clip(x, -4.0, 4.0) * 0.0625, z = y * y;
    real p = (1.0 + y) + z * ((1.0 / 2.0 + y * (1.0 / 6.0))
        + z * ((1.0 / 24.0 + y * (1.0 / 120.0)) + z * ((1.0 / 720.0 + y * (1.0 / 5040.0)) + z * (1.0 / 40320.0))));
    p *= p;
    p *= p;
    p *= p;
    return p * p;
}

INLINE real leakage(real junction_k, real leak, real inverse_double_k) {
    return leak * (bounded_exp(0.6931471805599453 * inverse_double_k * (junction_k - 333.15)) - 1.0);
}

INLINE void loss_shares(real base, real law, real temperature_k, real one_hour_w, real *fixed, real *slope) {
    real u = (333.15 - clip(temperature_k, 253.15, 333.15)) / (333.15 - 253.15);
    *fixed = max2(0.0, base + law * (0.0116 * u * u * u));
    *slope = law * (0.0411 + u * (0.0258 + u * 0.0356)) / one_hour_w;
}

INLINE real discharge_limit(real charge, real reserve, real capacity_j, real fixed, real slope, real rate_w, real dt) {
    real cells = max2(charge - reserve, 0.0) * capacity_j / dt, a = 1.0 + fixed;
    return min2(rate_w, 2.0 * cells / (a + sqrt(a * a + 4.0 * slope * cells)));
}

INLINE real charge_limit(
    real charge, real inverse_taper, real capacity_j, real k, real fixed, real slope, real rate_w, real dt
) {
    real taper = clip((1.0 - charge) * inverse_taper, 0.0, 1.0), frost = clip((k - 273.15) / 5.0, 0.0, 1.0);
    real cells = (1.0 - charge) * capacity_j / dt, a = 1.0 - fixed;
    real room = 2.0 * cells / (a + sqrt(max2(a * a - 4.0 * slope * cells, 0.0)));
    return min2(rate_w * taper * frost, room);
}

INLINE void radiating(real k, real heat_w, real radiation, real ic, real dt, real *half, real *end) {
    real q = k * k;
    *half = k + 0.5 * dt * ic * (heat_w - radiation * q * q);
    real h = *half * *half;
    *end = k + dt * ic * (heat_w - radiation * h * h);
}

INLINE real loop_at_end(
    real t1, real t2, real t3, real power, real loop, real other, Nodes m, real l1, real l2, real l3
) {
    real a = m.g12 * (t1 - t2), b = m.g23 * (t2 - t3), q = t3 * t3;
    real d1 = (power - a) * m.ic1, d2 = (a - b + loop) * m.ic2, d3 = (other + b - m.radiation * q * q) * m.ic3;
    return t2 + l1 * d1 + l2 * d2 + l3 * d3;
}

INLINE real bypassed_k(real t1, real t2, real t3, real heat, real share, Nodes m, real dt, real *gain) {
    real c1 = 1.0 / m.ic1, c2 = 1.0 / m.ic2, passing = (1.0 - share) * m.g23;
    *gain = dt / (c1 + c2 + dt * passing);
    real together = (c1 * t1 + c2 * t2 - c1 * heat / m.g12) / (c1 + c2);
    return together + *gain * (heat - passing * (together - t3));
}

INLINE real dynamic_frac(real x, real fixed, real v0, real x_v) {
    real v = max2(v0, v0 + (1.0 - v0) * (x - x_v) / (1.0 - x_v));
    return fixed + (1.0 - fixed) * x * v * v;
}

INLINE real radiated(real radiation, real begin, real middle, real end, real dt) {
    real q = begin * begin, h = middle * middle, u = end * end;
    return radiation * (q * q + 4.0 * h * h + u * u) * (dt / 6.0);
}

#define NODES { D(radiation), blend(on, D(g12_on), D(g12_off)), blend(on, D(g23_on), D(g23_off)), \
                D(ic1), D(ic2), D(ic3), D(slope3) }

INLINE void requested_clocks(
    real *restrict state, real *restrict classes, const real *restrict design, const real *restrict sky,
    const real *restrict rules, int num_classes, real *restrict scratch
) {
    real *restrict busy_w = scratch, *restrict idle_w = scratch + LANES;
    SATELLITES busy_w[s] = 0.0;
    for (int c = 0; c < num_classes; c++) SATELLITES busy_w[s] += C(busy, c) * R(utilisation, c) * D(dynamic_each_w);
    SATELLITES {
        real awake = X(awake);
        idle_w[s] = D(host_w) + awake * D(idle_each_w) + (X(living) - awake) * D(gated_each_w);
    }
    SATELLITES {
        real target = (L(sustainable_w) - idle_w[s]) / max2(busy_w[s], 1e-3);
        real y = (target - D(static)) / (1.0 - D(static)), slope = (1.0 - D(v0)) / (1.0 - D(x_v)), x = 1.0;
        for (int k = 0; k < 8; k++) {
            real v = D(v0) + slope * (x - D(x_v));
            x -= (x * v * v - y) / (v * v + 2.0 * slope * x * v);
        }
        real low = y / (D(v0) * D(v0));
        X(clock_sustainable) = clip(low <= D(x_v) ? low : x, D(x_min), 1.0);
    }
    SATELLITES {
        real full = idle_w[s] + busy_w[s];
        real least = idle_w[s] + busy_w[s] * dynamic_frac(D(x_min), D(static), D(v0), D(x_v));
        real share = clip(X(request), 0.0, 1.0), plan = L(sustainable_w);
        real limit = plan + share * (full - plan);
        real beyond = (least > plan ? 1.0 : 0.0) * (X(clock_order) > 0.0 ? 0.0 : 1.0);
        X(held_w) = blend(beyond, limit, 1e12);
    }
    for (int c = 0; c < num_classes; c++) {
        real kappa = R(kappa, c);
        SATELLITES {
            real ordered = X(clock_order) > 0.0 ? 1.0 : 0.0, request = clip(X(request), -1.0, 1.0);
            real sustainable = X(clock_sustainable);
            real asked = sustainable + max2(request, 0.0) * (1.0 - sustainable)
                + min2(request, 0.0) * (sustainable - D(x_min));
            real x = blend(ordered, max2(X(clock_order), D(x_min)), asked);
            C(clock, c) = x;
            C(rate, c) = D(speed) * (x / (kappa + (1.0 - kappa) * x));
        }
    }
}

INLINE void budgets(
    real *restrict state, const real *restrict design, const real *restrict selected, const real *restrict sky, real dt
) {
    SATELLITES {
        real held = X(living) - X(free), full = held >= X(awake) ? 1.0 : 0.0;
        real idle_s = (1.0 - full) * (X(idle_s) + dt), gate = idle_s >= D(gate_after_s) ? 1.0 : 0.0;
        X(awake) = blend(max2(full, gate), held, X(awake));
        X(idle_s) = (1.0 - gate) * idle_s;
        real on = X(loop_on);
        Nodes m = NODES;
        /* heaters */
        real t1 = X(plate_k), t2 = X(loop_k), t3 = X(radiator_k), share = D(bypass_share), power = X(power_w);
        real bus_w = X(bus_served_w) - X(heater_w) - X(battery_heater_w);
        real other = D(absorb_m2) * L(absorbed_w_m2) + (1.0 + D(loss)) * bus_w, closed_gain;
        real open_k = loop_at_end(t1, t2, t3, power, 0.0, other, m, P(l1), P(l2), P(l3));
        real bypass_gain = P(l2) * m.ic2 - P(l3) * m.ic3;
        real standing_k = open_k + bypass_gain * (share * max2(m.g23 * (t2 - t3), 0.0));
        real closed_k = bypassed_k(t1, t2, t3, power, share, m, dt, &closed_gain);
        real loop_k = blend(on, max2(open_k, closed_k), standing_k), gain = blend(on, closed_gain, P(l2) * m.ic2);
        real heater = clip((D(heater_k) - loop_k) * (1.0 / gain), 0.0, D(heater_most_w)), half, battery_k;
        real heat = X(battery_loss_w) + D(battery_absorb_m2) * L(absorbed_w_m2);
        radiating(X(battery_k), heat, D(battery_radiation), D(battery_ic), dt, &half, &battery_k);
        real warmer = clip((D(battery_heater_k) - battery_k) * (1.0 / (D(battery_ic) * dt)), 0.0,
            D(battery_heater_most_w));
        /* electricity */
        real bus = blend(max2(X(shed), X(halted)), D(safe_w), D(bus_w)) + D(terminal_w) * X(terminals);
        bus += heater + warmer;
        X(bus_wanted_w) = bus;
        real sun = L(sunlit_frac) * L(irradiance_frac) * D(array_peak_w), charge = X(charge_frac), fixed, slope;
        real capacity_j = D(capacity_j) * X(capacity_left);
        loss_shares(D(base_out), D(cell_law), X(battery_k), D(one_hour_w), &fixed, &slope);
        real spare = discharge_limit(charge, 0.02, capacity_j, fixed, slope, D(rate_discharge_w), dt);
        real served = min2(bus, D(eta_pcdu) * (sun + spare));
        real above = discharge_limit(charge, D(floor_frac), capacity_j, fixed, slope, D(rate_discharge_w), dt);
        real leak = max2(0.0, leakage(X(junction_k), D(leak), D(inverse_double_k)));
        real electrical = (D(eta_pcdu) * (sun + above) - bus) / (1.0 + leak), part = served / max2(bus, 1e-9);
        heater *= part;
        warmer *= part;
        X(bus_served_w) = served;
        X(heater_w) = heater;
        X(battery_heater_w) = warmer;
        /* heat */
        other = D(absorb_m2) * L(absorbed_w_m2) + (1.0 + D(loss)) * served - (heater + warmer);
        real a = m.g12 * (t1 - t2), b = m.g23 * (t2 - t3), q = t3 * t3;
        real d3 = (other + b - m.radiation * q * q) * m.ic3;
        real unpowered = t1 - P(g1) * a * m.ic1 + P(g2) * (a - b) * m.ic2 + P(g3) * d3;
        real by_heat = (D(throttle_k) - unpowered) * blend(on, D(gain_on), D(gain_off));
        X(heat_limits) = by_heat < min2(electrical, X(held_w)) ? 1.0 : 0.0;
        X(allowed_w) = max2(0.0, min2(min2(electrical, by_heat), X(held_w)));
    }
}

INLINE void add_power(
    const real *restrict cap, real *restrict power, const real *restrict design, const real *restrict classes,
    const real *restrict rules, int num_classes
) {
    for (int c = 0; c < num_classes; c++) SATELLITES {
        real x = min2(C(clock, c), cap[s]);
        power[s] += C(busy, c) * R(utilisation, c) * D(dynamic_each_w)
            * dynamic_frac(x, D(static), D(v0), D(x_v));
    }
}

INLINE void govern(
    real *restrict state, const real *restrict design, const real *restrict classes, const real *restrict rules,
    int num_classes, real *restrict scratch
) {
    real *restrict requested = scratch, *restrict power = scratch + LANES, *restrict cap = scratch + 2 * LANES;
    real *restrict width = scratch + 3 * LANES, *restrict idle = scratch + 4 * LANES;
    SATELLITES {
        idle[s] = D(host_w) + X(awake) * D(idle_each_w) + (X(living) - X(awake)) * D(gated_each_w);
        requested[s] = idle[s];
        cap[s] = 1.0;
    }
    add_power(cap, requested, design, classes, rules, num_classes);
    int over = 0;
    for (int s = 0; s < LANES; s++) over += requested[s] > X(allowed_w);
    if (over == 0) {
        SATELLITES power[s] = requested[s];
    } else {
        SATELLITES {
            width[s] = 0.5 * (1.0 - D(x_min));
            cap[s] = D(x_min) + width[s];
        }
        for (int k = 0; k < 16; k++) {
            SATELLITES power[s] = idle[s];
            add_power(cap, power, design, classes, rules, num_classes);
            SATELLITES {
                real low = cap[s] - width[s];
                width[s] *= 0.5;
                cap[s] = width[s] + blend(power[s] <= X(allowed_w) ? 1.0 : 0.0, cap[s], low);
            }
        }
        SATELLITES {
            cap[s] -= width[s];
            power[s] = idle[s];
        }
        add_power(cap, power, design, classes, rules, num_classes);
    }
    SATELLITES {
        real allowed = X(allowed_w), uncapped = requested[s] <= allowed ? 1.0 : 0.0;
        real gated = D(host_w) + X(living) * D(gated_each_w), over_lowest = power[s] > allowed ? 1.0 : 0.0;
        real share = clip((allowed - gated) / max2(power[s] - gated, 1e-9), 0.0, 1.0);
        share = blend(uncapped, 1.0, blend(over_lowest, share, 1.0));
        real drawn = blend(uncapped, requested[s], gated + share * (power[s] - gated)), running = 1.0 - X(off);
        X(clock_cap) = blend(uncapped, 1.0, cap[s]);
        X(duty) = running * share;
        X(power_w) = blend(running, drawn, D(standby_w));
    }
}

/* One half step of the thermal nodes; t1, t2, t3 move. Returns the mean leakage. */
INLINE real half_step(
    real *t1, real *t2, real *t3, real power, real loop, real other, real loss, real leak, real inverse, real r, Nodes m,
    const real *restrict selected, int s
) {
    real above = r * power, leak_w = power * leakage(*t1 + above, leak, inverse);
    real a = m.g12 * (*t1 - *t2), b = m.g23 * (*t2 - *t3), q = *t3 * *t3;
    real d1 = (power + leak_w - a) * m.ic1, d2 = (a - b + loop) * m.ic2;
    real d3 = (other + loss * leak_w + b - m.radiation * q * q) * m.ic3;
    real u1 = *t1 + P(e11) * d1 + P(e12) * d2 + P(e13) * d3;
    real u2 = *t2 + P(e21) * d1 + P(e22) * d2 + P(e23) * d3;
    real u3 = *t3 + P(e31) * d1 + P(e32) * d2 + P(e33) * d3;
    real change = power * leakage(u1 + above, leak, inverse) - leak_w, quoted = power * leak;
    real begin = leak_w + quoted, end = leak_w + quoted + change;
    real growth = 0.6931471805599453 * inverse * P(m11) * change * m.ic1;
    end += end * growth * (1.0 + 0.5 * growth);
    change = (4.0 * sqrt(begin * end) + end - 5.0 * begin) * (1.0 / 3.0);
    real w = u3 * u3, n1 = change * m.ic1;
    real n3 = m.slope3 * (u3 - *t3) + (loss * change - m.radiation * (w * w - q * q)) * m.ic3;
    *t1 = u1 + P(m11) * n1 + P(m13) * n3;
    *t2 = u2 + P(m21) * n1 + P(m23) * n3;
    *t3 = u3 + P(m31) * n1 + P(m33) * n3;
    return leak_w + 0.5 * change;
}

INLINE void satellites(
    real *restrict state, const real *restrict design, const real *restrict selected, const real *restrict sky, real dt
) {
    SATELLITES {
        /* supply */
        real sun = L(sunlit_frac) * L(irradiance_frac) * D(array_peak_w), charge = X(charge_frac);
        real battery = X(battery_k), capacity_j = D(capacity_j) * X(capacity_left), bus = X(bus_wanted_w);
        real served = X(bus_served_w), out_fixed, out_slope, in_fixed, in_slope, wanted = X(power_w), on = X(loop_on);
        loss_shares(D(base_out), D(cell_law), battery, D(one_hour_w), &out_fixed, &out_slope);
        real reserve = discharge_limit(charge, 0.02, capacity_j, out_fixed, out_slope, D(rate_discharge_w), dt);
        real power = min2(wanted, max2(0.0, D(eta_pcdu) * (sun + reserve) - served));
        real heater = X(heater_w), warmer = X(battery_heater_w), loss = D(loss), share = D(bypass_share);
        /* heat */
        Nodes m = NODES;
        real t1 = X(plate_k), t2 = X(loop_k), t3 = X(radiator_k), outside = D(absorb_m2) * L(absorbed_w_m2), unused;
        real other = outside + (1.0 + loss) * served - heater - warmer + loss * power, r = D(r_junction);
        real leak = leakage(X(junction_k), D(leak), D(inverse_double_k)), heat = power * (1.0 + leak);
        real open_k = loop_at_end(t1, t2, t3, heat, heater, other, m, P(l1), P(l2), P(l3));
        real closed_k = bypassed_k(t1, t2, t3, heat + heater, share, m, dt, &unused);
        real gain = P(l2) * m.ic2 - P(l3) * m.ic3, running = on * (share > 0.0 ? 1.0 : 0.0);
        real most = blend(running, max2(closed_k - open_k, 0.0) / gain, share * max2(m.g23 * (t2 - t3), 0.0));
        real kept = clip((D(bypass_k) - open_k) / gain, 0.0, most), loop = heater + kept;
        other = other - kept;
        real h1 = t1, h2 = t2, h3 = t3;
        real leak_a = half_step(&h1, &h2, &h3, power, loop, other, loss, D(leak), D(inverse_double_k), r, m, selected, s);
        real u1 = h1, u2 = h2, u3 = h3;
        real leak_b = half_step(&u1, &u2, &u3, power, loop, other, loss, D(leak), D(inverse_double_k), r, m, selected, s);
        real junction = u1 + r * power;
        /* battery */
        loss_shares(D(base_in), D(cell_law), battery, D(one_hour_w), &in_fixed, &in_slope);
        real compute = power + 0.5 * (leak_a + leak_b), load = (compute + served) * (1.0 + loss), surplus = sun - load;
        real limit = charge_limit(
            charge, D(inverse_taper), capacity_j, battery, in_fixed, in_slope, D(rate_charge_w), dt);
        real into = min2(max2(surplus, 0.0), limit), out = max2(-surplus, 0.0);
        real lost = into * (in_fixed + in_slope * into) + out * (out_fixed + out_slope * out);
        real balance = into - out - lost;
        charge += balance * dt / capacity_j;
        real battery_heat = lost + warmer, battery_outside = D(battery_absorb_m2) * L(absorbed_w_m2), b_half, b_end;
        radiating(battery, battery_heat + battery_outside, D(battery_radiation), D(battery_ic), dt, &b_half, &b_end);
        /* accounts */
        real unserved = (bus - served) + (wanted - power), asked = bus + wanted;
        X(available_j) += dt * sun;
        X(used_j) += dt * (load - out + into);
        X(electric_j) += dt * load;
        X(compute_j) += dt * compute;
        X(heater_j) += dt * (heater + warmer);
        X(heat_j) += dt * (load + lost);
        X(battery_heat_j) += dt * battery_heat;
        X(absorbed_j) += dt * (outside + battery_outside);
        X(discharged_j) += dt * out;
        X(bus_j) += dt * asked;
        X(unserved_j) += dt * unserved;
        X(radiated_j) = X(radiated_j) + radiated(D(radiation), t3, h3, u3, dt)
            + radiated(D(battery_radiation), battery, b_half, b_end, dt);
        real hours = dt / 3600.0, e0 = max2(X(junction_k) - D(limit_k), 0.0), e1 = max2(junction - D(limit_k), 0.0);
        X(hot_kh) += 0.5 * hours * (e0 + e1);
        X(thermal_h) += 0.5 * hours * (e0 + 0.25 * e0 * e0 + e1 + 0.25 * e1 * e1);
        real f = unserved / max2(asked, 1e-9), floor = D(floor_frac);
        real y0 = max2(floor - X(charge_frac), 0.0) / floor, y1 = max2(floor - charge, 0.0) / floor;
        X(unserved_h) += hours * (f + f * f);
        X(low_charge_h) += 0.5 * hours * (y0 + y0 * y0 + y1 + y1 * y1);
        X(off_s) += dt * X(off);
        real living = dt * X(living), off = living * X(off), gone = min2(X(out), 1.0), dark = max2(X(shed), X(halted));
        X(living_s) += living;
        X(off_outage_s) += off * gone;
        X(off_energy_s) += off * (1.0 - gone) * dark;
        X(off_heat_s) += off * (1.0 - gone) * (1.0 - dark) * X(tripped);
        X(off_restart_s) += off * (1.0 - gone) * (1.0 - dark) * (1.0 - X(tripped));
        /* protection */
        real was_tripped = X(tripped), was_shed = X(shed), trip_s = (X(trip_s) + dt) * was_tripped;
        real cooled = junction < D(reset_k) ? 1.0 : 0.0, waited = trip_s >= D(reset_s) ? 1.0 : 0.0;
        real hot = junction > D(trip_k) ? 1.0 : 0.0;
        real tripped = max2(hot, was_tripped * (1.0 - max2(cooled, waited)));
        real low = charge < floor ? 1.0 : 0.0, restored = charge >= D(restore_frac) ? 1.0 : 0.0;
        real shed = max2(low, was_shed * (1.0 - restored)), down = max2(max2(tripped, shed), X(halted));
        real wait_s = blend(max2(down, max2(was_tripped, was_shed)), D(restart_s), max2(X(wait_s) - dt, 0.0));
        X(shed_s) += dt * was_shed;
        X(tripped_s) += dt * was_tripped;
        X(trips) += max2(0.0, tripped - was_tripped);
        X(sheds) += max2(0.0, shed - was_shed);
        X(tripped) = tripped;
        X(trip_s) = trip_s * tripped;
        X(shed) = shed;
        X(wait_s) = wait_s;
        down = max2(down, wait_s > 0.0 ? 1.0 : 0.0);
        /* the new state */
        real frozen = u2 < D(start_k) ? 1.0 : 0.0, warm = u1 > D(loop_on_k) ? 1.0 : 0.0;
        real drawing = power > D(loop_on_w) ? 1.0 : 0.0, cold = u1 < D(loop_off_k) ? 1.0 : 0.0;
        X(off) = max2(down, X(off) * frozen);
        X(loop_on) = max2(max2(warm, drawing), on * (1.0 - cold));
        X(bypassed_w) = kept;
        X(battery_loss_w) = lost;
        X(balance_w) = balance;
        X(power_w) = power;
        X(plate_k) = u1;
        X(loop_k) = u2;
        X(radiator_k) = u3;
        X(junction_k) = junction;
        X(battery_k) = b_end;
        X(charge_frac) = charge;
        X(charge_least) = min2(X(charge_least), charge);
        X(junction_most) = max2(X(junction_most), junction);
    }
}

INLINE real half_cycle(real start, real end, const real *restrict table, real slope) {
    real position = sqrt(min2(fabs(end - start), 1.0)) * 1024.0;
    int k = (int)position;
    if (k > 1023) k = 1023;
    real depth = table[k] + (position - k) * (table[k + 1] - table[k]);
    return 0.5 * depth * bounded_exp(slope * (0.5 * (start + end) - 0.5));
}

INLINE real count_cycles(real *restrict points, real *restrict swings, real charge, const real *restrict table, real slope) {
    const int last = POINTS - 1;
    int n = (int)points[last];
    if (n >= 2 && (points[n - 1] - points[n - 2]) * (charge - points[n - 1]) >= 0.0) {
        n -= 1;
    } else if (n == last) {
        swings[0] += swings[1];
        for (int k = 1; k < n; k++) {
            points[k - 1] = points[k];
            swings[k] = k + 1 < n ? swings[k + 1] : 0.0;
        }
        swings[n - 1] = 0.0;
        n -= 1;
    }
    points[n] = charge;
    n += 1;
    while (n >= 3 && fabs(points[n - 1] - points[n - 2]) >= fabs(points[n - 2] - points[n - 3])) {
        if (n == 3) {
            swings[0] += half_cycle(points[0], points[1], table, slope);
            points[0] = points[1];
            points[1] = points[2];
            n = 2;
        } else {
            swings[0] += 2.0 * half_cycle(points[n - 3], points[n - 2], table, slope);
            points[n - 3] = points[n - 1];
            n -= 2;
        }
    }
    points[last] = n;
    if (n >= 2) swings[n - 1] = half_cycle(points[n - 2], points[n - 1], table, slope);
    real damage = 0.0;
    for (int k = 0; k < n; k++) damage += swings[k];
    return damage;
}

INLINE void wear(
    real *restrict state, const real *restrict design, real *restrict points, real *restrict swings,
    const real *restrict depth_damage, real dt, int num_satellites
) {
    real now[LANES];
    for (int s = 0; s < num_satellites; s++) {
        const real *table = depth_damage + 1025 * (int)D(ageing_law);
        now[s] = count_cycles(points + s * POINTS, swings + s * POINTS, X(charge_frac), table, D(ageing_charge));
    }
    _Pragma("GCC ivdep") for (int s = 0; s < num_satellites; s++) {
        real charge = X(charge_frac), slope = D(ageing_charge), kelvin = X(battery_k), cycles = now[s];
        real calendar = D(ageing_calendar_per_s) * dt * bounded_exp(slope * (charge - 0.5));
        real warmth = bounded_exp(D(ageing_temperature) * (kelvin - 298.15) * 298.15 / kelvin);
        real damage = warmth * (cycles - X(cycles) + calendar);
        X(cycles) = cycles;
        X(fatigue) += damage;
        X(damage) += damage;
        real film = bounded_exp(-121.0 / 32.0 * X(damage));
        for (int k = 0; k < 5; k++) film *= film;
        real slow = (1.0 - D(film_frac) - D(linear_frac)) * bounded_exp(-X(damage));
        real left = clip(D(film_frac) * film + slow + D(linear_frac) * (1.0 - X(damage)), 0.1, 1.0);
        X(faded_j) += charge * D(capacity_j) * (X(capacity_left) - left);
        X(capacity_left) = left;
    }
}

/* Fly `steps` physics steps, as the kernel `settle` does for one orbit of that length. */
void fly(
    real *restrict state, real *restrict classes, real *restrict points, real *restrict swings,
    const real *restrict design, const float *restrict skies, const real *restrict rules,
    const real *restrict depth_damage, const real *restrict busy, double dt, int num_satellites, int num_classes, int steps
) {
    static real sky[SKY_ROWS * LANES], selected[PROPAGATOR_ROWS * LANES], scratch[5 * LANES];
    SATELLITES X(free) = X(request) = 0.0;
    for (int tick = 0; tick < steps; tick++) {
        for (int k = 0; k < SKY_ROWS * LANES; k++) sky[k] = skies[tick * SKY_ROWS * LANES + k];
        for (int c = 0; c < num_classes; c++) SATELLITES C(busy, c) = busy[c * LANES + s];
        requested_clocks(state, classes, design, sky, rules, num_classes, scratch);
        const real *running = design + DESIGN_ROWS * LANES, *resting = running + PROPAGATOR_ROWS * LANES;
        for (int k = 0; k < PROPAGATOR_ROWS; k++) SATELLITES {
            selected[k * LANES + s] = blend(X(loop_on), running[k * LANES + s], resting[k * LANES + s]);
        }
        budgets(state, design, selected, sky, dt);
        govern(state, design, classes, rules, num_classes, scratch);
        satellites(state, design, selected, sky, dt);
        for (int s = 0; s < num_satellites; s++) {
            if (X(allowed_w) >= X(held_w)) continue;
            for (int c = 0; c < num_classes; c++) {
                if (C(busy, c) > 0.0 && X(clock_cap) < C(clock, c)) {
                    X(governed_s) += dt;
                    break;
                }
            }
        }
        for (int c = 0; c < num_classes; c++) SATELLITES C(clock, c) = min2(C(clock, c), X(clock_cap));
        wear(state, design, points, swings, depth_damage, dt, num_satellites);
    }
    SATELLITES X(free) = D(accelerators);
}
