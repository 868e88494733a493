"""Reward: named terms times weights. 100 points are the value of the fleet's sustainable output over an episode."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.rewards import Weights


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


@routine
def fleet_sums(sums: np.void, weights: Weights, env: Environment) -> None:
    """Sum the accounts of all satellites; violations weigh by the size of the satellite.

    Args:
        sums: written, a record of REWARD_SUMS.
        weights: of the reward.
        env: the environment.
    """
    sat, design = env.sat, env.design
    thermal = unserved = low_charge = fatigue = stored = 0.0
    for s in range(env.num_satellites):
        size = design.accelerators[s] * design.speed[s]
        thermal += size * sat.thermal_h[s]
        unserved += size * sat.unserved_h[s]
        low_charge += size * sat.low_charge_h[s]
        fatigue += design.capacity_j[s] * sat.fatigue[s]
        charge = sat.charge_frac[s]
        price = weights.stored_per_j[s] * design.capacity_j[s]
        stored += price * (charge - weights.stored_curvature * charge * charge)
    sums["thermal"], sums["unserved"], sums["low_charge"] = thermal, unserved, low_charge
    sums["fatigue"], sums["stored"] = fatigue, stored


@routine
def reward_terms(terms: np.ndarray, paid: float, weights: Weights, env: Environment) -> None:
    """Write the terms of the reward of one decision [points].

    Args:
        terms: written, (5,).
        paid: value paid in the decision.
        weights: of the reward.
        env: the environment; its sums go on.
    """
    before, now = env.reward_sums[0], env.reward_sums[1]
    fleet_sums(now, weights, env)
    thermal, unserved = now["thermal"] - before["thermal"], now["unserved"] - before["unserved"]
    low_charge = now["low_charge"] - before["low_charge"]
    terms[COMPUTE] = weights.points * paid
    terms[THERMAL] = -weights.points * weights.thermal * thermal
    terms[ENERGY] = -weights.points * (weights.unserved * unserved + weights.low_charge * low_charge)
    terms[WEAR] = -weights.points * weights.wear_per_j * (now["fatigue"] - before["fatigue"])
    terms[STORED] = weights.points * (now["stored"] - before["stored"])
    env.reward_sums[0] = now
