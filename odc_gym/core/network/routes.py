"""Routes through the network of an episode: what they carry, what their transfers share, and how long they last.

Node S is the ground side. A link is a pair of neighbouring nodes, each way for itself. Scalar code between physics
steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.environment import Environment

NO_WAY = -1


@routine
def topology(env: Environment, tick: int) -> int:
    """Row of the pair tables at a physics step."""
    return env.links.epoch[min(tick, env.links.epoch.shape[0] - 1)]


@routine
def ground_row(env: Environment, tick: int) -> int:
    """Row of the ground tables at a physics step."""
    return min(tick, env.links.ground_hop.shape[0] - 1)


@routine
def walk_isl(env: Environment, source: int, destination: int, tick: int) -> int:
    """Nodes of the way between two satellites over own links into `path`; how many, 0 without one."""
    path, hop, node = env.traffic.path, env.links.next_hop[topology(env, tick)], source
    for k in range(env.num_satellites):
        path[k] = node
        if node == destination:
            return k + 1
        node = hop[node, destination]
        if node == NO_WAY:
            return 0
    return 0


@routine
def walk_up(env: Environment, source: int, tick: int, first: int) -> int:
    """Nodes of the way from a satellite to the ground side into `path` from place `first`; the end, 0 without one."""
    path, hop, node = env.traffic.path, env.links.ground_hop[ground_row(env, tick)], source
    for k in range(env.num_satellites):
        path[first + k] = node
        node = hop[node]
        if node == NO_WAY:
            return 0
        if node == env.num_satellites:
            path[first + k + 1] = node
            return first + k + 2
    return 0


@routine
def walk_down(env: Environment, destination: int, tick: int, first: int) -> int:
    """Nodes of the way from the ground side to a satellite: the way up, backwards."""
    end = walk_up(env, destination, tick, first)
    path = env.traffic.path
    for k in range((end - first) // 2):
        path[first + k], path[end - 1 - k] = path[end - 1 - k], path[first + k]
    return end


@routine
def walk(env: Environment, source: int, destination: int, tick: int) -> int:
    """Nodes of the way from one node to another at a physics step into `e.traffic.path`; how many, 0 without a way.

    Two satellites without a way over own links send over the ground side where that is allowed.
    """
    ground = env.num_satellites
    if destination == ground:
        return walk_up(env, source, tick, 0)
    if source == ground:
        return walk_down(env, destination, tick, 0)
    count = walk_isl(env, source, destination, tick)
    if count > 0 or env.links.bridged[0] == 0:
        return count
    up = walk_up(env, source, tick, 0)
    return walk_down(env, destination, tick, up - 1) if up > 0 else 0


@routine
def link_gb_s(env: Environment, a: int, b: int, tick: int) -> float:
    """Rate of the link between two neighbouring nodes [GB/s]: that of its slower end."""
    ground = env.num_satellites
    if a == ground or b == ground:
        return np.float64(env.links.ground_gb_s[ground_row(env, tick), min(a, b)])
    return np.float64(min(env.links.isl_gb_s[a], env.links.isl_gb_s[b]))


@routine
def route_rate_gb_s(env: Environment, count: int, more: float, tick: int) -> float:
    """Share of one transfer on the route that was walked last [GB/s]: the least over its links.

    Args:
        env: the environment.
        count: nodes in `e.traffic.path`; 0 no way: rate 0. At home, 1 node, nothing limits.
        more: transfers on its links beside those that are counted.
        tick: physics step.
    """
    if count == 0:
        return 0.0
    path, rate = env.traffic.path, np.inf
    for k in range(count - 1):
        a, b = path[k], path[k + 1]
        rate = min(rate, link_gb_s(env, a, b, tick) / max(env.traffic.transfers[a, b] + more, 1.0))
    return rate


@routine
def unshared_rate_gb_s(env: Environment, count: int, tick: int) -> float:
    """Rate of the route that was walked last if nothing else used it [GB/s]: 0 without a way, inf at home."""
    path, rate = env.traffic.path, 0.0 if count == 0 else np.inf
    for k in range(count - 1):
        rate = min(rate, link_gb_s(env, path[k], path[k + 1], tick))
    return rate


@routine
def shared_rate_gb_s(env: Environment, source: int, destination: int, tick: int) -> float:
    """Rate that one more transfer between two nodes would have now [GB/s]: inf at home, 0 without a way."""
    return route_rate_gb_s(env, walk(env, source, destination, tick), 1.0, tick)


@routine
def route_expiry_step(env: Environment, source: int, destination: int, tick: int) -> np.int64:
    """First physics step at which there is no way any more, as far as the tables tell at a physics step."""
    ground, row = env.num_satellites, ground_row(env, tick)
    if source == destination:
        return np.int64(env.links.expiry_step[topology(env, tick), source, source])
    if destination == ground:
        return np.int64(env.links.ground_expiry_step[row, source])
    if source == ground:
        return np.int64(env.links.ground_expiry_step[row, destination])
    own = np.int64(env.links.expiry_step[topology(env, tick), source, destination])
    if env.links.bridged[0] == 0:
        return own
    return max(
        own, np.int64(min(env.links.ground_expiry_step[row, source], env.links.ground_expiry_step[row, destination]))
    )


@routine
def latency_s(env: Environment, source: int, destination: int, tick: int) -> float:
    """Time that data is on the way through the ground side [s]; own links between satellites take none that counts."""
    ground, row = env.num_satellites, ground_row(env, tick)
    if source != ground and destination != ground and walk_isl(env, source, destination, tick) > 0:
        return 0.0
    up = env.links.ground_latency_s[row, source] if source != ground else 0.0
    down = env.links.ground_latency_s[row, destination] if destination != ground else 0.0
    return np.float64(up) + np.float64(down)


@routine
def transfer_end_s(env: Environment, source: int, destination: int, gb: float, tick: int, begin_s: float) -> float:
    """When a transfer that begins in so many seconds would be done at the present rate [s].

    inf if there is no way, or if it closes before.
    """
    if gb <= 0.0 or source == destination:
        return begin_s
    rate = shared_rate_gb_s(env, source, destination, tick)
    if rate <= 0.0:
        return np.inf
    end_s = begin_s + gb / rate
    if end_s > (route_expiry_step(env, source, destination, tick) - tick) * env.policy.step_s:
        return np.inf
    return end_s + latency_s(env, source, destination, tick)


@routine
def count_route(env: Environment, count: int, stamp: int) -> None:
    """One more transfer on the links of the route that was walked last; `stamp` counts itself once on each link."""
    path, traffic = env.traffic.path, env.traffic
    for k in range(count - 1):
        a, b = path[k], path[k + 1]
        if traffic.transfers[a, b] == 0.0:
            used = traffic.used
            traffic.links[used[0], 0] = a
            traffic.links[used[0], 1] = b
            used[0] += 1
            traffic.stamp[a, b] = NO_WAY
        if traffic.stamp[a, b] != stamp:
            traffic.stamp[a, b] = stamp
            traffic.transfers[a, b] += 1.0


@routine
def clear_routes(env: Environment) -> None:
    """Forget the transfers of the last step, or of another environment."""
    traffic = env.traffic
    for k in range(traffic.used[0]):
        a, b = traffic.links[k, 0], traffic.links[k, 1]
        traffic.transfers[a, b] = 0.0
        traffic.carried_gb[a, b] = 0.0
    traffic.used[0] = 0


@routine
def carry(env: Environment, count: int, gb: float) -> None:
    """Note that so many GB went over the route that was walked last."""
    path = env.traffic.path
    for k in range(count - 1):
        env.traffic.carried_gb[path[k], path[k + 1]] += gb
