"""Compiled entry points: a decision of every environment of a batch, and the settling of satellites in advance.

A decision runs from the action through the physics steps and their dispatch to reward and observation. Environments
are independent: each gives the same bits at any place in a batch of any size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from odc_gym._jit import kernel, routine
from odc_gym._reference import by_reference, rows_of
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.admission import admit_arrivals, record_queue, update_tenant_usage
from odc_gym.core.jobs.dispatch import (
    drain_and_move,
    evict_from_off_satellites,
    place_waiting_jobs,
    requeue_disconnected_gangs,
)
from odc_gym.core.jobs.preemption import preempt
from odc_gym.core.jobs.progress import advance_jobs
from odc_gym.core.jobs.shed_warning import checkpoint_before_shed
from odc_gym.core.jobs.transfers import count_transfers, transfer_data
from odc_gym.core.jobs.upsets import apply_upsets
from odc_gym.core.jobs.waiting import rerank
from odc_gym.core.layout.batch import Mode, Mutable, Outputs, Parameters, Tables, Timing
from odc_gym.core.layout.environment import Blocks, Environment, environment
from odc_gym.core.layout.network import traffic_of
from odc_gym.core.layout.state import (
    Design,
    Sky,
    State,
    design_rows,
    fill,
    forecast_rows,
    propagator_rows,
    satellite_rows,
    sky_rows,
)
from odc_gym.core.layout.work import Classes, Ledger, Rules, Services, Tenants
from odc_gym.core.serving.replicas import autoscale
from odc_gym.core.serving.services import serve_requests, service_load
from odc_gym.core.spacecraft.clock_requests import set_requested_clocks
from odc_gym.core.spacecraft.outages import apply_outages, enter_safe_mode
from odc_gym.core.spacecraft.step import DESIGN_ROWS, SCRATCH, physics, propagator_block
from odc_gym.interface.actions import decode
from odc_gym.interface.assignment import decode_assignment, forget_orders, hold_others, show_slots
from odc_gym.interface.jobs import encode_jobs, measure_jobs
from odc_gym.interface.measurements import Measured, measure_fleet, measure_queue, measure_running, measure_satellites
from odc_gym.interface.observations import FLEET_CLASS_FEATURES, SATELLITE_CLASS_FEATURES, SATELLITE_FEATURES, encode
from odc_gym.interface.rewards import Weights, reward_terms
from odc_gym.interface.sensing import measure_readings, remember

AVERAGE_S = HOUR_S  # time constant of the averages of load and arrivals


@routine
def copy_sky(table: np.ndarray, sky: np.ndarray) -> None:
    """Copy one step of the sky table, [field, P] float32, into a float64 block."""
    for f in range(table.shape[0]):
        for s in range(table.shape[1]):
            sky[f, s] = table[f, s]


@routine
def update_averages(env: Environment, decision_period_s: float) -> None:
    """Record trips and moves of a decision period, and update the averages of load and arrivals.

    The averages are exponential, with a time constant of an hour.
    """
    scalars, ledger, rules, n = env.scalars[0], env.ledger, env.rules, env.num_satellites
    trips, moves = total(env.sat.trips[:n]), total(ledger.moved)
    scalars["trips_now"] = trips - scalars["trips_sum"]
    scalars["moves_now"] = moves - scalars["moves_sum"]
    scalars["trips_sum"] = trips
    scalars["moves_sum"] = moves
    weight = min(1.0, decision_period_s / AVERAGE_S)
    living = total(env.sat.living[:n])
    held = living - total(env.sat.free[:n])
    scalars["load_average"] += weight * (held / max(living, 1.0) - scalars["load_average"])
    for c in range(env.num_classes):
        work = ledger.arrived_now[c] * (rules.token_s[c] if rules.service[c] > 0.5 else 1.0)
        ledger.arrival_rate[c] += weight * (work / decision_period_s - ledger.arrival_rate[c])


@routine
def total(values: np.ndarray) -> float:
    """Return the sum of values, added in a fixed order."""
    result = 0.0
    for value in values:
        result += value
    return result


@routine
def now_of(env: Environment, timing: Timing) -> float:
    """Return the time since the start of the episode [s]; it is negative during the warm-up."""
    return (env.scalars[0]["tick"] - timing.warm_up_steps) * timing.step_s


@routine
def update_requested_clocks(env: Environment, sky: Sky, scratch: np.ndarray) -> None:
    """Compute the clocks that the agent requests, relative to the sustainable plan of the present step."""
    plan_w, lanes = sky.sustainable_w, scratch.shape[1]
    set_requested_clocks(env.sat, env.design, plan_w, env.classes, env.rules, env.clock_offset, scratch, lanes)


@routine
def observe(
    b: int, env: Environment, mutable: Mutable, tables: Tables, outputs: Outputs, timing: Timing, sky: Sky
) -> None:
    """Measure and encode the observation of environment `b`.

    Args:
        b: index of the environment.
        env: the environment.
        mutable: arrays of the batch that change.
        tables: tables of the episodes.
        outputs: arrays for agents; the observation of environment `b` is written.
        timing: lengths of steps and decisions.
        sky: light and heat of the present step.
    """
    satellite, satellite_class = outputs.measured[0][b], outputs.measured[1][b]
    fleet, fleet_class, jobs = outputs.measured[2][b], outputs.measured[3][b], outputs.measured[4][b]
    rows, class_rows = rows_of(SATELLITE_FEATURES, satellite), rows_of(SATELLITE_CLASS_FEATURES, satellite_class)
    seen = by_reference(Measured(rows, class_rows, fleet, rows_of(FLEET_CLASS_FEATURES, fleet_class)))
    slots, feasible, codes = outputs.slots[b], outputs.job_feasible[b], outputs.codes
    now_s = now_of(env, timing)
    k = min(env.scalars[0]["tick"] // timing.decision_steps, tables.forecasts.shape[1] - 1)
    count_transfers(env)
    measure_satellites(seen, sky, forecast_rows(tables.forecasts[b, k]), env)
    measure_readings(seen.satellite, env, mutable.past[b], tables.seeds[b], timing.decision_steps)
    measure_running(seen, env, now_s)
    measure_fleet(seen, tables.days[b, k], env)
    measure_queue(seen, env, now_s)
    encode(outputs.flat[b], satellite, satellite_class, fleet, fleet_class, codes, env.num_satellites)
    show_slots(slots, feasible, env, now_s)
    measure_jobs(jobs, slots, feasible, env, now_s)
    encode_jobs(outputs.jobs[b], outputs.job_present[b], jobs, slots, codes[4])


@kernel
def decide(
    rows: np.ndarray, actions: np.ndarray, mutable_arrays: tuple[Any, ...], table_arrays: tuple[Any, ...],
    parameter_arrays: tuple[Any, ...], output_arrays: tuple[Any, ...], timing_numbers: tuple[Any, ...],
    mode_flags: tuple[Any, ...],
) -> None:  # fmt: skip
    """Play one decision in each environment of `rows` whose episode is not over; write reward terms and observations.

    Args:
        rows: indices of the environments to play, (R,).
        actions: actions of all environments, (B, A).
        mutable_arrays: fields of `Mutable` as a plain tuple; written.
        table_arrays: fields of `Tables` as a plain tuple.
        parameter_arrays: fields of `Parameters` as a plain tuple.
        output_arrays: fields of `Outputs` as a plain tuple; written.
        timing_numbers: fields of `Timing` as a plain tuple.
        mode_flags: fields of `Mode` as a plain tuple.
    """
    # passed by value, the groups would count references of all their arrays for every environment
    mutable, tables = by_reference(Mutable(*mutable_arrays)), by_reference(Tables(*table_arrays))
    parameters, outputs = by_reference(Parameters(*parameter_arrays)), by_reference(Outputs(*output_arrays))
    timing, mode = Timing(*timing_numbers), Mode(*mode_flags)
    weights, dt_s, n = Weights(*parameters.weights), timing.step_s, timing.num_satellites
    steps, ticks, lanes = timing.decision_steps, tables.skies.shape[1], mutable.state.shape[2]
    scratch = np.empty((SCRATCH, lanes))
    sky_block = np.empty((tables.skies.shape[2], lanes))
    sky, propagator = sky_rows(sky_block), propagator_rows(propagator_block(scratch))
    action, traffic = np.zeros((2, parameters.rules.shape[2])), traffic_of(n)
    for b in rows:
        if mode.plays and mutable.scalars[b]["tick"] >= ticks:
            fill(outputs.terms[b], 0.0)
            continue
        blocks = Blocks(
            rows_of(State, mutable.state[b]), rows_of(Design, parameters.design[b]),
            rows_of(Classes, mutable.classes[b]), rows_of(Ledger, mutable.ledger[b]),
            rows_of(Services, mutable.services[b]), rows_of(Tenants, mutable.tenants[b]),
            rows_of(Rules, parameters.rules[b]),
        )  # fmt: skip
        env = by_reference(environment(b, blocks, mutable, tables, parameters, traffic, action, n))
        sat, ledger, scalars = env.sat, env.ledger, env.scalars[0]
        satellite = (satellite_rows(mutable.state[b]), design_rows(parameters.design[b]), sky, propagator)
        battery = (mutable.points[b], mutable.swings[b], parameters.depth_damage)
        if mode.plays:
            if mode.assigns:
                decode_assignment(actions[b], outputs.slots[b], parameters.levels, env)
            else:
                decode(actions[b], env)
            fill(ledger.arrived_now, 0.0)
            fill(ledger.served_now, 0.0)
            paid = total(ledger.paid)
            for i in range(steps):
                tick, now_s = scalars["tick"], now_of(env, timing)
                demand = tables.demand[b, tick]
                copy_sky(tables.skies[b, tick], sky_block)
                apply_outages(sat, sky.out, dt_s, n)
                evict_from_off_satellites(env, now_s)
                requeue_disconnected_gangs(env, now_s)
                apply_upsets(env, tables.events[b], tick, now_s)
                count_transfers(env)
                if i == 0:  # ranking and moves need the forecast rates of the new action
                    set_requested_clocks(
                        sat, env.design, sky.sustainable_w, env.classes, env.rules, env.clock_offset, scratch, lanes
                    )
                    rerank(env, now_s)
                    if not mode.assigns:
                        drain_and_move(env, now_s)
                admit_arrivals(env, now_s)
                autoscale(env, demand[1], dt_s, now_s)
                if mode.others_wait:
                    hold_others(env)
                place_waiting_jobs(env, now_s)
                preempt(env, now_s)
                transfer_data(env, dt_s, now_s)
                service_load(env, demand[0], dt_s)
                update_requested_clocks(env, sky, scratch)
                physics(
                    satellite, sat, env.design, env.classes, env.rules, parameters.design[b, DESIGN_ROWS:], battery,
                    scratch, dt_s, n,
                )  # fmt: skip
                enter_safe_mode(sat, env.policy, dt_s, n)
                advance_jobs(env, dt_s, now_s + dt_s)
                checkpoint_before_shed(env, dt_s, now_s + dt_s)
                serve_requests(env, demand[0], dt_s)
                scalars["tick"] += 1
                remember(mutable.past[b], env, steps)
            if mode.assigns:
                forget_orders(env)
            update_averages(env, dt_s * steps)
            record_queue(env, now_of(env, timing))
            update_tenant_usage(env, dt_s * steps)
            reward_terms(outputs.terms[b], total(ledger.paid) - paid, weights, env)
        copy_sky(tables.skies[b, min(scalars["tick"], ticks - 1)], sky_block)
        observe(b, env, mutable, tables, outputs, timing, sky)


@kernel
def settle(
    state: np.ndarray, classes_block: np.ndarray, points: np.ndarray, swings: np.ndarray, design_block: np.ndarray,
    skies: np.ndarray, rules_block: np.ndarray, depth_damage: np.ndarray, step_s: float, num_satellites: int,
    orbits: int, orbit_steps: int, busy: np.ndarray,
) -> None:  # fmt: skip
    """Repeat the first orbit at sustainable power, without jobs, so that the satellites approach a periodic state.

    Args:
        state: state of one environment, [field, P]; written.
        classes_block: state of its classes, [field, C, P]; written.
        points: turning points of the batteries' charge, (P, ...); written.
        swings: damage of the swings between them, (P, ...); written.
        design_block: design and propagators, [field, P].
        skies: sky table, [T, field, P]; the first `orbit_steps` are one orbit.
        rules_block: class parameters, [field, C].
        depth_damage: damage of a battery cycle by depth, one row for each ageing law.
        step_s: physics step [s].
        num_satellites: S.
        orbits: number of repeats.
        orbit_steps: number of steps of an orbit.
        busy: number of accelerators at work of each class, [C, P].
    """
    lanes = state.shape[1]
    scratch = np.empty((SCRATCH, lanes))
    sky_block = np.empty((skies.shape[1], lanes))
    sky, propagator = sky_rows(sky_block), propagator_rows(propagator_block(scratch))
    satellite = (satellite_rows(state), design_rows(design_block), sky, propagator)
    sat, design = rows_of(State, state), rows_of(Design, design_block)
    classes, rules = rows_of(Classes, classes_block), rows_of(Rules, rules_block)
    offset = np.zeros(rules_block.shape[1])
    battery = (points, swings, depth_damage)
    fill(sat.free, 0.0)
    fill(sat.request, 0.0)
    for _ in range(orbits):
        for tick in range(orbit_steps):
            copy_sky(skies[tick], sky_block)
            for c in range(busy.shape[0]):
                for s in range(lanes):
                    classes.busy[c, s] = busy[c, s]
            set_requested_clocks(sat, design, sky.sustainable_w, classes, rules, offset, scratch, lanes)
            physics(
                satellite, sat, design, classes, rules, design_block[DESIGN_ROWS:], battery, scratch, step_s,
                num_satellites,
            )  # fmt: skip
    for s in range(lanes):
        sat.free[s] = design.accelerators[s]
