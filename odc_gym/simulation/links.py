"""The network of an episode as tables, and as arrays of a batch."""

from __future__ import annotations

import numpy as np

from odc_gym.scenario import Scenario
from odc_gym.simulation.fleet import Links

BITS = 8.0
FOREVER = np.iinfo(np.int32).max
NONE = -1


def backbone_links(scenario: Scenario, satellites: int) -> Links:
    """A network whose satellites have no links but those to the backbone, always; none at all without a backbone."""
    backbone, ground = scenario.network.backbone, (1, satellites)
    alone = np.eye(satellites, dtype=bool)[None]
    return Links(
        epoch=np.zeros(1, np.int32),
        next_hop=np.where(alone, np.arange(satellites), NONE).astype(np.int16),
        hops=np.where(alone, 0, NONE).astype(np.int16),
        closes=np.where(alone, FOREVER, 0).astype(np.int32),
        ground_hop=np.full(ground, satellites if backbone else NONE, np.int16),
        ground_gb_s=np.full(ground, backbone.rate_gbps / BITS if backbone else 0.0, np.float32),
        ground_hops=np.full(ground, 1 if backbone else NONE, np.int16),
        ground_latency_s=np.full(ground, backbone.latency_s if backbone else np.inf, np.float32),
        ground_closes=np.full(ground, FOREVER if backbone else 0, np.int32),
        isl_gb_s=np.zeros(satellites, np.float32),
        bridged=np.full(1, backbone is not None, np.int8),
    )


def batch_links(b: int, links: Links) -> Links:
    """Arrays with first axis B of tables of these shapes."""
    return Links(*(np.repeat(table[None], b, 0) for table in links))


def with_links(batch: Links, row: int, links: Links) -> Links:
    """The arrays of a batch with the tables of one of its episodes put in; longer where it has more topologies."""
    more = links.next_hop.shape[0] - batch.next_hop.shape[1]
    if more > 0:
        wider = ((0, 0), (0, more), (0, 0), (0, 0))
        batch = batch._replace(**{name: np.pad(getattr(batch, name), wider) for name in ("next_hop", "hops", "closes")})
    for array, table in zip(batch, links, strict=True):
        array[row, : table.shape[0]] = table
    return batch
