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
    grid_topology,
    ground_routes,
    light_time_s,
    pair_tables,
    surviving_topologies,
    topologies,
)
from odc_gym.scenario import OpticalLinks, Scenario
from odc_gym.sites import SITES
from odc_gym.tables.fleet.fleet_model import FleetModel

WHOLE_GRID_TERMINALS = 4
MAX_PAIRWISE = 500  # satellites; larger constellations must be grids whose links are always up
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


class InterSatelliteLinks(NamedTuple):
    """Planned links between satellites.

    Attributes:
        plan: link plan; None above `MAX_PAIRWISE` satellites.
        net: topologies of the planned links.
        tables: tables of the routes over them.
    """

    plan: LinkPlan | None
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
        isl: planned links between satellites, or None.
        net: topologies of the working links, or None.
        pairs: tables of the routes over them, or None.
        direct: links with the ground.
        routes: route of each satellite to the ground.
        ground_closes: step at which the planned route to the ground ends, (T, S).
    """

    isl: InterSatelliteLinks | None
    net: Topologies | None
    pairs: PairTables | None
    direct: DirectLinks
    routes: GroundRoutes
    ground_closes: np.ndarray


def plan_network(
    fleet: FleetModel, ephemeris: Ephemeris, availability: NetworkAvailability = ALL_AVAILABLE
) -> NetworkPlan:
    """Plan the network over the physics steps of an episode, from the start of the warm-up.

    The plan does not foresee failures, and links are not planned anew after one. A failure removes its links from the
    plan; the steps at which routes end remain those of the plan.

    Args:
        fleet: fleet of the episode.
        ephemeris: positions of the satellites relative to the scenario's ground sites.
        availability: parts of the network that work at each step.

    Raises:
        ScenarioError: links that are not possible for so many satellites.
    """
    availability = NetworkAvailability(*(None if mask is None or mask.all() else mask for mask in availability))
    isl = _inter_satellite_links(fleet, ephemeris)
    planned_direct = _direct_links(fleet, ephemeris, ALL_AVAILABLE)
    working_net, pairs, direct = isl and isl.net, isl and isl.tables, planned_direct
    if any(mask is not None for mask in availability):
        direct = _direct_links(fleet, ephemeris, availability)
    if isl and isl.plan and not (availability.satellite_up is None and availability.link_up is None):
        working_net = surviving_topologies(isl.net, isl.plan, _links_up(isl.plan, availability))
        pairs = pair_tables(working_net, isl.net)
    reachable = _has_ground_route(np.isfinite(planned_direct.latency_s), isl.net if isl else None)
    routes = ground_routes(direct.latency_s, working_net)
    expiry = np.where(routes.next_hop >= 0, expiry_steps(reachable), 0).astype(np.int32)
    return NetworkPlan(isl, working_net, pairs, direct, routes, expiry)


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


def _inter_satellite_links(fleet: FleetModel, ephemeris: Ephemeris) -> InterSatelliteLinks | None:
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
) -> InterSatelliteLinks:
    """Plan links that are the same in every episode, once for all episodes."""
    ephemeris = build_ephemeris(constellation, start=REFERENCE_START, step_s=dt_s, steps=steps)
    return _planned(ephemeris.position_equator_m, links, np.array(terminals), grids, dt_s)


def _planned(
    position_m: np.ndarray, links: OpticalLinks, terminals: np.ndarray, grids: tuple[ShellGrid, ...], dt_s: float
) -> InterSatelliteLinks:
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
    if terminals.size > MAX_PAIRWISE:
        plan, net = None, _whole_grid(position_m, links, rules, grids)
    else:
        plan = plan_links(position_m, grid_pairs(grids) if grids else all_pairs(terminals.size), rules)
        net = topologies(plan, terminals.size, links.hop_latency_s)
    return InterSatelliteLinks(plan, net, pair_tables(net, net))


def _whole_grid(
    position_m: np.ndarray, links: OpticalLinks, rules: LinkRules, grids: tuple[ShellGrid, ...]
) -> Topologies:
    """Return the routes of a grid whose links must always be up.

    Raises:
        ScenarioError: another topology, fewer than four terminals, or a link that is not always up.
    """
    many = f"with more than {MAX_PAIRWISE} satellites"
    if not grids:
        raise ScenarioError(f"network.links.topology = {links.topology}: must be grid {many}")
    if rules.terminals.min() < WHOLE_GRID_TERMINALS:
        raise ScenarioError(
            f"network.links.terminals = {rules.terminals.min()}: must be {WHOLE_GRID_TERMINALS} or more {many}"
        )
    across: list[float] = []
    along: list[float] = []
    first = 0
    for i, grid in enumerate(grids):
        total = grid.planes * grid.slots
        pairs = grid_pairs([grid])
        seen, distance_m = in_sight(position_m[:, first : first + total], pairs, rules.grazing_m)
        if not (seen & (distance_m <= rules.range_m)).all():
            raise ScenarioError(
                f"network.links.topology = grid: shells.{i} has links that do not last, must hold {many}"
            )
        latency_s = light_time_s(distance_m.mean(axis=0), links.hop_latency_s)
        in_plane = pairs[:, 0] // grid.slots == pairs[:, 1] // grid.slots
        for means, selected in ((along, in_plane), (across, ~in_plane)):
            means.append(float(latency_s[selected].mean()) if selected.any() else 0.0)
        first += total
    return grid_topology(grids, across, along)


def _links_up(plan: LinkPlan, availability: NetworkAvailability) -> np.ndarray:
    """Return the planned links of which both ends work, (T, L)."""
    up = plan.up
    for works in (availability.satellite_up, availability.link_up):
        if works is not None:
            up = up & works[:, plan.pairs[:, 0]] & works[:, plan.pairs[:, 1]]
    return up


def _direct_links(fleet: FleetModel, ephemeris: Ephemeris, availability: NetworkAvailability) -> DirectLinks:
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
        site = ground_contacts(
            ephemeris.elevation_deg[:steps], ground.min_elevation_deg, _antennas(fleet.scenario), availability.site_up
        )
        served = (site != NO_SITE) & (ground.rate_gbps >= rate)
        distance_m = np.take_along_axis(ephemeris.site_range_m[:steps], np.maximum(site, 0)[..., None], axis=2)[..., 0]
        rate[served] = ground.rate_gbps
        latency[served] = light_time_s(distance_m, ground.latency_s)[served]
    if availability.satellite_up is not None:
        rate[~availability.satellite_up], latency[~availability.satellite_up] = 0.0, np.inf
    return DirectLinks(site, rate, latency)


def _has_ground_route(direct: np.ndarray, net: Topologies | None) -> np.ndarray:
    """Return whether each satellite has a route to the ground, direct or over other satellites, (T, S)."""
    if net is None or direct.all():
        return direct
    part = np.broadcast_to(net.component[net.of_step], direct.shape)
    part_reachable = np.zeros(direct.shape, np.bool_)  # indexed by connected part: at most one a satellite
    t, s = np.nonzero(direct)
    part_reachable[t, part[t, s]] = True
    return np.take_along_axis(part_reachable, part, axis=1)
