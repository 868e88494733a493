"""Routes through the network of an episode: their nodes, shared rates and expiry.

Nodes 0 to S - 1 are the satellites, and node S is the ground side. A link is an ordered pair of neighbouring nodes, so
that each direction is a link.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.constants import FOREVER
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.network import DIRECT_LINKS
from odc_gym.core.network.grid_routes import trace_grid_route

NO_ENTRY = -1  # no next node, or no transfer counted yet


@routine
def topology(env: Environment, tick: int) -> int:
    """Return the row of the tables of links and pairs at a physics step."""
    return env.links.epoch[min(tick, env.links.epoch.shape[0] - 1)]


@routine
def ground_row(env: Environment, tick: int) -> int:
    """Return the row of the ground tables at a physics step."""
    return min(tick, env.links.ground_hop.shape[0] - 1)


@routine
def trace_isl_route(env: Environment, source: int, destination: int, tick: int) -> int:
    """Write the route between two satellites over inter-satellite links to `env.work.traffic.path`.

    Return its number of nodes, 0 without a route.
    """
    if env.links.next_hop.shape[1] == 0:
        return trace_grid_route(env, source, destination, tick)
    path, hop, node = env.work.traffic.path, env.links.next_hop[topology(env, tick)], source
    for k in range(env.num_satellites):
        path[k] = node
        if node == destination:
            return k + 1
        node = hop[node, destination]
        if node == NO_ENTRY:
            return 0
    return 0


@routine
def isl_hops(env: Environment, source: int, destination: int, tick: int) -> int:
    """Return the number of links of the route between two satellites over inter-satellite links, -1 if none."""
    if env.links.next_hop.shape[1] == 0:
        return trace_grid_route(env, source, destination, tick) - 1
    return int(env.links.hops[topology(env, tick), source, destination])


@routine
def isl_expiry_step(env: Environment, source: int, destination: int, tick: int) -> np.int64:
    """Return the first physics step without a route between two satellites over inter-satellite links.

    The links of a grid are planned for the whole episode.
    """
    if env.links.next_hop.shape[1] == 0:
        return np.int64(FOREVER if trace_grid_route(env, source, destination, tick) > 0 else 0)
    return np.int64(env.links.expiry_step[topology(env, tick), source, destination])


@routine
def trace_route_to_ground(env: Environment, source: int, tick: int, start: int) -> int:
    """Write the route from a satellite to the ground side to `env.work.traffic.path`.

    Args:
        env: the environment.
        source: satellite.
        tick: physics step.
        start: index of the path at which the route begins.

    Returns:
        Index after the last node of the route, 0 without a route.
    """
    path, hop, node = env.work.traffic.path, env.links.ground_hop[ground_row(env, tick)], source
    for k in range(env.num_satellites):
        path[start + k] = node
        node = hop[node]
        if node == NO_ENTRY:
            return 0
        if node == env.num_satellites:
            path[start + k + 1] = node
            return start + k + 2
    return 0


@routine
def trace_route_from_ground(env: Environment, destination: int, tick: int, start: int) -> int:
    """Write the route from the ground side to a satellite: the route to the ground, reversed.

    Args:
        env: the environment.
        destination: satellite.
        tick: physics step.
        start: index of the path at which the route begins.

    Returns:
        Index after the last node of the route, 0 without a route.
    """
    end = trace_route_to_ground(env, destination, tick, start)
    path = env.work.traffic.path
    for k in range((end - start) // 2):
        path[start + k], path[end - 1 - k] = path[end - 1 - k], path[start + k]
    return end


@routine
def trace_route(env: Environment, source: int, destination: int, tick: int) -> int:
    """Write the route between two nodes at a physics step to `env.work.traffic.path`.

    Two satellites without a route over inter-satellite links use the ground side where `bridged` allows it.

    Args:
        env: the environment.
        source: first node.
        destination: last node.
        tick: physics step.

    Returns:
        Number of nodes of the route, 0 without a route.
    """
    ground = env.num_satellites
    if destination == ground:
        return trace_route_to_ground(env, source, tick, 0)
    if source == ground:
        return trace_route_from_ground(env, destination, tick, 0)
    num_nodes = trace_isl_route(env, source, destination, tick)
    if num_nodes > 0 or env.links.bridged[0] == 0:
        return num_nodes
    up_end = trace_route_to_ground(env, source, tick, 0)
    return trace_route_from_ground(env, destination, tick, up_end - 1) if up_end > 0 else 0


@routine
def link_index(env: Environment, a: int, b: int, tick: int) -> int:
    """Return the index of the link from node `a` to its neighbour `b` in the arrays of `Traffic`.

    Each satellite has a link up, a link down, and one for each of its neighbours.
    """
    ground, stride = env.num_satellites, env.links.neighbours.shape[2] + DIRECT_LINKS
    if b == ground:
        return a * stride
    if a == ground:
        return b * stride + 1
    near = env.links.neighbours[topology(env, tick), a]
    k = 0
    while k + 1 < near.shape[0] and near[k] != b:
        k += 1
    return a * stride + DIRECT_LINKS + k


@routine
def link_gb_s(env: Environment, a: int, b: int, tick: int) -> float:
    """Return the rate of the link between two neighbouring nodes, that of its slower end [GB/s]."""
    ground = env.num_satellites
    if a == ground or b == ground:
        return np.float64(env.links.ground_gb_s[ground_row(env, tick), min(a, b)])
    return np.float64(min(env.links.isl_gb_s[a], env.links.isl_gb_s[b]))


@routine
def route_rate_gb_s(env: Environment, num_nodes: int, extra_transfers: float, tick: int) -> float:
    """Return the rate of one transfer on the last traced route, the lowest over its links [GB/s].

    Args:
        env: the environment.
        num_nodes: nodes in `env.work.traffic.path`. 0: there is no route, and the rate is 0. 1: the data is already
            there, and the rate is inf.
        extra_transfers: transfers on the links in addition to the counted ones.
        tick: physics step.
    """
    if num_nodes == 0:
        return 0.0
    path, rate = env.work.traffic.path, np.inf
    for k in range(num_nodes - 1):
        a, b = path[k], path[k + 1]
        shared_by = env.work.traffic.transfers[link_index(env, a, b, tick)] + extra_transfers
        rate = min(rate, link_gb_s(env, a, b, tick) / max(shared_by, 1.0))
    return rate


@routine
def unshared_rate_gb_s(env: Environment, num_nodes: int, tick: int) -> float:
    """Return the rate of the last traced route if nothing else used it [GB/s].

    It is 0 without a route, and inf where source and destination are the same.
    """
    path, rate = env.work.traffic.path, 0.0 if num_nodes == 0 else np.inf
    for k in range(num_nodes - 1):
        rate = min(rate, link_gb_s(env, path[k], path[k + 1], tick))
    return rate


@routine
def shared_rate_gb_s(env: Environment, source: int, destination: int, tick: int) -> float:
    """Return the rate that one more transfer between two nodes would have now [GB/s].

    It is 0 without a route, and inf where source and destination are the same.
    """
    return route_rate_gb_s(env, trace_route(env, source, destination, tick), 1.0, tick)


@routine
def route_expiry_step(env: Environment, source: int, destination: int, tick: int) -> np.int64:
    """Return the first physics step without a route between two nodes.

    The result is that of the tables at physics step `tick`.
    """
    ground, row = env.num_satellites, ground_row(env, tick)
    if source == destination:
        return np.int64(FOREVER)
    if destination == ground:
        return np.int64(env.links.ground_expiry_step[row, source])
    if source == ground:
        return np.int64(env.links.ground_expiry_step[row, destination])
    over_isl = isl_expiry_step(env, source, destination, tick)
    if env.links.bridged[0] == 0:
        return over_isl
    return max(
        over_isl,
        np.int64(min(env.links.ground_expiry_step[row, source], env.links.ground_expiry_step[row, destination])),
    )


@routine
def latency_s(env: Environment, source: int, destination: int, tick: int) -> float:
    """Return the latency of data that crosses the ground side [s].

    The latency of inter-satellite links is neglected.
    """
    ground, row = env.num_satellites, ground_row(env, tick)
    if source != ground and destination != ground and trace_isl_route(env, source, destination, tick) > 0:
        return 0.0
    up = env.links.ground_latency_s[row, source] if source != ground else 0.0
    down = env.links.ground_latency_s[row, destination] if destination != ground else 0.0
    return np.float64(up) + np.float64(down)


@routine
def transfer_end_s(env: Environment, source: int, destination: int, gb: float, tick: int, begin_s: float) -> float:
    """Return the time at which a transfer would end at the present rate, counted from now [s].

    It is inf if there is no route, or if the route closes before.

    Args:
        env: the environment.
        source: network node of the data.
        destination: network node to which the data goes.
        gb: size of the data [GB].
        tick: physics step.
        begin_s: time at which the transfer begins, counted from now [s].
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
def count_route(env: Environment, num_nodes: int, stamp: int) -> None:
    """Count one more transfer on the links of the last traced route, in the present physics step.

    Consecutive calls with the same `stamp` count once on each link.
    """
    path, traffic, tick = env.work.traffic.path, env.work.traffic, env.scalars[0]["tick"]
    for k in range(num_nodes - 1):
        a, b = path[k], path[k + 1]
        link = link_index(env, a, b, tick)
        if traffic.transfers[link] == 0.0:
            used = traffic.used
            traffic.links[used[0], 0] = a
            traffic.links[used[0], 1] = b
            traffic.links[used[0], 2] = link
            used[0] += 1
            traffic.stamp[link] = NO_ENTRY
        if traffic.stamp[link] != stamp:
            traffic.stamp[link] = stamp
            traffic.transfers[link] += 1.0


@routine
def clear_routes(env: Environment) -> None:
    """Clear the counted transfers of the last step, or of another environment."""
    traffic = env.work.traffic
    for k in range(traffic.used[0]):
        link = traffic.links[k, 2]
        traffic.transfers[link] = 0.0
        traffic.carried_gb[link] = 0.0
    traffic.used[0] = 0


@routine
def record_carried(env: Environment, num_nodes: int, gb: float) -> None:
    """Record that the last traced route carried `gb` of data in the present physics step [GB]."""
    path, tick = env.work.traffic.path, env.scalars[0]["tick"]
    for k in range(num_nodes - 1):
        env.work.traffic.carried_gb[link_index(env, path[k], path[k + 1], tick)] += gb
