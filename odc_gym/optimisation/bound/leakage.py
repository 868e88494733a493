"""Leakage of an episode: chips are as warm as the heat that their satellite radiates makes them.

Leakage grows with the temperature of the junction. Chips that are cold for a while must be warm at other times, as the
radiator has to give off all heat. The bound on an episode's leakage follows from the equations of the nodes in
`physics.thermal`. With h the heat of compute and leakage, W all other heat, and q the heat flows between nodes, the sum
of the equations, each times its temperature, is

    int h T1 = 1/2 sum C d(T^2) - int W T3 + k int T3^5 + int q12^2 / G12 + int q23^2 / G23.

T^5 is convex in the radiated T^4, and squares of flows are convex. Tangents at a steady state therefore give a lower
bound of the mean junction temperature over the heat, which is linear in the heat of the episode. Leakage over heat is
convex in temperature, so that its tangent at this temperature is a lower bound of the leakage.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.constants import KWH_J
from odc_gym.optimisation.bound.episode import Episode
from odc_gym.physics.thermal import REFERENCE_K

HOTTEST_OVER_TRIP_K = 5.0  # no node is hotter than this above the junction temperature that trips compute
COLDEST_K = 200.0  # no radiator is colder
HEATS = (0.35, 0.5, 0.65, 0.8)  # mean heat of compute over that at full load at which tangents touch
MARGIN = 0.002  # share of the heat by which leakage may be less: the simulator's nodes are integrated in steps


class LeakageLines(NamedTuple):
    """Lower bounds of the heat of compute: `share * heat >= power + constant - unserved * missing`, (K, G) each.

    Heat and power are those of compute over the episode: quoted power with leakage, and without. `missing` is energy of
    the bus that is not served and does not warm the radiator. Energies are in kilowatt-hours.
    """

    share: np.ndarray
    constant: np.ndarray
    unserved: np.ndarray


def leakage_lines(episode: Episode) -> LeakageLines:
    """Return the bounds for each group, one for each of `HEATS`."""
    least = 1.0 / (1.0 - episode.design.leak)  # share of satellites without a line: the least leakage
    shares, constants, missing = [], [], []
    for heat in HEATS:
        line, holds = _lines_at(episode, heat)
        shares.append(episode.most(np.where(holds, line.share, least)))
        constants.append(episode.total(np.where(holds, line.constant, 0.0)))
        missing.append(episode.most(np.where(holds, line.unserved, 0.0)))
    return LeakageLines(np.stack(shares), np.stack(constants), np.stack(missing))


def _lines_at(episode: Episode, heat: float) -> tuple[LeakageLines, np.ndarray]:
    """Return the bounds of each satellite for tangents at a mean heat, (S,) each, and where they hold, (S,) bool."""
    d, span_s = episode.design, float(episode.grid.edges_s[-1])
    hottest = d.trip_k + HOTTEST_OVER_TRIP_K
    other_w = d.absorb_m2 * episode.absorbed_w_m2 + (1.0 + d.loss) * np.minimum(d.safe_w, d.bus_w)
    mean_w = other_w.mean(0)
    heat_w = heat * np.maximum(1.0, d.host_w + d.accelerators * (d.idle_each_w + d.dynamic_each_w))
    steady = (((1.0 + d.loss) * heat_w + mean_w) / d.radiation) ** 0.25
    relief = mean_w / (4.0 * d.radiation * steady**3)
    touch = np.maximum(steady, 0.8 * (hottest + relief) * 1.0001)  # so that other heat never lowers the bound
    radiated = 1.25 * touch - relief  # kelvin for each joule that is radiated
    swing = 0.5 * np.abs(other_w - mean_w).mean(0) * (hottest - COLDEST_K)
    # int h T1 >= slope * int h + fixed * span + boundary
    slope = radiated * (1.0 + d.loss) - d.loss * hottest + 2.0 * heat_w * (1.0 / d.g12_on + 1.0 / d.g23_on)
    fixed = radiated * mean_w - 0.25 * d.radiation * touch**5 - 0.75 * mean_w * steady - swing
    fixed -= heat_w**2 * (1.0 / d.g12_on + 1.0 / d.g23_on)
    boundary = np.zeros_like(slope)
    nodes = ((d.ic1, episode.state.plate_k), (d.ic2, episode.state.loop_k), (d.ic3, episode.state.radiator_k))
    for inverse, begin in nodes:
        rise = np.maximum(hottest - begin, 0.0)
        boundary += np.minimum((0.5 * (hottest + begin) - radiated) * rise, 0.0) / inverse
    rise_j = np.maximum(hottest - episode.state.plate_k, 0.0) / d.ic1
    boundary -= 2.0 * heat_w * rise_j / d.g12_on
    rise_j += np.maximum(hottest - episode.state.loop_k, 0.0) / d.ic2
    boundary -= 2.0 * heat_w * rise_j / d.g23_on
    # the junction is above the plate by the power, which is the heat less leakage
    per_power = d.r_junction / (1.0 + _leakage(hottest, d.leak, d.inverse_double_k))
    slope += per_power * 2.0 * heat_w
    fixed -= per_power * heat_w**2
    junction = slope + fixed / heat_w  # mean junction temperature at this heat
    frac = _leakage(junction, d.leak, d.inverse_double_k)
    over_heat = frac / (1.0 + frac)
    growth = np.log(2.0) * d.inverse_double_k * (frac + d.leak) / (1.0 + frac) ** 2
    share = 1.0 - (over_heat + growth * (slope - junction)) + MARGIN
    constant = growth * (fixed * span_s + boundary) / KWH_J
    holds = (radiated >= hottest) & (d.accelerators > 0.0) & (d.leak > 0.0)
    return LeakageLines(share, constant, growth * radiated * (1.0 + d.loss)), holds


def _leakage(junction_k: np.ndarray, leak: np.ndarray, inverse_double_k: np.ndarray) -> np.ndarray:
    """Return the leakage over the quoted power, as `physics.thermal.leakage_frac` does."""
    return np.asarray(leak * (2.0 ** (inverse_double_k * (junction_k - REFERENCE_K)) - 1.0))
