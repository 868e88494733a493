"""Search for the host of a job: the satellite with the highest score that can take it.

Satellites are in blocks. The best score of a block among its satellites with room is kept for each pair of class and
width, so that a search reads only the blocks that can contain a better satellite. The result is that of a search of all
satellites. A stage of the step begins with `open_search`. Until it ends,
only free accelerators change.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.waiting import NOWHERE, feasible, has_room, respects_reservation, score_of
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.search import BLOCK, ENTRIES


@routine
def open_search(env: Environment) -> None:
    """Begin a series of searches: bids, accelerators or compute may have changed on all satellites."""
    search = env.work.search
    search.total_version[0] += 1
    search.phase[0] += 1
    for block in range(search.version.shape[0]):
        search.version[block] += 1


@routine
def note_change(env: Environment, s: int) -> None:
    """Note that the free accelerators of a satellite have changed."""
    env.work.search.version[s // BLOCK] += 1
    env.work.search.total_version[0] += 1


@routine
def entry_of(env: Environment, class_id: int, width: int) -> int:
    """Return the entry of a pair of class and width in the tables of best scores.

    A new pair takes the place of the oldest one if the tables are full.
    """
    search = env.work.search
    for entry in range(search.entries[0]):
        if search.class_id[entry] == class_id and search.width[entry] == width:
            return entry
    entry = search.entries[1]
    search.entries[0] = min(search.entries[0] + 1, ENTRIES)
    search.entries[1] = (entry + 1) % ENTRIES
    search.class_id[entry], search.width[entry] = class_id, width
    search.total_seen[entry], search.spot_version[entry], search.closed_phase[entry] = -1, -1, -1
    for block in range(search.version.shape[0]):
        search.best_version[entry, block] = -1
    return int(entry)


@routine
def best_of_block(env: Environment, entry: int, block: int) -> float:
    """Return the highest score of a block's satellites with room for an entry's pair; -inf if there is none."""
    search = env.work.search
    if search.best_version[entry, block] != search.version[block]:
        class_id, width, best = search.class_id[entry], search.width[entry], -np.inf
        for s in range(block * BLOCK, min(block * BLOCK + BLOCK, env.num_satellites)):
            if has_room(env, class_id, width, s):
                best = max(best, score_of(env, s, class_id, width))
        search.best[entry, block] = best
        search.best_version[entry, block] = search.version[block]
    return np.float64(search.best[entry, block])


@routine
def best_of_all(env: Environment, entry: int) -> float:
    """Return the highest score of all satellites with room for an entry's pair; -inf if there is none."""
    search = env.work.search
    if search.total_seen[entry] != search.total_version[0]:
        best = -np.inf
        for block in range(search.version.shape[0]):
            best = max(best, best_of_block(env, entry, block))
        search.best_of_all[entry] = best
        search.total_seen[entry] = search.total_version[0]
    return np.float64(search.best_of_all[entry])


@routine
def best_host(env: Environment, row: int, floor: float, now_s: float) -> int:
    """Return the feasible satellite with the highest score above `floor`, or NOWHERE.

    The present host is excluded, and so are satellites where the job would delay the reserved job. Ties go to the lower
    index.
    """
    job = env.jobs[row]
    best, class_id, width = NOWHERE, job["class_id"], job["width"]
    entry = entry_of(env, class_id, width)
    if best_of_all(env, entry) <= floor:
        return NOWHERE
    for block in range(env.work.search.version.shape[0]):
        if best_of_block(env, entry, block) <= floor:
            continue
        for s in range(block * BLOCK, min(block * BLOCK + BLOCK, env.num_satellites)):
            if not has_room(env, class_id, width, s):  # cheap test that excludes most satellites
                continue
            score = score_of(env, s, class_id, width)
            if score > floor and feasible(env, row, s, now_s) and respects_reservation(env, row, s, now_s):
                floor = score
                best = s
    return best


@routine
def most_free_accelerators(env: Environment) -> float:
    """Return the highest number of free accelerators on one satellite whose compute is on.

    A wider job fits nowhere, so its search for a host can be skipped.
    """
    search, most = env.work.search, 0.0
    for block in range(search.version.shape[0]):
        if search.most_free_version[block] != search.version[block]:
            most_here = 0.0
            for s in range(block * BLOCK, min(block * BLOCK + BLOCK, env.num_satellites)):
                most_here = max(most_here, env.sat.free[s] * (1.0 - env.sat.off[s]))
            search.most_free[block] = most_here
            search.most_free_version[block] = search.version[block]
        most = max(most, search.most_free[block])
    return most


@routine
def precedes(env: Environment, i: int, j: int) -> bool:
    """Return whether the i-th entry of the heap comes before the j-th: a higher key, or a lower index at equal keys."""
    heap, key = env.work.search.heap, env.work.search.key
    return key[i] > key[j] or (key[i] == key[j] and heap[i] < heap[j])


@routine
def sift_down(env: Environment, i: int, count: int) -> None:
    """Restore the order of a heap of `count` entries below its i-th entry."""
    heap, key = env.work.search.heap, env.work.search.key
    while 2 * i + 1 < count:
        child = 2 * i + 1
        if child + 1 < count and precedes(env, child + 1, child):
            child += 1
        if not precedes(env, child, i):
            return
        heap[i], heap[child] = heap[child], heap[i]
        key[i], key[child] = key[child], key[i]
        i = child


@routine
def build_heap(env: Environment, count: int) -> None:
    """Bring the first `count` entries of the heap into order: the highest key first, the lower index at equal keys."""
    for i in range(count // 2 - 1, -1, -1):
        sift_down(env, i, count)


@routine
def pop_heap(env: Environment, count: int) -> int:
    """Remove the first of the `count` entries of the heap, and return it."""
    heap, key = env.work.search.heap, env.work.search.key
    first = heap[0]
    heap[0], key[0] = heap[count - 1], key[count - 1]
    sift_down(env, 0, count - 1)
    return int(first)
