"""Compiled searches of orbits: which sites see which satellites, which site serves each, and routes to the ground.

The kernels of this file receive their work space as arguments. `sightings`, `network` and `grid` call them.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.array_types import (
    Boolx1,
    Float64x1,
    Float64x2,
    Float64x3,
    Int8x2,
    Int16x1,
    Int16x2,
    Int32x1,
    Int32x2,
    Int64x1,
)
from odc_gym.compilation.decorators import routine
from odc_gym.compilation.kernel import kernel

NO_ROUTE = -1


@kernel
def list_candidates(
    position_m: Float64x3, site_m: Float64x2, up: Float64x2, least_sine2: float, candidates: Int32x2, count: Int64x1
) -> None:  # fmt: skip
    """List the pairs that may see each other, and count them; further ones than fit are not written.

    Args:
        position_m: (T, S, 3) positions of satellites [m].
        site_m: (G, 3) positions of sites [m].
        up: (G, 3) unit vectors to the zenith.
        least_sine2: squared sine of the least elevation.
        candidates: (N, 3) step, satellite and site of each pair. Written.
        count: number of pairs, (1,). Written.
    """
    count[0] = 0
    for t in range(position_m.shape[0]):
        for s in range(position_m.shape[1]):
            x, y, z = position_m[t, s, 0], position_m[t, s, 1], position_m[t, s, 2]
            for g in range(site_m.shape[0]):
                dx, dy, dz = x - site_m[g, 0], y - site_m[g, 1], z - site_m[g, 2]
                height = dx * up[g, 0] + dy * up[g, 1] + dz * up[g, 2]
                if height >= 0.0 and height * height >= least_sine2 * (dx * dx + dy * dy + dz * dz):
                    if count[0] < candidates.shape[0]:
                        pair = candidates[count[0]]
                        pair[0], pair[1], pair[2] = t, s, g
                    count[0] += 1


@kernel
def assign_sites(
    begin: Int64x1, satellite: Int32x1, site: Int16x1, elevation_deg: Float64x1, range_m: Float64x1, antennas: Int64x1,
    serving: Int16x2, serving_m: Float64x2, free: Int64x1, highest_deg: Float64x1, waiting: Int64x1,
) -> None:  # fmt: skip
    """Write the contacts of all steps.

    Args:
        begin: fields of `Sightings`, this and the next four.
        satellite: (N,).
        site: (N,).
        elevation_deg: (N,).
        range_m: (N,).
        antennas: antennas of each site, (G,).
        serving: fields of `Contacts`, this and the next; `NO_SITE` and 0 before. Written.
        serving_m: (T, S). Written.
        free: free antennas of each site, (G,), work space.
        highest_deg: highest elevation of each waiting satellite, (S,), work space.
        waiting: first sighting of each waiting satellite, (S,), work space.
    """
    for t in range(serving.shape[0]):
        for g in range(free.shape[0]):
            free[g] = antennas[g]
        for i in range(begin[t], begin[t + 1]):
            if t > 0 and serving[t - 1, satellite[i]] == site[i]:
                serving[t, satellite[i]], serving_m[t, satellite[i]] = site[i], range_m[i]
                free[site[i]] -= 1
        count, last = 0, -1
        for i in range(begin[t], begin[t + 1]):
            s = satellite[i]
            if serving[t, s] >= 0:
                continue
            if s != last:
                waiting[count], highest_deg[count], last, count = i, elevation_deg[i], s, count + 1
            elif elevation_deg[i] > highest_deg[count - 1]:
                highest_deg[count - 1] = elevation_deg[i]
        while count > 0:
            count = _serve_highest(t, begin[t + 1], satellite, site, elevation_deg, range_m, serving, serving_m, free,
                                   highest_deg, waiting, count)  # fmt: skip


@routine
def _serve_highest(
    t: int, end: int, satellite: np.ndarray, site: np.ndarray, elevation_deg: np.ndarray, range_m: np.ndarray,
    serving: np.ndarray, serving_m: np.ndarray, free: np.ndarray, highest_deg: np.ndarray, waiting: np.ndarray,
    count: int,
) -> int:  # fmt: skip
    """Serve the satellite of highest elevation among the `count` waiting ones, and return how many still wait.

    Satellites that see no free site are dropped. Arguments are those of `assign_sites`; `end` is the index after the
    sightings of step `t`.
    """
    kept, first, site_of_first = 0, -1, -1
    for w in range(count):
        s, best = satellite[waiting[w]], -1
        i = waiting[w]
        while i < end and satellite[i] == s:
            if free[site[i]] > 0 and (best < 0 or elevation_deg[i] > elevation_deg[best]):
                best = i
            i += 1
        if best < 0:
            continue
        waiting[kept], highest_deg[kept] = waiting[w], highest_deg[w]
        if first < 0 or highest_deg[kept] > highest_deg[first]:
            first, site_of_first = kept, best
        kept += 1
    if first < 0:
        return 0
    s = satellite[site_of_first]
    serving[t, s], serving_m[t, s] = site[site_of_first], range_m[site_of_first]
    free[site[site_of_first]] -= 1
    for w in range(first, kept - 1):
        waiting[w], highest_deg[w] = waiting[w + 1], highest_deg[w + 1]
    return kept - 1


@kernel
def relax_ground_routes(
    direct_s: Float64x2, isl_up: Int8x2, neighbours: Int32x2, neighbour_s: Float64x2, next_hop: Int32x2, hops: Int16x2,
    latency_s: Float64x2, exit_satellite: Int32x2, queue: Int64x1, queued: Boolx1,
) -> None:  # fmt: skip
    """Write the fastest routes to the ground, by label correction from the satellites with a link of their own.

    Arguments are those of `grid_ground_routes` and fields of its result; `queue` and `queued` (S,) are work space.
    """
    satellites = direct_s.shape[1]
    for t in range(direct_s.shape[0]):
        up = isl_up[min(t, isl_up.shape[0] - 1)]
        begin = count = 0
        for s in range(satellites):
            latency_s[t, s] = direct_s[t, s]
            owns = direct_s[t, s] < np.inf
            next_hop[t, s] = satellites if owns else NO_ROUTE
            queued[s] = owns
            if owns:
                queue[count] = s
                count += 1
        while count > 0:
            a = queue[begin]
            begin, count, queued[a] = (begin + 1) % satellites, count - 1, False
            for k in range(neighbours.shape[1]):
                b = neighbours[a, k]
                if b < 0 or up[a] == 0 or up[b] == 0 or direct_s[t, b] < np.inf:
                    continue
                through_s = latency_s[t, a] + neighbour_s[a, k]
                if through_s < latency_s[t, b]:
                    latency_s[t, b] = through_s
                    next_hop[t, b] = a
                    if not queued[b]:
                        queue[(begin + count) % satellites] = b
                        queued[b] = True
                        count += 1
        for s in range(satellites):
            at, number = s, 1
            while next_hop[t, at] >= 0 and next_hop[t, at] < satellites:
                at = next_hop[t, at]
                number += 1
            reached = next_hop[t, s] >= 0
            hops[t, s] = number if reached else NO_ROUTE
            exit_satellite[t, s] = at if reached else NO_ROUTE
