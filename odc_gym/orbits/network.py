"""Links between satellites and contacts with ground sites: visibility over time, and the plan of links.

Both follow from the positions of the satellites, so they are known in advance. Agents cannot change the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from odc_gym.constants import EARTH_FLATTENING, EARTH_RADIUS_M
from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array
from odc_gym.orbits.kernels import assign_sites
from odc_gym.orbits.sightings import Sightings

if TYPE_CHECKING:
    from odc_gym.scenario import Orbit

BLOCK_VALUES = 2_000_000  # pairs times steps that are in memory at once
DISTANCE_GRID_M = 0.125  # distances are rounded to it, so that equal distances stay equal on every machine
NO_SITE = -1
NO_NEIGHBOUR = -1


class ShellGrid(NamedTuple):
    """Planes of a shell, and slots of a plane.

    If the planes close the circle, slot k of the last plane neighbours slot k + phasing of the first.
    """

    planes: int
    slots: int
    phasing: int
    closed: bool


@dataclass(frozen=True)
class LinkRules:
    """Rules for the links between satellites: which are possible, and which are made.

    Attributes:
        topology: `grid` takes pairs in their order, and `nearest` takes the shortest first. `mesh` takes pairs that
            never lose each other: first those that join separate components, then those that stay nearest.
        terminals: links that each satellite can hold, (S,).
        range_m: longest link [m].
        grazing_m: least height of a line of sight above the ellipsoid [m].
        acquisition_steps: steps before a new link carries data.
    """

    topology: Literal["grid", "nearest", "mesh"]
    terminals: np.ndarray
    range_m: float
    grazing_m: float
    acquisition_steps: int


@dataclass(frozen=True)
class LinkPlan:
    """Links over T steps, among the L pairs that ever have a link.

    Attributes:
        pairs: satellites of each link, (L, 2).
        held: whether the terminals point at each other, (T, L).
        up: whether the link carries data, (T, L).
        distance_m: distance of each pair [m], (T, L), rounded.
    """

    pairs: np.ndarray
    held: np.ndarray
    up: np.ndarray
    distance_m: Array


def all_pairs(satellites: int) -> np.ndarray:
    """Return every pair of satellites, (S (S - 1) / 2, 2)."""
    return np.stack(np.triu_indices(satellites, 1), axis=1)


def shell_grid(orbit: Orbit) -> ShellGrid:
    """Return planes and slots of a shell.

    The planes of a Walker delta close the circle. Those of a Walker star and of sun-synchronous shells do not.

    Raises:
        OrbitError: the shell has no planes.
    """
    if orbit.pattern == "cluster" or orbit.pattern == "tle":
        raise OrbitError(f"pattern = {orbit.pattern}: has no planes for a grid")
    return ShellGrid(orbit.planes, orbit.total // orbit.planes, orbit.phasing, orbit.pattern == "delta")


def grid_pairs(shells: Sequence[ShellGrid]) -> np.ndarray:
    """Return the pairs of a +Grid, (P, 2).

    Neighbours along each plane come first, then equal slots of neighbouring planes.
    """
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


def neighbour_table(pairs: np.ndarray, satellites: int, width: int) -> np.ndarray:
    """Return the satellites at the other ends of each satellite's links, (S, width) int32, then `NO_NEIGHBOUR`.

    Args:
        pairs: satellites of each link, (L, 2).
        satellites: S.
        width: columns of the table, at least the most links of a satellite.
    """
    ends = np.concatenate([pairs, pairs[:, ::-1]])
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    table = np.full((satellites, width), NO_NEIGHBOUR, np.int32)
    table[ends[:, 0], np.arange(len(ends)) - np.searchsorted(ends[:, 0], ends[:, 0])] = ends[:, 1]
    return table


def in_sight(position_m: Array, pairs: np.ndarray, grazing_m: float) -> tuple[np.ndarray, Array]:
    """Return whether pairs see each other past the Earth, and their distance [m], (T, P) both.

    The line of sight must stay `grazing_m` above the WGS84 ellipsoid. The surface at that height is approximated by the
    ellipsoid whose half-axes are longer by `grazing_m`, within 2 m. Scaling the z axis turns this ellipsoid into a
    sphere. The line misses the sphere if the foot of the perpendicular from the centre lies outside the sphere, or
    beyond an end of the line.

    Args:
        position_m: (T, S, 3) positions [m], z along the Earth's axis.
        pairs: (P, 2) satellites of each pair.
        grazing_m: least height of a line of sight above the ellipsoid [m].
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
    """Plan the links of each step.

    A link stays as long as it is possible, and free terminals take new links. A new link must last longer than its
    acquisition. Links of the first step count as acquired before it.

    Args:
        position_m: (T, S, 3) positions [m], z along the Earth's axis.
        pairs: pairs that may have a link, (P, 2).
        rules: rules for possible links and for their choice.
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
            held = _choose_links(held & seen[k], lasting, distance[k], pairs, rules)
            rows.append(np.flatnonzero(held))
    used = np.unique(np.concatenate(rows))
    table = np.zeros((steps, used.size), np.bool_)
    for t, row in enumerate(rows):
        table[t, np.searchsorted(used, row)] = True
    _, distance = in_sight(position_m, pairs[used], rules.grazing_m)
    return LinkPlan(pairs[used], table, acquired_links(table, wait), distance)


def _steps_per_block(pairs: np.ndarray) -> int:
    """Return the number of steps for which all pairs are in memory at once."""
    return max(1, BLOCK_VALUES // max(len(pairs), 1))


def _lasting_pairs(position_m: Array, pairs: np.ndarray, rules: LinkRules) -> np.ndarray:
    """Return the pairs that can have a link at all steps, sorted by their largest distance."""
    farthest = np.zeros(len(pairs))
    for begin in range(0, len(position_m), _steps_per_block(pairs)):
        seen, distance = in_sight(position_m[begin : begin + _steps_per_block(pairs)], pairs, rules.grazing_m)
        distance[~seen | (distance > rules.range_m)] = np.inf
        farthest = np.maximum(farthest, distance.max(axis=0))
    return pairs[np.argsort(farthest, kind="stable")][: np.isfinite(farthest).sum()]


def acquired_links(held: np.ndarray, wait: int) -> np.ndarray:
    """Return the links that were held for the `wait` steps before, (T, L).

    Links of the first step count as held before it.
    """
    up = held.copy()
    for k in range(1, min(wait, len(held) - 1) + 1):
        up[k:] &= held[:-k]
        up[:k] &= held[0]
    return up


def _choose_links(
    held: np.ndarray, lasting: np.ndarray, distance_m: Array, pairs: np.ndarray, rules: LinkRules
) -> np.ndarray:
    """Choose the links of one step (P,), starting from the links that remain from the step before."""
    satellites = rules.terminals.size
    free = rules.terminals - np.bincount(pairs[held].ravel(), minlength=satellites)
    has_free_terminal = free > 0
    candidates = np.flatnonzero(lasting & ~held & has_free_terminal[pairs[:, 0]] & has_free_terminal[pairs[:, 1]])
    if candidates.size == 0:
        return held
    held = held.copy()
    if rules.topology == "nearest":  # other topologies take pairs in the order of `pairs`
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
    """Return the connected component of each satellite, (S,)."""
    from scipy.sparse import csr_array  # few scenarios need it, and its import takes a tenth of a second
    from scipy.sparse.csgraph import connected_components

    graph = csr_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(satellites, satellites))
    return np.asarray(connected_components(graph, directed=False)[1])


class Contacts(NamedTuple):
    """Contacts of S satellites with ground sites over T steps."""

    site: np.ndarray  # (T, S) site that serves each satellite, `NO_SITE` if none
    range_m: Array  # (T, S) distance to it [m], 0 without one


def ground_contacts(sightings: Sightings, antennas: np.ndarray) -> Contacts:
    """Return the contacts with ground sites.

    A satellite keeps its site while the site sees it. Otherwise it takes the site that sees it highest among those with
    a free antenna. Satellites with the highest elevation choose first.

    Args:
        sightings: satellites that sites see.
        antennas: antennas of each site, (G,).
    """
    steps, satellites, sites = len(sightings.begin) - 1, sightings.satellites, len(antennas)
    contacts = Contacts(np.full((steps, satellites), NO_SITE, np.int16), np.zeros((steps, satellites)))
    dtypes = (np.int64, np.int32, np.int16, np.float64, np.float64)
    columns = (np.ascontiguousarray(column, dtype) for column, dtype in zip(sightings[:-1], dtypes, strict=True))
    assign_sites(
        *columns, np.ascontiguousarray(antennas, np.int64), *contacts, np.empty(sites, np.int64), np.empty(satellites),
        np.empty(satellites, np.int64),
    )  # fmt: skip
    return contacts


def run_lengths(table: np.ndarray, absent: int) -> np.ndarray:
    """Return the lengths in steps of the runs of equal values in the columns of (T, N), except runs of `absent`.

    Runs that begin or end the table are left out, because their full lengths are unknown.
    """
    lengths = []
    for column in table.T:
        edges = np.flatnonzero(column[1:] != column[:-1]) + 1
        lengths += [end - begin for begin, end in pairwise(edges) if column[begin] != absent]
    return np.array(lengths, np.int64)
