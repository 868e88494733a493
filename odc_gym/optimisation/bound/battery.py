"""Battery of a group as straight lines: losses that grow with the rate, and the value of the charge at the end.

A concave function lies below its tangents. Lengths between the points where neighbours cross, each with the slope of
its tangent, are therefore a relaxation of it: a programme that maximises takes the steepest first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.constants import KWH_J
from odc_gym.optimisation.bound.accelerators import KW
from odc_gym.optimisation.bound.episode import Episode
from odc_gym.physics.ageing import FILM_RATE, MIN_CAPACITY_FRAC
from odc_gym.physics.battery import LOSS_PER_RATE

RATES = np.array([0.0, 0.15, 0.3, 0.5, 0.75, 1.0])  # shares of the largest power at which losses are touched
LEVELS = np.linspace(0.0, 1.0, 6)  # charges at which the value of the stored energy is touched
OVERDRAW = 1.1  # largest discharge over the limit of the rate: leakage may exceed its forecast


class Lines(NamedTuple):
    """Straight pieces of a function of each group, from 0 on: lengths and slopes, (G, K) each."""

    length: np.ndarray
    slope: np.ndarray


def touching_lines(points: np.ndarray, slopes: np.ndarray) -> Lines:
    """Return the pieces of the tangents at ascending points that begin at 0, up to the last point; (G, K) each."""
    cuts = np.concatenate([0.5 * (points[:, 1:] + points[:, :-1]), points[:, -1:]], 1)
    return Lines(np.diff(cuts, prepend=0.0, axis=1), slopes)


def charging(episode: Episode) -> Lines:
    """Return the pieces of charging: power at the terminals [kW], and the share that reaches the cells.

    The loss of power p is p (fixed + slope p), see `physics.battery`, with the coefficients of the best temperature.
    """
    design = episode.design
    most_kw = KW * episode.total(design.rate_charge_w)
    return _with_loss(episode, np.maximum(episode.least(design.base_in), 0.0), most_kw, -1.0)


def discharging(episode: Episode) -> Lines:
    """Return the pieces of discharging: power at the terminals [kW], and the energy that the cells give for a unit."""
    design = episode.design
    most_kw = KW * OVERDRAW * episode.total(design.rate_discharge_w)
    return _with_loss(episode, np.maximum(episode.least(design.base_out), 0.0), most_kw, 1.0)


def _with_loss(episode: Episode, fixed: np.ndarray, most_kw: np.ndarray, sign: float) -> Lines:
    """Return the pieces of a power with losses; `sign` is 1 where the loss adds to the power of the cells."""
    slope = episode.least(episode.design.cell_law) * LOSS_PER_RATE[0] / (KW * episode.total(episode.design.one_hour_w))
    powers = most_kw[:, None] * RATES
    return touching_lines(powers, 1.0 + sign * (fixed[:, None] + 2.0 * slope[:, None] * powers))


def value_of_charge(episode: Episode) -> Lines:
    """Return the pieces of the value of the charge at the end: energy of each group [kWh], and points for a kWh.

    The charge is the energy over the capacity that is left. A battery that fades keeps its charge, and so spares
    energy. Wear costs more than that, so that the capacity at the start may be taken, unless wear is nearly free.
    """
    design, curvature = episode.design, episode.weights.stored_curvature
    left = episode.state.capacity_left
    fade = (design.film_frac * FILM_RATE + 1.0) / left  # most relative loss of capacity for a unit of damage
    stored_per_j = episode.weights.stored_per_j[: len(left)]
    pays = episode.weights.wear_per_j >= stored_per_j * fade
    capacity_j = design.capacity_j * np.where(pays, left, MIN_CAPACITY_FRAC)
    most = episode.total(design.capacity_j * left) / KWH_J
    points = episode.most(episode.points_of_charge * design.capacity_j / capacity_j)
    levels = np.repeat(LEVELS[None], episode.groups, 0)
    lines = touching_lines(levels, points[:, None] * (1.0 - 2.0 * curvature * levels))
    return Lines(lines.length * most[:, None], lines.slope)
