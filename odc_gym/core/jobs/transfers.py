"""Data on its way to jobs and from them: every transfer loads the links of its route, and shares them equally.

A job brings model, input and state one after the other, from where each lies; what is left of a step after transfer
and start is work. Results go to the ground when the accelerators are free for others. Scalar code between steps.
"""

from __future__ import annotations

from odc_gym._jit import routine
from odc_gym.core.jobs.progress import deliver, expire
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import LOST, fill
from odc_gym.core.layout.work import INPUT, RESULT, STATE, WEIGHTS
from odc_gym.core.network.execution_rate import count_exchange, record_exchange
from odc_gym.core.network.routes import (
    clear_routes,
    count_route,
    latency_s,
    link_gb_s,
    record_carried,
    route_rate_gb_s,
    trace_route,
)
from odc_gym.core.network.storage import source_of, store_model


@routine
def count_transfers(env: Environment) -> None:
    """Count what is on the way on the links of its present routes."""
    clear_routes(env)
    scalars, tick = env.scalars[0], env.scalars[0]["tick"]
    for k in range(scalars["running"]):
        first = env.running[k]
        for row in range(first, first + env.jobs[first]["num_satellites"]):
            for item in range(RESULT):
                if env.pending_gb[item, row] > 0.0:
                    count_route(
                        env, trace_route(env, source_of(env, row, first, item), env.run[row]["host"], tick), row
                    )
        if env.jobs[first]["num_satellites"] > 1:
            count_exchange(env, first)
    for k in range(scalars["sending"]):
        row = env.sending[k]
        count_route(env, trace_route(env, env.run[row]["state_at"], env.num_satellites, tick), row)


@routine
def transfer_data(env: Environment, dt_s: float, now_s: float) -> None:
    """Data of one step: what jobs wait for, then results; and the terminals that carried it. `now_s` is its begin."""
    classes = env.classes
    for c in range(env.num_classes):
        fill(classes.busy[c], 0.0)
        fill(classes.transfer_gb[c], 0.0)
    count_transfers(env)
    for k in range(env.scalars[0]["running"]):
        first = env.running[k]
        active, end = 1.0, first + env.jobs[first]["num_satellites"]
        for row in range(first, end):
            left, run = dt_s, env.run[row]
            if (
                env.pending_gb[WEIGHTS, row] + env.pending_gb[INPUT, row] + env.pending_gb[STATE, row] > 0.0
            ):  # calls cost more than this
                left = receive_items(env, row, first, dt_s)
            waits = min(left, run["delay_s"])
            run["delay_s"] -= waits
            active = min(active, (left - waits) / dt_s)
        for row in range(first, end):  # a gang goes on when its last member is ready
            job, run = env.jobs[row], env.run[row]
            run["active"] = active
            classes.busy[job["class_id"], run["host"]] += job["width"] * active
        if end > first + 1 and active > 0.0:
            record_exchange(env, first, active * dt_s)
    send_results(env, dt_s, now_s)
    record_busy_terminals(env, dt_s)


@routine
def receive_items(env: Environment, row: int, first: int, dt_s: float) -> float:
    """What a row of a running job waits for comes in; the time of the step that is left."""
    left, s, class_id = dt_s, env.run[row]["host"], env.jobs[row]["class_id"]
    for item in range(RESULT):
        gb = env.pending_gb[item, row]
        if gb > 0.0:
            env.classes.transfer_gb[class_id, s] += gb
            came, took = send_over_route(env, source_of(env, row, first, item), s, gb, left)
            left -= took
            if came == 0.0:  # no way now, or no time left
                env.run[first]["cut_s"] = max(env.run[first]["cut_s"], took)
            account_arrival(env, class_id, item, came)
            env.pending_gb[item, row] = gb - came
            if came >= gb:
                store_item(env, row, first, item)
    return left


@routine
def account_arrival(env: Environment, class_id: int, item: int, gb: float) -> None:
    """Account data that arrived for jobs of a class, by its cause."""
    if item == WEIGHTS:
        env.ledger.weights_gb[class_id] += gb
    elif item == INPUT:
        env.ledger.input_gb[class_id] += gb
    else:
        env.ledger.state_gb[class_id] += gb


@routine
def store_item(env: Environment, row: int, first: int, item: int) -> None:
    """A part of the cargo of a row is complete: it lies where the row runs."""
    run = env.run[row]
    if item == WEIGHTS:
        store_model(env, env.jobs[first]["model"], run["host"])
    elif item == INPUT:
        run["input_at"] = run["host"]
    elif item == STATE:
        run["state_at"] = run["host"]


@routine
def send_over_route(env: Environment, source: int, destination: int, gb: float, most_s: float) -> tuple[float, float]:
    """What comes over the route of a transfer in at most so much time [GB], and the time that it takes [s]."""
    tick = env.scalars[0]["tick"]
    count = trace_route(env, source, destination, tick)
    rate = route_rate_gb_s(env, count, 0.0, tick)
    if rate <= 0.0 or most_s <= 0.0:
        return 0.0, most_s
    took = gb / rate
    came = gb
    if took > most_s:
        took = most_s
        came = min(gb, rate * most_s)
    record_carried(env, count, came)
    return came, took


@routine
def send_results(env: Environment, dt_s: float, now_s: float) -> None:
    """Results go to the ground and are paid when they are there; worthless ones and those of lost satellites go."""
    scalars, sending = env.scalars[0], env.sending
    count = scalars["sending"]
    scalars["sending"] = 0
    for k in range(count):
        row = sending[k]
        class_id, s, gb = env.jobs[row]["class_id"], env.run[row]["state_at"], env.pending_gb[RESULT, row]
        if env.jobs[row]["expiry_s"] <= now_s or env.sat.out[s] >= LOST:
            env.ledger.dropped_gb[class_id] += gb
            env.pending_gb[RESULT, row] = 0.0
            expire(env, row, now_s)
            continue
        came, took = send_over_route(env, s, env.num_satellites, gb, dt_s)
        env.ledger.result_gb[class_id] += came
        env.pending_gb[RESULT, row] = gb - came
        if came >= gb:
            deliver(env, row, now_s + took + latency_s(env, s, env.num_satellites, env.scalars[0]["tick"]))
            continue
        sending[scalars["sending"]] = row
        scalars["sending"] += 1


@routine
def record_busy_terminals(env: Environment, dt_s: float) -> None:
    """Terminals of each satellite that carried data, by the share of the step that it took at their links' full rate.

    A link has one terminal at each end, for both ways.
    """
    sat, traffic, tick = env.sat, env.traffic, env.scalars[0]["tick"]
    fill(sat.terminals, 0.0)
    for k in range(traffic.used[0]):
        a, b = traffic.links[k, 0], traffic.links[k, 1]
        if a > b and traffic.transfers[b, a] > 0.0:
            continue  # seen from its other end
        gb = traffic.carried_gb[a, b] + traffic.carried_gb[b, a]
        share = min(1.0, gb / (link_gb_s(env, a, b, tick) * dt_s))
        if a < env.num_satellites:
            sat.terminals[a] += share
        if b < env.num_satellites:
            sat.terminals[b] += share
