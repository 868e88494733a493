"""One decision, as data flows: action, physics steps with their dispatch, reward, observation. The compiled entry points.

Environments are independent: each row gives the same bits whatever its place and the size of the batch.
"""

import numpy as np

from odc_gym._jit import effect, kernel
from odc_gym.interface.actions import decode
from odc_gym.interface.observations import (
    encode,
    fleet_class_rows,
    measure_fleet,
    measure_queue,
    measure_running,
    measure_satellites,
    satellite_class_rows,
    satellite_rows,
)
from odc_gym.interface.rewards import reward_terms
from odc_gym.simulation.dispatch import admit, advance, autoscale, drain_and_move, evict, place, rerank, serve, service_load, transfer
from odc_gym.simulation.state import (
    classes_rows,
    design_rows,
    forecast_rows,
    ledger_rows,
    policy_rows,
    rules_rows,
    services_rows,
    sky_rows,
    state_rows,
)
from odc_gym.simulation.step import physics, request

AVERAGE_S = 3600.0  # time constant of load and arrival averages


@effect
def copy_sky(table, row):
    """One time step of the tables of light [F, P] float32 into the float64 row block."""
    for f in range(table.shape[0]):
        for s in range(table.shape[1]):
            row[f, s] = table[f, s]


@effect
def averages(head, x, ledger, rules, decision_s, accelerators, n):
    """Once a decision: its trips and moves, and exponential averages over an hour of load and arrivals."""
    trips, moves = total(x.trips[:n]), total(ledger.moved)
    head["trips_now"] = trips - head["trips_sum"]
    head["moves_now"] = moves - head["moves_sum"]
    head["trips_sum"] = trips
    head["moves_sum"] = moves
    weight = min(1.0, decision_s / AVERAGE_S)
    held = accelerators
    for s in range(n):
        held -= x.free[s]
    head["load_average"] += weight * (held / accelerators - head["load_average"])
    for c in range(rules.kappa.shape[0]):
        work = ledger.arrived_now[c] * (rules.token_s[c] if rules.service[c] > 0.5 else 1.0)
        ledger.arrival_rate[c] += weight * (work / decision_s - ledger.arrival_rate[c])


@effect
def total(values):
    """Sum in a fixed order."""
    result = 0.0
    for value in values:
        result += value
    return result


@effect
def observe(b, x, p, classes, ledger, services, head, jobs, run, lists, sky, forecasts, days, rules, out, seen, codes, steps, now, n):
    """Measure and encode what the agent of environment `b` sees; `seen` holds the measurements."""
    satellite, satellite_class, fleet, fleet_class = seen[0][b], seen[1][b], seen[2][b], seen[3][b]
    k = min(head["tick"] // steps, forecasts.shape[0] - 1)
    v, w, u = satellite_rows(satellite), satellite_class_rows(satellite_class), fleet_class_rows(fleet_class)
    measure_satellites(v, w, x, p, sky, forecast_rows(forecasts[k]), classes, n)
    measure_running(w, head, jobs, run, lists, rules, now)
    measure_fleet(fleet, days[k], x, p, head, n)
    measure_queue(u, w, head, jobs, run, lists, ledger, services, rules, now, n)
    encode(out[b], satellite, satellite_class, fleet, fleet_class, codes, n)


@kernel
def decide(
    rows, actions, state, classes, ledger, head, run, lists, points, swings, services,
    design, skies, forecasts, days, jobs, demand, rules, policy, weights, table,
    terms, out, seen, codes, numbers,
):  # fmt: skip
    """Play one decision in each environment of `rows`; writes reward terms and observations.

    Args:
        rows: environments to play (R,).
        actions: flat actions, (B, A).
        state ... services: the mutable arrays, see `state.MUTABLE`.
        design ... demand: tables, first axis B; `rules`, `policy`, `weights`, `table`: parameters of the scenario.
        terms: reward terms, (B, 5).
        out: encoded observations, (B, N) float32.
        seen: measured blocks of satellites, satellites and classes, fleet, fleet and classes.
        codes: encodings of the four blocks.
        numbers: physics step [s], physics steps a decision, warm-up steps, satellites.
    """
    dt_s, steps, warm_up, n = numbers[0], int(numbers[1]), int(numbers[2]), int(numbers[3])
    lanes_n = state.shape[2]
    g, d = rules_rows(rules), policy_rows(policy)
    scratch = np.empty((4, lanes_n))
    sky_row = np.empty((skies.shape[2], lanes_n))
    orders = np.empty((2, rules.shape[1]))
    urgency, offset = orders[0], orders[1]
    for b in rows:
        x, p, block = state_rows(state[b]), design_rows(design[b]), design[b]
        k, account, v = classes_rows(classes[b]), ledger_rows(ledger[b]), services_rows(services[b])
        h, t, r, queue = head[b], jobs[b], run[b], lists[b]
        decode(actions[b], x, k.bid, urgency, offset, n)
        account.arrived_now[:] = 0.0
        account.served_now[:] = 0.0
        paid = total(account.paid)
        for i in range(steps):
            tick = h["tick"]
            now = (tick - warm_up) * dt_s
            copy_sky(skies[b, tick], sky_row)
            sky = sky_rows(sky_row)
            evict(h, t, r, queue, x, k, account, g, d, urgency, now, n)
            if i == 0:
                request(x, p, sky, k, g, offset, scratch, lanes_n)  # forecast rates under the new orders
                rerank(h, t, r, queue[0], g, d, urgency, now)
                drain_and_move(h, t, r, queue, x, p, k, account, g, d, urgency, now, n)
            admit(h, t, r, queue, account, g, d, urgency, now)
            autoscale(h, v, demand[b, tick, 1], t, r, queue, x, p, k, g, d, urgency, dt_s, now, n)
            place(h, t, r, queue, x, p, k, account, g, d, urgency, now, n)
            transfer(h, t, r, queue, x, k, g, d, dt_s, n)
            service_load(v, demand[b, tick, 0], k, g, dt_s, n)
            request(x, p, sky, k, g, offset, scratch, lanes_n)
            physics(x, p, block, sky, k, g, points[b], swings[b], table, scratch, dt_s, n, lanes_n)
            advance(h, t, r, queue, x, p, k, account, g, d, urgency, dt_s, now + dt_s)
            serve(v, demand[b, tick, 0], h, t, r, queue, x, p, k, account, g, d, dt_s)
            h["tick"] += 1
        averages(h, x, account, g, dt_s * steps, total(p.accelerators[:n]), n)
        reward_terms(terms[b], h, total(account.paid) - paid, weights, x, p, n)
        now = (h["tick"] - warm_up) * dt_s
        copy_sky(skies[b, min(h["tick"], skies.shape[1] - 1)], sky_row)
        observe(b, x, p, k, account, v, h, t, r, queue, sky_rows(sky_row), forecasts[b], days[b], g, out, seen, codes, steps, now, n)


@kernel
def settle(state, classes, points, swings, design, skies, rules, table, numbers, orbits, busy):
    """Fly satellites alone at their sustainable power through `orbits` repeats of their first orbit, until they are periodic.

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
    x, p, g, k = state_rows(state), design_rows(design), rules_rows(rules), classes_rows(classes)
    scratch = np.empty((4, lanes_n))
    sky_row = np.empty((skies.shape[1], lanes_n))
    offset = np.zeros(rules.shape[1])
    x.free[:] = 0.0
    x.request[:] = 0.0
    for _ in range(orbits[0]):
        for tick in range(orbits[1]):
            copy_sky(skies[tick], sky_row)
            sky = sky_rows(sky_row)
            k.busy[:] = busy
            request(x, p, sky, k, g, offset, scratch, lanes_n)
            physics(x, p, design, sky, k, g, points, swings, table, scratch, dt_s, n, lanes_n)
    x.free[:] = p.accelerators


@kernel
def look(
    rows, state, classes, ledger, head, run, lists, services, design, skies, forecasts, days, jobs, rules, out, seen, codes, numbers
):
    """Observe without playing: after a reset, or after a state was set."""
    steps, warm_up, n = int(numbers[1]), int(numbers[2]), int(numbers[3])
    g = rules_rows(rules)
    sky_row = np.empty((skies.shape[2], state.shape[2]))
    for b in rows:
        x, p, h = state_rows(state[b]), design_rows(design[b]), head[b]
        k, account, v = classes_rows(classes[b]), ledger_rows(ledger[b]), services_rows(services[b])
        now = (h["tick"] - warm_up) * numbers[0]
        copy_sky(skies[b, min(h["tick"], skies.shape[1] - 1)], sky_row)
        observe(
            b, x, p, k, account, v, h, jobs[b], run[b], lists[b], sky_rows(sky_row), forecasts[b], days[b], g, out, seen, codes, steps, now, n
        )
