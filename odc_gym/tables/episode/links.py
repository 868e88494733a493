"""The network of an episode as tables of the compiled core, and as arrays of a batch."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from odc_gym.core.layout.environment import Links
from odc_gym.orbits import Ephemeris
from odc_gym.orbits.routes import FOREVER, NO_ROUTE, PairTables
from odc_gym.tables.episode.network import (
    ALL_AVAILABLE,
    NetworkAvailability,
    NetworkPlan,
    link_rates_gbps,
    plan_network,
)
from odc_gym.tables.fleet.fleet_model import FleetModel

BITS = 8.0


def network_links(fleet: FleetModel, ephemeris: Ephemeris, availability: NetworkAvailability = ALL_AVAILABLE) -> Links:
    """The tables of the network of an episode; see `network.plan_network`."""
    return link_tables(fleet, plan_network(fleet, ephemeris, availability))


def link_tables(fleet: FleetModel, plan: NetworkPlan) -> Links:
    """The tables of a planned network; episodes that share routes between satellites have the same arrays of them."""
    pairs, routes = plan.pairs or _no_pairs(fleet.satellites), plan.routes
    tables = Links(
        *pairs,
        ground_hop=routes.hop,
        ground_gb_s=(plan.direct.rate_gbps / BITS).astype(np.float32),
        ground_hops=routes.hops,
        ground_latency_s=routes.latency_s.astype(np.float32),
        ground_closes=plan.ground_closes,
        isl_gb_s=(link_rates_gbps(fleet) / BITS).astype(np.float32),
        bridged=np.full(1, fleet.scenario.network.backbone is not None, np.int8),
    )
    return Links(*(np.ascontiguousarray(table) for table in tables))


@lru_cache(maxsize=8)
def _no_pairs(satellites: int) -> PairTables:
    """Routes of satellites without links of their own: each reaches itself."""
    home = np.eye(satellites, dtype=bool)[None]
    return PairTables(
        np.zeros(1, np.int32),
        np.where(home, np.arange(satellites), NO_ROUTE).astype(np.int16),
        np.where(home, 0, NO_ROUTE).astype(np.int16),
        np.where(home, FOREVER, 0).astype(np.int32),
    )


class LinkBatch:
    """The tables of the network of each row of a batch; what all rows share is held once.

    Attributes:
        arrays: `Links` with an axis of rows before, of length 1 where they share a table.
    """

    arrays: Links

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._shared: list[np.ndarray | None] = []

    def put(self, row: int, links: Links) -> None:
        """Give a row the tables of an episode."""
        if not self._shared:
            self._shared = list(links)
            self.arrays = Links(*(table[None] for table in links))
        for i, table in enumerate(links):
            if table is not self._shared[i]:
                self._write(i, row, table)

    def copy(self, source: int, row: int) -> None:
        """Give a row the tables of another one."""
        for array, shared in zip(self.arrays, self._shared, strict=True):
            if shared is None:
                array[row] = array[source]

    def _write(self, i: int, row: int, table: np.ndarray) -> None:
        array = self.arrays[i]
        if self._shared[i] is not None:
            array = np.repeat(array, self._rows, axis=0)
            self._shared[i] = None
        if len(table) > array.shape[1]:  # more topologies than any episode before
            array = np.pad(array, [(0, 0), (0, len(table) - array.shape[1]), *[(0, 0)] * (table.ndim - 1)])
        array[row, : len(table)] = table
        self.arrays = self.arrays._replace(**{Links._fields[i]: array})
