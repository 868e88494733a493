"""Network plan of an episode: links between satellites, and routes to the ground."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from odc_gym.constants import KM_M
from odc_gym.errors import ScenarioError
from odc_gym.orbits import Constellation, Ephemeris, GroundSite, build_ephemeris
from odc_gym.orbits.grid import GRID_LINKS, GridNet, ShellLinks, grid_ground_routes
from odc_gym.orbits.mean_orbit import MeanShell
from odc_gym.orbits.network import (
    NO_SITE,
    LinkPlan,
    LinkRules,
    ShellGrid,
    all_pairs,
    grid_pairs,
    ground_contacts,
    in_sight,
    plan_links,
    shell_grid,
)
from odc_gym.orbits.routes import (
    GroundRoutes,
    PairTables,
    Topologies,
    expiry_steps,
    ground_routes,
    light_time_s,
    pair_tables,
    surviving_topologies,
    topologies,
)
from odc_gym.orbits.sightings import Sightings
from odc_gym.scenario import OpticalLinks, Scenario
from odc_gym.sites import SITES
from odc_gym.tables.fleet.fleet_model import FleetModel

MAX_PAIRWISE = 500  # satellites with tables of all pairs; the links of larger fleets are grids
REFERENCE_START = datetime(2027, 1, 1, tzinfo=UTC)  # for links whose geometry does not depend on the start


class NetworkAvailability(NamedTuple):
    """Parts of the network that work at each of T steps; None if they always work.

    Attributes:
        satellite_up: satellites, (T, S); a satellite that is down has no links at all.
        link_up: optical terminals, (T, S); a satellite without them reaches ground sites only.
        site_up: ground sites, (T, G).
    """

    satellite_up: np.ndarray | None = None
    link_up: np.ndarray | None = None
    site_up: np.ndarray | None = None


ALL_AVAILABLE = NetworkAvailability()


class PlannedLinks(NamedTuple):
    """Planned links between the satellites of a small fleet.

    Attributes:
        plan: link plan.
        net: topologies of the planned links.
        tables: tables of the routes over them.
    """

    plan: LinkPlan
    net: Topologies
    tables: PairTables


class DirectLinks(NamedTuple):
    """Direct links of satellites with the ground or the backbone.

    The arrays have a single step if nothing changes.

    Attributes:
        site: ground site that serves each satellite, (T, S); None without ground sites.
        rate_gbps: rate, 0 without a link [Gb/s], (T, S).
        latency_s: latency, infinite without a link [s], (T, S).
    """

    site: np.ndarray | None
    rate_gbps: np.ndarray
    latency_s: np.ndarray


@dataclass(frozen=True)
class NetworkPlan:
    """Network of an episode.

    Attributes:
        isl: planned links between the satellites of a small fleet, or None.
        grid: links between the satellites of a fleet of more than `MAX_PAIRWISE`, or None.
        pairs: tables of the routes over the working links of a small fleet, or None.
        isl_up: whether satellites of a grid and their terminals work, (T, S) int8, or (1, S); None without a grid.
        direct: links with the ground.
        routes: route of each satellite to the ground.
        ground_closes: step at which the planned route to the ground ends, (T, S).
    """

    isl: PlannedLinks | None
    grid: GridNet | None
    pairs: PairTables | None
    isl_up: np.ndarray | None
    direct: DirectLinks
    routes: GroundRoutes
    ground_closes: np.ndarray


def plan_network(
    fleet: FleetModel,
    ephemeris: Ephemeris,
    availability: NetworkAvailability = ALL_AVAILABLE,
    sightings: Sightings | None = None,
) -> NetworkPlan:
    """Plan the network over the physics steps of an episode, from the start of the warm-up.

    The plan does not foresee failures, and links are not planned anew after one. A failure removes its links from the
    plan; the steps at which routes end remain those of the plan.

    Args:
        fleet: fleet of the episode.
        ephemeris: positions of the satellites relative to the scenario's ground sites. A grid reads none of them.
        availability: parts of the network that work at each step.
        sightings: satellites that ground sites see; those of the ephemeris if None.

    Raises:
        ScenarioError: links that are not possible for so many satellites.
    """
    availability = NetworkAvailability(*(None if mask is None or mask.all() else mask for mask in availability))
    if sightings is None:
        sightings = site_sightings(fleet, ephemeris)
    grid = grid_links(fleet) if fleet.satellites > MAX_PAIRWISE and fleet.scenario.network.links else None
    isl = _inter_satellite_links(fleet, ephemeris) if grid is None else None
    planned_direct = _direct_links(fleet, sightings, ALL_AVAILABLE)
    net, pairs, direct = isl and isl.net, isl and isl.tables, planned_direct
    if any(mask is not None for mask in availability):
        direct = _direct_links(fleet, sightings, availability)
    if isl and not (availability.satellite_up is None and availability.link_up is None):
        net = surviving_topologies(isl.net, isl.plan, _links_up(isl.plan, availability))
        pairs = pair_tables(net, isl.net)
    isl_up = None if grid is None else _isl_up(fleet.satellites, availability)
    reachable = _has_ground_route(np.isfinite(planned_direct.latency_s), *_components(isl, grid))
    if grid is not None and isl_up is not None:
        routes = grid_ground_routes(direct.latency_s, grid, isl_up)
    else:
        routes = ground_routes(direct.latency_s, net)
    expiry = np.where(routes.next_hop >= 0, expiry_steps(reachable), 0).astype(np.int32)
    return NetworkPlan(isl, grid, pairs, isl_up, direct, routes, expiry)


def _isl_up(satellites: int, availability: NetworkAvailability) -> np.ndarray:
    """Return whether satellites and their terminals work, (T, S) int8, or (1, S) if they always do."""
    up = np.ones((1, satellites), np.bool_)
    for works in (availability.satellite_up, availability.link_up):
        up = up if works is None else up & works
    return up.astype(np.int8)


def _components(isl: PlannedLinks | None, grid: GridNet | None) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Return the topology of each step, and the component of each satellite in each topology; None without links."""
    if grid is not None:
        return np.zeros(1, np.int32), grid.component[None]
    return (isl.net.of_step, isl.net.component) if isl else (None, None)


def site_sightings(fleet: FleetModel, ephemeris: Ephemeris) -> Sightings | None:
    """Return which ground sites see which satellites of an ephemeris; None without ground sites."""
    ground = fleet.scenario.network.ground
    return ephemeris.sightings(ground.min_elevation_deg, fleet.clock.total) if ground else None


def ground_sites(scenario: Scenario) -> tuple[GroundSite, ...]:
    """Return the ground sites of a scenario."""
    ground = scenario.network.ground
    if ground is None:
        return ()
    if isinstance(ground.sites, str):
        return SITES[ground.sites]
    return tuple(GroundSite(s.name, s.latitude_deg, s.longitude_deg, s.altitude_m) for s in ground.sites)


def _antennas(scenario: Scenario) -> np.ndarray:
    """Return the number of antennas of each ground site, (G,)."""
    ground = scenario.network.ground
    assert ground is not None
    if isinstance(ground.sites, str):
        return np.full(len(SITES[ground.sites]), ground.antennas)
    return np.array([site.antennas or ground.antennas for site in ground.sites])


def link_rates_gbps(fleet: FleetModel) -> np.ndarray:
    """Return the rate of each satellite's inter-satellite links [Gb/s], (S,); 0 without links."""
    links, shells = fleet.scenario.network.links, fleet.scenario.shells
    if links is None:
        return np.zeros(fleet.satellites)
    rates = [(shell.links and shell.links.rate_gbps) or links.rate_gbps for shell in shells]
    return np.asarray(rates)[fleet.shell_of]


def _terminals(fleet: FleetModel, links: OpticalLinks) -> np.ndarray:
    """Return the number of optical terminals of each satellite, (S,)."""
    each = [(shell.links and shell.links.terminals) or links.terminals for shell in fleet.scenario.shells]
    return np.asarray(each)[fleet.shell_of]


def _inter_satellite_links(fleet: FleetModel, ephemeris: Ephemeris) -> PlannedLinks | None:
    """Return the planned links between satellites, None if the scenario has no such links.

    If all nodes are fixed to the stars, or all to the mean Sun, positions relative to the Earth's axis are equal in
    every episode. The same holds within each shell. Such links are planned once for all episodes.
    """
    links = fleet.scenario.network.links
    if links is None:
        return None
    clock, terminals = fleet.clock, tuple(_terminals(fleet, links).tolist())
    groups = fleet.constellation.groups
    frames = {group.local_time if isinstance(group, MeanShell) else None for group in groups}
    if None not in frames and (links.topology == "grid" or len(frames) == 1):
        grids = _grids(fleet) if links.topology == "grid" else ()
        return _planned_once(fleet.constellation, links, terminals, grids, clock.dt_s, clock.total)
    return _planned(ephemeris.position_equator_m[: clock.total], links, np.array(terminals), (), clock.dt_s)


def _grids(fleet: FleetModel) -> tuple[ShellGrid, ...]:
    """Return the grid of planes and slots of each shell."""
    return tuple(shell_grid(shell.orbit) for shell in fleet.scenario.shells)


@lru_cache(maxsize=8)
def _planned_once(
    constellation: Constellation,
    links: OpticalLinks,
    terminals: tuple[int, ...],
    grids: tuple[ShellGrid, ...],
    dt_s: float,
    steps: int,
) -> PlannedLinks:
    """Plan links that are the same in every episode, once for all episodes."""
    ephemeris = build_ephemeris(constellation, start=REFERENCE_START, step_s=dt_s, steps=steps)
    return _planned(ephemeris.position_equator_m, links, np.array(terminals), grids, dt_s)


def _planned(
    position_m: np.ndarray, links: OpticalLinks, terminals: np.ndarray, grids: tuple[ShellGrid, ...], dt_s: float
) -> PlannedLinks:
    """Plan the links of satellites at positions (T, S, 3), z along the Earth's axis.

    If `grids` is not empty, links are those between neighbours of the grids.
    """
    rules = LinkRules(
        links.topology,
        terminals,
        links.max_range_km * KM_M,
        links.grazing_altitude_km * KM_M,
        int(np.ceil(links.acquisition_s / dt_s - 1e-9)),
    )
    plan = plan_links(position_m, grid_pairs(grids) if grids else all_pairs(terminals.size), rules)
    net = topologies(plan, terminals.size, links.hop_latency_s, int(terminals.max()))
    return PlannedLinks(plan, net, pair_tables(net, net))


def grid_links(fleet: FleetModel) -> GridNet:
    """Return the links of a large fleet: the grids of its shells, planned once for all episodes.

    Raises:
        ScenarioError: the links are not a grid, or satellites have fewer than four terminals.
    """
    links = fleet.scenario.network.links
    assert links is not None
    many, terminals = f"with more than {MAX_PAIRWISE} satellites", int(_terminals(fleet, links).min())
    if links.topology != "grid":
        raise ScenarioError(f"network.links.topology = {links.topology}: must be grid {many}")
    if terminals < GRID_LINKS:
        raise ScenarioError(f"network.links.terminals = {terminals}: must be {GRID_LINKS} or more {many}")
    return _grid_net(fleet.constellation, links, _grids(fleet), fleet.clock.dt_s, fleet.clock.total)


@lru_cache(maxsize=8)
def _grid_net(
    constellation: Constellation, links: OpticalLinks, grids: tuple[ShellGrid, ...], dt_s: float, steps: int
) -> GridNet:
    """Return the grids of shells whose satellites follow each other."""
    first, shells = 0, []
    for grid in grids:
        total = grid.planes * grid.slots
        shells.append(_shell_links(constellation.part(first, first + total), links, grid, dt_s, steps))
        first += total
    return GridNet(shells)


def _shell_links(shell: Constellation, links: OpticalLinks, grid: ShellGrid, dt_s: float, steps: int) -> ShellLinks:
    """Return the links of a shell that last for all steps: along the planes, and across them.

    All planes of a shell move alike, so that the first stands for all links along planes. The first two, and the last
    beside the first, stand for all links across.
    """
    total, slots, home = grid.planes * grid.slots, grid.slots, np.arange(grid.slots)
    positions = {
        plane: build_ephemeris(
            shell.part(plane * slots, (plane + 1) * slots), start=REFERENCE_START, step_s=dt_s, steps=steps
        ).position_equator_m
        for plane in sorted({0, min(1, grid.planes - 1), grid.planes - 1})
    }
    rings = {plane: k * slots + home for k, plane in enumerate(positions)}
    position_m = np.concatenate(list(positions.values()), axis=1)
    along = np.stack([home, (home + 1) % slots], 1)[: slots if slots > 2 else slots - 1]
    across = [np.stack([rings[0], rings[1]], 1)] if grid.planes > 1 else []
    if grid.closed and grid.planes > 2:
        across.append(np.stack([rings[grid.planes - 1], rings[0][(home + grid.phasing) % slots]], 1))
    lasts, mean_s = [], []
    for pairs in (along, np.concatenate(across) if across else np.zeros((0, 2), np.int64)):
        seen, distance_m = in_sight(position_m, pairs, links.grazing_altitude_km * KM_M)
        lasts.append(bool(pairs.size) and bool((seen & (distance_m <= links.max_range_km * KM_M)).all()))
        latency_s = light_time_s(distance_m.mean(axis=0), links.hop_latency_s)
        mean_s.append(float(latency_s.mean()) if lasts[-1] else 1.0)
    assert total == len(shell)
    return ShellLinks(grid, lasts[0], lasts[1], mean_s[0], mean_s[1])


def _links_up(plan: LinkPlan, availability: NetworkAvailability) -> np.ndarray:
    """Return the planned links of which both ends work, (T, L)."""
    up = plan.up
    for works in (availability.satellite_up, availability.link_up):
        if works is not None:
            up = up & works[:, plan.pairs[:, 0]] & works[:, plan.pairs[:, 1]]
    return up


def _direct_links(fleet: FleetModel, sightings: Sightings | None, availability: NetworkAvailability) -> DirectLinks:
    """Return each satellite's link with a ground site or the backbone, whichever is faster."""
    network, n = fleet.scenario.network, fleet.satellites
    changing = network.ground is not None or availability.satellite_up is not None or availability.link_up is not None
    steps = fleet.clock.total if changing else 1
    site, rate, latency = None, np.zeros((steps, n)), np.full((steps, n), np.inf)
    if network.backbone is not None:
        rate[:], latency[:] = network.backbone.rate_gbps, network.backbone.latency_s
        if availability.link_up is not None:
            rate[~availability.link_up], latency[~availability.link_up] = 0.0, np.inf
    if network.ground is not None:
        ground = network.ground
        assert sightings is not None
        working = sightings if availability.site_up is None else sightings.working(availability.site_up)
        site, distance_m = ground_contacts(working, _antennas(fleet.scenario))
        served = (site != NO_SITE) & (ground.rate_gbps >= rate)
        rate[served] = ground.rate_gbps
        latency[served] = light_time_s(distance_m[served], ground.latency_s)
    if availability.satellite_up is not None:
        rate[~availability.satellite_up], latency[~availability.satellite_up] = 0.0, np.inf
    return DirectLinks(site, rate, latency)


def _has_ground_route(direct: np.ndarray, of_step: np.ndarray | None, component: np.ndarray | None) -> np.ndarray:
    """Return whether each satellite has a route to the ground, direct or over other satellites, (T, S).

    Args:
        direct: whether each satellite has a link of its own to the ground, (T, S).
        of_step: topology of each step, or (1,); None without links between satellites.
        component: connected component of each satellite in each topology, (U, S).
    """
    if of_step is None or component is None or direct.all():
        return direct
    steps = np.broadcast_to(of_step, len(direct))
    part_reachable = np.zeros((len(direct), component.max() + 1), np.bool_)
    t, s = np.nonzero(direct)
    part_reachable[t, component[steps[t], s]] = True
    return np.asarray(part_reachable[np.arange(len(direct))[:, None], component[steps]])
