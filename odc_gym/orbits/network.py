"""Own optical links and ground contacts over time: who sees whom, and which of these links are made.

All of it follows from where the satellites are, so it is known ahead: a plan that agents cannot change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from odc_gym.constants import EARTH_FLATTENING, EARTH_RADIUS_M
from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array

if TYPE_CHECKING:
    from odc_gym.scenario import Orbit

BLOCK_VALUES = 2_000_000  # pairs times steps that are held at once
DISTANCE_GRID_M = 0.125  # distances are rounded to it: equal ones stay equal, whatever a machine's last bits
NO_SITE = -1


class ShellGrid(NamedTuple):
    """Planes of a shell, and slots of a plane.

    Slot k of the last plane is beside slot k + phasing of the first, if the planes close the circle.
    """

    planes: int
    slots: int
    phasing: int
    closed: bool


@dataclass(frozen=True)
class LinkRules:
    """When two satellites can have a link, and which links are made.

    Attributes:
        topology: `grid` takes pairs in their order, `nearest` the shortest first; `mesh` takes pairs that never lose
            each other, those that join separate parts first, then those that stay nearest.
        terminals: links that each satellite can hold, (S,).
        range_m: longest link [m].
        grazing_m: height above the ellipsoid that a line of sight keeps [m].
        acquisition_steps: steps before a new link carries data.
    """

    topology: Literal["grid", "nearest", "mesh"]
    terminals: np.ndarray
    range_m: float
    grazing_m: float
    acquisition_steps: int


@dataclass(frozen=True)
class LinkPlan:
    """The links that are made over T steps, among the L pairs that ever have one.

    Attributes:
        pairs: satellites of each, (L, 2).
        held: whether terminals point at each other, (T, L).
        up: whether the link carries data, (T, L).
        distance_m: (T, L), rounded.
    """

    pairs: np.ndarray
    held: np.ndarray
    up: np.ndarray
    distance_m: Array


def all_pairs(satellites: int) -> np.ndarray:
    """Every pair of satellites, (S (S - 1) / 2, 2)."""
    return np.stack(np.triu_indices(satellites, 1), axis=1)


def shell_grid(orbit: Orbit) -> ShellGrid:
    """Planes and slots of a shell.

    The planes of a Walker delta close the circle; those of a Walker star and of sun-synchronous shells do not.

    Raises:
        OrbitError: a shell without planes.
    """
    if orbit.pattern == "cluster" or orbit.pattern == "tle":
        raise OrbitError(f"pattern = {orbit.pattern}: has no planes for a grid")
    return ShellGrid(orbit.planes, orbit.total // orbit.planes, orbit.phasing, orbit.pattern == "delta")


def grid_pairs(shells: Sequence[ShellGrid]) -> np.ndarray:
    """The pairs of a +Grid, (P, 2): neighbours along each plane first, then the same slots of neighbouring planes."""
    along: list[tuple[int, int]] = []
    across: list[tuple[int, int]] = []
    first = 0
    for planes, slots, phasing, closed in shells:
        for plane in range(planes):
            here = first + plane * slots
            along += [(here + k, here + (k + 1) % slots) for k in range(slots)]
            if plane + 1 < planes:
                across += [(here + k, here + slots + k) for k in range(slots)]
            elif closed:
                across += [(here + k, first + (k + phasing) % slots) for k in range(slots)]
        first += planes * slots
    ordered = dict.fromkeys((min(p), max(p)) for p in (*along, *across) if p[0] != p[1])
    return np.array(list(ordered), np.int64).reshape(-1, 2)


def in_sight(position_m: Array, pairs: np.ndarray, grazing_m: float) -> tuple[np.ndarray, Array]:
    """Which pairs see each other over the Earth, and how far they are apart [m], (T, P) both.

    The line between them must stay `grazing_m` above the WGS84 ellipsoid; the surface at that height is taken as the
    ellipsoid whose half-axes are as much longer, below 2 m from it. Squeezed along the axis it is a sphere, which the
    line misses if the foot of the perpendicular from the centre lies outside of it, or beyond an end of the line.

    Args:
        position_m: (T, S, 3), z along the Earth's axis.
        pairs: (P, 2).
        grazing_m: height that a line of sight keeps [m].
    """
    radius = EARTH_RADIUS_M + grazing_m
    squeezed = position_m * [1.0, 1.0, radius / (EARTH_RADIUS_M * (1 - EARTH_FLATTENING) + grazing_m)]
    a, b = pairs.T
    apart = position_m[:, a] - position_m[:, b]
    distance = np.sqrt(np.einsum("tpi,tpi->tp", apart, apart))
    product = np.einsum("tpi,tpi->tp", squeezed[:, a], squeezed[:, b])
    squared = np.einsum("tsi,tsi->ts", squeezed, squeezed)
    qa, qb = squared[:, a], squared[:, b]
    between = (product < qa) & (product < qb)
    # |a x b|^2 / |a - b|^2 is the squared distance of the line from the centre
    clear = qa * qb - product * product >= radius * radius * (qa + qb - 2 * product)
    return clear | ~between, np.round(distance / DISTANCE_GRID_M) * DISTANCE_GRID_M


def plan_links(position_m: Array, pairs: np.ndarray, rules: LinkRules) -> LinkPlan:
    """The links that are made: a link stays while it can, and free terminals take new ones.

    A new link must last longer than its acquisition. At the first step links have been there before.

    Args:
        position_m: (T, S, 3), z along the Earth's axis.
        pairs: that may have a link, (P, 2).
        rules: when, and which.
    """
    steps, wait = len(position_m), rules.acquisition_steps
    if rules.topology == "mesh":
        pairs = _lasting_pairs(position_m, pairs, rules)
    block = _steps_per_block(pairs)
    held = np.zeros(len(pairs), np.bool_)
    rows = []
    for begin in range(0, steps, block):
        seen, distance = in_sight(position_m[begin : begin + block + wait], pairs, rules.grazing_m)
        seen &= distance <= rules.range_m
        for k in range(min(block, steps - begin)):
            lasting = seen[k] & seen[min(k + wait, len(seen) - 1)]
            held = _links_of_step(held & seen[k], lasting, distance[k], pairs, rules)
            rows.append(np.flatnonzero(held))
    used = np.unique(np.concatenate(rows))
    table = np.zeros((steps, used.size), np.bool_)
    for t, row in enumerate(rows):
        table[t, np.searchsorted(used, row)] = True
    _, distance = in_sight(position_m, pairs[used], rules.grazing_m)
    return LinkPlan(pairs[used], table, acquired_links(table, wait), distance)


def _steps_per_block(pairs: np.ndarray) -> int:
    """Steps whose pairs are held at once."""
    return max(1, BLOCK_VALUES // max(len(pairs), 1))


def _lasting_pairs(position_m: Array, pairs: np.ndarray, rules: LinkRules) -> np.ndarray:
    """The pairs that can have a link at all steps, those that stay nearest first."""
    farthest = np.zeros(len(pairs))
    for begin in range(0, len(position_m), _steps_per_block(pairs)):
        seen, distance = in_sight(position_m[begin : begin + _steps_per_block(pairs)], pairs, rules.grazing_m)
        distance[~seen | (distance > rules.range_m)] = np.inf
        farthest = np.maximum(farthest, distance.max(axis=0))
    return pairs[np.argsort(farthest, kind="stable")][: np.isfinite(farthest).sum()]


def acquired_links(held: np.ndarray, wait: int) -> np.ndarray:
    """Which links have been held for `wait` steps before, (T, L); those of the first step have."""
    up = held.copy()
    for k in range(1, min(wait, len(held) - 1) + 1):
        up[k:] &= held[:-k]
        up[:k] &= held[0]
    return up


def _links_of_step(
    held: np.ndarray, lasting: np.ndarray, distance_m: Array, pairs: np.ndarray, rules: LinkRules
) -> np.ndarray:
    """The links of one step (P,), from those that are left of the step before."""
    satellites = rules.terminals.size
    free = rules.terminals - np.bincount(pairs[held].ravel(), minlength=satellites)
    has_free_terminal = free > 0
    candidates = np.flatnonzero(lasting & ~held & has_free_terminal[pairs[:, 0]] & has_free_terminal[pairs[:, 1]])
    if candidates.size == 0:
        return held
    held = held.copy()
    if rules.topology == "nearest":  # the pairs of the others come in their order
        candidates = candidates[np.argsort(distance_m[candidates], kind="stable")]
    component = _connected_components(pairs[held], satellites)
    for joining in (True, False) if rules.topology == "mesh" else (False,):
        for p in candidates.tolist():
            a, b = pairs[p]
            if held[p] or not (free[a] and free[b]) or (joining and component[a] == component[b]):
                continue
            held[p] = True
            free[a] -= 1
            free[b] -= 1
            component[component == component[b]] = component[a]
    return held


def _connected_components(links: np.ndarray, satellites: int) -> np.ndarray:
    """The connected component that each satellite belongs to, (S,)."""
    graph = csr_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(satellites, satellites))
    return np.asarray(connected_components(graph, directed=False)[1])


def ground_contacts(
    elevation_deg: Array, minimum_deg: float, antennas: np.ndarray, site_up: np.ndarray | None = None
) -> np.ndarray:
    """The site that serves each satellite, (T, S), `NO_SITE` if none.

    A satellite keeps its site while it is above the least elevation; else it takes the highest site with an antenna
    free, the highest satellite first.

    Args:
        elevation_deg: of each satellite at each site, (T, S, G).
        minimum_deg: least elevation [deg].
        antennas: of each site, (G,).
        site_up: whether each site works, (T, G); all do if None.
    """
    steps, satellites, sites = elevation_deg.shape
    seen = elevation_deg >= minimum_deg
    if site_up is not None:
        seen &= site_up[:, None, :]
    sees_site = np.asarray(seen.any(axis=2))
    everyone = np.arange(satellites)
    table = np.full((steps, satellites), NO_SITE, np.int16)
    serving = np.full(satellites, NO_SITE, np.int16)
    for t in range(steps):
        serving[(serving < 0) | ~seen[t, everyone, serving]] = NO_SITE
        waiting = np.flatnonzero(sees_site[t] & (serving < 0))
        if waiting.size:
            free = antennas - np.bincount(serving[serving >= 0], minlength=sites)
            _assign_sites(serving, waiting, np.where(seen[t, waiting], elevation_deg[t, waiting], -math.inf), free)
        table[t] = serving
    return table


def _assign_sites(serving: np.ndarray, waiting: np.ndarray, elevation_deg: Array, free: np.ndarray) -> None:
    """Give the satellites `waiting` the highest site that is free, by elevations (W, G); -inf is out of sight."""
    for w in np.argsort(-elevation_deg.max(axis=1), kind="stable"):
        heights = np.where(free > 0, elevation_deg[w], -math.inf)
        g = int(heights.argmax())
        if heights[g] > -math.inf:
            serving[waiting[w]] = g
            free[g] -= 1


def run_lengths(table: np.ndarray, absent: int) -> np.ndarray:
    """Lengths in steps of the runs of one value, but `absent`, in the columns of (T, N).

    Runs that begin or end the table are left out: nobody knows how long they are.
    """
    lengths = []
    for column in table.T:
        edges = np.flatnonzero(column[1:] != column[:-1]) + 1
        lengths += [end - begin for begin, end in pairwise(edges) if column[begin] != absent]
    return np.array(lengths, np.int64)
