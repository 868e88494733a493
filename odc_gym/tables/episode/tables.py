"""Tables: what the agent cannot change, computed before the episode.

`build_episode` makes the tables of one episode from its seed alone, so that the same seed gives the same bits in any
process, at any place of any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from odc_gym.constants import DAY_S, GROUND, HOUR_S, MINUTE_S, SOLAR_CONSTANT_W_M2
from odc_gym.core.layout.environment import Links
from odc_gym.core.layout.state import Forecast, Sky, padded
from odc_gym.core.layout.work import Rules
from odc_gym.faults.faults import EVENT, Place, draw_events
from odc_gym.faults.outages import Availability, draw_availability
from odc_gym.orbits import Ephemeris, build_ephemeris
from odc_gym.scenario import TIERS, RadiationStorm, ServiceClass, Surge
from odc_gym.tables.episode.captured_jobs import captured_jobs
from odc_gym.tables.episode.links import network_links
from odc_gym.tables.episode.network import Working, ground_sites
from odc_gym.tables.episode.variation import vary
from odc_gym.tables.fleet.fleet_model import CENSUS_S, FleetModel
from odc_gym.tables.fleet.plans import solve_orbits
from odc_gym.tables.fleet.surroundings import Pass, light
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

HORIZONS_MIN = (15, 30, 60, 95)  # of the solar forecast
PLAN_S = 6 * HOUR_S  # in which beta moves by a degree and a half at most
LOOK_AHEAD = 1.6  # orbits beyond the episode that forecasts may need


@dataclass(frozen=True)
class EpisodeTables:
    """Read-only tables of one episode. Times are seconds since the episode's start; the first step is the warm-up's.

    Attributes:
        fleet: what the episode flies with: the scenario's world, or one with drawn values.
        sky: light, (T, F, P) float32.
        forecast: what satellites know of it, (D, F, P) float32.
        days: sine and cosine of the hour of day, (D, 2).
        jobs: arrivals after the start of the warm-up, replicas and census first, (J,) of JOB.
        events: upsets and hard failures in order of time, (E,) of EVENT.
        availability: what is out of service.
        demand: tokens a step, now and planned, (T, 2, C).
        links: the network.
        census: jobs that are alive when the warm-up begins.
        load_factor: work on offer over what the fleet can hold.
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


def build_episode(fleet: FleetModel, seed: int) -> EpisodeTables:
    """The tables of episode `seed` of a scenario's world."""
    fleet = vary(fleet, seed)
    start = fleet.start_of(seed)
    ephemeris = _ephemeris(fleet, start)
    sky, array_w = _sky(fleet, ephemeris)
    availability = draw_availability(fleet.scenario, seed, fleet.satellites, _step_s(fleet))
    sky[: fleet.clock.total, Sky._fields.index("out"), : fleet.satellites] = availability.condition
    surges = _surges(fleet, seed)
    demand = _demand(fleet, seed, start, surges)
    jobs, census = _jobs(fleet, seed, start, surges, captured_jobs(fleet, seed, ephemeris))
    factor = _load_factor(fleet, jobs, census, demand)
    jobs = np.concatenate([_replicas(fleet), census, jobs])
    total = fleet.clock.total
    return EpisodeTables(
        fleet,
        start,
        _rounded_sky(fleet, sky[:total]),
        _forecast(fleet, sky[:, 0], array_w),
        _days(fleet, start),
        jobs,
        _events(fleet, seed, ephemeris),
        availability,
        demand,
        network_links(fleet, ephemeris, Working(*availability.masks)),
        census,
        factor,
    )


def _ephemeris(fleet: FleetModel, start: datetime) -> Ephemeris:
    """Places of warm-up, episode and the look-ahead."""
    clock = fleet.clock
    ahead = int(np.ceil(LOOK_AHEAD * fleet.period_s.max() / clock.dt_s)) + HORIZONS_MIN[-1]
    begin = start - timedelta(seconds=clock.warm_up_s)
    return build_ephemeris(
        fleet.constellation,
        start=begin,
        step_s=clock.dt_s,
        steps=clock.total + ahead,
        sites=ground_sites(fleet.scenario),
    )


def _step_s(fleet: FleetModel) -> np.ndarray:
    """Beginning of each physics step from the start of the episode, (T,) [s]."""
    return (np.arange(fleet.clock.total) - fleet.clock.warm_up) * fleet.clock.dt_s


def _surges(fleet: FleetModel, seed: int) -> tuple[RateWindow, ...]:
    """The surges of an episode, those of its script included."""
    scenario = fleet.scenario
    drawn = draw_surges(scenario.workload.surges, seed, CENSUS_S, fleet.clock.episode_s)
    return drawn + scripted_windows(scenario.events, Surge, scenario.start.epoch)


def _events(fleet: FleetModel, seed: int, e: Ephemeris) -> np.ndarray:
    """Upsets and hard failures of warm-up and episode, (E,) of EVENT."""
    faults, clock = fleet.scenario.faults, fleet.clock
    if not faults.enabled:
        return np.zeros(0, EVENT)
    place = Place(*(table[: clock.total] for table in (e.latitude_deg, e.longitude_deg, e.altitude_m)))
    storms = scripted_windows(fleet.scenario.events, RadiationStorm, fleet.scenario.start.epoch)
    storm = mean_rate_factor(storms, "", _step_s(fleet), clock.dt_s)
    return draw_events(faults, seed, place, fleet.references.accelerators, clock.dt_s, storm)


def _sky(fleet: FleetModel, e: Ephemeris) -> tuple[np.ndarray, np.ndarray]:
    """Light of warm-up, episode and the look-ahead (T', F, P), and array power (T', S) [W]."""
    lit, beta, angle = e.sunlit_frac, e.beta_rad, e.orbit_angle_rad
    flux = e.solar_flux_w_m2 / SOLAR_CONSTANT_W_M2
    sky = np.zeros((lit.shape[0], len(Sky._fields), padded(fleet.satellites)))
    for i, surfaces in enumerate(fleet.surfaces):
        mine = np.flatnonzero(fleet.shell_of == i)
        d = {name: value[mine] for name, value in fleet.numbers.items()}
        steps = Pass.of_ephemeris(flux, lit[:, mine], beta[:, mine], angle[:, mine], fleet.clock.dt_s)
        share = steps.sunlit_frac
        sky[:, 0, mine] = share
        sky[:, 1, mine], sky[:, 2, mine] = light(d, surfaces, steps)
        plan = looked_up_plan if fleet.plans_hold else solved_plan
        sun, dark = plan(fleet, i, d, steps.flux_frac, beta[:, mine])
        sky[:, 3, mine] = share * sun + (1.0 - share) * dark
    sky[:, :, fleet.satellites :] = sky[
        :, :, fleet.satellites - 1 : fleet.satellites
    ]  # padding lanes fly like the last satellite
    array_w = sky[:, 0, : fleet.satellites] * sky[:, 1, : fleet.satellites] * fleet.numbers["array_peak_w"]
    return sky, array_w


def looked_up_plan(
    fleet: FleetModel, i: int, d: dict[str, np.ndarray], flux: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sustainable powers of the satellites of shell `i` in sunlight and in eclipse [W], (T, N), from the shell's grid.

    Args:
        fleet: with plans that hold.
        i: the shell.
        d: design numbers of its N satellites.
        flux: sunlight over that at 1 au, (T, N).
        beta: angle between the Sun and the orbit plane [rad], (T, N).
    """
    # beta and flux drift by less than the grid's step in an hour: look the plan up every hour
    steps, shell = len(beta), fleet.shells[i]
    hourly = np.arange(0, steps + 60, 60).clip(max=steps - 1)
    every = np.minimum(np.arange(steps) // 60, hourly.size - 1)
    sun, dark = (shell.at(grid, flux[hourly], beta[hourly])[every] for grid in (shell.plan.sun_w, shell.plan.dark_w))
    return sun, dark


def solved_plan(
    fleet: FleetModel, i: int, d: dict[str, np.ndarray], flux: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same for satellites of any design: solved every `PLAN_S`, linear between."""
    steps, satellites = beta.shape
    nodes = np.linspace(0, steps - 1, 1 + int(np.ceil(steps * fleet.clock.dt_s / PLAN_S))).round().astype(int)
    orbits = {name: np.tile(value, nodes.size) for name, value in d.items()}
    plan = solve_orbits(orbits, fleet.mix, fleet.surfaces[i], flux[nodes].ravel(), beta[nodes].ravel())
    sun, dark = (
        np.stack([np.interp(np.arange(steps), nodes, row) for row in power.reshape(-1, satellites).T], 1)
        for power in (plan.sun_w, plan.dark_w)
    )
    return sun, dark


def _rounded_sky(fleet: FleetModel, sky: np.ndarray) -> np.ndarray:
    """Rounded to 2^-20 of full scale: elementary functions differ in their last bits between machines."""
    peak = 2.0 ** np.ceil(np.log2(fleet.references.peak_w.max()))
    full = np.array([1.0, 2.0, 1024.0, peak, 2.0])[None, :, None]
    return np.asarray(np.round(sky / full * 2.0**20) * (full / 2.0**20), np.float32)


def _forecast(fleet: FleetModel, lit: np.ndarray, array_w: np.ndarray) -> np.ndarray:
    """Time to crossing, eclipse length and mean array power ahead, at each decision, (D, F, P) float32."""
    clock, n = fleet.clock, fleet.satellites
    at = np.arange(0, clock.total + 1, clock.steps)
    table = np.zeros((at.size, len(Forecast._fields), lit.shape[1]), np.float32)
    bright = lit[:, :n] >= 0.5
    last = bright.shape[0]
    changes = np.where(bright[1:] != bright[:-1], np.arange(1, last)[:, None], last)
    ahead = np.concatenate(
        [np.minimum.accumulate(changes[::-1])[::-1], np.full((1, n), last)]
    )  # step of the next change
    behind = np.maximum.accumulate(
        np.concatenate([np.zeros((1, n), int), np.where(changes < last, changes, 0)])
    )  # of the last one
    beyond = np.concatenate([ahead, np.full((1, n), last)])
    following = np.take_along_axis(beyond, ahead, 0)
    length = np.where(bright, following - ahead, ahead - behind)
    never = bright & (ahead == last)
    crossing = np.minimum((ahead - np.arange(last)[:, None]) * clock.dt_s, fleet.period_s)
    table[:, 0, :n] = np.where(bright, crossing, -crossing)[at]
    table[:, 1, :n] = np.where(never, 0.0, np.minimum(length * clock.dt_s, fleet.period_s))[at]
    energy = np.concatenate([np.zeros((1, n)), np.cumsum(array_w, 0)])
    for k, minutes in enumerate(HORIZONS_MIN):
        span = max(1, round(minutes * MINUTE_S / clock.dt_s))
        table[:, 2 + k, :n] = (energy[at + span] - energy[at]) / span
    return table


def _days(fleet: FleetModel, start: datetime) -> np.ndarray:
    clock = fleet.clock
    seconds = (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    at = seconds + (np.arange(0, clock.total + 1, clock.steps) - clock.warm_up) * clock.dt_s
    angle = 2.0 * np.pi * at / DAY_S
    return np.round(np.stack([np.sin(angle), np.cos(angle)], 1), 9)


def _demand(fleet: FleetModel, seed: int, start: datetime, surges: Sequence[RateWindow]) -> np.ndarray:
    """Tokens that arrive in each step, and what autoscalers plan with, (T, 2, C)."""
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
    """Jobs that arrive after the warm-up began, and those that are then alive: run in thought on unlimited machines."""
    clock, scenario = fleet.clock, fleet.scenario
    drawn = draw_jobs(
        scenario.workload, scenario.class_names, seed, start, CENSUS_S, clock.episode_s, fleet.widest, fleet.trace,
        surges, captured,
    )  # fmt: skip
    early = drawn["arrival_s"] <= -clock.warm_up_s
    old = drawn[early]
    end = old["arrival_s"] + old["duration_s"] / fleet.class_speed[old["class_id"]]
    return drawn[~early], old[end > -clock.warm_up_s]


def _replicas(fleet: FleetModel) -> np.ndarray:
    """Rows of the job table that stand for replicas, service by service."""
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
    """Work that could be done within the episode over what the fleet can hold: arrivals, jobs carried over, tokens."""
    clock = fleet.clock
    inside = jobs[jobs["arrival_s"] >= 0.0]
    fastest = float(fleet.numbers["speed"].max())
    most = fastest * inside["total_accelerators"] * (clock.episode_s - inside["arrival_s"])
    arriving = np.minimum(inside["work_s"], most).sum()
    age = -clock.warm_up_s - census["arrival_s"]
    left = census["work_s"] - census["total_accelerators"] * age * fleet.class_speed[census["class_id"]]
    carried = np.clip(left, 0.0, fastest * census["total_accelerators"] * clock.episode_s).sum()
    tokens = (demand[clock.warm_up :, 0].sum(0) * fleet.rules[rule_index("token_s")]).sum()
    return float((arriving + carried + tokens) / (fleet.sustainable * clock.episode_s))


def rule_index(name: str) -> int:
    """Row of a class parameter."""
    return Rules._fields.index(name)
