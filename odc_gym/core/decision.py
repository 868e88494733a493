"""One decision, as data flows: action, physics steps with their dispatch, reward, observation.

The compiled entry points are here. Environments are independent: each row gives the same bits whatever its place and
the size of the batch.
"""

import numpy as np

from odc_gym._jit import kernel, routine
from odc_gym._reference import by_reference
from odc_gym.core.jobs.admission import admit, watch_queue, watch_tenants
from odc_gym.core.jobs.dispatch import drain_and_move, evict, part, place
from odc_gym.core.jobs.preemption import preempt
from odc_gym.core.jobs.progress import advance
from odc_gym.core.jobs.shed_warning import warn
from odc_gym.core.jobs.transfers import count_transfers, transfer
from odc_gym.core.jobs.upsets import strike
from odc_gym.core.jobs.waiting import rerank
from odc_gym.core.layout.environment import fleet, traffic_of
from odc_gym.core.layout.state import D, Sky, X, design_rows, fill, propagator_rows, sky_rows, state_rows
from odc_gym.core.layout.work import G, K, L
from odc_gym.core.serving.replicas import autoscale
from odc_gym.core.serving.services import serve, service_load
from odc_gym.core.spacecraft.clock_requests import request
from odc_gym.core.spacecraft.outages import halt, repeated_sheds
from odc_gym.core.spacecraft.step import SCRATCH, physics, propagator_block
from odc_gym.interface.actions import decode
from odc_gym.interface.assignment import decode_assignment, forget_orders, hold_others, show_slots
from odc_gym.interface.jobs import encode_jobs, measure_jobs
from odc_gym.interface.measurements import measure_fleet, measure_queue, measure_running, measure_satellites
from odc_gym.interface.observations import encode
from odc_gym.interface.rewards import reward_terms
from odc_gym.interface.sensing import measure_readings, remember

SUSTAINABLE, OUT = Sky._fields.index("sustainable_w"), Sky._fields.index("out")

AVERAGE_S = 3600.0  # time constant of load and arrival averages


@routine
def copy_sky(table, row):
    """One time step of the tables of light [F, P] float32 into the float64 row block."""
    for f in range(table.shape[0]):
        for s in range(table.shape[1]):
            row[f, s] = table[f, s]


@routine
def averages(e, decision_period_s):
    """Once a decision: its trips and moves, and exponential averages over an hour of load and arrivals."""
    head, ledger, rules, n = e.head[0], e.ledger, e.rules, e.satellites
    trips, moves = total(e.x[X.trips, :n]), total(ledger[L.moved])
    head["trips_now"] = trips - head["trips_sum"]
    head["moves_now"] = moves - head["moves_sum"]
    head["trips_sum"] = trips
    head["moves_sum"] = moves
    weight = min(1.0, decision_period_s / AVERAGE_S)
    living = total(e.x[X.living, :n])
    held = living - total(e.x[X.free, :n])
    head["load_average"] += weight * (held / max(living, 1.0) - head["load_average"])
    for c in range(rules.shape[1]):
        work = ledger[L.arrived_now, c] * (rules[G.token_s, c] if rules[G.service, c] > 0.5 else 1.0)
        ledger[L.arrival_rate, c] += weight * (work / decision_period_s - ledger[L.arrival_rate, c])


@routine
def total(values):
    """Sum in a fixed order."""
    result = 0.0
    for value in values:
        result += value
    return result


@routine
def observe(b, e, sky, forecasts, days, past, sensors, seed, out, seen, codes, steps, now):
    """Measure and encode what the agent of environment `b` sees.

    `out` holds the flat observation, the block of visible jobs and which of its rows hold one, their rows of the job
    table, and the satellites that could take them; `seen` holds the measurements.
    """
    flat, job_block, present, slots, mask = out[0][b], out[1][b], out[2][b], out[3][b], out[4][b]
    satellite, satellite_class, fleet, fleet_class = seen[0][b], seen[1][b], seen[2][b], seen[3][b]
    tick, n = e.head[0]["tick"], e.satellites
    k = min(tick // steps, forecasts.shape[0] - 1)
    count_transfers(e)
    measure_satellites(satellite, satellite_class, sky, forecasts[k], e)
    measure_readings(satellite, e.x, e.p, e.classes, past, sensors, seed, tick, steps, n)
    measure_running(satellite_class, e, now)
    measure_fleet(fleet, days[k], satellite, e)
    measure_queue(fleet_class, satellite_class, e, now)
    encode(flat, satellite, satellite_class, fleet, fleet_class, codes, n)
    show_slots(slots, mask, e, now)
    measure_jobs(seen[4][b], slots, mask, e, now)
    encode_jobs(job_block, present, seen[4][b], slots, codes[4])


@kernel
def decide(
    rows, actions, state, classes, ledger, head, run, lists, points, swings, services,
    past, stores, design, skies, forecasts, days, jobs, events, demand, links, serving, class_rules, policies, sensors,
    seeds,
    weights, table, levels,
    terms, out, seen, codes, numbers,
):  # fmt: skip
    """Play one decision in each environment of `rows` that is not over; writes reward terms and observations.

    `rows` (R,) are the environments to play, `actions` (B, A) their actions. The mutable arrays are those of
    `state.MUTABLE`, the last two with the sizes of models in `stores`; then come tables, parameters and seeds with
    first axis B, the weights of the reward, the table of ageing and the clock levels. Written are `terms` (B, 5),
    `out`, see `observe`, and `seen`, the measured blocks that `codes` encode. `numbers` holds the physics step [s],
    physics steps a decision, warm-up steps, satellites, and three flags: actions assign jobs, jobs without an order
    wait, and whether to play at all: after a reset, or after a state was set, agents only look.
    """
    dt_s, steps, warm_up, n = numbers[0], int(numbers[1]), int(numbers[2]), int(numbers[3])
    assigns, others_wait, plays = numbers[4] > 0.5, numbers[5] > 0.5, numbers[6] > 0.5
    lanes_n, classes_n = state.shape[2], class_rules.shape[2]
    scratch = np.empty((SCRATCH, lanes_n))
    sky = np.empty((skies.shape[2], lanes_n))
    light, numbers_row = sky_rows(sky), propagator_rows(propagator_block(scratch))
    urgency, offset = np.zeros(classes_n), np.empty(classes_n)
    traffic = traffic_of(n)
    for b in rows:
        if plays and head[b]["tick"] >= skies.shape[1]:
            fill(terms[b], 0.0)
            continue
        e = by_reference(fleet(
            b, head, jobs, run, lists, state, design, classes, ledger, services, stores, class_rules, policies,
            urgency, links, serving, traffic, n,
        ))  # fmt: skip
        x, p, k, rules = e.x, e.p, e.classes, e.rules
        state_row, design_row = state_rows(x), design_rows(p)
        if plays:
            if assigns:
                decode_assignment(actions[b], out[3][b], levels, e, offset)
            else:
                decode(actions[b], e, offset)
            fill(e.ledger[L.arrived_now], 0.0)
            fill(e.ledger[L.served_now], 0.0)
            paid = total(e.ledger[L.paid])
            for i in range(steps):
                tick = e.head[0]["tick"]
                now = (tick - warm_up) * dt_s
                copy_sky(skies[b, tick], sky)
                halt(x, sky[OUT], dt_s, n)
                evict(e, now)
                part(e, now)
                strike(e, events[b], tick, now)
                count_transfers(e)
                if i == 0:
                    request(
                        x, p, sky[SUSTAINABLE], k, rules, offset, scratch, lanes_n
                    )  # forecast rates under the new orders
                    rerank(e, now)
                    if not assigns:
                        drain_and_move(e, now)
                admit(e, now)
                autoscale(e, demand[b, tick, 1], dt_s, now)
                if others_wait:
                    hold_others(e)
                place(e, now)
                preempt(e, now)
                transfer(e, dt_s, now)
                service_load(e, demand[b, tick, 0], dt_s)
                request(x, p, sky[SUSTAINABLE], k, rules, offset, scratch, lanes_n)
                physics(
                    x, p, state_row, design_row, light, numbers_row, k, rules, points[b], swings[b], table, scratch,
                    dt_s, n, lanes_n,
                )  # fmt: skip
                repeated_sheds(x, e.policy, dt_s, n)
                advance(e, dt_s, now + dt_s)
                warn(e, dt_s, now + dt_s)
                serve(e, demand[b, tick, 0], dt_s)
                e.head[0]["tick"] += 1
                remember(past[b], x, k, sensors[b], e.head[0]["tick"], steps, n)
            if assigns:
                forget_orders(e)
            now = (e.head[0]["tick"] - warm_up) * dt_s
            averages(e, dt_s * steps)
            watch_queue(e, now)
            watch_tenants(e, dt_s * steps)
            reward_terms(terms[b], e.head[0], total(e.ledger[L.paid]) - paid, weights, x, p, n)
        now = (e.head[0]["tick"] - warm_up) * dt_s
        copy_sky(skies[b, min(e.head[0]["tick"], skies.shape[1] - 1)], sky)
        observe(b, e, sky, forecasts[b], days[b], past[b], sensors[b], seeds[b], out, seen, codes, steps, now)


@kernel
def settle(state, classes, points, swings, design, skies, rules, table, numbers, orbits, busy):
    """Fly satellites alone at their sustainable power through repeats of their first orbit, until they are periodic.

    Args:
        state: of one environment, [field, P].
        classes: of one environment, [field, C, P].
        points: turning points of the battery's charge, (P, ...).
        swings: their damage.
        design: [field, P].
        skies: tables of light, [T, F, P]; the first `orbits[1]` steps are one orbit.
        rules: class parameters.
        table: ageing table.
        numbers: as in `decide`.
        orbits: repeats, and steps of an orbit.
        busy: accelerators at work of each class, [C, P].
    """
    dt_s, n, lanes_n = numbers[0], int(numbers[3]), state.shape[1]
    scratch = np.empty((SCRATCH, lanes_n))
    sky = np.empty((skies.shape[1], lanes_n))
    offset = np.zeros(rules.shape[1])
    state_row, design_row, light, numbers_row = (
        state_rows(state),
        design_rows(design),
        sky_rows(sky),
        propagator_rows(propagator_block(scratch)),
    )
    fill(state[X.free], 0.0)
    fill(state[X.request], 0.0)
    for _ in range(orbits[0]):
        for tick in range(orbits[1]):
            copy_sky(skies[tick], sky)
            for c in range(rules.shape[1]):
                for s in range(lanes_n):
                    classes[K.busy, c, s] = busy[c, s]
            request(state, design, sky[SUSTAINABLE], classes, rules, offset, scratch, lanes_n)
            physics(
                state,
                design,
                state_row,
                design_row,
                light,
                numbers_row,
                classes,
                rules,
                points,
                swings,
                table,
                scratch,
                dt_s,
                n,
                lanes_n,
            )
    for s in range(lanes_n):
        state[X.free, s] = design[D.accelerators, s]
