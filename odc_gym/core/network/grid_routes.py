"""Routes over the grid of a large fleet, whose planes and slots take the place of tables of all pairs.

A route crosses planes first, and then goes along the last plane, in the directions of least latency. If a satellite on
it fails, other orders and directions are tried. If all of them fail, there is no route.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.environment import Environment

FIRST, PLANES, SLOTS, PHASING, CLOSED, CROSSED = range(6)  # columns of `core.layout.network.GridShell`
ALONG, ACROSS = range(2)  # columns of `Links.shell_link_s`
ATTEMPTS = 8  # two directions across planes, two along them, and two orders


@routine
def is_isl_up(env: Environment, s: int, tick: int) -> bool:
    """Return whether a satellite of a grid and its terminals work at a physics step."""
    return env.links.isl_up[min(tick, env.links.isl_up.shape[0] - 1), s] > 0


@routine
def is_link_up(env: Environment, s: int, neighbour: int, tick: int) -> bool:
    """Return whether the link between two neighbours carries data at a physics step.

    The topologies of a small fleet leave out links that fail, so that it has no such table.
    """
    if env.links.isl_up.shape[1] == 0:
        return True
    return is_isl_up(env, s, tick) and is_isl_up(env, neighbour, tick)


@routine
def crossing(env: Environment, source: int, destination: int, turn: int) -> tuple[float, int, int]:
    """Return latency [s], planes to cross and slots to go of the best route in one direction across the planes.

    The slots are negative against the motion. A route may circle the planes more than once, because each lap shifts
    the slot by the phasing. The latency is inf if there is no such route.

    Args:
        env: the environment.
        source: satellite.
        destination: satellite of the same shell.
        turn: 1 for ascending planes, -1 for descending ones.
    """
    shell, link_s = env.links.shells[env.links.shell_of[source]], env.links.shell_link_s[env.links.shell_of[source]]
    planes, slots = shell[PLANES], shell[SLOTS]
    plane, slot = (source - shell[FIRST]) // slots, (source - shell[FIRST]) % slots
    ahead = turn * ((destination - shell[FIRST]) // slots - plane)
    laps, best_s, best_crossed, best_left = 0, np.inf, 0, 0
    if shell[CLOSED] > 0 and shell[CROSSED] > 0 and shell[PHASING] > 0:
        laps = int(slots * link_s[ALONG] / (2 * planes * link_s[ACROSS]))
    for lap in range(laps + 1):
        crossed = ahead % planes + lap * planes if shell[CLOSED] > 0 else ahead
        if crossed < 0 or (crossed > 0 and shell[CROSSED] == 0):
            continue
        seam = (plane + turn * crossed) // planes  # how often the route passes from the last plane to the first
        left = ((destination - shell[FIRST]) % slots - slot - seam * shell[PHASING]) % slots
        left = left if 2 * left <= slots else left - slots
        latency_s = crossed * link_s[ACROSS] + abs(left) * link_s[ALONG]
        if latency_s < best_s:
            best_s, best_crossed, best_left = latency_s, crossed, left
    return best_s, best_crossed, best_left


@routine
def next_node(env: Environment, node: int, turn: int, step: int) -> int:
    """Return the neighbour of a satellite in a grid.

    Args:
        env: the environment.
        node: satellite.
        turn: 1 or -1 for the next plane in ascending or descending order, 0 to stay in the plane.
        step: 1 or -1 for the next slot in the plane, 0 to stay in the slot.
    """
    shell = env.links.shells[env.links.shell_of[node]]
    planes, slots = shell[PLANES], shell[SLOTS]
    plane, slot = (node - shell[FIRST]) // slots + turn, (node - shell[FIRST]) % slots + step
    slot += shell[PHASING] * (plane // planes)
    return int(shell[FIRST] + plane % planes * slots + slot % slots)


@routine
def walk_grid(env: Environment, source: int, turn: int, crossed: int, left: int, first: bool, tick: int) -> int:
    """Write a route over a grid to `env.work.traffic.path`.

    Args:
        env: the environment.
        source: satellite at which the route begins.
        turn: direction across the planes, 1 or -1.
        crossed: number of planes to cross.
        left: number of slots to go along the plane, negative against the motion.
        first: True to go along the plane first.
        tick: physics step.

    Returns:
        Number of nodes of the route, 0 if a satellite on it does not work.
    """
    path, node, step, along = env.work.traffic.path, source, 1 if left > 0 else -1, abs(left)
    count = crossed + along
    if count >= path.shape[0] or not is_isl_up(env, source, tick):
        return 0
    path[0] = source
    for k in range(count):
        goes_along = k < along if first else k >= crossed
        node = next_node(env, node, 0, step) if goes_along else next_node(env, node, turn, 0)
        if not is_isl_up(env, node, tick):
            return 0
        path[k + 1] = node
    return count + 1


@routine
def trace_grid_route(env: Environment, source: int, destination: int, tick: int) -> int:
    """Write the route between two satellites of a grid to `env.work.traffic.path`.

    Args:
        env: the environment.
        source: first satellite.
        destination: last satellite.
        tick: physics step.

    Returns:
        Number of nodes of the route, 0 without a route.
    """
    if source == destination:
        env.work.traffic.path[0] = source
        return 1
    shell_of = env.links.shell_of
    if shell_of.shape[0] == 0 or shell_of[source] != shell_of[destination]:
        return 0
    best_turn = 1 if crossing(env, source, destination, 1)[0] <= crossing(env, source, destination, -1)[0] else -1
    slots = env.links.shells[shell_of[source], SLOTS]
    for attempt in range(ATTEMPTS):
        turn = best_turn if attempt < ATTEMPTS // 2 else -best_turn
        latency_s, crossed, left = crossing(env, source, destination, turn)
        if latency_s == np.inf:
            continue
        if attempt // 2 % 2 == 1:  # the other way around the plane
            left = left - slots if left > 0 else left + slots
        num_nodes = walk_grid(env, source, turn, crossed, left, attempt % 2 == 1, tick)
        if num_nodes > 0:
            return num_nodes
    return 0
