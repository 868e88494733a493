"""Action mode `dials`: about 25 numbers for the whole fleet, which a rule turns into an action of the mode `bids`.

Noise on single bids closes satellites, so a policy that explores with it never finds a plan of placement. A dial moves
all satellites at once, by what each of them shows: light, charge, temperature, load. Zero dials are the zero action.

An action of the mode holds the dials times `ACTION_RANGE`.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.compilation.reference import by_reference, rows_of
from odc_gym.constants import HOUR_S
from odc_gym.core.layout.state import Design
from odc_gym.core.layout.work import Policy, Rules
from odc_gym.interface.measurements import Measured
from odc_gym.interface.observations import FLEET_CLASS_FEATURES, SATELLITE_CLASS_FEATURES, SATELLITE_FEATURES
from odc_gym.physics.mathematics import clip

CLASS_DIALS = (
    ("urgency", 0.85, "urgency of the class; it never holds the class back"),
    ("packing", 1.5, "gain of the bids by the load term of the dispatcher: 2/3 cancels it, +1 fills satellites in use"),
    ("memory", 3.0, "gain of the bids by the memory of an accelerator less the mean of the fleet, over that mean"),
    ("clock_offset", 0.5, "clock offset of the class"),
)
FLEET_DIALS = (
    ("kept", 0.5, "share of the satellites that are kept whole for wide jobs; none below 0"),
    ("opening", 0.5, "free share from which a kept satellite takes wide classes: 0.5 at dial 0, 1 at +1"),
    ("light", 2.0, "gain of the bids by the time to the next eclipse over 1.5 h; negative in eclipse"),
    ("charge", 3.0, "gain of the bids by the charge less the mean of the fleet"),
    ("coolness", 0.6, "gain of the bids by the margin below the junction limit less the mean of the fleet, per 10 K"),
    ("power_to_charge", 2.0, "gain of the bids by charge less mean, times the utilisation of the class less its mean"),
    ("clock", 0.5, "clock request of all satellites"),
    ("clock_light", 0.5, "gain of the clock request by the lit share of the solar disc"),
    ("clock_charge", 1.5, "gain of the clock request by the charge less 0.8"),
    ("clock_coolness", 0.5, "gain of the clock request by the margin below the junction limit less 8 K, per 10 K"),
    ("clock_load", 0.75, "gain of the clock request by the busy share of the accelerators less 0.9"),
    ("clock_demand", 0.6, "gain of the clock request by the demand of services over its mean, less 1"),
    ("backlog", 0.6, "gain of the urgency of services by their waiting work, per 10 min of the fleet"),
    ("close_charge", 0.5, "charge above the floor below which a satellite takes no new work; none at or below 0"),
    ("drain_charge", 0.2, "charge above the floor below which running work leaves a satellite; none at or below 0"),
)
LIGHT_S = 1.5 * HOUR_S  # about an orbit in low Earth orbit
ACTION_RANGE = 5.0
"""Action at dial 1. Learners begin with noise of deviation 1, which then is a fifth of a dial's range.

Noise over the whole range costs more points than learning gains.
"""
GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, spread the kept satellites over the fleet (Weyl's sequence)
FULL_CHARGE, COOL_K, BUSY = 0.8, 8.0, 0.9  # conditions at which the gains of clock requests are 0
KELVINS = 10.0  # unit of temperature margins
BACKLOG_S = 600.0  # waiting work per accelerator at which `backlog` counts in full


class Dial(NamedTuple):
    """One kind of dial, in [-1, 1]; `scale` is its value at 1 in the unit of its meaning."""

    name: str
    per: str
    scale: float
    meaning: str


DIALS = tuple(Dial(name, "class", scale, meaning) for name, scale, meaning in CLASS_DIALS) + tuple(
    Dial(name, "fleet", scale, meaning) for name, scale, meaning in FLEET_DIALS
)
_CLASS: Any = namedtuple("_CLASS", [row[0] for row in CLASS_DIALS])(*range(len(CLASS_DIALS)))
_FLEET: Any = namedtuple("_FLEET", [row[0] for row in FLEET_DIALS])(*range(len(FLEET_DIALS)))
_CLASS_SCALES = np.array([row[1] for row in CLASS_DIALS])
_FLEET_SCALES = np.array([row[1] for row in FLEET_DIALS])


def dial_count(classes: int) -> int:
    """Return the number of dials of C classes, 4 C + 15."""
    return len(CLASS_DIALS) * classes + len(FLEET_DIALS)


@dataclass(frozen=True)
class DialLayout:
    """Layout of the dials of C classes: each dial by class, (C,), one after the other, then those of the fleet."""

    class_names: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Names of the dials, in order."""
        by_class = [f"fleet.{name}.{row[0]}" for row in CLASS_DIALS for name in self.class_names]
        return by_class + [f"fleet.{row[0]}" for row in FLEET_DIALS]

    @property
    def size(self) -> int:
        """Number of dials, 4 C + 15."""
        return dial_count(len(self.class_names))


@routine
def dials_of_action(dials: np.ndarray, action: np.ndarray) -> None:
    """Write the dials (D,) that an action of the mode stands for, (D,)."""
    for d in range(dials.shape[0]):
        dials[d] = action[d] / ACTION_RANGE


@routine
def class_dial(dials: np.ndarray, dial: int, class_id: int, num_classes: int) -> float:
    """Return the value of a dial of a class, in the unit of its meaning."""
    return _CLASS_SCALES[dial] * clip(dials[dial * num_classes + class_id], -1.0, 1.0)


@routine
def fleet_dial(dials: np.ndarray, dial: int, num_classes: int) -> float:
    """Return the value of a dial of the fleet, in the unit of its meaning."""
    return _FLEET_SCALES[dial] * clip(dials[len(_CLASS_SCALES) * num_classes + dial], -1.0, 1.0)


@routine
def set_urgencies(
    action: np.ndarray, dials: np.ndarray, seen: Measured, rules: Rules, fleet_accelerators: float
) -> None:
    """Write the urgencies and clock offsets of the classes to the last 2 C places of an action of the mode `bids`."""
    classes = rules.service.shape[0]
    at = action.shape[0] - 2 * classes
    for c in range(classes):
        urgency = class_dial(dials, _CLASS.urgency, c, classes)
        if rules.service[c] > 0.5:
            waiting = seen.fleet_class.waiting_work_s[c] / (BACKLOG_S * fleet_accelerators)
            urgency += fleet_dial(dials, _FLEET.backlog, classes) * min(waiting, 2.0)
        action[at + c] = clip(urgency, -_CLASS_SCALES[_CLASS.urgency], 1.0)
        action[at + classes + c] = class_dial(dials, _CLASS.clock_offset, c, classes)


@routine
def excess_demand(seen: Measured, rules: Rules) -> float:
    """Return the demand of all services over its mean, less 1, from -1 to 2; 0 without services."""
    demand = mean = 0.0
    for c in range(rules.service.shape[0]):
        if rules.service[c] > 0.5:
            demand += seen.fleet_class.arrival_rate[c]
            mean += rules.offered[c]
    return clip(demand / mean - 1.0, -1.0, 2.0) if mean > 0.0 else 0.0


@routine
def clock_request(
    dials: np.ndarray, seen: Measured, s: int, margin_k: float, busy: float, demand: float, classes: int
) -> float:
    """Return the clock request of a satellite.

    Args:
        dials: the dials, (D,).
        seen: measured observation.
        s: satellite.
        margin_k: margin below the junction limit [K].
        busy: busy share of its accelerators.
        demand: `excess_demand`.
        classes: number of classes.
    """
    request = fleet_dial(dials, _FLEET.clock, classes)
    request += fleet_dial(dials, _FLEET.clock_light, classes) * seen.satellite.sunlit_frac[s]
    request += fleet_dial(dials, _FLEET.clock_charge, classes) * (seen.satellite.charge_frac[s] - FULL_CHARGE)
    request += fleet_dial(dials, _FLEET.clock_coolness, classes) * (margin_k - COOL_K) / KELVINS
    request += fleet_dial(dials, _FLEET.clock_load, classes) * (busy - BUSY)
    request += fleet_dial(dials, _FLEET.clock_demand, classes) * demand
    return clip(request, -1.0, 1.0)


@routine
def busy_share(seen: Measured, s: int, classes: int) -> float:
    """Return the share of the working accelerators of a satellite that jobs hold."""
    held = 0.0
    for c in range(classes):
        held += seen.satellite_class.running[c, s]
    return held / max(held + seen.satellite.free[s], 1.0)


@routine
def takes_kept(seen: Measured, rules: Rules, design: Design, c: int, s: int, opening: float) -> bool:
    """Return whether a satellite that is kept whole takes a class now.

    It takes a class with jobs wider than half of it while enough of it is free, and a service while replicas wait.
    """
    if rules.service[c] > 0.5:
        return seen.fleet_class.waiting_work_s[c] > 0.0
    return rules.widest[c] > 0.5 * design.accelerators[s] and seen.satellite.free[s] >= opening * design.accelerators[s]


@routine
def mean_utilisation(rules: Rules) -> float:
    """Return the mean utilisation of the classes."""
    total = 0.0
    for c in range(rules.utilisation.shape[0]):
        total += rules.utilisation[c]
    return total / rules.utilisation.shape[0]


@routine
def expand(
    action: np.ndarray, dials: np.ndarray, observed: tuple[np.ndarray, ...], design: Design, rules: Rules,
    policy: Policy, n: int,
) -> None:  # fmt: skip
    """Turn dials into an action of the mode `bids`, by the rule that the meanings of `DIALS` state.

    The rule reads the observation alone. Zero dials give the zero action.

    Args:
        action: written, (A,) in the order of `actions.ActionLayout`.
        dials: dials, (D,) in the order of `DialLayout`; clipped to [-1, 1].
        observed: measured features of satellites [F, P], of satellites and classes [F, C, P], of the fleet [F], and of
            the fleet by class [F, C].
        design: parameters of the satellites.
        rules: parameters of the classes.
        policy: parameters of the dispatcher.
        n: number of satellites.
    """
    satellite, satellite_class, fleet, fleet_class = observed
    rows, class_rows = rows_of(SATELLITE_FEATURES, satellite), rows_of(SATELLITE_CLASS_FEATURES, satellite_class)
    seen = by_reference(Measured(rows, class_rows, fleet, rows_of(FLEET_CLASS_FEATURES, fleet_class)))
    classes = rules.service.shape[0]
    margin_mean = charge_mean = memory_mean = accelerators = 0.0
    for s in range(n):
        memory_mean += design.hbm_gb[s] / n
        margin_mean += (design.limit_k[s] - seen.satellite.junction_k[s]) / n
        charge_mean += seen.satellite.charge_frac[s] / n
        accelerators += design.accelerators[s]
    set_urgencies(action, dials, seen, rules, accelerators)
    demand, utilisation_mean = excess_demand(seen, rules), mean_utilisation(rules)
    kept_share = fleet_dial(dials, _FLEET.kept, classes)
    opening = 0.5 + fleet_dial(dials, _FLEET.opening, classes)
    close_above = fleet_dial(dials, _FLEET.close_charge, classes)
    drain_above = fleet_dial(dials, _FLEET.drain_charge, classes)
    last_bid, closed_bid = policy.close + 0.1, 0.5 * (policy.close + policy.drain)
    for s in range(n):
        margin_k = design.limit_k[s] - seen.satellite.junction_k[s]
        charge = seen.satellite.charge_frac[s]
        busy = busy_share(seen, s, classes)
        preference = fleet_dial(dials, _FLEET.light, classes) * clip(
            seen.satellite.time_to_crossing_s[s] / LIGHT_S, -1.0, 1.0
        )
        preference += fleet_dial(dials, _FLEET.charge, classes) * (charge - charge_mean)
        preference += fleet_dial(dials, _FLEET.coolness, classes) * (margin_k - margin_mean) / KELVINS
        by_power = fleet_dial(dials, _FLEET.power_to_charge, classes) * (charge - charge_mean)
        kept = (s + 1) * GOLDEN % 1.0 < kept_share
        above_floor = charge - design.floor_frac[s]
        memory = design.hbm_gb[s] / memory_mean - 1.0
        at = s * (classes + 1)
        for c in range(classes):
            bid = class_dial(dials, _CLASS.packing, c, classes) * policy.load_weight * busy
            bid += preference + by_power * (rules.utilisation[c] - utilisation_mean)
            bid += class_dial(dials, _CLASS.memory, c, classes) * memory
            bid = clip(bid, last_bid, 1.0)
            if kept:
                bid = last_bid if takes_kept(seen, rules, design, c, s, opening) else closed_bid
            if close_above > 0.0 and above_floor < close_above:
                bid = closed_bid
            if drain_above > 0.0 and above_floor < drain_above:
                bid = -1.0
            action[at + c] = bid
        action[at + classes] = clock_request(dials, seen, s, margin_k, busy, demand, classes)
