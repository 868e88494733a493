"""What is rewarded: named terms times weights, 100 = the value of the fleet's sustainable output over an episode."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.state import D, X


class Term(NamedTuple):
    """One term of the reward."""

    name: str
    cost: str  # the cost it counts towards, if any
    meaning: str


TERMS = (
    Term(
        "compute",
        "",
        "class value x reference-accelerator-hours made safe x lateness: per checkpoint, chunk or token served in time",
    ),
    Term(
        "thermal",
        "cost/thermal",
        "minus 0.0125 x reference accelerators x hours x (e + e^2/4), e = kelvins of the satellite's junction over its "
        "limit",
    ),
    Term(
        "energy",
        "cost/energy",
        "minus reference accelerators x hours x (0.125 (f + f^2) + 0.5 (y + y^2)), f = share of the satellite's bus "
        "and standby not served, y = depth below its charge floor over the floor",
    ),
    Term("wear", "", "minus 2200 x kWh of capacity x linear fatigue damage of the battery (Xu 2018)"),
    Term(
        "stored_energy",
        "",
        "change of price x kWh of capacity x (c - 0.15 c^2), c = charge, price = 0.9213 x the value that the "
        "sustainable plan makes of one more kWh: draining the battery at the end gains nothing",
    ),
)
COMPUTE, THERMAL, ENERGY, WEAR, STORED = range(len(TERMS))


class Weights(NamedTuple):
    """Weights of the terms in value, and the value that scores 100."""

    thermal: float  # this and the next two: per satellite-hour and reference accelerator
    unserved: float
    low_charge: float
    wear_per_j: float  # per unit of damage and joule of capacity
    stored_per_j: np.ndarray  # (P,), price of a joule at an empty battery
    stored_curvature: float
    points: float  # points of score per unit of value


@routine
def settle_account(head, weights, x, p, n):
    """Changes of thermal, unserved, low charge, wear and stored energy since the last decision; the sums go on.

    The first three in hours of reference accelerators, wear in joules of capacity, stored energy in value: violations
    weigh by size.
    """
    thermal = unserved = low = fatigue = stored = 0.0
    for s in range(n):
        size = p[D.accelerators, s] * p[D.speed, s]
        thermal += size * x[X.thermal_h, s]
        unserved += size * x[X.unserved_h, s]
        low += size * x[X.low_charge_h, s]
        fatigue += p[D.capacity_j, s] * x[X.fatigue, s]
        charge = x[X.charge_frac, s]
        price = weights.stored_per_j[s] * p[D.capacity_j, s]
        stored += price * (charge - weights.stored_curvature * charge * charge)
    changes = (
        thermal - head["thermal_sum"],
        unserved - head["unserved_sum"],
        low - head["low_charge_sum"],
        fatigue - head["fatigue_sum"],
        stored - head["stored_sum"],
    )
    head["thermal_sum"] = thermal
    head["unserved_sum"] = unserved
    head["low_charge_sum"] = low
    head["fatigue_sum"] = fatigue
    head["stored_sum"] = stored
    return changes


@routine
def reward_terms(terms, head, paid, weights, x, p, n):
    """Terms of the reward of one decision in points, (5,); `paid` is the value paid in it."""
    thermal, unserved, low, fatigue, stored = settle_account(head, weights, x, p, n)
    terms[COMPUTE] = weights.points * paid
    terms[THERMAL] = -weights.points * weights.thermal * thermal
    terms[ENERGY] = -weights.points * (weights.unserved * unserved + weights.low_charge * low)
    terms[WEAR] = -weights.points * weights.wear_per_j * fatigue
    terms[STORED] = weights.points * stored
