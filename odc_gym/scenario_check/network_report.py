"""Figures of a scenario's network over an episode: links, contacts, reach, and where the data goes."""

from __future__ import annotations

import numpy as np

from odc_gym.constants import MINUTE_S
from odc_gym.errors import ScenarioError
from odc_gym.orbits import build_ephemeris
from odc_gym.orbits.network import LinkPlan, run_lengths
from odc_gym.orbits.routes import GroundRoutes, PairTables, Topologies
from odc_gym.scenario import JobClass, ServiceClass, Workload
from odc_gym.scenario.gangs import Gang
from odc_gym.scenario_check.report_row import Row
from odc_gym.tables.episode.network import DirectWays, NetworkPlan, ground_sites, plan_network
from odc_gym.tables.fleet.fleet_model import FleetModel


def network_rows(fleet: FleetModel) -> list[Row]:
    """The figures of a network over the first episode of the year.

    Raises:
        ScenarioError: work needs data that never reaches some satellite, or more neighbours than there are.
    """
    clock, network, sites = fleet.clock, fleet.scenario.network, ground_sites(fleet.scenario)
    start = fleet.year()[0]
    ephemeris = build_ephemeris(fleet.constellation, start=start, step_s=clock.dt_s, steps=clock.total, sites=sites)
    plan = plan_network(fleet, ephemeris)
    _require_ways(fleet, plan)
    rows = []
    if network.backbone is not None:
        note = f"{network.backbone.rate_gbps:g} Gb/s a satellite, always reachable"
        rows.append(Row("transfers", "backbone", "", note))
    if plan.own is not None and network.links is not None:
        note = f"{network.links.rate_gbps:g} Gb/s each, {network.links.terminals} terminals a satellite"
        rows.append(Row("own links", network.links.topology, "", note))
        if plan.own.plan is not None:
            rows += _links(plan.own.plan, fleet.satellites, clock.dt_s / MINUTE_S)
        rows += _parts(plan.own.net)
    if network.ground is not None and plan.direct.site is not None:
        note = f"{network.ground.rate_gbps:g} Gb/s above {network.ground.min_elevation_deg:g} degrees"
        rows.append(Row("ground sites", str(len(sites)), "", note))
        rows += _contacts(plan.direct, clock.dt_s / MINUTE_S)
    rows += [
        _neighbourhood(name, c.gang, plan.pairs, clock.dt_s / MINUTE_S)
        for name, c in fleet.scenario.workload.classes.items()
        if isinstance(c, JobClass) and c.gang is not None and plan.pairs is not None
    ]
    rows += _ways(plan.routes, clock.dt_s / MINUTE_S)
    if plan.direct.site is not None and network.backbone is None:
        rows.append(_busiest(plan.routes, plan.direct.site, [site.name for site in sites]))
    return rows


def _require_ways(fleet: FleetModel, plan: NetworkPlan) -> None:
    """Work that needs data must have a way for it."""
    needs = _classes_with_data(fleet.scenario.workload)
    never = np.flatnonzero(~(plan.routes.next_hop >= 0).any(axis=0))
    if needs and never.size:
        raise ScenarioError(
            f"network: {never.size} of {fleet.satellites} satellites never have a way to the ground, "
            f"but {', '.join(needs)} must have data"
        )


def _classes_with_data(workload: Workload) -> list[str]:
    return [
        name
        for name, c in workload.classes.items()
        if (c.weights_gb if isinstance(c, ServiceClass) else c.data_in_gb) > 0
    ]


def _links(plan: LinkPlan, satellites: int, step_min: float) -> list[Row]:
    """Degree, and how long links last."""
    steps = len(plan.up)
    ends = np.zeros((steps, satellites), np.int64)
    for (a, b), up in zip(plan.pairs, plan.up.T, strict=True):
        ends[:, a] += up
        ends[:, b] += up
    rows = [Row("link degree", float(ends.mean()), "", f"of a satellite, from {ends.min()} to {ends.max()}")]
    rows.append(Row("without a link", float((ends == 0).mean()), "", "share of satellites and time"))
    lengths = run_lengths(plan.held, False) * step_min
    lasting = int(plan.held.all(axis=0).sum())
    if lengths.size:
        note = f"median; mean {lengths.mean():.3g}, longest {lengths.max():.3g}; {lasting} links never end"
        rows.append(Row("link contact", float(np.median(lengths)), "min", note))
    else:
        rows.append(Row("link contact", "lasts" if lasting else "none", "", f"{lasting} links never end"))
    return rows


def _parts(net: Topologies) -> list[Row]:
    """Into how many parts the satellites fall, and how large the largest is."""
    sizes = [np.bincount(part) for part in net.component]
    steps = np.bincount(net.of_step, minlength=len(sizes))
    count = np.average([np.count_nonzero(size) for size in sizes], weights=steps)
    largest = np.average([size.max() for size in sizes], weights=steps)
    pairs = np.average([(size * size).sum() / size.sum() ** 2 for size in sizes], weights=steps)
    note = f"largest {largest:.3g} satellites; {pairs:.3g} of all pairs have a route; {len(sizes)} topologies"
    return [Row("connected parts", float(count), "", note)]


def _contacts(direct: DirectWays, step_min: float) -> list[Row]:
    """How much of the time satellites are over a site, and how long."""
    assert direct.site is not None
    lengths = run_lengths(direct.site, -1) * step_min
    share = (direct.site >= 0).mean(axis=0)
    rows = [Row("ground contact", float(share.mean()), "", f"of the time, {share.min():.3g} to {share.max():.3g}")]
    if lengths.size:
        note = f"mean with one site; longest {lengths.max():.3g}"
        rows.append(Row("ground contact length", float(lengths.mean()), "min", note))
    return rows


def _neighbourhood(name: str, gang: Gang, pairs: PairTables, step_min: float) -> Row:
    """How many satellites a gang finds together: one, and its neighbours within the hops and for the time it asks.

    Raises:
        ScenarioError: never enough for its largest jobs.
    """
    sizes = np.array([_most_neighbours(gang, pairs, t, step_min) for t in range(len(pairs.of_step))])
    wanted, most = max(gang.satellites), int(sizes.max())
    around = f"within {gang.hops} links of one for {gang.lasting_min:g} min"
    if most < wanted:
        raise ScenarioError(
            f"workload.classes.{name}.gang.satellites = {wanted}: must be at most {most}, as many are {around}"
        )
    return Row(f"{name} neighbourhood", float(sizes.mean()), "satellites", f"the largest {around}, mean; most {most}")


def _most_neighbours(gang: Gang, pairs: PairTables, t: int, step_min: float) -> int:
    """Most satellites together at a step."""
    e = pairs.of_step[t]
    near = (pairs.hops[e] >= 0) & (pairs.hops[e] <= gang.hops)
    return int((near & ((pairs.expiry_step[e] - t) * step_min >= gang.lasting_min)).sum(axis=1).max())


def _ways(routes: GroundRoutes, step_min: float) -> list[Row]:
    """Whether data reaches the ground, and over how many links."""
    there = routes.next_hop >= 0
    gaps = run_lengths(~there, False) * step_min
    longest = f"longest gap {gaps.max():.3g} min" if gaps.size else "of the time"
    hops = routes.hops[there]
    note = f"mean, most {hops.max()}; the link to the ground included"
    latency = float(routes.latency_s[there].mean())
    return [
        Row("reach of the ground", float(there.mean()), "", longest),
        Row("hops to the ground", float(hops.mean()), "", note),
        Row("latency to the ground", latency * 1000.0, "ms", f"mean, most {routes.latency_s[there].max() * 1000:.3g}"),
    ]


def _busiest(routes: GroundRoutes, site: np.ndarray, names: list[str]) -> Row:
    """The site through which most of the data goes if all satellites send alike at all times."""
    through = np.where(
        routes.exit_satellite >= 0, np.take_along_axis(site, routes.exit_satellite.astype(np.int64), axis=1), -1
    )
    share = np.bincount(through[through >= 0], minlength=len(names)) / max((through >= 0).sum(), 1)
    note = f"of the fleet's data by {names[int(share.argmax())]}, if all satellites send alike"
    return Row("gateway share", float(share.max()), "", note)
