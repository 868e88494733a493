"""Compiled entry point: a decision of every environment of a batch.

A decision runs from the action through the physics steps and their dispatch to reward and observation. Environments
are independent: each gives the same bits at any place in a batch of any size.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.array_types import Float64x2, Int64x1
from odc_gym.compilation.decorators import routine
from odc_gym.compilation.kernel import kernel
from odc_gym.compilation.reference import by_reference, rows_of
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
from odc_gym.core.jobs.transfers import count_transfers, mark_transfers, transfer_data
from odc_gym.core.jobs.upsets import apply_upsets
from odc_gym.core.jobs.waiting import rerank, set_rank_factors
from odc_gym.core.layout.batch import Mode, Mutable, Outputs, Parameters, Tables, Timing
from odc_gym.core.layout.environment import Blocks, Environment, environment
from odc_gym.core.layout.state import (
    Design,
    Sky,
    State,
    copy_sky,
    design_rows,
    fill,
    forecast_rows,
    propagator_rows,
    satellite_rows,
    sky_rows,
)
from odc_gym.core.layout.work import Classes, Ledger, Rules, Services, Tenants
from odc_gym.core.layout.workspace import Workspace
from odc_gym.core.prefetching import prefetch_next
from odc_gym.core.sampling import take_sample
from odc_gym.core.serving.replicas import autoscale
from odc_gym.core.serving.services import serve_requests, service_load
from odc_gym.core.spacecraft.clock_requests import set_requested_clocks
from odc_gym.core.spacecraft.conditions import log_conditions
from odc_gym.core.spacecraft.outages import apply_outages, enter_safe_mode
from odc_gym.core.spacecraft.step import DESIGN_ROWS, PROPAGATOR, physics
from odc_gym.interface.actions import decode
from odc_gym.interface.assignment import decode_assignment, forget_orders, hold_others, show_slots
from odc_gym.interface.dials import dials_of_action, expand
from odc_gym.interface.jobs import encode_jobs, measure_jobs
from odc_gym.interface.measurements import Measured, measure_fleet, measure_queue, measure_running, measure_satellites
from odc_gym.interface.observations import FLEET_CLASS_FEATURES, SATELLITE_CLASS_FEATURES, SATELLITE_FEATURES, encode
from odc_gym.interface.rewards import reward_terms
from odc_gym.interface.sensing import measure_readings, remember

AVERAGE_S = HOUR_S  # time constant of the averages of load and arrivals


@routine
def are_finite(actions: np.ndarray, refused: np.ndarray) -> bool:
    """Return whether all actions are finite; write the place of the first that is not, or -1, to `refused`, (2,)."""
    refused[0] = refused[1] = -1
    for b in range(actions.shape[0]):
        for k in range(actions.shape[1]):
            if not abs(actions[b, k]) < np.inf:
                refused[0], refused[1] = b, k
                return False
    return True


@routine
def decode_action(
    b: int, action: np.ndarray, outputs: Outputs, parameters: Parameters, work: Workspace, mode: Mode, env: Environment
) -> None:
    """Decode the action of environment `b` by its mode.

    Args:
        b: index of the environment.
        action: action, (A,).
        outputs: arrays for agents; dials are read with the last observation, orders with the jobs that it shows.
        parameters: parameters of the environments.
        work: work arrays.
        mode: flags of the call.
        env: the environment.
    """
    if mode.assigns:
        decode_assignment(action, outputs.slots[b], parameters.levels, env)
    elif mode.dials:
        seen = outputs.measured
        observed = seen[0][b], seen[1][b], seen[2][b], seen[3][b]
        dials_of_action(work.dials, action)
        expand(work.bids, work.dials, observed, env.design, env.rules, env.policy, env.num_satellites)
        decode(work.bids, env)
    else:
        decode(action, env)


@routine
def open_decision(env: Environment) -> None:
    """Set the factors of ranks, and clear the accounts of a decision."""
    set_rank_factors(env)
    fill(env.ledger.arrived_now, 0.0)
    fill(env.ledger.served_now, 0.0)


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
    encode(
        outputs.flat[b], satellite, satellite_class, fleet, fleet_class, codes, env.num_satellites, env.work.scratch[0]
    )
    show_slots(slots, feasible, env, now_s)
    measure_jobs(jobs, slots, feasible, env, now_s)
    encode_jobs(outputs.jobs[b], outputs.job_present[b], jobs, slots, codes[4])


@kernel
def decide(
    rows: Int64x1, actions: Float64x2, mutable: Mutable, tables: Tables, parameters: Parameters, outputs: Outputs,
    work: Workspace, timing: Timing, mode: Mode,
) -> None:  # fmt: skip
    """Play one decision in each environment of `rows` whose episode is not over; write reward terms and observations.

    If an action is not finite, nothing is played, and `outputs.refused` names it.

    Args:
        rows: indices of the environments to play, (R,).
        actions: actions of all environments, (B, A).
        mutable: arrays that change; written.
        tables: tables of the episodes.
        parameters: parameters of the environments.
        outputs: arrays for agents; written.
        work: work arrays.
        timing: lengths of steps and decisions.
        mode: flags of this call.
    """
    if mode.plays and not are_finite(actions, outputs.refused):
        return
    weights, dt_s, n = parameters.weights, timing.step_s, timing.num_satellites
    steps, ticks = timing.decision_steps, tables.skies.shape[1]
    scratch, sky_block = work.scratch, work.sky
    sky, propagator = sky_rows(sky_block), propagator_rows(scratch[PROPAGATOR:])
    fill(work.action[0], 0.0)
    fill(work.action[1], 0.0)
    for k in range(rows.shape[0]):
        b = rows[k]
        if mode.plays and mutable.scalars[b]["tick"] >= ticks:
            fill(outputs.terms[b], 0.0)
            continue
        blocks = Blocks(
            rows_of(State, mutable.state[b]), rows_of(Design, parameters.design[b]),
            rows_of(Classes, mutable.classes[b]), rows_of(Ledger, mutable.ledger[b]),
            rows_of(Services, mutable.services[b]), rows_of(Tenants, mutable.tenants[b]),
            rows_of(Rules, parameters.rules[b]),
        )  # fmt: skip
        env = by_reference(environment(b, blocks, mutable, tables, parameters, outputs.log, work, n))
        sat, ledger, scalars = env.sat, env.ledger, env.scalars[0]
        satellite = (satellite_rows(mutable.state[b]), design_rows(parameters.design[b]), sky, propagator)
        battery = (mutable.points[b], mutable.swings[b], parameters.depth_damage)
        mark_transfers(env)
        if mode.plays:
            decode_action(b, actions[b], outputs, parameters, work, mode, env)
            open_decision(env)
            paid = total(ledger.paid)
            for i in range(steps):
                prefetch_next(rows, k, i, steps, mutable, tables, parameters)
                tick, now_s = scalars["tick"], now_of(env, timing)
                demand = tables.demand[b, tick]
                copy_sky(tables.skies[b, tick], sky_block)
                apply_outages(sat, sky.out, dt_s, n)
                log_conditions(env.log, sat, now_s, n)
                evict_from_off_satellites(env, now_s)
                requeue_disconnected_gangs(env, now_s)
                apply_upsets(env, tables.events[b], tick, now_s)
                count_transfers(env)
                if i == 0:  # ranking and moves need the forecast rates of the new action
                    update_requested_clocks(env, sky, scratch)
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
                log_conditions(env.log, sat, now_s + dt_s, n)
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
        take_sample(b, tables.seeds[b], actions[b], mutable, outputs, timing, mode.plays)
