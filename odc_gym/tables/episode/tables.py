"""Episode tables: everything that the agent cannot change, computed before the episode.

`build_episode` builds the tables of one episode from its seed alone. The same seed gives the same bits in any process
and in any row of any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from odc_gym.constants import DAY_S, GROUND, HOUR_S, MINUTE_S, SOLAR_CONSTANT_W_M2
from odc_gym.core.layout.network import Links
from odc_gym.core.layout.records import EVENT
from odc_gym.core.layout.state import Forecast, Sky, padded
from odc_gym.core.layout.work import Rules
from odc_gym.faults.faults import GroundTrack, draw_events
from odc_gym.faults.outages import Availability, draw_availability
from odc_gym.orbits import Ephemeris, build_ephemeris
from odc_gym.orbits.network import NO_SITE
from odc_gym.orbits.sightings import Sightings
from odc_gym.scenario import TIERS, RadiationStorm, ServiceClass, Surge
from odc_gym.tables.episode.captured_jobs import captured_jobs, rates_of_captures
from odc_gym.tables.episode.links import network_links
from odc_gym.tables.episode.network import NetworkAvailability, ground_sites, plan_network, site_sightings
from odc_gym.tables.episode.variation import vary
from odc_gym.tables.fleet.fleet_model import CENSUS_S, FleetModel
from odc_gym.tables.fleet.plans import solve_orbits
from odc_gym.tables.fleet.surroundings import OrbitSteps, illuminate
from odc_gym.tables.fleet.sustainable import DesignNumbers
from odc_gym.workload import (
    JOB,
    RateWindow,
    draw_demand,
    draw_jobs,
    draw_surges,
    mean_rate_factor,
    planning_demand,
    replay_demand,
    scripted_windows,
)
from odc_gym.workload.captures import Captured
from odc_gym.workload.jobs import joined

HORIZONS_MIN = (15, 30, 60, 95)  # horizons of the solar forecast
PLAN_INTERVAL_S = 6 * HOUR_S  # beta changes by at most a degree and a half in it
PART = 512  # satellites whose ephemeris is in memory at once
LOOK_AHEAD = 1.6  # orbits beyond the episode that forecasts may need


@dataclass(frozen=True)
class EpisodeTables:
    """Read-only tables of one episode.

    Times are seconds since the episode's start. The first step is that of the warm-up.

    Attributes:
        fleet: fleet of the episode: the scenario's own, or one with drawn values.
        start: start of the episode, UTC.
        sky: sunlight, array output, radiator heat, sustainable power and outages, (T, F, P) float32.
        forecast: sunlight and array power that satellites can predict, (D, F, P) float32.
        days: sine and cosine of the hour of day, (D, 2).
        jobs: replicas, then the census, then arrivals after the start of the warm-up, (J,) of JOB.
        events: upsets and hard failures in order of time, (E,) of EVENT.
        availability: service state of satellites, links and ground sites.
        demand: arriving tokens a step, and those that autoscalers plan with, (T, 2, C).
        links: network tables.
        census: jobs that are alive when the warm-up begins.
        load_factor: offered work relative to the work that the fleet can sustain.
    """

    fleet: FleetModel
    start: datetime
    sky: np.ndarray
    forecast: np.ndarray
    days: np.ndarray
    jobs: np.ndarray
    events: np.ndarray
    availability: Availability
    demand: np.ndarray
    links: Links
    census: np.ndarray
    load_factor: float


def build_episode(fleet: FleetModel, seed: int, chance: int | None = None) -> EpisodeTables:
    """Build the tables of episode `seed` of a scenario's fleet.

    Args:
        fleet: fleet of the scenario.
        seed: seed of the episode: its start, its light and its satellites.
        chance: seed of the work that arrives and of all faults within it, for planners that imagine other courses of
            an episode; that of the episode if None.
    """
    fleet = vary(fleet, seed)
    start = fleet.start_of(seed)
    seed = seed if chance is None else chance
    tables, ephemeris = _SatelliteTables(fleet), None
    for begin in range(0, fleet.satellites, PART):
        ephemeris = _ephemeris(fleet, start, begin, min(begin + PART, fleet.satellites))
        tables.add(ephemeris, begin)
    assert ephemeris is not None
    availability = draw_availability(fleet.scenario, seed, fleet.satellites, _step_s(fleet))
    tables.sky[:, Sky._fields.index("out"), : fleet.satellites] = availability.condition
    surges = _surges(fleet, seed)
    demand = _demand(fleet, seed, start, surges)
    jobs, census = _jobs(fleet, seed, start, surges, captured_jobs(fleet, seed, tables.captured_rates()))
    factor = _load_factor(fleet, jobs, census, demand)
    jobs = joined([_replicas(fleet), census, jobs])
    working = NetworkAvailability(*availability.working_masks)
    links = network_links(fleet, ephemeris, working, tables.sightings())
    return EpisodeTables(
        fleet, start, tables.sky, tables.forecast, _hour_of_day(fleet, start), jobs,
        _events(fleet, seed, tables.track), availability, demand, links, census, factor,
    )  # fmt: skip


def serving_sites(fleet: FleetModel, seed: int) -> np.ndarray:
    """Return the ground site that serves each satellite in each physics step of episode `seed`, (T, S); -1: none."""
    fleet = vary(fleet, seed)
    ephemeris, sightings = None, []
    for begin in range(0, fleet.satellites, PART):
        ephemeris = _ephemeris(fleet, fleet.start_of(seed), begin, min(begin + PART, fleet.satellites))
        sightings += [seen] if (seen := site_sightings(fleet, ephemeris)) else []
    assert ephemeris is not None
    availability = draw_availability(fleet.scenario, seed, fleet.satellites, _step_s(fleet))
    working = NetworkAvailability(*availability.working_masks)
    site = plan_network(fleet, ephemeris, working, Sightings.joined(sightings) if sightings else None).direct.site
    return np.full((1, fleet.satellites), NO_SITE) if site is None else site


class _SatelliteTables:
    """Tables of an episode by satellite, built part by part: the ephemeris of a large fleet would fill the memory.

    Attributes:
        sky: `EpisodeTables.sky`, without outages.
        forecast: `EpisodeTables.forecast`.
        track: subsatellite points of warm-up and episode, (T, S) each; None without faults.
    """

    def __init__(self, fleet: FleetModel) -> None:
        self.fleet = fleet
        clock, lanes = fleet.clock, padded(fleet.satellites)
        self.sky = np.zeros((clock.total, len(Sky._fields), lanes), np.float32)
        self.forecast = np.zeros((clock.total // clock.steps + 1, len(Forecast._fields), lanes), np.float32)
        has_track = fleet.scenario.faults.enabled
        self.track = GroundTrack(*np.zeros((3, clock.total, fleet.satellites))) if has_track else None
        self._sightings: list[Sightings] = []
        self._captured: dict[str, list[np.ndarray]] = {}

    def add(self, ephemeris: Ephemeris, begin: int) -> None:
        """Add the satellites of an ephemeris, the first of which is satellite `begin`."""
        fleet, total = self.fleet, self.fleet.clock.total
        end = begin + ephemeris.beta_rad.shape[1]
        light = _add_light(fleet, ephemeris, begin, self.sky)
        self.forecast[:, :, begin:end] = _forecast(fleet, light, fleet.period_s[begin:end])
        if end == fleet.satellites:  # padding lanes repeat the last satellite
            self.sky[:, :, end:] = self.sky[:, :, end - 1 : end]
        if self.track is not None:
            for table, name in zip(self.track, ("latitude_deg", "longitude_deg", "altitude_m"), strict=True):
                table[:, begin:end] = getattr(ephemeris, name)[:total]
        sightings = site_sightings(fleet, ephemeris)
        self._sightings += [sightings] if sightings else []
        for name, rates in rates_of_captures(fleet, ephemeris).items():
            self._captured.setdefault(name, []).append(rates)

    def sightings(self) -> Sightings | None:
        """Return the sightings of ground sites; None without ground sites."""
        return Sightings.joined(self._sightings) if self._sightings else None

    def captured_rates(self) -> dict[str, np.ndarray]:
        """Return the capture rates of each class with captures, (T, S), by class."""
        return {name: np.concatenate(parts, axis=1) for name, parts in self._captured.items()}


def _ephemeris(fleet: FleetModel, start: datetime, begin: int = 0, end: int | None = None) -> Ephemeris:
    """Return the ephemeris of warm-up, episode and look-ahead, for the satellites from `begin` to before `end`."""
    clock = fleet.clock
    ahead = int(np.ceil(LOOK_AHEAD * fleet.period_s.max() / clock.dt_s)) + HORIZONS_MIN[-1]
    return build_ephemeris(
        fleet.constellation.part(begin, fleet.satellites if end is None else end),
        start=start - timedelta(seconds=clock.warm_up_s),
        step_s=clock.dt_s,
        steps=clock.total + ahead,
        sites=ground_sites(fleet.scenario),
    )


def _step_s(fleet: FleetModel) -> np.ndarray:
    """Return the beginning of each physics step relative to the episode's start [s], (T,)."""
    return (np.arange(fleet.clock.total) - fleet.clock.warm_up) * fleet.clock.dt_s


def _surges(fleet: FleetModel, seed: int) -> tuple[RateWindow, ...]:
    """Return the surges of an episode, scripted ones included."""
    scenario = fleet.scenario
    drawn = draw_surges(scenario.workload.surges, seed, CENSUS_S, fleet.clock.episode_s)
    return drawn + scripted_windows(scenario.events, Surge, scenario.start.epoch)


def _events(fleet: FleetModel, seed: int, place: GroundTrack | None) -> np.ndarray:
    """Return the upsets and hard failures of warm-up and episode, (E,) of EVENT."""
    faults, clock = fleet.scenario.faults, fleet.clock
    if place is None:
        return np.zeros(0, EVENT)
    storms = scripted_windows(fleet.scenario.events, RadiationStorm, fleet.scenario.start.epoch)
    storm = mean_rate_factor(storms, "", _step_s(fleet), clock.dt_s)
    return draw_events(faults, seed, place, fleet.references.accelerators, clock.dt_s, storm)


class _Light(NamedTuple):
    """Sunlight on N satellites in warm-up, episode and look-ahead, (T', N) each.

    Attributes:
        sunlit_frac: visible share of the Sun's disc.
        array_w: array power [W].
    """

    sunlit_frac: np.ndarray
    array_w: np.ndarray


def _add_light(fleet: FleetModel, ephemeris: Ephemeris, begin: int, sky: np.ndarray) -> _Light:
    """Write the light of the satellites of an ephemeris to the sky table, and return it.

    Args:
        fleet: fleet of the episode.
        ephemeris: ephemeris of the N satellites from `begin` on.
        begin: first of them.
        sky: sky table, (T, F, P). Written, except the outages and the padding lanes.
    """
    lit, beta, angle = ephemeris.sunlit_frac, ephemeris.beta_rad, ephemeris.orbit_angle_rad
    flux = ephemeris.solar_flux_w_m2 / SOLAR_CONSTANT_W_M2
    peak_w = float(2.0 ** np.ceil(np.log2(fleet.references.peak_w.max())))
    array_w, end = np.empty(lit.shape), begin + lit.shape[1]
    plan = plan_from_grid if fleet.plans_hold else plan_from_solver
    for i in np.unique(fleet.shell_of[begin:end]).tolist():
        first, last = np.searchsorted(fleet.shell_of, [i, i + 1]).tolist()
        satellites = slice(max(first, begin), min(last, end))
        here, of_shell = _slice_from(satellites, begin), _slice_from(satellites, first)
        design = {
            name: value[of_shell] if isinstance(value, np.ndarray) else value
            for name, value in fleet.shell_designs[i].items()
        }
        steps = OrbitSteps.of_ephemeris(flux, lit[:, here], beta[:, here], angle[:, here], fleet.clock.dt_s)
        share, brought = steps.sunlit_frac, illuminate(design, fleet.surfaces[i], steps)
        sun, dark = plan(fleet, i, design, steps.flux_frac, steps.beta_rad)
        array_w[:, here] = share * brought.irradiance_frac * design["array_peak_w"]
        fields = (share, 1.0), (brought.irradiance_frac, 2.0), (brought.absorbed_w_m2, 1024.0)
        for f, (values, full) in enumerate((*fields, (share * sun + (1.0 - share) * dark, peak_w))):
            sky[:, f, satellites] = _rounded(values[: len(sky)], full)
    return _Light(lit, array_w)


def _slice_from(satellites: slice, first: int) -> slice:
    """Return a slice of satellites counted from the satellite `first`."""
    return slice(satellites.start - first, satellites.stop - first)


def _rounded(values: np.ndarray, full: float) -> np.ndarray:
    """Round values to 2^-20 of full scale, a power of two.

    The last bits of elementary functions differ between machines.
    """
    return np.asarray(np.rint(values * (2.0**20 / full)) * (full / 2.0**20))


def plan_from_grid(
    fleet: FleetModel, i: int, design: DesignNumbers, flux: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate sustainable powers in sunlight and in eclipse [W], (T, N), on the plan grid of a shell.

    Args:
        fleet: fleet whose `plans_hold`.
        i: index of the shell.
        design: design numbers of its N satellites, each a float or (N,).
        flux: sunlight relative to 1 au, (T, N) or (T, 1).
        beta: angle between the Sun and the orbit plane [rad], (T, N).
    """
    # beta and flux change by less than a grid step in an hour, so one interpolation an hour is enough
    steps, shell = len(beta), fleet.shells[i]
    hourly = np.arange(0, steps + 60, 60).clip(max=steps - 1)
    hour_of_step = np.minimum(np.arange(steps) // 60, hourly.size - 1)
    sun, dark = (
        shell.at(grid, flux[hourly], beta[hourly])[hour_of_step] for grid in (shell.plan.sun_w, shell.plan.dark_w)
    )
    return sun, dark


def plan_from_solver(
    fleet: FleetModel, i: int, design: DesignNumbers, flux: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solve sustainable powers in sunlight and in eclipse [W], (T, N), for satellites of any design.

    Plans are solved every `PLAN_INTERVAL_S` and interpolated linearly. Arguments are those of `plan_from_grid`.
    """
    steps, satellites = beta.shape
    nodes = np.linspace(0, steps - 1, 1 + int(np.ceil(steps * fleet.clock.dt_s / PLAN_INTERVAL_S))).round().astype(int)
    orbits = {name: np.tile(np.broadcast_to(value, satellites), nodes.size) for name, value in design.items()}
    sunlight = np.broadcast_to(flux, beta.shape)[nodes].ravel()
    plan = solve_orbits(orbits, fleet.mix, fleet.surfaces[i], sunlight, beta[nodes].ravel())
    sun, dark = (
        np.stack([np.interp(np.arange(steps), nodes, row) for row in power.reshape(-1, satellites).T], 1)
        for power in (plan.sun_w, plan.dark_w)
    )
    return sun, dark


def _forecast(fleet: FleetModel, light: _Light, period_s: np.ndarray) -> np.ndarray:
    """Return time to crossing, eclipse length and mean array power ahead at each decision, (D, F, N) float32."""
    clock, n = fleet.clock, light.array_w.shape[1]
    at = np.arange(0, clock.total + 1, clock.steps)
    table = np.zeros((at.size, len(Forecast._fields), n), np.float32)
    sunlit = light.sunlit_frac >= 0.5
    last = sunlit.shape[0]
    changes = sunlit[1:] != sunlit[:-1]
    step = np.arange(1, last)[:, None]
    beyond = np.full((last + 1, n), last)  # step of the next change from each step on
    np.minimum.accumulate(np.where(changes, step, last)[::-1], out=beyond[last - 2 :: -1])
    next_change = beyond[at]
    last_change = np.zeros((last, n), int)
    np.maximum.accumulate(np.where(changes, step, 0), out=last_change[1:])
    following = np.take_along_axis(beyond, next_change, 0)
    is_sunlit = sunlit[at]
    length = np.where(is_sunlit, following - next_change, next_change - last_change[at])
    never = is_sunlit & (next_change == last)
    crossing = np.minimum((next_change - at[:, None]) * clock.dt_s, period_s)
    table[:, 0] = np.where(is_sunlit, crossing, -crossing)
    table[:, 1] = np.where(never, 0.0, np.minimum(length * clock.dt_s, period_s))
    energy = np.zeros((last + 1, n))
    np.cumsum(light.array_w, 0, out=energy[1:])
    begun = energy[at]
    for k, minutes in enumerate(HORIZONS_MIN):
        span = max(1, round(minutes * MINUTE_S / clock.dt_s))
        table[:, 2 + k] = (energy[at + span] - begun) / span
    return table


def _hour_of_day(fleet: FleetModel, start: datetime) -> np.ndarray:
    """Return sine and cosine of the hour of day at each decision, (D, 2)."""
    clock = fleet.clock
    seconds = (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    at = seconds + (np.arange(0, clock.total + 1, clock.steps) - clock.warm_up) * clock.dt_s
    angle = 2.0 * np.pi * at / DAY_S
    return np.round(np.stack([np.sin(angle), np.cos(angle)], 1), 9)


def _demand(fleet: FleetModel, seed: int, start: datetime, surges: Sequence[RateWindow]) -> np.ndarray:
    """Return the tokens that arrive in each step, and those that autoscalers plan with, (T, 2, C)."""
    clock, scenario = fleet.clock, fleet.scenario
    table = np.zeros((clock.total, 2, len(scenario.class_names)))
    for c, name in enumerate(scenario.class_names):
        service = scenario.workload.classes[name]
        if isinstance(service, ServiceClass):
            episode = (scenario.workload, seed, start, clock.warm_up_s, clock.episode_s, clock.dt_s, surges)
            requests = fleet.trace.requests.get(name) if fleet.trace else None
            table[:, 0, c] = (
                draw_demand(service, c, *episode) if requests is None else replay_demand(service, requests, *episode)
            )
            table[:, 1, c] = planning_demand(table[:, 0, c], clock.dt_s)
    return table


def _jobs(
    fleet: FleetModel, seed: int, start: datetime, surges: Sequence[RateWindow], captured: dict[str, Captured]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the jobs that arrive after the warm-up begins, and those that are alive at that time.

    A job is alive if it would not have ended on unlimited machines.
    """
    clock, scenario = fleet.clock, fleet.scenario
    drawn = draw_jobs(
        scenario.workload, scenario.class_names, seed, start, CENSUS_S, clock.episode_s, fleet.widest, fleet.trace,
        surges, captured,
    )  # fmt: skip
    is_early = drawn["arrival_s"] <= -clock.warm_up_s
    before_warm_up = drawn.take(np.flatnonzero(is_early))
    end = before_warm_up["arrival_s"] + before_warm_up["duration_s"] / fleet.class_speed[before_warm_up["class_id"]]
    return drawn.take(np.flatnonzero(~is_early)), before_warm_up[end > -clock.warm_up_s]


def _replicas(fleet: FleetModel) -> np.ndarray:
    """Return the rows of the job table that represent replicas, service by service."""
    rows = []
    for c, name in enumerate(fleet.scenario.class_names):
        service = fleet.scenario.workload.classes[name]
        if isinstance(service, ServiceClass):
            table = np.zeros(int(fleet.rules[rule_index("replicas"), c]), JOB)
            for column in ("arrival_s", "deadline_s", "expiry_s", "work_s", "estimate_s", "duration_s"):
                table[column] = np.inf
            table["class_id"], table["width"], table["total_accelerators"] = (
                c,
                service.replica_accelerators,
                service.replica_accelerators,
            )
            table["num_satellites"], table["origin"], table["tenant"], table["price"] = 1, GROUND, -1, 1.0
            table["tier"] = TIERS.index("standard")
            table["model"] = int(fleet.rules[rule_index("model"), c])
            rows.append(table)
    return np.concatenate(rows) if rows else np.zeros(0, JOB)


def _load_factor(fleet: FleetModel, jobs: np.ndarray, census: np.ndarray, demand: np.ndarray) -> float:
    """Return the work that could be done within the episode, relative to the fleet's sustainable output.

    The work consists of arriving jobs, jobs carried over and tokens.
    """
    clock = fleet.clock
    inside = jobs[jobs["arrival_s"] >= 0.0]
    fastest = float(fleet.design_numbers["speed"].max())
    most_work = fastest * inside["total_accelerators"] * (clock.episode_s - inside["arrival_s"])
    arriving = np.minimum(inside["work_s"], most_work).sum()
    age = -clock.warm_up_s - census["arrival_s"]
    remaining = census["work_s"] - census["total_accelerators"] * age * fleet.class_speed[census["class_id"]]
    carried = np.clip(remaining, 0.0, fastest * census["total_accelerators"] * clock.episode_s).sum()
    tokens = (demand[clock.warm_up :, 0].sum(0) * fleet.rules[rule_index("token_s")]).sum()
    return float((arriving + carried + tokens) / (fleet.sustainable * clock.episode_s))


def rule_index(name: str) -> int:
    """Return the row of a class parameter in the rules."""
    return Rules._fields.index(name)
