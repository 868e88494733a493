"""Work space for searches of hosts and jobs: the best scores of blocks of satellites, and lists of rows.

A search for a host excludes whole blocks of satellites by their best score. Each block has a version, which changes
with its free accelerators. A best score holds as long as the version is the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.array_types import Float64x1, Float64x2, Int32x1, Int64x1, Int64x2

BLOCK = 64  # satellites of a block
ENTRIES = 32  # pairs of class and width whose best scores are kept
NO_ROW = -1


class Search(NamedTuple):
    """Work space of one environment, for S satellites in B blocks, J jobs and N pairs of class and width."""

    version: Int64x1  # (B,) version of each block; it never decreases
    total_version: Int64x1  # (1,) version of all blocks together
    entries: Int64x1  # (2,) number of entries, and the entry to replace next
    class_id: Int64x1  # (N,) class of each entry
    width: Int64x1  # (N,) width of each entry
    best: Float64x2  # (N, B) best score of the satellites with room, -inf: there is none
    best_version: Int64x2  # (N, B) version of the block at which it was computed
    best_of_all: Float64x1  # (N,) best score of all blocks
    total_seen: Int64x1  # (N,) version of all blocks at which that was computed
    spot_version: Int64x1  # (N,) version of all blocks at which no satellite had enough spot jobs for the pair
    phase: Int64x1  # (1,) number of series of searches so far
    closed_phase: Int64x1  # (N,) series in which no satellite could be reserved for the pair
    most_free: Float64x1  # (B,) most free accelerators on a satellite whose compute is on
    most_free_version: Int64x1  # (B,) version of the block at which it was computed
    first_on: Int64x1  # (S,) first row of the job table, or first expected release, on each satellite
    next_on: Int64x1  # (J,) next row, or next release, on the same satellite
    mark: Int64x1  # (S,) number of the walk that met each satellite last
    walks: Int64x1  # (1,) number of walks so far
    near: Int64x1  # (S,) satellites that a walk met
    near_hops: Int64x1  # (S,) links to each of them
    heap: Int64x1  # (J or S,) positions or satellites in the order of a heap
    key: Float64x1  # (J or S,) key of each entry of the heap
    spare: Int32x1  # (J,) second list for sorting


def search_of(num_satellites: int, num_jobs: int) -> Search:
    """Return empty work space for searches."""
    blocks, most = (num_satellites + BLOCK - 1) // BLOCK, max(num_satellites, num_jobs)
    return Search(
        version=np.zeros(blocks, np.int64),
        total_version=np.zeros(1, np.int64),
        entries=np.zeros(2, np.int64),
        class_id=np.empty(ENTRIES, np.int64),
        width=np.empty(ENTRIES, np.int64),
        best=np.empty((ENTRIES, blocks)),
        best_version=np.full((ENTRIES, blocks), -1, np.int64),
        best_of_all=np.empty(ENTRIES),
        total_seen=np.full(ENTRIES, -1, np.int64),
        spot_version=np.full(ENTRIES, -1, np.int64),
        phase=np.zeros(1, np.int64),
        closed_phase=np.full(ENTRIES, -1, np.int64),
        most_free=np.empty(blocks),
        most_free_version=np.full(blocks, -1, np.int64),
        first_on=np.empty(num_satellites, np.int64),
        next_on=np.empty(num_jobs, np.int64),
        mark=np.zeros(num_satellites, np.int64),
        walks=np.zeros(1, np.int64),
        near=np.empty(num_satellites, np.int64),
        near_hops=np.empty(num_satellites, np.int64),
        heap=np.empty(most, np.int64),
        key=np.empty(most),
        spare=np.empty(num_jobs, np.int32),
    )
