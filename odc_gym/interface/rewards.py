"""What is rewarded: named terms times weights, 100 = the value of the fleet's sustainable output over an episode."""

from __future__ import annotations

from typing import NamedTuple

from odc_gym._jit import routine
from odc_gym.simulation.state import D, X


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
        "thermal", "cost/thermal", "minus 0.10 x satellite-hours x (e + e^2/4), e = kelvins of junction over its limit"
    ),
    Term(
        "energy",
        "cost/energy",
        "minus satellite-hours x (f + f^2), f = share of bus and standby not served, and 4 (y + y^2), y = depth below "
        "the charge floor over the floor",
    ),
    Term("wear", "", "minus 22000 x linear fatigue damage of the batteries (Xu 2018)"),
    Term(
        "stored_energy",
        "",
        "change of 1.3 x kWh of capacity x (c - 0.15 c^2), c = charge: draining the battery at the end gains nothing",
    ),
)
COMPUTE, THERMAL, ENERGY, WEAR, STORED = range(len(TERMS))


class Weights(NamedTuple):
    """Weights of the terms in value, and the value that scores 100."""

    thermal: float
    unserved: float
    low_charge: float
    wear: float
    stored_per_j: float
    stored_curvature: float
    points: float  # points of score per unit of value


@routine
def settle_account(head, weights, x, p, n):
    """Changes of thermal, unserved, low charge, wear and stored energy since the last decision; the sums go on."""
    thermal = unserved = low = fatigue = stored = 0.0
    for s in range(n):
        thermal += x[X.thermal_h, s]
        unserved += x[X.unserved_h, s]
        low += x[X.low_charge_h, s]
        fatigue += x[X.fatigue, s]
        charge = x[X.charge_frac, s]
        stored += p[D.capacity_j, s] * (charge - weights.stored_curvature * charge * charge)
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
    terms[WEAR] = -weights.points * weights.wear * fatigue
    terms[STORED] = weights.points * weights.stored_per_j * stored
