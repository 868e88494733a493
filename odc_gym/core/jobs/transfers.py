"""Data on its way to jobs and from them: every transfer loads the links of its route, and shares them equally.

A job brings model, input and state one after the other, from where each lies; what is left of a step after transfer
and start is work. Results go to the ground when the accelerators are free for others. Scalar code between steps.
"""

from odc_gym._jit import routine
from odc_gym.core.jobs.progress import deliver, expire
from odc_gym.core.layout.state import LOST, X, fill
from odc_gym.core.layout.work import INPUT, RESULT, STATE, WEIGHTS, K, L
from odc_gym.core.network.execution_rate import carry_exchange, count_exchange
from odc_gym.core.network.routes import carry, clear_routes, count_route, latency_s, link_gb_s, route_rate, walk
from odc_gym.core.network.storage import keep_model, source_of


@routine
def count_transfers(e):
    """Count what is on the way on the links of its present routes."""
    clear_routes(e)
    head, tick = e.head[0], e.head[0]["tick"]
    for k in range(head["running"]):
        first = e.lists[1, k]
        for row in range(first, first + e.jobs[first]["num_satellites"]):
            for part in range(RESULT):
                if e.cargo[part, row] > 0.0:
                    count_route(e, walk(e, source_of(e, row, first, part), e.run[row]["host"], tick), row)
        if e.jobs[first]["num_satellites"] > 1:
            count_exchange(e, first)
    for k in range(head["sending"]):
        row = e.lists[2, k]
        count_route(e, walk(e, e.run[row]["state_at"], e.satellites, tick), row)


@routine
def transfer(e, dt_s, now):
    """Data of one step: what jobs wait for, then results; and the terminals that carried it. `now` is its begin."""
    classes = e.classes
    for c in range(e.rules.shape[1]):
        fill(classes[K.busy, c], 0.0)
        fill(classes[K.transfer_gb, c], 0.0)
    count_transfers(e)
    for k in range(e.head[0]["running"]):
        first = e.lists[1, k]
        active, end = 1.0, first + e.jobs[first]["num_satellites"]
        for row in range(first, end):
            left, r = dt_s, e.run[row]
            if e.cargo[WEIGHTS, row] + e.cargo[INPUT, row] + e.cargo[STATE, row] > 0.0:  # calls cost more than this
                left = receive(e, row, first, dt_s)
            waits = min(left, r["delay_s"])
            r["delay_s"] -= waits
            active = min(active, (left - waits) / dt_s)
        for row in range(first, end):  # a gang goes on when its last member is ready
            job, r = e.jobs[row], e.run[row]
            r["active"] = active
            classes[K.busy, job["class_id"], r["host"]] += job["width"] * active
        if end > first + 1 and active > 0.0:
            carry_exchange(e, first, active * dt_s)
    send_results(e, dt_s, now)
    terminals_at_work(e, dt_s)


@routine
def receive(e, row, first, dt_s):
    """What a row of a running job waits for comes in; the time of the step that is left."""
    left, s, kind = dt_s, e.run[row]["host"], e.jobs[row]["class_id"]
    for part in range(RESULT):
        gb = e.cargo[part, row]
        if gb > 0.0:
            e.classes[K.transfer_gb, kind, s] += gb
            came, took = over(e, source_of(e, row, first, part), s, gb, left)
            left -= took
            if came == 0.0:  # no way now, or no time left
                e.run[first]["cut_s"] = max(e.run[first]["cut_s"], took)
            e.ledger[L.weights_gb + part, kind] += came
            e.cargo[part, row] = gb - came
            if came >= gb:
                arrived(e, row, first, part)
    return left


@routine
def arrived(e, row, first, part):
    """A part of the cargo of a row is complete: it lies where the row runs."""
    r = e.run[row]
    if part == WEIGHTS:
        keep_model(e, e.jobs[first]["model"], r["host"])
    elif part == INPUT:
        r["input_at"] = r["host"]
    elif part == STATE:
        r["state_at"] = r["host"]


@routine
def over(e, source, destination, gb, most_s):
    """What comes over the route of a transfer in at most so much time [GB], and the time that it takes [s]."""
    tick = e.head[0]["tick"]
    count = walk(e, source, destination, tick)
    rate = route_rate(e, count, 0.0, tick)
    if rate <= 0.0 or most_s <= 0.0:
        return 0.0, most_s
    took = gb / rate
    came = gb
    if took > most_s:
        took = most_s
        came = min(gb, rate * most_s)
    carry(e, count, came)
    return came, took


@routine
def send_results(e, dt_s, now):
    """Results go to the ground and are paid when they are there; worthless ones and those of lost satellites go."""
    head, sending = e.head[0], e.lists[2]
    count = head["sending"]
    head["sending"] = 0
    for k in range(count):
        row = sending[k]
        kind, s, gb = e.jobs[row]["class_id"], e.run[row]["state_at"], e.cargo[RESULT, row]
        if e.jobs[row]["expiry_s"] <= now or e.x[X.out, s] >= LOST:
            e.ledger[L.dropped_gb, kind] += gb
            e.cargo[RESULT, row] = 0.0
            expire(e, row, now)
            continue
        came, took = over(e, s, e.satellites, gb, dt_s)
        e.ledger[L.result_gb, kind] += came
        e.cargo[RESULT, row] = gb - came
        if came >= gb:
            deliver(e, row, now + took + latency_s(e, s, e.satellites, e.head[0]["tick"]))
            continue
        sending[head["sending"]] = row
        head["sending"] += 1


@routine
def terminals_at_work(e, dt_s):
    """Terminals of each satellite that carried data, by the share of the step that it took at their links' full rate.

    A link has one terminal at each end, for both ways.
    """
    x, traffic, tick = e.x, e.traffic, e.head[0]["tick"]
    fill(x[X.terminals], 0.0)
    for k in range(traffic.used[0]):
        a, b = traffic.links[k, 0], traffic.links[k, 1]
        if a > b and traffic.transfers[b, a] > 0.0:
            continue  # seen from its other end
        gb = traffic.carried_gb[a, b] + traffic.carried_gb[b, a]
        share = min(1.0, gb / (link_gb_s(e, a, b, tick) * dt_s))
        if a < e.satellites:
            x[X.terminals, a] += share
        if b < e.satellites:
            x[X.terminals, b] += share
