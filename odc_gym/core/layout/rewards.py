"""Weights of the reward, and the sums over the fleet that they weigh."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.array_types import Float64x1


class Weights(NamedTuple):
    """Weights of the terms in value, and the value that scores 100.

    A field that the scenario's block `reward` has under the same name takes its value from there; the others are
    derived in `tables.fleet.parameters.reward_weights`.
    """

    thermal: float  # this and the next two: per satellite-hour and reference accelerator
    unserved: float
    low_charge: float
    wear_per_j: float  # per unit of damage and joule of capacity
    stored_per_j: Float64x1  # (P,), price of a joule at an empty battery
    stored_curvature: float
    points: float  # points of score per unit of value


REWARD_SUMS = np.dtype([(name, "f8") for name in ("thermal", "unserved", "low_charge", "fatigue", "stored")])
"""Sums over the fleet at the last decision, whose changes the terms weigh.

Thermal, unserved and low charge are hours of reference accelerators. Fatigue is in joules of capacity. Stored is the
value of the stored energy; it alone does not begin an episode at zero.
"""
