"""Grids of large fleets: links along planes and across them that last, and the routes to the ground over them.

A small fleet plans its links step by step, and has tables of the routes of all pairs of satellites
(`odc_gym.orbits.routes`). These tables grow with the square of the fleet. A grid needs a few numbers for each shell:
the core finds the route between two satellites from their planes and slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from odc_gym.orbits.frames import Array
from odc_gym.orbits.kernels import relax_ground_routes
from odc_gym.orbits.network import ShellGrid, grid_pairs, neighbour_table
from odc_gym.orbits.routes import GroundRoutes

GRID_LINKS = 4  # links of a satellite: two along the plane and two across
NO_SHELL = -1


@dataclass(frozen=True)
class ShellLinks:
    """Links of one shell.

    Attributes:
        grid: planes and slots.
        along: True if links along the planes last; a shell without them has no links.
        across: True if links across the planes last.
        along_s: latency of a link along a plane [s].
        across_s: latency of a link across planes [s]; 1 without such links.
    """

    grid: ShellGrid
    along: bool
    across: bool
    along_s: float
    across_s: float

    def pairs(self) -> np.ndarray:
        """Return the satellites of each link, (L, 2), counted from the first of the shell."""
        pairs = grid_pairs([self.grid])
        in_plane = pairs[:, 0] // self.grid.slots == pairs[:, 1] // self.grid.slots
        return np.asarray(pairs[(in_plane & self.along) | (~in_plane & self.along & self.across)])


class GridNet:
    """Links of a fleet's grids, and the numbers that routes follow from. S satellites are in N shells.

    Attributes:
        shells: links of each shell.
        shell_of: shell of each satellite, (S,); `NO_SHELL` in a shell without links.
        numbers: columns of `core.layout.network.GridShell`, (N, 6).
        link_s: latency of a link along a plane and of one across planes [s], (N, 2).
        neighbours: satellites at the other ends of a satellite's links, (S, K), then `NO_NEIGHBOUR`.
        neighbour_s: latencies of these links [s], (S, K).
        component: connected component of each satellite, (S,): its shell, or its plane without links across, or itself.
    """

    def __init__(self, shells: Sequence[ShellLinks]) -> None:
        self.shells = tuple(shells)
        sizes = [shell.grid.planes * shell.grid.slots for shell in shells]
        first = np.cumsum([0, *sizes])
        linked = np.array([i if shell.along else NO_SHELL for i, shell in enumerate(shells)], np.int32)
        self.shell_of = np.repeat(linked, sizes)
        self.numbers = np.array(
            [(begin, *shell.grid, shell.across) for begin, shell in zip(first, shells, strict=False)],
            np.int64,
        )
        self.link_s = np.array([(shell.along_s, shell.across_s) for shell in shells])
        pairs = np.concatenate([shell.pairs() + begin for begin, shell in zip(first, shells, strict=False)])
        self.neighbours = neighbour_table(pairs, int(first[-1]), GRID_LINKS)
        slots = np.repeat([shell.grid.slots for shell in shells], sizes)
        shell = np.repeat(np.arange(len(shells)), sizes)
        plane = (np.arange(first[-1]) - np.repeat(first[:-1], sizes)) // slots
        crosses = plane[:, None] != plane[self.neighbours]
        self.neighbour_s = np.ascontiguousarray(self.link_s[shell[:, None], crosses.astype(int)])
        across, along = (np.array([getattr(each, name) for each in shells])[shell] for name in ("across", "along"))
        key = np.where(along, np.where(across, first[shell], first[shell] + plane * slots), np.arange(first[-1]))
        self.component = np.unique(key, return_inverse=True)[1].astype(np.int32)


def grid_ground_routes(direct_s: Array, net: GridNet, isl_up: np.ndarray) -> GroundRoutes:
    """Find the fastest route of each satellite to the ground over a grid.

    A satellite with a link of its own to the ground uses it, and passes on the data of others.

    Args:
        direct_s: latency of each satellite's own link to the ground [s], (T, S), inf if it has none.
        net: links of the grid.
        isl_up: whether each satellite and its terminals work, (T, S) int8; or (1, S) where nothing changes.
    """
    shape, satellites = direct_s.shape, direct_s.shape[1]
    routes = GroundRoutes(
        np.empty(shape, np.int32), np.empty(shape, np.int16), np.empty(shape), np.empty(shape, np.int32)
    )
    relax_ground_routes(
        np.ascontiguousarray(direct_s), isl_up, net.neighbours, net.neighbour_s, routes.next_hop, routes.hops,
        routes.latency_s, routes.exit_satellite, np.empty(satellites, np.int64), np.zeros(satellites, np.bool_),
    )  # fmt: skip
    return routes
