"""What an agent sees: one table of rows gives the measurement, its encoding, and its documentation."""

from __future__ import annotations

from collections import namedtuple
from typing import NamedTuple

import numpy as np

from odc_gym._jit import effect, rows
from odc_gym.simulation.dispatch import remaining_estimate

HOUR_S = 3600.0
URGENT_S, SOON_S = 1.0 * HOUR_S, 6.0 * HOUR_S  # bins of slack


class Feature(NamedTuple):
    """A measured quantity in SI units, and how it is encoded.

    Encoded value = (value - offset) / (scale x reference), held in [-1, 1], or y / (1 + |y|) of that where `squash` is set.
    `offset` and `reference` may name an entry of `References`.
    """

    name: str
    unit: str
    offset: float | str
    scale: float
    reference: str
    squash: bool
    meaning: str


class References(NamedTuple):
    """What encoded values are relative to: per satellite (S,), and of the fleet."""

    accelerators: np.ndarray
    peak_w: np.ndarray
    array_peak_w: np.ndarray
    orbit_j: np.ndarray  # full load for one orbit
    period_s: np.ndarray
    limit_k: np.ndarray
    radiator_limit_k: np.ndarray  # radiator temperature at which full power puts the junction at its limit
    fleet_satellites: float
    fleet_accelerators: float


SATELLITE = (
    Feature("charge_frac", "", 0.0, 1.0, "", False, "battery charge over capacity"),
    Feature("usable_energy_j", "J", 0.0, 1.0, "orbit_j", False, "energy above the charge floor; over that of an orbit of full load"),
    Feature("junction_k", "K", "limit_k", -30.0, "", False, "junction temperature; margin below its limit over 30 K"),
    Feature("radiator_k", "K", "radiator_limit_k", -30.0, "", False, "radiator temperature; margin below what full power needs over 30 K"),
    Feature("clock_granted", "", 0.0, 1.0, "", False, "lowest clock granted to running work, times duty"),
    Feature("clock_request", "", 0.0, 1.0, "", False, "last clock request"),
    Feature("clock_sustainable", "", 0.0, 1.0, "", False, "largest common clock within the sustainable power"),
    Feature("power_w", "W", 0.0, 1.0, "peak_w", False, "compute power; over peak"),
    Feature("shed", "", 0.0, 1.0, "", False, "1: compute is off until charge recovers"),
    Feature("tripped", "", 0.0, 1.0, "", False, "1: compute is off until the junction has cooled"),
    Feature("free", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators that no job holds"),
    Feature("gated", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators that are gated"),
    Feature("sunlit_frac", "", 0.0, 1.0, "", False, "lit share of the solar disc in the coming physics step"),
    Feature("time_to_crossing_s", "s", 0.0, 1.0, "period_s", False, "time to the next eclipse (+) or sunrise (-), at most one orbit"),
    Feature("eclipse_length_s", "s", 0.0, 0.5, "period_s", False, "length of the present or next eclipse; over half an orbit"),
    Feature("solar_15_w", "W", 0.0, 1.0, "array_peak_w", False, "mean array power of the next 15 min; over peak"),
    Feature("solar_30_w", "W", 0.0, 1.0, "array_peak_w", False, "same of 30 min"),
    Feature("solar_60_w", "W", 0.0, 1.0, "array_peak_w", False, "same of 60 min"),
    Feature("solar_95_w", "W", 0.0, 1.0, "array_peak_w", False, "same of 95 min"),
)
SATELLITE_CLASS = (
    Feature("running", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators held by the class"),
    Feature("remaining_work_s", "accelerator s", 0.0, 7200.0, "accelerators", True, "estimated work left of running jobs"),
    Feature("least_slack_s", "s", 0.0, 14400.0, "", True, "least slack of running jobs: deadline - now - estimated rest; 24 h if none runs"),
    Feature("unsaved_work_s", "accelerator s", 0.0, 900.0, "accelerators", True, "work since the last payable point"),
    Feature("transfers_gb", "GB", 0.0, 100.0, "", True, "data on the link in the last physics step"),
    Feature("bid", "", 0.0, 1.0, "", False, "last bid"),
)
FLEET = (
    Feature("day_sine", "", 0.0, 1.0, "", False, "sine of the hour of day, UTC"),
    Feature("day_cosine", "", 0.0, 1.0, "", False, "cosine of it"),
    Feature("charge_mean_frac", "", 0.0, 1.0, "", False, "mean charge"),
    Feature("charge_least_frac", "", 0.0, 1.0, "", False, "least charge"),
    Feature("junction_margin_k", "K", 0.0, 30.0, "", False, "least margin of a junction below its limit"),
    Feature("free_mean", "accelerators", 0.0, 1.0, "fleet_accelerators", False, "free accelerators of the fleet"),
    Feature("shed_count", "satellites", 0.0, 1.0, "fleet_satellites", False, "satellites that shed"),
    Feature("trips", "", 0.0, 0.25, "fleet_satellites", True, "trips in the last decision"),
    Feature("moves", "", 0.0, 0.25, "fleet_satellites", True, "moves in the last decision"),
    Feature("load", "", 0.0, 1.0, "", False, "share of accelerators held, average over an hour"),
)
FLEET_CLASS = (
    Feature("waiting_work_s", "accelerator s", 0.0, 7200.0, "fleet_accelerators", True, "estimated work that waits; of a service: accelerators x 1 h"),
    Feature("waiting_urgent_s", "accelerator s", 0.0, 3600.0, "fleet_accelerators", True, "of that with less than 1 h of slack"),
    Feature("waiting_soon_s", "accelerator s", 0.0, 3600.0, "fleet_accelerators", True, "with 1 to 6 h"),
    Feature("waiting_later_s", "accelerator s", 0.0, 3600.0, "fleet_accelerators", True, "with more than 6 h"),
    Feature("oldest_wait_s", "s", 0.0, 7200.0, "", True, "longest wait in the queue"),
    Feature("arrival_rate", "accelerators", 0.0, 0.5, "fleet_accelerators", True, "offered work per second, average over an hour"),
    Feature("backlog_s", "accelerator s", 0.0, 7200.0, "fleet_accelerators", True, "estimated work in the system; of a service: waiting tokens"),
    Feature("served_frac", "", 0.0, 1.0, "", False, "accelerators held over held and wanted; of a service: tokens served over arrived"),
)


def _block(name: str, features: tuple[Feature, ...]) -> type:
    return namedtuple(name, [feature.name for feature in features])


SatelliteRows, SatelliteClassRows = _block("SatelliteRows", SATELLITE), _block("SatelliteClassRows", SATELLITE_CLASS)
FleetRows, FleetClassRows = _block("FleetRows", FLEET), _block("FleetClassRows", FLEET_CLASS)
satellite_rows, satellite_class_rows = rows(SatelliteRows), rows(SatelliteClassRows)
fleet_class_rows = rows(FleetClassRows)
NO_SLACK_S = 24.0 * HOUR_S


def size(satellites: int, classes: int) -> int:
    """Length of the flat observation: S (19 + 6 C) + 10 + 8 C."""
    return satellites * (len(SATELLITE) + classes * len(SATELLITE_CLASS)) + len(FLEET) + classes * len(FLEET_CLASS)


def encoding(features: tuple[Feature, ...], references: References, lanes: int) -> np.ndarray:
    """Offset, 1 / scale and squash flag of each feature and lane, (3, F, lanes); lanes = 1 for the fleet's features."""
    code = np.zeros((3, len(features), lanes))
    for k, feature in enumerate(features):
        offset = getattr(references, feature.offset) if isinstance(feature.offset, str) else feature.offset
        reference = getattr(references, feature.reference) if feature.reference else 1.0
        inverse = 1.0 / (feature.scale * np.asarray(reference))
        code[0, k, : np.size(offset) if np.ndim(offset) else lanes] = offset
        code[1, k, : np.size(inverse) if np.ndim(inverse) else lanes] = inverse
        code[2, k] = float(feature.squash)
    return code


@effect
def encode_one(value, code, f, s):
    """One number of the flat observation: feature `f` of lane `s`."""
    y = (value - code[0, f, s]) * code[1, f, s]
    if code[2, f, s] > 0.5:
        return y / (1.0 + abs(y))
    return min(max(y, -1.0), 1.0)


@effect
def encode(out, satellite, satellite_class, fleet, fleet_class, codes, n):
    """Write the flat observation: satellite by satellite its features, then class by class; then the fleet's.

    Args:
        out: flat observation, (N,) float32.
        satellite: measured, [F, P].
        satellite_class: measured, [F, C, P].
        fleet: measured, [F].
        fleet_class: measured, [F, C].
        codes: `encoding` of the four blocks.
        n: satellites.
    """
    at = 0
    classes = fleet_class.shape[1]
    for s in range(n):
        for f in range(satellite.shape[0]):
            out[at] = encode_one(satellite[f, s], codes[0], f, s)
            at += 1
        for c in range(classes):
            for f in range(satellite_class.shape[0]):
                out[at] = encode_one(satellite_class[f, c, s], codes[1], f, s)
                at += 1
    for f in range(fleet.shape[0]):
        out[at] = encode_one(fleet[f], codes[2], f, 0)
        at += 1
    for c in range(classes):
        for f in range(fleet_class.shape[0]):
            out[at] = encode_one(fleet_class[f, c], codes[3], f, 0)
            at += 1


@effect
def measure_satellites(v, w, x, p, sky, forecast, classes, n):
    """Fill the satellite features [F, P] and those of satellite and class that need no jobs [F, C, P]."""
    for s in range(n):
        granted = x.clock_cap[s]
        for c in range(classes.clock.shape[0]):
            if classes.held[c, s] > 0.0:
                granted = min(granted, classes.clock[c, s])
            w.running[c, s] = classes.held[c, s]
            w.transfers_gb[c, s] = classes.transfer_gb[c, s]
            w.bid[c, s] = classes.bid[c, s]
        v.charge_frac[s] = x.charge_frac[s]
        v.usable_energy_j[s] = (x.charge_frac[s] - p.floor_frac[s]) * p.capacity_j[s] * p.eta_discharge[s]
        v.junction_k[s] = x.junction_k[s]
        v.radiator_k[s] = x.radiator_k[s]
        v.clock_granted[s] = granted * x.duty[s]
        v.clock_request[s] = x.request[s]
        v.clock_sustainable[s] = x.clock_sustainable[s]
        v.power_w[s] = x.power_w[s]
        v.shed[s] = x.shed[s]
        v.tripped[s] = x.tripped[s]
        v.free[s] = x.free[s]
        v.gated[s] = p.accelerators[s] - x.awake[s]
        v.sunlit_frac[s] = sky.sunlit_frac[s]
        v.time_to_crossing_s[s] = forecast.crossing_s[s]
        v.eclipse_length_s[s] = forecast.eclipse_s[s]
        v.solar_15_w[s] = forecast.solar_15_w[s]
        v.solar_30_w[s] = forecast.solar_30_w[s]
        v.solar_60_w[s] = forecast.solar_60_w[s]
        v.solar_95_w[s] = forecast.solar_95_w[s]


@effect
def measure_running(w, head, jobs, run, lists, rules, now):
    """Fill what running jobs tell of satellite and class [F, C, P]: remaining work, least slack, unsaved work."""
    w.remaining_work_s[:] = 0.0
    w.unsaved_work_s[:] = 0.0
    w.least_slack_s[:] = NO_SLACK_S
    for k in range(head["running"]):
        row = lists[1, k]
        job, r = jobs[row], run[row]
        c, s = job["kind"], r["host"]
        if rules.service[c] < 0.5:
            left = remaining_estimate(job, r)
            w.remaining_work_s[c, s] += left
            w.unsaved_work_s[c, s] += r["unsaved_s"]
            w.least_slack_s[c, s] = min(w.least_slack_s[c, s], job["deadline_s"] - now - left / job["width"])


@effect
def measure_fleet(fleet, day, x, p, head, n):
    """Fill the fleet's features [F] in the order of `FLEET`."""
    charge = free = shed = 0.0
    least = margin = np.inf
    for s in range(n):
        charge += x.charge_frac[s]
        free += x.free[s]
        shed += x.shed[s]
        least = min(least, x.charge_frac[s])
        margin = min(margin, p.limit_k[s] - x.junction_k[s])
    fleet[0] = day[0]
    fleet[1] = day[1]
    fleet[2] = charge / n
    fleet[3] = least
    fleet[4] = margin
    fleet[5] = free
    fleet[6] = shed
    fleet[7] = head["trips_now"]
    fleet[8] = head["moves_now"]
    fleet[9] = head["load_average"]


@effect
def measure_queue(u, w, head, jobs, run, lists, ledger, services, rules, now, n):
    """Fill the fleet's features by class [F, C]: queue by slack, waits, arrivals, backlog, share served."""
    u.waiting_work_s[:] = 0.0
    u.waiting_urgent_s[:] = 0.0
    u.waiting_soon_s[:] = 0.0
    u.waiting_later_s[:] = 0.0
    u.oldest_wait_s[:] = 0.0
    u.served_frac[:] = 0.0  # counts wanted accelerators first
    for c in range(rules.kappa.shape[0]):
        u.arrival_rate[c] = ledger.arrival_rate[c]
        u.backlog_s[c] = services.backlog[c] * rules.token_s[c]
        for s in range(n):
            u.backlog_s[c] += w.remaining_work_s[c, s]
    for k in range(head["waiting"]):
        row = lists[0, k]
        job, r = jobs[row], run[row]
        c = job["kind"]
        u.served_frac[c] += job["width"]
        if rules.service[c] > 0.5:
            u.waiting_work_s[c] += job["width"] * HOUR_S
            u.oldest_wait_s[c] = max(u.oldest_wait_s[c], now - r["since_s"])
            continue
        left = remaining_estimate(job, r)
        slack = job["deadline_s"] - now - left / job["width"]
        u.waiting_work_s[c] += left
        u.backlog_s[c] += left
        u.oldest_wait_s[c] = max(u.oldest_wait_s[c], now - job["arrival_s"])
        if slack < URGENT_S:
            u.waiting_urgent_s[c] += left
        elif slack < SOON_S:
            u.waiting_soon_s[c] += left
        else:
            u.waiting_later_s[c] += left
    for c in range(rules.kappa.shape[0]):
        if rules.service[c] > 0.5:
            u.served_frac[c] = min(1.0, ledger.served_now[c] / max(ledger.arrived_now[c], 1e-9))
        else:
            held = 0.0
            for s in range(n):
                held += w.running[c, s]
            u.served_frac[c] = held / max(held + u.served_frac[c], 1e-9)
