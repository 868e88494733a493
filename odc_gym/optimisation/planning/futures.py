"""Sampled futures: the tables of an episode with its past as it was, and its future from other episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from odc_gym.constants import HOUR_S
from odc_gym.core.layout.records import JOB
from odc_gym.core.layout.state import IN_SERVICE, LOST, OUT, Readings, Sky
from odc_gym.core.layout.work import RUNNING, WAITING
from odc_gym.faults.faults import NO_EVENT
from odc_gym.seeds import TRAINING_EPISODES, random_stream
from odc_gym.simulator.allocation import NO_JOB
from odc_gym.simulator.simulator import Simulator, jobs_of_row
from odc_gym.tables.episode.tables import EpisodeTables
from odc_gym.workload import planning_demand

HIDDEN_WORK = 401  # purpose of the random stream of the true work of unfinished jobs
LEVEL_WINDOW_S = HOUR_S  # time over which present demand is compared with that of the other episode
LEVEL_RANGE = 4.0  # largest ratio between the two
PLANNING_S = 900.0  # history that the planning demand of the first future step can need
CERTAIN = 1.0 - 1e-9  # share of the estimate's distribution below the work done, from which on a job counts as overdue
OVERDUE = 1.05  # true work over the work done of an overdue job

OUT_FIELD = Sky._fields.index("out")

Array = NDArray[Any]


class Future(NamedTuple):
    """Chance of another episode under the light and the fleet of the present one."""

    seed: int
    jobs: Array  # (J,) of JOB
    events: Array  # (E,) of EVENT
    tokens: Array  # (T, C) tokens that arrive in each step
    condition: Array  # (T, S) condition of the satellites

    @classmethod
    def of_tables(cls, seed: int, tables: EpisodeTables) -> Future:
        """Return the future that the tables of an episode hold."""
        condition = tables.sky[:, OUT_FIELD, : tables.fleet.satellites].astype(np.uint8)
        return cls(seed, tables.jobs, tables.events, tables.demand[:, 0].copy(), condition)


def other_episodes(seed: int, count: int) -> list[int]:
    """Return the first `count` training episodes beside `seed`; they depend on nothing else."""
    return [other for other in range(TRAINING_EPISODES) if other != seed][:count]


def load_tables(
    simulator: Simulator, rows: Array, tables: EpisodeTables, futures: Sequence[Future], source: Simulator, row: int
) -> None:
    """Load the tables of another episode into rows, with room for any future.

    Args:
        simulator: simulator to load them into.
        rows: its rows, (N,).
        tables: tables of another episode, under the light and the fleet of the present one.
        futures: futures that the rows will go on with.
        source: simulator of the present episode.
        row: row of the present episode.
    """
    jobs = jobs_of_row(source, row) + max(len(future.jobs) for future in futures)
    events = max(len(future.events) for future in futures)
    for at in rows.tolist():
        simulator.load(at, futures[0].seed, tables, jobs, events)


class Present(NamedTuple):
    """What has happened in a row so far: the part of its tables that is past, and the state of its jobs."""

    tick: int  # physics steps since the warm-up began
    now_s: float
    jobs: Array  # (N,) of JOB: the jobs that have arrived
    run: Array  # (N,) of RUN
    tokens: Array  # (tick, C) tokens that arrived in each step
    out: Array  # (S,) condition of the satellites in the last step

    @classmethod
    def of_row(cls, simulator: Simulator, row: int) -> Present:
        """Return the present of a row."""
        scalars, clock = simulator.scalars[row], simulator.fleet.clock
        tick, arrived = int(scalars["tick"]), int(scalars["next_job"])
        return cls(
            tick,
            (tick - clock.warm_up) * clock.dt_s,
            simulator.jobs[row, :arrived],
            simulator.run[row, :arrived],
            simulator.tables.demand[row, :tick, 0],
            simulator.sat.out[row, : simulator.satellites],
        )


def write_future(targets: Sequence[tuple[Simulator, Array]], present: Present, future: Future, quantile: float) -> None:
    """Let rows, which hold a copy of the present state, go on with the future of another episode.

    The network keeps the outages of the episode whose tables the rows hold.

    Args:
        targets: simulators and their rows, which hold the tables of some other episode under the same light.
        present: past and present of the episode.
        future: chance of the other episode.
        quantile: quantile of the time for which satellites that are out now stay out.
    """
    first, tick = targets[0][0], present.tick
    workload, faults, dt_s = first.scenario.workload, first.scenario.faults, first.fleet.clock.dt_s
    known = known_jobs(present, workload.estimate_sigma, random_stream(future.seed, HIDDEN_WORK, tick))
    jobs = np.concatenate([known, future.jobs[_first_after(future.jobs, present.now_s) :]])
    demand = future_demand(present.tokens, future.tokens, tick, workload.burst.ar, dt_s)
    out_steps = int(-np.log1p(-quantile) * faults.outages.mean_hours * HOUR_S / dt_s)
    condition = future_condition(present.out, future.condition[tick:], out_steps)
    next_event = np.searchsorted(future.events["tick"], tick)
    for simulator, rows in targets:
        tables = simulator.tables
        tables.jobs[rows, : len(jobs)] = jobs
        tables.jobs[rows, len(jobs) :] = NO_JOB
        tables.events[rows, : len(future.events)] = future.events
        tables.events[rows, len(future.events) :] = NO_EVENT
        tables.seeds[rows] = future.seed
        tables.demand[rows, tick:] = demand
        for row in rows.tolist():
            tables.skies[row, tick:, OUT_FIELD, : simulator.satellites] = condition
        simulator.scalars["next_event"][rows] = next_event


def _first_after(jobs: Array, now_s: float) -> int:
    """Return the first row of a job table that arrives after a time; replicas stand before all jobs."""
    arrival_s = np.where(np.isfinite(jobs["arrival_s"]), jobs["arrival_s"], -np.inf)
    return int(np.searchsorted(arrival_s, now_s, "right"))


def known_jobs(present: Present, sigma: float, random: np.random.Generator) -> Array:
    """Return the jobs that have arrived, with the true work of unfinished ones drawn anew, (N,) of JOB.

    The estimate is lognormal about the true work. The true work is therefore drawn from the lognormal about the
    estimate, above the work that is done. Whether a job will fail or be cancelled is not known: none is.

    Args:
        present: jobs and their state.
        sigma: standard deviation of the logarithm of the estimates.
        random: stream of the draws.
    """
    from scipy.special import ndtr, ndtri

    jobs, run = present.jobs.copy(), present.run
    unfinished = np.isin(run["status"], (WAITING, RUNNING)) & np.isfinite(jobs["estimate_s"])
    unfinished &= jobs["estimate_s"] > 0.0  # the further rows of a gang have no work of their own
    estimate_s = jobs["estimate_s"][unfinished]
    done_s = (run["checkpointed_s"] + run["uncheckpointed_s"])[unfinished]
    uniform = random.random(estimate_s.size)
    if sigma > 0.0:
        least = ndtr(np.log(np.maximum(done_s / estimate_s, 1e-12)) / sigma)
        drawn = estimate_s * np.exp(sigma * ndtri(least + uniform * (1.0 - least)))
        overdue = least > CERTAIN
    else:
        drawn, overdue = estimate_s.copy(), done_s >= estimate_s
    work_s = np.where(overdue | (drawn <= done_s), OVERDUE * np.maximum(done_s, 1.0), drawn)
    jobs["work_s"][unfinished] = work_s
    jobs["duration_s"][unfinished] = work_s / jobs["total_accelerators"][unfinished]
    jobs["outcome"][unfinished] = np.zeros((), JOB)["outcome"]
    return jobs


def future_demand(past: Array, other: Array, tick: int, ar: float, dt_s: float) -> Array:
    """Return the demand from a step on: that of another episode, which begins at the level of the last hour.

    The ratio of the levels decays with the autocorrelation of the workload's hourly factors.

    Args:
        past: tokens of the steps before `tick`, (tick, C).
        other: tokens of the other episode, (T, C).
        tick: first step of the future.
        ar: autocorrelation of the factors of consecutive hours.
        dt_s: physics step [s].

    Returns:
        (T - tick, 2, C) tokens that arrive, and tokens that autoscalers plan with.
    """
    window = slice(max(tick - round(LEVEL_WINDOW_S / dt_s), 0), tick)
    ours, theirs = past[window].sum(0), other[window].sum(0)
    ratio = np.where((ours > 0.0) & (theirs > 0.0), ours / np.maximum(theirs, 1e-9), 1.0)
    ratio = np.clip(ratio, 1.0 / LEVEL_RANGE, LEVEL_RANGE)
    hours = np.arange(len(other) - tick) * dt_s / HOUR_S
    ahead = other[tick:] * ratio ** (ar**hours)[:, None]
    kept = min(round(PLANNING_S / dt_s), tick)
    whole = np.concatenate([past[tick - kept :], ahead])
    planned = [planning_demand(whole[:, c], dt_s)[kept:] for c in range(whole.shape[1])]
    return np.stack([ahead, np.stack(planned, 1)], 1)


def future_condition(now: Array, other: Array, out_steps: int) -> Array:
    """Return the condition of satellites in future steps, (T, S), from that of another episode.

    Args:
        now: present condition, (S,); a lost satellite stays lost.
        other: condition in the other episode from now on, (T, S).
        out_steps: steps that a satellite stays out that is out now and in service there.
    """
    ahead = other.copy()
    if not (now.any() or ahead.any()):
        return ahead
    for s in np.flatnonzero((now != IN_SERVICE) | (ahead[:1] != IN_SERVICE).any(0)):
        if now[s] == LOST:
            ahead[:, s] = LOST
        elif now[s] == OUT and ahead[0, s] == IN_SERVICE:
            ahead[:out_steps, s] = np.maximum(ahead[:out_steps, s], OUT)
        elif now[s] == IN_SERVICE:  # it is away there since before: it is here until it comes back and leaves again
            back = np.argmax(ahead[:, s] == IN_SERVICE) if (ahead[:, s] == IN_SERVICE).any() else len(ahead)
            ahead[:back, s] = IN_SERVICE
    return ahead


def hide_true_readings(simulator: Simulator, rows: Array, source: Simulator, row: int) -> None:
    """Replace charge and temperatures of rows by what the telemetry of a row shows, if it is noisy or late."""
    sensing = simulator.scenario.sensing
    if sensing == type(sensing)():
        return
    seen, n, sat = source.view.observation, simulator.satellites, simulator.sat
    past = simulator.mutable.past
    for k, name in enumerate(Readings._fields):
        past[rows, :, k, :n] = seen[name][row]
    sat.charge_frac[rows, :n] = seen["charge_frac"][row]
    shift_k = seen["junction_k"][row] - source.sat.junction_k[row, :n]
    for node in (sat.plate_k, sat.loop_k, sat.junction_k):
        node[rows, :n] += shift_k
    sat.radiator_k[rows, :n] = seen["radiator_k"][row]
