"""Observations: tables of features with their units, encodings and meanings; `measurements` fills their values."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from odc_gym.compilation.decorators import routine, simd_loop

SATELLITES_AT_ONCE = 64  # satellites that are encoded feature by feature, so that their part of the result stays near


class Feature(NamedTuple):
    """Measured quantity in SI units, with its encoding.

    The encoded value is y = (value - offset) / (scale x reference), clipped to [-1, 1]. If `squash` is set, it is
    y / (1 + |y|) instead. `offset` and `reference` may name an entry of `References`.
    """

    name: str
    unit: str
    offset: float | str
    scale: float
    reference: str
    squash: bool
    meaning: str


class References(NamedTuple):
    """Reference values of encodings: one value for each satellite, (S,), or one for the fleet."""

    accelerators: np.ndarray
    peak_w: np.ndarray
    array_peak_w: np.ndarray
    orbit_j: np.ndarray  # energy of full load for one orbit
    period_s: np.ndarray
    limit_k: np.ndarray
    radiator_limit_k: np.ndarray  # radiator temperature at which full power puts the junction at its limit
    fleet_satellites: float
    fleet_accelerators: float
    widest: float  # accelerators of the largest satellite


SATELLITE = (
    Feature("charge_frac", "", 0.0, 1.0, "", False, "battery charge as a share of capacity"),
    Feature(
        "usable_energy_j",
        "J",
        0.0,
        1.0,
        "orbit_j",
        False,
        "usable battery energy above the charge floor",
    ),
    Feature(
        "junction_k",
        "K",
        "limit_k",
        -30.0,
        "",
        False,
        "junction temperature; encoded as the margin below its limit, in units of 30 K",
    ),
    Feature(
        "radiator_k",
        "K",
        "radiator_limit_k",
        -30.0,
        "",
        False,
        "radiator temperature; encoded as the margin below the temperature that full power needs, in units of 30 K",
    ),
    Feature("clock_granted", "", 0.0, 1.0, "", False, "lowest clock granted to running work, times the duty"),
    Feature("clock_request", "", 0.0, 1.0, "", False, "last clock request of the agent, from -1 to 1"),
    Feature(
        "clock_sustainable", "", 0.0, 1.0, "", False, "largest common clock of all classes within the sustainable power"
    ),
    Feature("power_w", "W", 0.0, 1.0, "peak_w", False, "compute power"),
    Feature(
        "shed",
        "",
        0.0,
        1.0,
        "",
        False,
        "1 if compute is off without a trip (low charge, restart, outage or safe mode), else 0",
    ),
    Feature("tripped", "", 0.0, 1.0, "", False, "1 if compute is off until the junction has cooled, else 0"),
    Feature("free", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators that no job holds"),
    Feature("gated", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators that are power-gated"),
    Feature("sunlit_frac", "", 0.0, 1.0, "", False, "lit share of the solar disc in the next physics step"),
    Feature(
        "time_to_crossing_s",
        "s",
        0.0,
        1.0,
        "period_s",
        False,
        "time to the next eclipse (+) or to the next sunrise (-), at most one orbit",
    ),
    Feature(
        "eclipse_length_s",
        "s",
        0.0,
        0.5,
        "period_s",
        False,
        "length of the present eclipse, or of the next one",
    ),
    Feature("solar_15_w", "W", 0.0, 1.0, "array_peak_w", False, "mean array power over the next 15 min"),
    Feature("solar_30_w", "W", 0.0, 1.0, "array_peak_w", False, "mean array power over the next 30 min"),
    Feature("solar_60_w", "W", 0.0, 1.0, "array_peak_w", False, "mean array power over the next 60 min"),
    Feature("solar_95_w", "W", 0.0, 1.0, "array_peak_w", False, "mean array power over the next 95 min"),
    Feature("in_service", "", 0.0, 1.0, "", False, "0 if the satellite is out of service or lost, else 1"),
    Feature(
        "safe_mode_s",
        "s",
        0.0,
        14400.0,
        "",
        False,
        "remaining time of the safe mode that follows repeated sheds; 0 if there is none",
    ),
    Feature(
        "ground_gb_s",
        "GB/s",
        0.0,
        12.5,
        "",
        True,
        "rate of the route to the ground without other traffic; 0 if there is no route now",
    ),
    Feature(
        "ground_hops", "", 0.0, 8.0, "", False, "number of links on the route to the ground; 0 if there is no route"
    ),
    Feature(
        "ground_closes_s",
        "s",
        0.0,
        1.0,
        "period_s",
        False,
        "time until there is no route to the ground, at most 2 h; 0 if there is none now",
    ),
    Feature("own_links", "", 0.0, 4.0, "", True, "number of inter-satellite links of the satellite"),
    Feature(
        "terminals_busy",
        "",
        0.0,
        1.0,
        "",
        True,
        "mean number of optical terminals that carried data in the last physics step",
    ),
)
SATELLITE_CLASS = (
    Feature("running", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators that the class holds"),
    Feature(
        "remaining_work_s",
        "accelerator s",
        0.0,
        7200.0,
        "accelerators",
        True,
        "estimated remaining work of running jobs; that of a gang counts at its first satellite",
    ),
    Feature(
        "least_slack_s",
        "s",
        0.0,
        14400.0,
        "",
        True,
        "least slack of running jobs: deadline - now - estimated remaining run time; at most 24 h, 24 h if none runs",
    ),
    Feature(
        "unsaved_work_s",
        "accelerator s",
        0.0,
        900.0,
        "accelerators",
        True,
        "work of running jobs since their last payable point (checkpoint or completed chunk)",
    ),
    Feature(
        "transfers_gb",
        "GB",
        0.0,
        100.0,
        "",
        True,
        "data that running jobs still had to receive in the last physics step",
    ),
    Feature(
        "checkpoint_age_s",
        "s",
        0.0,
        1200.0,
        "",
        True,
        "age of the oldest work since the last payable point of a running job; 0 if there is none",
    ),
    Feature(
        "gang_satellites",
        "",
        0.0,
        4.0,
        "",
        True,
        "number of satellites of the largest gang that runs partly on this satellite; 0 if none does",
    ),
    Feature("bid", "", 0.0, 1.0, "", False, "last bid of the agent; 0 in the mode `assign`"),
)
FLEET = (
    Feature("day_sine", "", 0.0, 1.0, "", False, "sine of the hour of day (UTC)"),
    Feature("day_cosine", "", 0.0, 1.0, "", False, "cosine of the hour of day (UTC)"),
    Feature("charge_mean_frac", "", 0.0, 1.0, "", False, "mean battery charge of the satellites"),
    Feature("charge_least_frac", "", 0.0, 1.0, "", False, "least battery charge of a satellite"),
    Feature("junction_margin_k", "K", 0.0, 30.0, "", False, "least margin of a junction temperature below its limit"),
    Feature(
        "free_mean", "accelerators", 0.0, 1.0, "fleet_accelerators", False, "number of free accelerators of the fleet"
    ),
    Feature(
        "free_eighth",
        "satellites",
        0.0,
        1.0,
        "fleet_satellites",
        False,
        "satellites with compute on and free accelerators of at least 1/8 of those of the largest satellite",
    ),
    Feature(
        "free_quarter",
        "satellites",
        0.0,
        1.0,
        "fleet_satellites",
        False,
        "satellites with compute on and free accelerators of at least 1/4 of those of the largest satellite",
    ),
    Feature(
        "free_half",
        "satellites",
        0.0,
        1.0,
        "fleet_satellites",
        False,
        "satellites with compute on and free accelerators of at least 1/2 of those of the largest satellite",
    ),
    Feature(
        "free_whole",
        "satellites",
        0.0,
        1.0,
        "fleet_satellites",
        False,
        "satellites with compute on and as many free accelerators as the largest satellite has",
    ),
    Feature(
        "oldest_wait_eighth_s",
        "s",
        0.0,
        7200.0,
        "",
        True,
        "longest wait of a job or replica that needs, on each satellite, up to 1/8 of the largest satellite",
    ),
    Feature(
        "oldest_wait_quarter_s",
        "s",
        0.0,
        7200.0,
        "",
        True,
        "longest wait of a job or replica that needs, on each satellite, 1/8 to 1/4 of the largest satellite",
    ),
    Feature(
        "oldest_wait_half_s",
        "s",
        0.0,
        7200.0,
        "",
        True,
        "longest wait of a job or replica that needs, on each satellite, 1/4 to 1/2 of the largest satellite",
    ),
    Feature(
        "oldest_wait_whole_s",
        "s",
        0.0,
        7200.0,
        "",
        True,
        "longest wait of a job or replica that needs, on each satellite, more than 1/2 of the largest satellite",
    ),
    Feature(
        "shed_count",
        "satellites",
        0.0,
        1.0,
        "fleet_satellites",
        False,
        "number of satellites that shed compute because of low charge",
    ),
    Feature("trips", "", 0.0, 0.25, "fleet_satellites", True, "number of trips in the last decision period"),
    Feature(
        "moves", "", 0.0, 0.25, "fleet_satellites", True, "number of moves of running work in the last decision period"
    ),
    Feature("load", "", 0.0, 1.0, "", False, "share of accelerators that work holds, exponential average over an hour"),
)
FLEET_CLASS = (
    Feature(
        "waiting_work_s",
        "accelerator s",
        0.0,
        7200.0,
        "fleet_accelerators",
        True,
        "estimated remaining work of waiting jobs; for waiting replicas of a service, accelerators x 1 h",
    ),
    Feature(
        "waiting_late_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "estimated remaining work of waiting jobs with negative slack: they can no longer meet their deadlines",
    ),
    Feature(
        "waiting_urgent_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "estimated remaining work of waiting jobs with less than 1 h of slack; it includes `waiting_late_s`",
    ),
    Feature(
        "waiting_soon_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "estimated remaining work of waiting jobs with 1 to 6 h of slack",
    ),
    Feature(
        "waiting_later_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "estimated remaining work of waiting jobs with more than 6 h of slack",
    ),
    Feature(
        "waiting_eighth_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "part of `waiting_work_s` that needs, on each satellite, up to 1/8 of the largest satellite",
    ),
    Feature(
        "waiting_quarter_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "part of `waiting_work_s` that needs, on each satellite, 1/8 to 1/4 of the largest satellite",
    ),
    Feature(
        "waiting_half_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "part of `waiting_work_s` that needs, on each satellite, 1/4 to 1/2 of the largest satellite",
    ),
    Feature(
        "waiting_whole_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "part of `waiting_work_s` that needs, on each satellite, more than 1/2 of the largest satellite",
    ),
    Feature("oldest_wait_s", "s", 0.0, 7200.0, "", True, "longest wait of a job or replica in the queue"),
    Feature(
        "arrival_rate",
        "accelerators",
        0.0,
        0.5,
        "fleet_accelerators",
        True,
        "arriving work per second, exponential average over an hour",
    ),
    Feature(
        "backlog_s",
        "accelerator s",
        0.0,
        7200.0,
        "fleet_accelerators",
        True,
        "estimated remaining work of waiting and running jobs; for a service, the work of waiting tokens",
    ),
    Feature(
        "served_frac",
        "",
        0.0,
        1.0,
        "",
        False,
        "accelerators held, as a share of those held or waited for; for a service, tokens served over tokens arrived "
        "in the last decision period, at most 1",
    ),
)


def record_of(name: str, features: tuple[Feature, ...]) -> Any:
    """Return a named tuple type with a field for each feature."""
    return namedtuple(name, [feature.name for feature in features])


SATELLITE_FEATURES = record_of("SatelliteFeatures", SATELLITE)
SATELLITE_CLASS_FEATURES = record_of("SatelliteClassFeatures", SATELLITE_CLASS)
FLEET_CLASS_FEATURES = record_of("FleetClassFeatures", FLEET_CLASS)
SEEN_FLEET = record_of("FleetFeatures", FLEET)(*range(len(FLEET)))
"""Index of each feature of the fleet, by name."""


def satellite_size(classes: int) -> int:
    """Return the number of features of a satellite: its own, and those of each class on it."""
    return len(SATELLITE) + classes * len(SATELLITE_CLASS)


def size(satellites: int, classes: int) -> int:
    """Return the length of the flat observation.

    It holds the features of S satellites, then those of the fleet and of each of its C classes.
    """
    return satellites * satellite_size(classes) + len(FLEET) + classes * len(FLEET_CLASS)


def encoding(features: tuple[Feature, ...], references: References, lanes: int) -> np.ndarray:
    """Return the offset, 1 / (scale x reference) and squash flag of each feature and lane, (3, F, lanes).

    Args:
        features: F features.
        references: reference values of the encodings.
        lanes: number of lanes of satellites; 1 for features of the fleet.
    """
    code = np.zeros((3, len(features), lanes))
    for k, feature in enumerate(features):
        offset = getattr(references, feature.offset) if isinstance(feature.offset, str) else feature.offset
        reference = getattr(references, feature.reference) if feature.reference else 1.0
        inverse = 1.0 / (feature.scale * np.asarray(reference))
        code[0, k, : np.size(offset) if np.ndim(offset) else lanes] = offset
        code[1, k, : np.size(inverse) if np.ndim(inverse) else lanes] = inverse
        code[2, k] = float(feature.squash)
    return code


@simd_loop
def squash_row(
    encoded: np.ndarray, values: np.ndarray, offset: np.ndarray, inverse: np.ndarray, begin: int, end: int
) -> None:
    """Encode a feature of the satellites from `begin` to `end` without limits: y / (1 + |y|).

    Args:
        encoded: written, (P,).
        values: measured values, (P,).
        offset: offset of the encoding, (P,).
        inverse: 1 / (scale x reference), (P,).
        begin: first lane.
        end: lane after the last.
    """
    for s in range(begin, end):
        y = (values[s] - offset[s]) * inverse[s]
        encoded[s] = y / (1.0 + abs(y))


@simd_loop
def clip_row(
    encoded: np.ndarray, values: np.ndarray, offset: np.ndarray, inverse: np.ndarray, begin: int, end: int
) -> None:
    """Encode a feature of the satellites from `begin` to `end` within limits: y from -1 to 1.

    The arguments are those of `squash_row`.
    """
    for s in range(begin, end):
        y = (values[s] - offset[s]) * inverse[s]
        encoded[s] = min(max(y, -1.0), 1.0)


@routine
def encode_row(
    out: np.ndarray, at: int, stride: int, values: np.ndarray, code: np.ndarray, f: int, begin: int, n: int,
    row: np.ndarray,
) -> None:  # fmt: skip
    """Encode feature `f` of a block of satellites, and write it to each `stride`-th place of `out`.

    Args:
        out: flat observation, (N,) float32; written.
        at: place of the feature of the first satellite.
        stride: number of places from a satellite to the next.
        values: measured values, (P,).
        code: `encoding` of the feature's block, (3, F, P).
        f: feature.
        begin: first satellite of the block.
        n: number of satellites.
        row: work space, (P,).
    """
    if code[2, f, 0] > 0.5:
        squash_row(row, values, code[0, f], code[1, f], begin, min(begin + SATELLITES_AT_ONCE, row.shape[0]))
    else:
        clip_row(row, values, code[0, f], code[1, f], begin, min(begin + SATELLITES_AT_ONCE, row.shape[0]))
    for s in range(begin, min(begin + SATELLITES_AT_ONCE, n)):
        out[at + s * stride] = row[s]


@routine
def encode_one(value: float, code: np.ndarray, f: int, s: int) -> float:
    """Return the encoded value of feature `f` in lane `s`."""
    y = (value - code[0, f, s]) * code[1, f, s]
    if code[2, f, s] > 0.5:
        return y / (1.0 + abs(y))
    return min(max(y, -1.0), 1.0)


@routine
def encode(
    out: np.ndarray,
    satellite: np.ndarray,
    satellite_class: np.ndarray,
    fleet: np.ndarray,
    fleet_class: np.ndarray,
    codes: tuple[np.ndarray, ...],
    n: int,
    row: np.ndarray,
) -> None:
    """Encode the flat observation.

    The order is: for each satellite its features, then those of each class on it; then the features of the fleet, then
    those of each class.

    Args:
        out: flat observation, (N,) float32.
        satellite: measured features of satellites, [F, P].
        satellite_class: measured features of satellites and classes, [F, C, P].
        fleet: measured features of the fleet, [F].
        fleet_class: measured features of the fleet by class, [F, C].
        codes: `encoding` of the four blocks.
        n: number of satellites.
        row: work space, (P,).
    """
    classes, own, shared = fleet_class.shape[1], satellite.shape[0], satellite_class.shape[0]
    stride = own + classes * shared
    for begin in range(0, n, SATELLITES_AT_ONCE):
        for f in range(own):
            encode_row(out, f, stride, satellite[f], codes[0], f, begin, n, row)
        for c in range(classes):
            for f in range(shared):
                encode_row(out, own + c * shared + f, stride, satellite_class[f, c], codes[1], f, begin, n, row)
    at = n * stride
    for f in range(fleet.shape[0]):
        out[at] = encode_one(fleet[f], codes[2], f, 0)
        at += 1
    for c in range(classes):
        for f in range(fleet_class.shape[0]):
            out[at] = encode_one(fleet_class[f, c], codes[3], f, 0)
            at += 1
