"""What is rewarded: named terms times weights, 100 = the value of the fleet's sustainable output over an episode."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.environment import Environment


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
def settle_account(weights: Weights, env: Environment) -> tuple[float, float, float, float, float]:
    """Changes of thermal, unserved, low charge, wear and stored energy since the last decision; the sums go on.

    The first three in hours of reference accelerators, wear in joules of capacity, stored energy in value: violations
    weigh by size.
    """
    sat, design, scalars = env.sat, env.design, env.scalars[0]
    thermal = unserved = low = fatigue = stored = 0.0
    for s in range(env.num_satellites):
        size = design.accelerators[s] * design.speed[s]
        thermal += size * sat.thermal_h[s]
        unserved += size * sat.unserved_h[s]
        low += size * sat.low_charge_h[s]
        fatigue += design.capacity_j[s] * sat.fatigue[s]
        charge = sat.charge_frac[s]
        price = weights.stored_per_j[s] * design.capacity_j[s]
        stored += price * (charge - weights.stored_curvature * charge * charge)
    changes = (
        thermal - scalars["thermal_sum"],
        unserved - scalars["unserved_sum"],
        low - scalars["low_charge_sum"],
        fatigue - scalars["fatigue_sum"],
        stored - scalars["stored_sum"],
    )
    scalars["thermal_sum"] = thermal
    scalars["unserved_sum"] = unserved
    scalars["low_charge_sum"] = low
    scalars["fatigue_sum"] = fatigue
    scalars["stored_sum"] = stored
    return changes


@routine
def reward_terms(terms: np.ndarray, paid: float, weights: Weights, env: Environment) -> None:
    """Terms of the reward of one decision in points, (5,); `paid` is the value paid in it."""
    thermal, unserved, low, fatigue, stored = settle_account(weights, env)
    terms[COMPUTE] = weights.points * paid
    terms[THERMAL] = -weights.points * weights.thermal * thermal
    terms[ENERGY] = -weights.points * (weights.unserved * unserved + weights.low_charge * low)
    terms[WEAR] = -weights.points * weights.wear_per_j * fatigue
    terms[STORED] = weights.points * stored
