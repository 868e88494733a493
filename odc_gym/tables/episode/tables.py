"""Tables: what the agent cannot change, computed before the episode.

`build_episode` makes the tables of one episode from its seed alone, so that the same seed gives the same bits in any
process, at any place of any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from odc_gym.constants import SOLAR_CONSTANT_W_M2
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
from odc_gym.tables.fleet.fleet_model import CENSUS_S, HOUR_S, MINUTE_S, World
from odc_gym.tables.fleet.plans import solve_orbits
from odc_gym.tables.fleet.surroundings import Pass, light
from odc_gym.workload import (
    JOB,
    Window,
    draw_demand,
    draw_jobs,
    draw_surges,
    factor_over,
    planning_demand,
    replay_demand,
    scripted,
)
from odc_gym.workload.captures import Captured
from odc_gym.workload.jobs import GROUND

DAY_S = 86400.0
HORIZONS_MIN = (15, 30, 60, 95)  # of the solar forecast
PLAN_S = 6 * HOUR_S  # in which beta moves by a degree and a half at most
LOOK_AHEAD = 1.6  # orbits beyond the episode that forecasts may need


@dataclass(frozen=True)
class EpisodeTables:
    """Read-only tables of one episode. Times are seconds since the episode's start; the first step is the warm-up's.

    Attributes:
        world: what the episode flies with: the scenario's world, or one with drawn values.
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

    world: World
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


def build_episode(world: World, seed: int) -> EpisodeTables:
    """The tables of episode `seed` of a scenario's world."""
    world = vary(world, seed)
    start = world.start_of(seed)
    ephemeris = _ephemeris(world, start)
    sky, array_w = _sky(world, ephemeris)
    availability = draw_availability(world.scenario, seed, world.satellites, _step_s(world))
    sky[: world.clock.total, Sky._fields.index("out"), : world.satellites] = availability.condition
    surges = _surges(world, seed)
    demand = _demand(world, seed, start, surges)
    jobs, census = _jobs(world, seed, start, surges, captured_jobs(world, seed, ephemeris))
    factor = _load_factor(world, jobs, census, demand)
    jobs = np.concatenate([_replicas(world), census, jobs])
    total = world.clock.total
    return EpisodeTables(
        world,
        start,
        _rounded_sky(world, sky[:total]),
        _forecast(world, sky[:, 0], array_w),
        _days(world, start),
        jobs,
        _events(world, seed, ephemeris),
        availability,
        demand,
        network_links(world, ephemeris, Working(*availability.masks)),
        census,
        factor,
    )


def _ephemeris(world: World, start: datetime) -> Ephemeris:
    """Places of warm-up, episode and the look-ahead."""
    clock = world.clock
    ahead = int(np.ceil(LOOK_AHEAD * world.period_s.max() / clock.dt_s)) + HORIZONS_MIN[-1]
    begin = start - timedelta(seconds=clock.warm_up_s)
    return build_ephemeris(
        world.constellation,
        start=begin,
        step_s=clock.dt_s,
        steps=clock.total + ahead,
        sites=ground_sites(world.scenario),
    )


def _step_s(world: World) -> np.ndarray:
    """Beginning of each physics step from the start of the episode, (T,) [s]."""
    return (np.arange(world.clock.total) - world.clock.warm_up) * world.clock.dt_s


def _surges(world: World, seed: int) -> tuple[Window, ...]:
    """The surges of an episode, those of its script included."""
    scenario = world.scenario
    drawn = draw_surges(scenario.workload.surges, seed, CENSUS_S, world.clock.episode_s)
    return drawn + scripted(scenario.events, Surge, scenario.start.epoch)


def _events(world: World, seed: int, e: Ephemeris) -> np.ndarray:
    """Upsets and hard failures of warm-up and episode, (E,) of EVENT."""
    faults, clock = world.scenario.faults, world.clock
    if not faults.enabled:
        return np.zeros(0, EVENT)
    place = Place(*(table[: clock.total] for table in (e.latitude_deg, e.longitude_deg, e.altitude_m)))
    storms = scripted(world.scenario.events, RadiationStorm, world.scenario.start.epoch)
    storm = factor_over(storms, "", _step_s(world), clock.dt_s)
    return draw_events(faults, seed, place, world.references.accelerators, clock.dt_s, storm)


def _sky(world: World, e: Ephemeris) -> tuple[np.ndarray, np.ndarray]:
    """Light of warm-up, episode and the look-ahead (T', F, P), and array power (T', S) [W]."""
    lit, beta, angle = e.sunlit_frac, e.beta_rad, e.orbit_angle_rad
    flux = e.solar_flux_w_m2 / SOLAR_CONSTANT_W_M2
    sky = np.zeros((lit.shape[0], len(Sky._fields), padded(world.satellites)))
    for i, surfaces in enumerate(world.surfaces):
        mine = np.flatnonzero(world.shell_of == i)
        d = {name: value[mine] for name, value in world.numbers.items()}
        steps = Pass.of_ephemeris(flux, lit[:, mine], beta[:, mine], angle[:, mine], world.clock.dt_s)
        share = steps.sunlit_frac
        sky[:, 0, mine] = share
        sky[:, 1, mine], sky[:, 2, mine] = light(d, surfaces, steps)
        plan = looked_up_plan if world.plans_hold else solved_plan
        sun, dark = plan(world, i, d, steps.flux_frac, beta[:, mine])
        sky[:, 3, mine] = share * sun + (1.0 - share) * dark
    sky[:, :, world.satellites :] = sky[
        :, :, world.satellites - 1 : world.satellites
    ]  # padding lanes fly like the last satellite
    array_w = sky[:, 0, : world.satellites] * sky[:, 1, : world.satellites] * world.numbers["array_peak_w"]
    return sky, array_w


def looked_up_plan(
    world: World, i: int, d: dict[str, np.ndarray], flux: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sustainable powers of the satellites of shell `i` in sunlight and in eclipse [W], (T, N), from the shell's grid.

    Args:
        world: with plans that hold.
        i: the shell.
        d: design numbers of its N satellites.
        flux: sunlight over that at 1 au, (T, N).
        beta: angle between the Sun and the orbit plane [rad], (T, N).
    """
    # beta and flux drift by less than the grid's step in an hour: look the plan up every hour
    steps, shell = len(beta), world.shells[i]
    hourly = np.arange(0, steps + 60, 60).clip(max=steps - 1)
    every = np.minimum(np.arange(steps) // 60, hourly.size - 1)
    sun, dark = (shell.at(grid, flux[hourly], beta[hourly])[every] for grid in (shell.plan.sun_w, shell.plan.dark_w))
    return sun, dark


def solved_plan(
    world: World, i: int, d: dict[str, np.ndarray], flux: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same for satellites of any design: solved every `PLAN_S`, linear between."""
    steps, satellites = beta.shape
    nodes = np.linspace(0, steps - 1, 1 + int(np.ceil(steps * world.clock.dt_s / PLAN_S))).round().astype(int)
    orbits = {name: np.tile(value, nodes.size) for name, value in d.items()}
    plan = solve_orbits(orbits, world.mix, world.surfaces[i], flux[nodes].ravel(), beta[nodes].ravel())
    sun, dark = (
        np.stack([np.interp(np.arange(steps), nodes, row) for row in power.reshape(-1, satellites).T], 1)
        for power in (plan.sun_w, plan.dark_w)
    )
    return sun, dark


def _rounded_sky(world: World, sky: np.ndarray) -> np.ndarray:
    """Rounded to 2^-20 of full scale: elementary functions differ in their last bits between machines."""
    peak = 2.0 ** np.ceil(np.log2(world.references.peak_w.max()))
    full = np.array([1.0, 2.0, 1024.0, peak, 2.0])[None, :, None]
    return np.asarray(np.round(sky / full * 2.0**20) * (full / 2.0**20), np.float32)


def _forecast(world: World, lit: np.ndarray, array_w: np.ndarray) -> np.ndarray:
    """Time to crossing, eclipse length and mean array power ahead, at each decision, (D, F, P) float32."""
    clock, n = world.clock, world.satellites
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
    crossing = np.minimum((ahead - np.arange(last)[:, None]) * clock.dt_s, world.period_s)
    table[:, 0, :n] = np.where(bright, crossing, -crossing)[at]
    table[:, 1, :n] = np.where(never, 0.0, np.minimum(length * clock.dt_s, world.period_s))[at]
    energy = np.concatenate([np.zeros((1, n)), np.cumsum(array_w, 0)])
    for k, minutes in enumerate(HORIZONS_MIN):
        span = max(1, round(minutes * MINUTE_S / clock.dt_s))
        table[:, 2 + k, :n] = (energy[at + span] - energy[at]) / span
    return table


def _days(world: World, start: datetime) -> np.ndarray:
    clock = world.clock
    seconds = (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    at = seconds + (np.arange(0, clock.total + 1, clock.steps) - clock.warm_up) * clock.dt_s
    angle = 2.0 * np.pi * at / DAY_S
    return np.round(np.stack([np.sin(angle), np.cos(angle)], 1), 9)


def _demand(world: World, seed: int, start: datetime, surges: Sequence[Window]) -> np.ndarray:
    """Tokens that arrive in each step, and what autoscalers plan with, (T, 2, C)."""
    clock, scenario = world.clock, world.scenario
    table = np.zeros((clock.total, 2, len(scenario.class_names)))
    for c, name in enumerate(scenario.class_names):
        service = scenario.workload.classes[name]
        if isinstance(service, ServiceClass):
            episode = (scenario.workload, seed, start, clock.warm_up_s, clock.episode_s, clock.dt_s, surges)
            requests = world.trace.requests.get(name) if world.trace else None
            table[:, 0, c] = (
                draw_demand(service, c, *episode) if requests is None else replay_demand(service, requests, *episode)
            )
            table[:, 1, c] = planning_demand(table[:, 0, c], clock.dt_s)
    return table


def _jobs(
    world: World, seed: int, start: datetime, surges: Sequence[Window], captured: dict[str, Captured]
) -> tuple[np.ndarray, np.ndarray]:
    """Jobs that arrive after the warm-up began, and those that are then alive: run in thought on unlimited machines."""
    clock, scenario = world.clock, world.scenario
    drawn = draw_jobs(
        scenario.workload, scenario.class_names, seed, start, CENSUS_S, clock.episode_s, world.widest, world.trace,
        surges, captured,
    )  # fmt: skip
    early = drawn["arrival_s"] <= -clock.warm_up_s
    old = drawn[early]
    end = old["arrival_s"] + old["duration_s"] / world.class_speed[old["kind"]]
    return drawn[~early], old[end > -clock.warm_up_s]


def _replicas(world: World) -> np.ndarray:
    """Rows of the job table that stand for replicas, service by service."""
    rows = []
    for c, name in enumerate(world.scenario.class_names):
        service = world.scenario.workload.classes[name]
        if isinstance(service, ServiceClass):
            table = np.zeros(int(world.rules[rule_index("replicas"), c]), JOB)
            for column in ("arrival_s", "deadline_s", "expiry_s", "work_s", "estimate_s", "duration_s"):
                table[column] = np.inf
            table["kind"], table["width"], table["gang"] = c, service.replica_accelerators, service.replica_accelerators
            table["members"], table["origin"], table["tenant"], table["price"] = 1, GROUND, -1, 1.0
            table["tier"] = TIERS.index("standard")
            table["model"] = int(world.rules[rule_index("model"), c])
            rows.append(table)
    return np.concatenate(rows) if rows else np.zeros(0, JOB)


def _load_factor(world: World, jobs: np.ndarray, census: np.ndarray, demand: np.ndarray) -> float:
    """Work that could be done within the episode over what the fleet can hold: arrivals, jobs carried over, tokens."""
    clock = world.clock
    inside = jobs[jobs["arrival_s"] >= 0.0]
    fastest = float(world.numbers["speed"].max())
    most = fastest * inside["gang"] * (clock.episode_s - inside["arrival_s"])
    arriving = np.minimum(inside["work_s"], most).sum()
    age = -clock.warm_up_s - census["arrival_s"]
    left = census["work_s"] - census["gang"] * age * world.class_speed[census["kind"]]
    carried = np.clip(left, 0.0, fastest * census["gang"] * clock.episode_s).sum()
    tokens = (demand[clock.warm_up :, 0].sum(0) * world.rules[rule_index("token_s")]).sum()
    return float((arriving + carried + tokens) / (world.sustainable * clock.episode_s))


def rule_index(name: str) -> int:
    """Row of a class parameter."""
    return Rules._fields.index(name)
