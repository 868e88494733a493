"""What an agent sees: one table of rows gives its names, its encoding and its documentation; see `measurements`."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from odc_gym._jit import routine


class Feature(NamedTuple):
    """A measured quantity in SI units, and how it is encoded.

    Encoded value = (value - offset) / (scale x reference), held in [-1, 1], or y / (1 + |y|) of that where `squash` is
    set. `offset` and `reference` may name an entry of `References`.
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
    widest: float  # accelerators of the largest satellite


SATELLITE = (
    Feature("charge_frac", "", 0.0, 1.0, "", False, "battery charge over capacity"),
    Feature(
        "usable_energy_j",
        "J",
        0.0,
        1.0,
        "orbit_j",
        False,
        "energy above the charge floor; over that of an orbit of full load",
    ),
    Feature("junction_k", "K", "limit_k", -30.0, "", False, "junction temperature; margin below its limit over 30 K"),
    Feature(
        "radiator_k",
        "K",
        "radiator_limit_k",
        -30.0,
        "",
        False,
        "radiator temperature; margin below what full power needs over 30 K",
    ),
    Feature("clock_granted", "", 0.0, 1.0, "", False, "lowest clock granted to running work, times duty"),
    Feature("clock_request", "", 0.0, 1.0, "", False, "last clock request"),
    Feature("clock_sustainable", "", 0.0, 1.0, "", False, "largest common clock within the sustainable power"),
    Feature("power_w", "W", 0.0, 1.0, "peak_w", False, "compute power; over peak"),
    Feature("shed", "", 0.0, 1.0, "", False, "1: compute is off until charge recovers, or while it restarts"),
    Feature("tripped", "", 0.0, 1.0, "", False, "1: compute is off until the junction has cooled"),
    Feature("free", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators that no job holds"),
    Feature("gated", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators that are gated"),
    Feature("sunlit_frac", "", 0.0, 1.0, "", False, "lit share of the solar disc in the coming physics step"),
    Feature(
        "time_to_crossing_s",
        "s",
        0.0,
        1.0,
        "period_s",
        False,
        "time to the next eclipse (+) or sunrise (-), at most one orbit",
    ),
    Feature(
        "eclipse_length_s",
        "s",
        0.0,
        0.5,
        "period_s",
        False,
        "length of the present or next eclipse; over half an orbit",
    ),
    Feature("solar_15_w", "W", 0.0, 1.0, "array_peak_w", False, "mean array power of the next 15 min; over peak"),
    Feature("solar_30_w", "W", 0.0, 1.0, "array_peak_w", False, "same of 30 min"),
    Feature("solar_60_w", "W", 0.0, 1.0, "array_peak_w", False, "same of 60 min"),
    Feature("solar_95_w", "W", 0.0, 1.0, "array_peak_w", False, "same of 95 min"),
    Feature("in_service", "", 0.0, 1.0, "", False, "0: out of service or lost, 1 else"),
    Feature("safe_mode_s", "s", 0.0, 14400.0, "", False, "left of a safe mode after repeated sheds"),
    Feature("ground_gb_s", "GB/s", 0.0, 12.5, "", True, "rate of its way to the ground, 0: it has none now"),
    Feature("ground_hops", "", 0.0, 8.0, "", False, "links of that way"),
    Feature("ground_closes_s", "s", 0.0, 1.0, "period_s", False, "time for which it has one; at most one orbit"),
    Feature("own_links", "", 0.0, 4.0, "", True, "links to other satellites that it holds"),
    Feature(
        "terminals_busy", "", 0.0, 1.0, "", True, "optical terminals that carried data, mean of the last physics step"
    ),
)
SATELLITE_CLASS = (
    Feature("running", "accelerators", 0.0, 1.0, "accelerators", False, "accelerators held by the class"),
    Feature(
        "remaining_work_s", "accelerator s", 0.0, 7200.0, "accelerators", True, "estimated work left of running jobs"
    ),
    Feature(
        "least_slack_s",
        "s",
        0.0,
        14400.0,
        "",
        True,
        "least slack of running jobs: deadline - now - estimated rest; 24 h if none runs",
    ),
    Feature("unsaved_work_s", "accelerator s", 0.0, 900.0, "accelerators", True, "work since the last payable point"),
    Feature("transfers_gb", "GB", 0.0, 100.0, "", True, "data on the link in the last physics step"),
    Feature("checkpoint_age_s", "s", 0.0, 1200.0, "", True, "age of the oldest work that is not safe yet"),
    Feature("gang_satellites", "", 0.0, 4.0, "", True, "satellites of the widest gang that has a part here"),
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
    Feature(
        "waiting_work_s",
        "accelerator s",
        0.0,
        7200.0,
        "fleet_accelerators",
        True,
        "estimated work that waits; of a service: accelerators x 1 h",
    ),
    Feature(
        "waiting_urgent_s",
        "accelerator s",
        0.0,
        3600.0,
        "fleet_accelerators",
        True,
        "of that with less than 1 h of slack",
    ),
    Feature("waiting_soon_s", "accelerator s", 0.0, 3600.0, "fleet_accelerators", True, "with 1 to 6 h"),
    Feature("waiting_later_s", "accelerator s", 0.0, 3600.0, "fleet_accelerators", True, "with more than 6 h"),
    Feature("oldest_wait_s", "s", 0.0, 7200.0, "", True, "longest wait in the queue"),
    Feature(
        "arrival_rate",
        "accelerators",
        0.0,
        0.5,
        "fleet_accelerators",
        True,
        "offered work per second, average over an hour",
    ),
    Feature(
        "backlog_s",
        "accelerator s",
        0.0,
        7200.0,
        "fleet_accelerators",
        True,
        "estimated work in the system; of a service: waiting tokens",
    ),
    Feature(
        "served_frac",
        "",
        0.0,
        1.0,
        "",
        False,
        "accelerators held over held and wanted; of a service: tokens served over arrived",
    ),
)


def record_of(name: str, features: tuple[Feature, ...]) -> Any:
    """Return a named tuple type with a field for each feature."""
    return namedtuple(name, [feature.name for feature in features])


SATELLITE_FEATURES = record_of("SatelliteFeatures", SATELLITE)
SATELLITE_CLASS_FEATURES = record_of("SatelliteClassFeatures", SATELLITE_CLASS)
FLEET_CLASS_FEATURES = record_of("FleetClassFeatures", FLEET_CLASS)
SEEN_FLEET = record_of("FleetFeatures", FLEET)(*range(len(FLEET)))
"""Index of each feature of the fleet by its name."""


def satellite_size(classes: int) -> int:
    """Number of features of a satellite: its own, and those of each class on it."""
    return len(SATELLITE) + classes * len(SATELLITE_CLASS)


def size(satellites: int, classes: int) -> int:
    """Length of the flat observation: the features of S satellites, then of the fleet and of each of its C classes."""
    return satellites * satellite_size(classes) + len(FLEET) + classes * len(FLEET_CLASS)


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


@routine
def encode_one(value: float, code: np.ndarray, f: int, s: int) -> float:
    """One number of the flat observation: feature `f` of lane `s`."""
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
) -> None:
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
