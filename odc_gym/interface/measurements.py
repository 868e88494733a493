"""Measurement of observations in SI units: the blocks of features that `observations` names and encodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.checkpoints import checkpoint_age_s
from odc_gym.core.jobs.waiting import is_replica, remaining_estimate
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import Forecast, Sky, fill
from odc_gym.core.network.grid_routes import is_link_up
from odc_gym.core.network.routes import ground_row, topology, trace_route, unshared_rate_gb_s
from odc_gym.interface.observations import SEEN_FLEET

URGENT_S, SOON_S = 1.0 * HOUR_S, 6.0 * HOUR_S  # upper limits of the first two bins of slack
NO_SLACK_S = 24.0 * HOUR_S  # least slack of a class without running jobs
EIGHTH, QUARTER, HALF, WHOLE = range(4)  # bands of a job's accelerators on one satellite, by `width_band`
PERIOD_S = 2.0 * HOUR_S  # longer than any orbit; longer remaining times of routes are reported as this


class Measured(NamedTuple):
    """Measured blocks of one environment; all but `fleet` are named tuples with a row for each feature."""

    satellite: Any  # rows (P,)
    satellite_class: Any  # rows (C, P)
    fleet: np.ndarray  # (feature,) in the order of `FLEET`
    fleet_class: Any  # rows (C,)


@routine
def measure_satellites(seen: Measured, sky: Sky, forecast: Forecast, env: Environment) -> None:
    """Fill the features of satellites [F, P], and of satellites and classes [F, C, P], from the state and the forecast.

    Telemetry (`sensing`) and the running jobs (`measure_running`) supply the other features.
    """
    sat, classes = env.sat, env.classes
    for s in range(env.num_satellites):
        for c in range(env.num_classes):
            seen.satellite_class.running[c, s] = classes.held[c, s]
            seen.satellite_class.transfers_gb[c, s] = classes.transfer_gb[c, s]
            seen.satellite_class.bid[c, s] = classes.bid[c, s]
        seen.satellite.clock_request[s] = sat.request[s]
        seen.satellite.clock_sustainable[s] = sat.clock_sustainable[s]
        seen.satellite.shed[s] = sat.off[s] * (1.0 - sat.tripped[s])
        seen.satellite.tripped[s] = sat.tripped[s]
        seen.satellite.free[s] = sat.free[s]
        seen.satellite.gated[s] = sat.living[s] - sat.awake[s]
        seen.satellite.sunlit_frac[s] = sky.sunlit_frac[s]
        seen.satellite.time_to_crossing_s[s] = forecast.crossing_s[s]
        seen.satellite.eclipse_length_s[s] = forecast.eclipse_s[s]
        seen.satellite.solar_15_w[s] = forecast.solar_15_w[s]
        seen.satellite.solar_30_w[s] = forecast.solar_30_w[s]
        seen.satellite.solar_60_w[s] = forecast.solar_60_w[s]
        seen.satellite.solar_95_w[s] = forecast.solar_95_w[s]
        seen.satellite.in_service[s] = 1.0 if sat.out[s] == 0.0 else 0.0
        seen.satellite.safe_mode_s[s] = sat.safe_mode_left_s[s]
        seen.satellite.terminals_busy[s] = sat.terminals[s]
    measure_network(seen, env)


@routine
def measure_network(seen: Measured, env: Environment) -> None:
    """Fill the features of satellites [F, P] about routes to the ground and inter-satellite links."""
    tick, n = env.scalars[0]["tick"], env.num_satellites
    k, row, last = topology(env, tick), ground_row(env, tick), env.policy.step_s
    for s in range(n):
        hops = env.links.ground_hops[row, s]
        count = trace_route(env, s, n, tick)
        seen.satellite.ground_hops[s] = max(hops, 0)
        seen.satellite.ground_gb_s[s] = unshared_rate_gb_s(env, count, tick)
        until = (env.links.ground_expiry_step[row, s] - tick) * last
        seen.satellite.ground_closes_s[s] = min(until, PERIOD_S) if count > 0 else 0.0
        degree = 0
        for j in range(env.links.neighbours.shape[2]):
            degree += env.links.neighbours[k, s, j] >= 0 and is_link_up(env, s, env.links.neighbours[k, s, j], tick)
        seen.satellite.own_links[s] = degree


@routine
def measure_running(seen: Measured, env: Environment, now_s: float) -> None:
    """Fill the features of satellites and classes [F, C, P] about running jobs.

    They are remaining work, least slack, work since the last checkpoint, its age, and the size of gangs. The work of a
    gang counts at its first satellite.
    """
    for c in range(env.num_classes):
        fill(seen.satellite_class.remaining_work_s[c], 0.0)
        fill(seen.satellite_class.unsaved_work_s[c], 0.0)
        fill(seen.satellite_class.checkpoint_age_s[c], 0.0)
        fill(seen.satellite_class.gang_satellites[c], 0.0)
        fill(seen.satellite_class.least_slack_s[c], NO_SLACK_S)
    for k in range(env.scalars[0]["running"]):
        row = env.running[k]
        job, run = env.jobs[row], env.run[row]
        c, s = job["class_id"], run["host"]
        if job["num_satellites"] > 1:
            for member in range(row, row + job["num_satellites"]):
                host = env.run[member]["host"]
                seen.satellite_class.gang_satellites[c, host] = max(
                    seen.satellite_class.gang_satellites[c, host], job["num_satellites"]
                )
        if not is_replica(env, row):
            left = remaining_estimate(job, run)
            seen.satellite_class.remaining_work_s[c, s] += left
            seen.satellite_class.unsaved_work_s[c, s] += run["uncheckpointed_s"]
            seen.satellite_class.checkpoint_age_s[c, s] = max(
                seen.satellite_class.checkpoint_age_s[c, s], checkpoint_age_s(run, now_s)
            )
            seen.satellite_class.least_slack_s[c, s] = min(
                seen.satellite_class.least_slack_s[c, s],
                job["deadline_s"] - now_s - left / job["total_accelerators"],
            )


@routine
def largest_satellite(env: Environment) -> float:
    """Return the number of accelerators of the largest satellite."""
    largest = 0.0
    for s in range(env.num_satellites):
        largest = max(largest, env.design.accelerators[s])
    return largest


@routine
def width_band(width: float, largest: float) -> int:
    """Return the band of a number of accelerators: up to 1/8, 1/4, 1/2 or all of the largest satellite's."""
    if 8.0 * width <= largest:
        return EIGHTH
    if 4.0 * width <= largest:
        return QUARTER
    return HALF if 2.0 * width <= largest else WHOLE


@routine
def measure_room(seen: Measured, env: Environment) -> None:
    """Fill the features of the fleet about fragmentation: satellites that are on, by free accelerators.

    All satellites are measured by the largest, as the widths of waiting jobs are. Each satellite that counts as half
    free then has room for each job of the band up to 1/2, whatever its own size.
    """
    eighth = quarter = half = whole = 0.0
    largest = largest_satellite(env)
    for s in range(env.num_satellites):
        free = env.sat.free[s] * (1.0 - env.sat.off[s])
        eighth += 8.0 * free >= largest
        quarter += 4.0 * free >= largest
        half += 2.0 * free >= largest
        whole += free >= largest
    seen.fleet[SEEN_FLEET.free_eighth] = eighth
    seen.fleet[SEEN_FLEET.free_quarter] = quarter
    seen.fleet[SEEN_FLEET.free_half] = half
    seen.fleet[SEEN_FLEET.free_whole] = whole


@routine
def measure_fleet(seen: Measured, day: np.ndarray, env: Environment) -> None:
    """Fill the features of the fleet [F] in the order of `FLEET`, except waits: `measure_queue` fills these.

    Charge and junction margin are computed from the observed values of the satellites.
    """
    measure_room(seen, env)
    charge = free = shed = 0.0
    least = margin = np.inf
    n = env.num_satellites
    for s in range(n):
        charge += seen.satellite.charge_frac[s]
        free += env.sat.free[s]
        shed += env.sat.shed[s]
        least = min(least, seen.satellite.charge_frac[s])
        margin = min(margin, env.design.limit_k[s] - seen.satellite.junction_k[s])
    seen.fleet[SEEN_FLEET.day_sine] = day[0]
    seen.fleet[SEEN_FLEET.day_cosine] = day[1]
    seen.fleet[SEEN_FLEET.charge_mean_frac] = charge / n
    seen.fleet[SEEN_FLEET.charge_least_frac] = least
    seen.fleet[SEEN_FLEET.junction_margin_k] = margin
    seen.fleet[SEEN_FLEET.free_mean] = free
    seen.fleet[SEEN_FLEET.shed_count] = shed
    seen.fleet[SEEN_FLEET.trips] = env.scalars[0]["trips_now"]
    seen.fleet[SEEN_FLEET.moves] = env.scalars[0]["moves_now"]
    seen.fleet[SEEN_FLEET.load] = env.scalars[0]["load_average"]


@routine
def add_to_band(seen: Measured, c: int, band: int, work_s: float, wait_s: float) -> None:
    """Add a waiting job of class `c` to the work and to the longest wait of its band of widths."""
    if band == EIGHTH:
        seen.fleet_class.waiting_eighth_s[c] += work_s
    elif band == QUARTER:
        seen.fleet_class.waiting_quarter_s[c] += work_s
    elif band == HALF:
        seen.fleet_class.waiting_half_s[c] += work_s
    else:
        seen.fleet_class.waiting_whole_s[c] += work_s
    at = SEEN_FLEET.oldest_wait_eighth_s + band
    seen.fleet[at] = max(seen.fleet[at], wait_s)
    seen.fleet_class.waiting_work_s[c] += work_s
    seen.fleet_class.oldest_wait_s[c] = max(seen.fleet_class.oldest_wait_s[c], wait_s)


@routine
def add_by_slack(seen: Measured, c: int, slack_s: float, work_s: float) -> None:
    """Add a waiting job of class `c` to the work of its bin of slack."""
    if slack_s < 0.0:
        seen.fleet_class.waiting_late_s[c] += work_s
    if slack_s < URGENT_S:
        seen.fleet_class.waiting_urgent_s[c] += work_s
    elif slack_s < SOON_S:
        seen.fleet_class.waiting_soon_s[c] += work_s
    else:
        seen.fleet_class.waiting_later_s[c] += work_s


@routine
def clear_queue(seen: Measured) -> None:
    """Set the features that `measure_queue` sums or maximises to 0."""
    fill(seen.fleet_class.waiting_work_s, 0.0)
    fill(seen.fleet_class.waiting_late_s, 0.0)
    fill(seen.fleet_class.waiting_urgent_s, 0.0)
    fill(seen.fleet_class.waiting_soon_s, 0.0)
    fill(seen.fleet_class.waiting_later_s, 0.0)
    fill(seen.fleet_class.waiting_eighth_s, 0.0)
    fill(seen.fleet_class.waiting_quarter_s, 0.0)
    fill(seen.fleet_class.waiting_half_s, 0.0)
    fill(seen.fleet_class.waiting_whole_s, 0.0)
    fill(seen.fleet_class.oldest_wait_s, 0.0)
    fill(seen.fleet_class.served_frac, 0.0)  # holds the accelerators of waiting jobs until the last loop
    fill(seen.fleet[SEEN_FLEET.oldest_wait_eighth_s : SEEN_FLEET.oldest_wait_whole_s + 1], 0.0)


@routine
def measure_queue(seen: Measured, env: Environment, now_s: float) -> None:
    """Fill the features of the fleet by class [F, C], and the longest waits of the fleet by width.

    They are the queue by slack and by width, longest wait, arrivals, backlog and the share served.
    """
    rules, ledger, n = env.rules, env.ledger, env.num_satellites
    largest = largest_satellite(env)
    clear_queue(seen)
    for c in range(env.num_classes):
        seen.fleet_class.arrival_rate[c] = ledger.arrival_rate[c]
        seen.fleet_class.backlog_s[c] = env.services.backlog[c] * rules.token_s[c]
        for s in range(n):
            seen.fleet_class.backlog_s[c] += seen.satellite_class.remaining_work_s[c, s]
    for k in range(env.scalars[0]["waiting"]):
        row = env.waiting[k]
        job, run = env.jobs[row], env.run[row]
        c = job["class_id"]
        seen.fleet_class.served_frac[c] += job["total_accelerators"]
        band = width_band(job["width"], largest)
        if is_replica(env, row):
            add_to_band(seen, c, band, job["total_accelerators"] * HOUR_S, now_s - run["since_s"])
            continue
        left = remaining_estimate(job, run)
        seen.fleet_class.backlog_s[c] += left
        add_to_band(seen, c, band, left, now_s - job["arrival_s"])
        add_by_slack(seen, c, job["deadline_s"] - now_s - left / job["total_accelerators"], left)
    for c in range(env.num_classes):
        if rules.service[c] > 0.5:
            seen.fleet_class.served_frac[c] = min(1.0, ledger.served_now[c] / max(ledger.arrived_now[c], 1e-9))
        else:
            held = 0.0
            for s in range(n):
                held += seen.satellite_class.running[c, s]
            seen.fleet_class.served_frac[c] = held / max(held + seen.fleet_class.served_frac[c], 1e-9)
