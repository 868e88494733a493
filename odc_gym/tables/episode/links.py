"""Network tables of an episode for the compiled core, and their arrays for a batch."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from odc_gym.core.layout.network import GridShell, Links
from odc_gym.orbits import Ephemeris
from odc_gym.orbits.grid import GridNet
from odc_gym.orbits.routes import PairTables
from odc_gym.orbits.sightings import Sightings
from odc_gym.tables.episode.network import (
    ALL_AVAILABLE,
    NetworkAvailability,
    NetworkPlan,
    link_rates_gbps,
    plan_network,
)
from odc_gym.tables.fleet.fleet_model import FleetModel

BITS = 8.0


def network_links(
    fleet: FleetModel,
    ephemeris: Ephemeris,
    availability: NetworkAvailability = ALL_AVAILABLE,
    sightings: Sightings | None = None,
) -> Links:
    """Return the network tables of an episode; see `network.plan_network`."""
    return link_tables(fleet, plan_network(fleet, ephemeris, availability, sightings))


def link_tables(fleet: FleetModel, plan: NetworkPlan) -> Links:
    """Return the tables of a planned network.

    Episodes that share the routes between satellites share the arrays of these routes.
    """
    routes, pairs = plan.routes, plan.pairs or no_pairs(fleet.satellites, plan.grid)
    shell_of, shells, link_s, isl_up = no_grid() if plan.grid is None else grid_tables(plan.grid, plan.isl_up)
    tables = Links(
        epoch=pairs.of_step,
        next_hop=pairs.next_hop,
        hops=pairs.hops,
        expiry_step=pairs.expiry_step,
        neighbours=pairs.neighbours,
        shell_of=shell_of,
        shells=shells,
        shell_link_s=link_s,
        isl_up=isl_up,
        ground_hop=routes.next_hop.astype(np.int32),
        ground_gb_s=(plan.direct.rate_gbps / BITS).astype(np.float32),
        ground_hops=routes.hops,
        ground_latency_s=routes.latency_s.astype(np.float32),
        ground_expiry_step=plan.ground_closes,
        isl_gb_s=(link_rates_gbps(fleet) / BITS).astype(np.float32),
        bridged=np.full(1, fleet.scenario.network.backbone is not None, np.int8),
    )
    return Links(*(np.ascontiguousarray(table) for table in tables))


@lru_cache(maxsize=8)
def no_pairs(satellites: int, grid: GridNet | None) -> PairTables:
    """Return empty tables of pairs: routes follow from the grid, or there are no links between satellites."""
    empty = np.zeros((1, 0, 0), np.int16)
    neighbours = np.zeros((1, satellites, 0), np.int32) if grid is None else grid.neighbours[None]
    return PairTables(np.zeros(1, np.int32), empty, empty, empty.astype(np.int32), neighbours)


def grid_tables(grid: GridNet, isl_up: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the tables of a grid: shell of each satellite, shells, latencies, and satellites whose terminals work."""
    assert isl_up is not None
    return grid.shell_of, grid.numbers, grid.link_s, isl_up


@lru_cache(maxsize=1)
def no_grid() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the empty tables of a fleet without a grid."""
    return (
        np.zeros(0, np.int32), np.zeros((0, len(GridShell._fields)), np.int64), np.zeros((0, 2)),
        np.zeros((1, 0), np.int8),
    )  # fmt: skip


class LinkBatch:
    """Network tables of each row of a batch; a table that all rows share is stored once.

    Attributes:
        arrays: `Links` with a leading axis of rows, which has length 1 for a shared table.
    """

    arrays: Links

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._is_shared: list[bool] = []  # for each table; empty until the first episode

    def put(self, rows: int | np.ndarray, links: Links) -> None:
        """Set the tables of a row, or of rows (N,), to those of an episode."""
        if not self._is_shared:
            self._is_shared = [True] * len(links)
            self.arrays = Links(*(table[None] for table in links))
        for i, table in enumerate(links):
            if not (self._is_shared[i] and _same_table(self.arrays[i], table)):
                self._write(i, rows, table)

    def row(self, row: int) -> Links:
        """Return the tables of a row."""
        return Links(*(array[row if len(array) > 1 else 0] for array in self.arrays))

    def _write(self, i: int, rows: int | np.ndarray, table: np.ndarray) -> None:
        array = self.arrays[i]
        if self._is_shared[i]:
            array = np.repeat(array, self._rows, axis=0)
            self._is_shared[i] = False
        if len(table) > array.shape[1]:  # this episode has more topologies than any before
            array = np.pad(array, [(0, 0), (0, len(table) - array.shape[1]), *[(0, 0)] * (table.ndim - 1)])
        array[rows, : len(table)] = table
        if array is not self.arrays[i]:  # whoever bound the arrays need not bind them again
            self.arrays = self.arrays._replace(**{Links._fields[i]: array})


def _same_table(shared: np.ndarray, table: np.ndarray) -> bool:
    """Return whether an array that all rows share holds this table; in a copied batch it is another object."""
    return shared.base is table or np.array_equal(shared[0], table)
