"""Transfers of data to and from jobs; transfers on one link share its rate equally.

Each transfer loads the links of its route. A job brings model, input and state one after the other, each from its
location. It works in the rest of a step after transfer and start. Results go to the ground after the job has released
its accelerators.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

from odc_gym.compilation.decorators import routine
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
    link_index,
    record_carried,
    route_rate_gb_s,
    trace_route,
)
from odc_gym.core.network.storage import source_of, store_model


@routine
def transfers_data(env: Environment, first_row: int) -> bool:
    """Return whether a running job transfers data: a gang, or a job that waits for data."""
    pending_gb = env.pending_gb[WEIGHTS, first_row] + env.pending_gb[INPUT, first_row]
    return env.jobs[first_row]["num_satellites"] > 1 or pending_gb + env.pending_gb[STATE, first_row] > 0.0


@routine
def mark_transfers(env: Environment) -> None:
    """Mark the running jobs that transfer data in `env.work`, for an environment whose marks are not there yet."""
    for k in range(env.scalars[0]["running"]):
        env.work.uses_links[env.running[k]] = transfers_data(env, env.running[k])


@routine
def count_transfers(env: Environment) -> None:
    """Count pending transfers and exchanges of gangs on the links of their present routes."""
    clear_routes(env)
    scalars, tick = env.scalars[0], env.scalars[0]["tick"]
    for k in range(scalars["running"]):
        first_row = env.running[k]
        if not env.work.uses_links[first_row]:
            continue
        for row in range(first_row, first_row + env.jobs[first_row]["num_satellites"]):
            for item in range(RESULT):
                if env.pending_gb[item, row] > 0.0:
                    count_route(
                        env, trace_route(env, source_of(env, row, first_row, item), env.run[row]["host"], tick), row
                    )
        if env.jobs[first_row]["num_satellites"] > 1:
            count_exchange(env, first_row)
    for k in range(scalars["sending"]):
        row = env.sending[k]
        count_route(env, trace_route(env, env.run[row]["state_at"], env.num_satellites, tick), row)


@routine
def transfer_data(env: Environment, dt_s: float, now_s: float) -> None:
    """Transfer the data of one step: first that of running jobs, then results.

    The function also sets the share of the step in which each job works, and records busy terminals. `now_s` is the
    start of the step.
    """
    classes = env.classes
    for c in range(env.num_classes):
        fill(classes.busy[c], 0.0)
        fill(classes.transfer_gb[c], 0.0)
    count_transfers(env)
    for k in range(env.scalars[0]["running"]):
        first_row = env.running[k]
        active = 1.0
        if env.work.uses_links[first_row] or env.run[first_row]["delay_s"] > 0.0:
            active = receive_data(env, first_row, dt_s)
        end = first_row + env.jobs[first_row]["num_satellites"]
        for row in range(first_row, end):  # a gang works when its last member is ready
            job, run = env.jobs[row], env.run[row]
            run["active"] = active
            classes.busy[job["class_id"], run["host"]] += job["width"] * active
        if end > first_row + 1 and active > 0.0:
            record_exchange(env, first_row, active * dt_s)
    send_results(env, dt_s, now_s)
    record_busy_terminals(env, dt_s)


@routine
def receive_data(env: Environment, first_row: int, dt_s: float) -> float:
    """Receive the data of a running job and spend its delay, and return the share of the step in which it works."""
    active = 1.0
    for row in range(first_row, first_row + env.jobs[first_row]["num_satellites"]):
        run, remaining_s = env.run[row], dt_s
        if env.work.uses_links[first_row]:
            remaining_s = receive_items(env, row, first_row, dt_s)
        waiting_s = min(remaining_s, run["delay_s"])
        run["delay_s"] -= waiting_s
        active = min(active, (remaining_s - waiting_s) / dt_s)
    env.work.uses_links[first_row] = transfers_data(env, first_row)
    return active


@routine
def receive_items(env: Environment, row: int, first_row: int, dt_s: float) -> float:
    """Receive the data for which a row of a running job waits, and return the rest of the step [s]."""
    remaining_s, s, class_id = dt_s, env.run[row]["host"], env.jobs[row]["class_id"]
    for item in range(RESULT):
        gb = env.pending_gb[item, row]
        if gb > 0.0:
            env.classes.transfer_gb[class_id, s] += gb
            arrived_gb, elapsed_s = send_over_route(env, source_of(env, row, first_row, item), s, gb, remaining_s)
            remaining_s -= elapsed_s
            if arrived_gb == 0.0:  # no route now, or no time left
                env.run[first_row]["cut_s"] = max(env.run[first_row]["cut_s"], elapsed_s)
            account_arrival(env, class_id, item, arrived_gb)
            env.pending_gb[item, row] = gb - arrived_gb
            if arrived_gb >= gb:
                store_item(env, row, first_row, item)
    return remaining_s


@routine
def account_arrival(env: Environment, class_id: int, item: int, gb: float) -> None:
    """Add data that arrived for a class to the account of its transfer item."""
    if item == WEIGHTS:
        env.ledger.weights_gb[class_id] += gb
    elif item == INPUT:
        env.ledger.input_gb[class_id] += gb
    else:
        env.ledger.state_gb[class_id] += gb


@routine
def store_item(env: Environment, row: int, first_row: int, item: int) -> None:
    """Record that a transfer item has arrived in full at the host of its row."""
    run = env.run[row]
    if item == WEIGHTS:
        store_model(env, env.jobs[first_row]["model"], run["host"])
    elif item == INPUT:
        run["input_at"] = run["host"]
    elif item == STATE:
        run["state_at"] = run["host"]


@routine
def send_over_route(env: Environment, source: int, destination: int, gb: float, limit_s: float) -> tuple[float, float]:
    """Send data over the route of a transfer.

    Args:
        env: the environment.
        source: network node of the data.
        destination: network node to which the data goes.
        gb: size of the data [GB].
        limit_s: longest time that the transfer may take [s].

    Returns:
        Size of the data that arrived [GB], and the time that it took [s].
    """
    tick = env.scalars[0]["tick"]
    num_nodes = trace_route(env, source, destination, tick)
    rate = route_rate_gb_s(env, num_nodes, 0.0, tick)
    if rate <= 0.0 or limit_s <= 0.0:
        return 0.0, limit_s
    elapsed_s = gb / rate
    arrived_gb = gb
    if elapsed_s > limit_s:
        elapsed_s = limit_s
        arrived_gb = min(gb, rate * limit_s)
    record_carried(env, num_nodes, arrived_gb)
    return arrived_gb, elapsed_s


@routine
def send_results(env: Environment, dt_s: float, now_s: float) -> None:
    """Send results to the ground, and complete the jobs whose results have arrived.

    Results are dropped if they are worth nothing any more, or if their satellite is lost.
    """
    scalars, sending = env.scalars[0], env.sending
    num_before = scalars["sending"]
    scalars["sending"] = 0
    for k in range(num_before):
        row = sending[k]
        class_id, s, gb = env.jobs[row]["class_id"], env.run[row]["state_at"], env.pending_gb[RESULT, row]
        if env.jobs[row]["expiry_s"] <= now_s or env.sat.out[s] >= LOST:
            env.ledger.dropped_gb[class_id] += gb
            env.pending_gb[RESULT, row] = 0.0
            expire(env, row, now_s)
            continue
        arrived_gb, elapsed_s = send_over_route(env, s, env.num_satellites, gb, dt_s)
        env.ledger.result_gb[class_id] += arrived_gb
        env.pending_gb[RESULT, row] = gb - arrived_gb
        if arrived_gb >= gb:
            deliver(env, row, now_s + elapsed_s + latency_s(env, s, env.num_satellites, env.scalars[0]["tick"]))
            continue
        sending[scalars["sending"]] = row
        scalars["sending"] += 1


@routine
def record_busy_terminals(env: Environment, dt_s: float) -> None:
    """Record the number of terminals of each satellite that carry data, as a mean over the step.

    A link is busy for the share of the step that its data takes at the link's full rate. It has one terminal at each
    end, for both directions.
    """
    sat, traffic, tick = env.sat, env.work.traffic, env.scalars[0]["tick"]
    fill(sat.terminals, 0.0)
    for k in range(traffic.used[0]):
        a, b = traffic.links[k, 0], traffic.links[k, 1]
        link, back = traffic.links[k, 2], link_index(env, b, a, tick)
        if a > b and traffic.transfers[back] > 0.0:
            continue  # counted from its other end
        gb = traffic.carried_gb[link] + traffic.carried_gb[back]
        share = min(1.0, gb / (link_gb_s(env, a, b, tick) * dt_s))
        if a < env.num_satellites:
            sat.terminals[a] += share
        if b < env.num_satellites:
            sat.terminals[b] += share
