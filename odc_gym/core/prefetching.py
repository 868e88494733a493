"""Prefetches of the next environment of a batch: its arrays have left the cache since its last decision.

They are spread over the physics steps of the environment that is played, because a processor waits when it has too many
requests of memory under way.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.compilation.prefetching import prefetch_line
from odc_gym.core.layout.batch import Mutable, Parameters, Tables
from odc_gym.core.layout.work import RESULT

LINE_BYTES = 64  # of a cache line


@routine
def prefetch_part(array: np.ndarray, part: int, parts: int) -> None:
    """Prefetch one of `parts` equal parts of a contiguous array."""
    lines = (array.size * array.itemsize + LINE_BYTES - 1) // LINE_BYTES
    for line in range(part * lines // parts, (part + 1) * lines // parts):
        prefetch_line(array, line)


@routine
def prefetch_record(records: np.ndarray, row: int) -> None:
    """Prefetch a record of an array of records."""
    first = row * records.itemsize // LINE_BYTES
    for line in range(first, ((row + 1) * records.itemsize - 1) // LINE_BYTES + 1):
        prefetch_line(records, line)


@routine
def prefetch_next(
    rows: np.ndarray, k: int, part: int, parts: int, mutable: Mutable, tables: Tables, parameters: Parameters
) -> None:
    """Prefetch one of `parts` parts of the environment after the k-th: its state, parameters and running jobs.

    Args:
        rows: indices of the environments that are played, (R,).
        k: place of the present environment in `rows`; the last one has no next.
        part: number of the part; the first one prefetches the list of running jobs.
        parts: number of parts, one for each physics step of a decision.
        mutable: arrays that change.
        tables: tables of the episodes.
        parameters: parameters of the environments.
    """
    if k + 1 == rows.shape[0]:
        return
    b = rows[k + 1]
    prefetch_part(mutable.state[b], part, parts)
    prefetch_part(parameters.design[b], part, parts)
    prefetch_part(mutable.classes[b], part, parts)
    prefetch_part(mutable.points[b], part, parts)
    prefetch_part(mutable.swings[b], part, parts)
    running, count = mutable.lists[b, 1], mutable.scalars[b]["running"]
    if part == 0:
        prefetch_part(running[:count], 0, 1)
        prefetch_part(mutable.ledger[b], 0, 1)
        prefetch_part(tables.skies[b, mutable.scalars[b]["tick"]], 0, 1)
        if parts > 1:
            return
    first, steps = max(part - 1, 0), max(parts - 1, 1)
    for place in range(first * count // steps, (first + 1) * count // steps):
        row = running[place]
        prefetch_record(mutable.run[b], row)
        prefetch_record(tables.jobs[b], row)
        for item in range(RESULT):
            prefetch_record(mutable.pending_gb[b, item], row)
