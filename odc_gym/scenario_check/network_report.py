"""Report of a scenario's network over an episode: links, contacts, routes to the ground, and gateway shares."""

from __future__ import annotations

import numpy as np

from odc_gym.constants import MINUTE_S
from odc_gym.errors import ScenarioError
from odc_gym.orbits import build_ephemeris
from odc_gym.orbits.grid import GridNet
from odc_gym.orbits.network import LinkPlan, run_lengths
from odc_gym.orbits.routes import GroundRoutes, PairTables
from odc_gym.scenario import JobClass, ServiceClass, Workload
from odc_gym.scenario.gangs import Gang
from odc_gym.scenario_check.report_row import ReportRow
from odc_gym.tables.episode.network import DirectLinks, NetworkPlan, ground_sites, plan_network
from odc_gym.tables.fleet.fleet_model import FleetModel


def network_report(fleet: FleetModel) -> list[ReportRow]:
    """Return the report of the network over the first episode of the year.

    Raises:
        ScenarioError: jobs need data that never reaches some satellite, or more neighbours than there are.
    """
    clock, network, sites = fleet.clock, fleet.scenario.network, ground_sites(fleet.scenario)
    start = fleet.year_starts()[0]
    ephemeris = build_ephemeris(fleet.constellation, start=start, step_s=clock.dt_s, steps=clock.total, sites=sites)
    plan = plan_network(fleet, ephemeris)
    _require_ground_routes(fleet, plan)
    rows = []
    if network.backbone is not None:
        note = f"{network.backbone.rate_gbps:g} Gb/s a satellite, always reachable"
        rows.append(ReportRow("transfers", "backbone", "", note))
    if network.links is not None:
        note = f"{network.links.rate_gbps:g} Gb/s each, {network.links.terminals} terminals a satellite"
        rows.append(ReportRow("own links", network.links.topology, "", note))
    if plan.isl is not None:
        rows += _link_rows(plan.isl.plan, fleet.satellites, clock.dt_s / MINUTE_S)
        rows += _part_rows(plan.isl.net.component, plan.isl.net.of_step)
    if plan.grid is not None:
        rows += _grid_rows(plan.grid)
        rows += _part_rows(plan.grid.component[None], np.zeros(1, np.int64))
    if network.ground is not None and plan.direct.site is not None:
        note = f"{network.ground.rate_gbps:g} Gb/s above {network.ground.min_elevation_deg:g} degrees"
        rows.append(ReportRow("ground sites", str(len(sites)), "", note))
        rows += _contact_rows(plan.direct, clock.dt_s / MINUTE_S)
    rows += [
        _neighbourhood_row(name, c.gang, plan.pairs, clock.dt_s / MINUTE_S)
        for name, c in fleet.scenario.workload.classes.items()
        if isinstance(c, JobClass) and c.gang is not None and plan.pairs is not None
    ]
    rows += _ground_route_rows(plan.routes, clock.dt_s / MINUTE_S)
    if plan.direct.site is not None and network.backbone is None:
        rows.append(_gateway_row(plan.routes, plan.direct.site, [site.name for site in sites]))
    return rows


def _require_ground_routes(fleet: FleetModel, plan: NetworkPlan) -> None:
    """Raise an error if work needs data and some satellite never has a route to the ground."""
    needs = _classes_with_data(fleet.scenario.workload)
    never = np.flatnonzero(~(plan.routes.next_hop >= 0).any(axis=0))
    if needs and never.size:
        raise ScenarioError(
            f"network: {never.size} of {fleet.satellites} satellites never have a way to the ground, "
            f"but {', '.join(needs)} must have data"
        )


def _classes_with_data(workload: Workload) -> list[str]:
    """Return the classes that need data from the ground."""
    return [
        name
        for name, c in workload.classes.items()
        if (c.weights_gb if isinstance(c, ServiceClass) else c.data_in_gb) > 0
    ]


def _link_rows(plan: LinkPlan, satellites: int, step_min: float) -> list[ReportRow]:
    """Return link degree, share of time without a link, and duration of links."""
    steps = len(plan.up)
    degree = np.zeros((steps, satellites), np.int64)
    for (a, b), up in zip(plan.pairs, plan.up.T, strict=True):
        degree[:, a] += up
        degree[:, b] += up
    note = f"of a satellite, from {degree.min()} to {degree.max()}"
    rows = [ReportRow("link degree", float(degree.mean()), "", note)]
    rows.append(ReportRow("without a link", float((degree == 0).mean()), "", "share of satellites and time"))
    lengths = run_lengths(plan.held, False) * step_min
    permanent = int(plan.held.all(axis=0).sum())
    if lengths.size:
        note = f"median; mean {lengths.mean():.3g}, longest {lengths.max():.3g}; {permanent} links never end"
        rows.append(ReportRow("link contact", float(np.median(lengths)), "min", note))
    else:
        rows.append(ReportRow("link contact", "lasts" if permanent else "none", "", f"{permanent} links never end"))
    return rows


def _grid_rows(grid: GridNet) -> list[ReportRow]:
    """Return the link degree in the grids of a large fleet."""
    degree = (grid.neighbours >= 0).sum(axis=1)
    note = f"of a satellite, from {degree.min()} to {degree.max()}; links that do not last are not made"
    return [ReportRow("link degree", float(degree.mean()), "", note)]


def _part_rows(component: np.ndarray, of_step: np.ndarray) -> list[ReportRow]:
    """Return the mean number of connected parts, with the size of the largest.

    Args:
        component: connected component of each satellite in each topology, (U, S).
        of_step: topology of each step, (T,) or (1,).
    """
    sizes = [np.bincount(part) for part in component]
    steps = np.bincount(of_step, minlength=len(sizes))
    count = np.average([np.count_nonzero(size) for size in sizes], weights=steps)
    largest = np.average([size.max() for size in sizes], weights=steps)
    pairs = np.average([(size * size).sum() / size.sum() ** 2 for size in sizes], weights=steps)
    note = f"largest {largest:.3g} satellites; {pairs:.3g} of all pairs have a route; {len(sizes)} topologies"
    return [ReportRow("connected parts", float(count), "", note)]


def _contact_rows(direct: DirectLinks, step_min: float) -> list[ReportRow]:
    """Return the share of time in contact with a ground site, and the length of contacts."""
    assert direct.site is not None
    lengths = run_lengths(direct.site, -1) * step_min
    share = (direct.site >= 0).mean(axis=0)
    rows = [
        ReportRow("ground contact", float(share.mean()), "", f"of the time, {share.min():.3g} to {share.max():.3g}")
    ]
    if lengths.size:
        note = f"mean with one site; longest {lengths.max():.3g}"
        rows.append(ReportRow("ground contact length", float(lengths.mean()), "min", note))
    return rows


def _neighbourhood_row(name: str, gang: Gang, pairs: PairTables, step_min: float) -> ReportRow:
    """Return the largest neighbourhood in which a gang can be placed, mean over the episode.

    A neighbourhood consists of a satellite and all satellites within the gang's hops for the time that it requires.

    Raises:
        ScenarioError: no neighbourhood is ever large enough for the largest jobs of the class.
    """
    sizes = np.array([_most_neighbours(gang, pairs, t, step_min) for t in range(len(pairs.of_step))])
    wanted, most = max(gang.satellites), int(sizes.max())
    around = f"within {gang.hops} links of one for {gang.lasting_min:g} min"
    if most < wanted:
        raise ScenarioError(
            f"workload.classes.{name}.gang.satellites = {wanted}: must be at most {most}, as many are {around}"
        )
    return ReportRow(
        f"{name} neighbourhood", float(sizes.mean()), "satellites", f"the largest {around}, mean; most {most}"
    )


def _most_neighbours(gang: Gang, pairs: PairTables, t: int, step_min: float) -> int:
    """Return the size of the largest neighbourhood at step `t`."""
    topology = pairs.of_step[t]
    near = (pairs.hops[topology] >= 0) & (pairs.hops[topology] <= gang.hops)
    return int((near & ((pairs.expiry_step[topology] - t) * step_min >= gang.lasting_min)).sum(axis=1).max())


def _ground_route_rows(routes: GroundRoutes, step_min: float) -> list[ReportRow]:
    """Return the share of time with a route to the ground, and the routes' hops and latency."""
    reachable = routes.next_hop >= 0
    gaps = run_lengths(~reachable, False) * step_min
    longest = f"longest gap {gaps.max():.3g} min" if gaps.size else "of the time"
    hops = routes.hops[reachable]
    note = f"mean, most {hops.max()}; the link to the ground included"
    latency = float(routes.latency_s[reachable].mean())
    latency_note = f"mean, most {routes.latency_s[reachable].max() * 1000:.3g}"
    return [
        ReportRow("reach of the ground", float(reachable.mean()), "", longest),
        ReportRow("hops to the ground", float(hops.mean()), "", note),
        ReportRow("latency to the ground", latency * 1000.0, "ms", latency_note),
    ]


def _gateway_row(routes: GroundRoutes, site: np.ndarray, names: list[str]) -> ReportRow:
    """Return the largest share of data through one ground site, if all satellites send equally at all times."""
    through = np.where(
        routes.exit_satellite >= 0, np.take_along_axis(site, routes.exit_satellite.astype(np.int64), axis=1), -1
    )
    share = np.bincount(through[through >= 0], minlength=len(names)) / max((through >= 0).sum(), 1)
    note = f"of the fleet's data by {names[int(share.argmax())]}, if all satellites send alike"
    return ReportRow("gateway share", float(share.max()), "", note)
