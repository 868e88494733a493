"""Measuring what an agent sees, in SI units: the blocks of features that `observations` names and encodes."""

import numpy as np

from odc_gym._jit import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.checkpoints import checkpoint_age_s
from odc_gym.core.jobs.waiting import is_replica, remaining_estimate
from odc_gym.core.layout.state import D, F, X, fill
from odc_gym.core.layout.work import G, K, L, V
from odc_gym.core.network.routes import free_rate, ground_row, topology, walk
from odc_gym.interface.observations import SEEN, SEEN_CLASS, SEEN_FLEET_CLASS

URGENT_S, SOON_S = 1.0 * HOUR_S, 6.0 * HOUR_S  # bins of slack
NO_SLACK_S = 24.0 * HOUR_S
PERIOD_S = 2.0 * HOUR_S  # longer than any orbit: beyond it nobody need know how long a way lasts


@routine
def measure_satellites(v, w, sky, forecast, e):
    """Fill what is known of satellites [F, P] without measuring, and of satellite and class without jobs [F, C, P]."""
    x, classes = e.x, e.classes
    for s in range(e.satellites):
        for c in range(classes.shape[1]):
            w[SEEN_CLASS.running, c, s] = classes[K.held, c, s]
            w[SEEN_CLASS.transfers_gb, c, s] = classes[K.transfer_gb, c, s]
            w[SEEN_CLASS.bid, c, s] = classes[K.bid, c, s]
        v[SEEN.clock_request, s] = x[X.request, s]
        v[SEEN.clock_sustainable, s] = x[X.clock_sustainable, s]
        v[SEEN.shed, s] = x[X.off, s] * (1.0 - x[X.tripped, s])
        v[SEEN.tripped, s] = x[X.tripped, s]
        v[SEEN.free, s] = x[X.free, s]
        v[SEEN.gated, s] = x[X.living, s] - x[X.awake, s]
        v[SEEN.sunlit_frac, s] = sky[0, s]
        v[SEEN.time_to_crossing_s, s] = forecast[F.crossing_s, s]
        v[SEEN.eclipse_length_s, s] = forecast[F.eclipse_s, s]
        v[SEEN.solar_15_w, s] = forecast[F.solar_15_w, s]
        v[SEEN.solar_30_w, s] = forecast[F.solar_30_w, s]
        v[SEEN.solar_60_w, s] = forecast[F.solar_60_w, s]
        v[SEEN.solar_95_w, s] = forecast[F.solar_95_w, s]
        v[SEEN.in_service, s] = 1.0 if x[X.out, s] == 0.0 else 0.0
        v[SEEN.safe_mode_s, s] = x[X.safe_s, s]
        v[SEEN.terminals_busy, s] = x[X.terminals, s]
    measure_network(v, e)


@routine
def measure_network(v, e):
    """Fill what the tables of the network tell of satellites [F, P]: their ways to the ground, and their own links."""
    tick, n = e.head[0]["tick"], e.satellites
    k, row, last = topology(e, tick), ground_row(e, tick), e.policy.step_s
    for s in range(n):
        hops = e.links.ground_hops[row, s]
        count = walk(e, s, n, tick)
        v[SEEN.ground_hops, s] = max(hops, 0)
        v[SEEN.ground_gb_s, s] = free_rate(e, count, tick)
        until = (e.links.ground_closes[row, s] - tick) * last
        v[SEEN.ground_closes_s, s] = min(until, PERIOD_S) if count > 0 else 0.0
        degree = 0
        if e.links.isl_gb_s[s] > 0.0:
            for d in range(n):
                degree += e.links.hops[k, s, d] == 1
        v[SEEN.own_links, s] = degree


@routine
def measure_running(w, e, now):
    """Fill what running jobs tell of satellite and class [F, C, P]: remaining work, least slack, unsaved work.

    The work of a gang is told where its first satellite is.
    """
    for c in range(e.rules.shape[1]):
        fill(w[SEEN_CLASS.remaining_work_s, c], 0.0)
        fill(w[SEEN_CLASS.unsaved_work_s, c], 0.0)
        fill(w[SEEN_CLASS.checkpoint_age_s, c], 0.0)
        fill(w[SEEN_CLASS.gang_satellites, c], 0.0)
        fill(w[SEEN_CLASS.least_slack_s, c], NO_SLACK_S)
    for k in range(e.head[0]["running"]):
        row = e.lists[1, k]
        job, r = e.jobs[row], e.run[row]
        c, s = job["class_id"], r["host"]
        if job["num_satellites"] > 1:
            for member in range(row, row + job["num_satellites"]):
                host = e.run[member]["host"]
                w[SEEN_CLASS.gang_satellites, c, host] = max(
                    w[SEEN_CLASS.gang_satellites, c, host], job["num_satellites"]
                )
        if not is_replica(e, row):
            left = remaining_estimate(job, r)
            w[SEEN_CLASS.remaining_work_s, c, s] += left
            w[SEEN_CLASS.unsaved_work_s, c, s] += r["unsaved_s"]
            w[SEEN_CLASS.checkpoint_age_s, c, s] = max(w[SEEN_CLASS.checkpoint_age_s, c, s], checkpoint_age_s(r, now))
            w[SEEN_CLASS.least_slack_s, c, s] = min(
                w[SEEN_CLASS.least_slack_s, c, s], job["deadline_s"] - now - left / job["total_accelerators"]
            )


@routine
def measure_fleet(fleet, day, v, e):
    """Fill the fleet's features [F] in the order of `FLEET`; charge and heat as they are seen of its satellites."""
    charge = free = shed = 0.0
    least = margin = np.inf
    n = e.satellites
    for s in range(n):
        charge += v[SEEN.charge_frac, s]
        free += e.x[X.free, s]
        shed += e.x[X.shed, s]
        least = min(least, v[SEEN.charge_frac, s])
        margin = min(margin, e.p[D.limit_k, s] - v[SEEN.junction_k, s])
    fleet[0] = day[0]
    fleet[1] = day[1]
    fleet[2] = charge / n
    fleet[3] = least
    fleet[4] = margin
    fleet[5] = free
    fleet[6] = shed
    fleet[7] = e.head[0]["trips_now"]
    fleet[8] = e.head[0]["moves_now"]
    fleet[9] = e.head[0]["load_average"]


@routine
def measure_queue(u, w, e, now):
    """Fill the fleet's features by class [F, C]: queue by slack, waits, arrivals, backlog, share served."""
    rules, ledger, n = e.rules, e.ledger, e.satellites
    fill(u[SEEN_FLEET_CLASS.waiting_work_s], 0.0)
    fill(u[SEEN_FLEET_CLASS.waiting_urgent_s], 0.0)
    fill(u[SEEN_FLEET_CLASS.waiting_soon_s], 0.0)
    fill(u[SEEN_FLEET_CLASS.waiting_later_s], 0.0)
    fill(u[SEEN_FLEET_CLASS.oldest_wait_s], 0.0)
    fill(u[SEEN_FLEET_CLASS.served_frac], 0.0)  # counts wanted accelerators first
    for c in range(rules.shape[1]):
        u[SEEN_FLEET_CLASS.arrival_rate, c] = ledger[L.arrival_rate, c]
        u[SEEN_FLEET_CLASS.backlog_s, c] = e.services[V.backlog, c] * rules[G.token_s, c]
        for s in range(n):
            u[SEEN_FLEET_CLASS.backlog_s, c] += w[SEEN_CLASS.remaining_work_s, c, s]
    for k in range(e.head[0]["waiting"]):
        row = e.lists[0, k]
        job, r = e.jobs[row], e.run[row]
        c = job["class_id"]
        u[SEEN_FLEET_CLASS.served_frac, c] += job["total_accelerators"]
        if is_replica(e, row):
            u[SEEN_FLEET_CLASS.waiting_work_s, c] += job["total_accelerators"] * HOUR_S
            u[SEEN_FLEET_CLASS.oldest_wait_s, c] = max(u[SEEN_FLEET_CLASS.oldest_wait_s, c], now - r["since_s"])
            continue
        left = remaining_estimate(job, r)
        slack = job["deadline_s"] - now - left / job["total_accelerators"]
        u[SEEN_FLEET_CLASS.waiting_work_s, c] += left
        u[SEEN_FLEET_CLASS.backlog_s, c] += left
        u[SEEN_FLEET_CLASS.oldest_wait_s, c] = max(u[SEEN_FLEET_CLASS.oldest_wait_s, c], now - job["arrival_s"])
        if slack < URGENT_S:
            u[SEEN_FLEET_CLASS.waiting_urgent_s, c] += left
        elif slack < SOON_S:
            u[SEEN_FLEET_CLASS.waiting_soon_s, c] += left
        else:
            u[SEEN_FLEET_CLASS.waiting_later_s, c] += left
    for c in range(rules.shape[1]):
        if rules[G.service, c] > 0.5:
            u[SEEN_FLEET_CLASS.served_frac, c] = min(1.0, ledger[L.served_now, c] / max(ledger[L.arrived_now, c], 1e-9))
        else:
            held = 0.0
            for s in range(n):
                held += w[SEEN_CLASS.running, c, s]
            u[SEEN_FLEET_CLASS.served_frac, c] = held / max(held + u[SEEN_FLEET_CLASS.served_frac, c], 1e-9)
