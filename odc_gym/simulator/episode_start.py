"""The steady state in which an episode begins: running jobs with age and checkpoints, replicas, periodic charge."""

from __future__ import annotations

import numpy as np

from odc_gym.constants import GROUND
from odc_gym.core.decision import settle
from odc_gym.core.jobs.checkpoints import interval_work
from odc_gym.core.layout.environment import Links
from odc_gym.core.layout.state import UNBOUND_S, Design, State
from odc_gym.core.layout.work import ABSENT, HEAD, RUN, RUNNING, WAITING, Classes, Ledger, Rules
from odc_gym.core.serving.replicas import first_replicas
from odc_gym.physics.battery import QUOTED_K
from odc_gym.scenario import ServiceClass
from odc_gym.seeds import random_stream
from odc_gym.tables.episode.tables import EpisodeTables, rule_index
from odc_gym.tables.fleet.fleet_model import FleetModel

CENSUS = 102  # purpose of a random stream
SETTLE_ORBITS = 6  # until charge and temperatures are periodic
START_K = 320.0  # of all nodes before the plan is flown
ACCOUNTS = State._fields.index("available_j")  # the first row of State that is an account


def busy_mix(fleet: FleetModel, lanes: int) -> np.ndarray:
    """Accelerators of each class at work when a satellite is full of the mix, (C, P)."""
    slots = fleet.mix.share / fleet.class_speed
    accelerators = fleet.design[0]
    return np.asarray((slots / slots.sum())[:, None] * accelerators[None, :lanes])


def periodic(skies: np.ndarray, steps: np.ndarray, orbits: int) -> np.ndarray:
    """The first orbit of each satellite's light again and again, ending where the next would begin, (T, F, P).

    Args:
        skies: tables of light, [T, F, P].
        steps: steps of an orbit of each satellite, (S,); shells differ, and padding lanes fly like the last satellite.
        orbits: repeats of the longest orbit; shorter ones are repeated more often.
    """
    lanes = skies.shape[2]
    own = np.append(steps, np.repeat(steps[-1], lanes - len(steps)))
    ticks = np.arange(-orbits * steps.max(), 0)[:, None] % own[None, :]
    return np.ascontiguousarray(np.moveaxis(skies[ticks, :, np.arange(lanes)[None, :]], 2, 1))


def cold_state(state: np.ndarray, design: np.ndarray) -> None:
    """Fill the state of one environment [field, P] before its plan is flown: at `START_K`, charged, without jobs."""
    state[:] = 0.0
    for name in ("plate_k", "loop_k", "radiator_k", "junction_k"):
        state[State._fields.index(name)] = START_K
    for name in ("charge_frac", "capacity_left", "loop_on", "clock_cap", "duty", "clock_sustainable", "charge_least"):
        state[State._fields.index(name)] = 1.0
    state[State._fields.index("damage")] = design[Design._fields.index("fatigue_start")]
    state[State._fields.index("battery_k")] = QUOTED_K
    state[State._fields.index("shadow_s")] = UNBOUND_S
    for name in ("living", "free", "awake"):
        state[State._fields.index(name)] = design[0]


def balance_battery(state: np.ndarray, before: np.ndarray, design: np.ndarray, orbit_s: float) -> None:
    """Give batteries the temperature at which their radiators balance the heat of an orbit; settling takes days.

    Args:
        state: of one environment after the orbit, [field, P].
        before: the same before it.
        design: design and propagators, [field, P].
        orbit_s: length of the orbit [s].
    """
    heat, absorbed = (
        (state[State._fields.index(name)] - before[State._fields.index(name)]) / orbit_s
        for name in ("battery_heat_j", "absorbed_j")
    )
    own, main, radiation, heater_k = (
        design[Design._fields.index(name)]
        for name in ("battery_absorb_m2", "absorb_m2", "battery_radiation", "battery_heater_k")
    )
    balance = ((heat + absorbed * own / (own + main)) / radiation) ** 0.25
    state[State._fields.index("battery_k")] = np.round(np.maximum(balance, heater_k), 9)


def cold_points(points: np.ndarray, swings: np.ndarray, charge_frac: np.ndarray) -> None:
    """Begin the count of battery cycles at a charge, (P, ...) each."""
    points[:] = 0.0
    swings[:] = 0.0
    points[:, 0] = charge_frac
    points[:, -1] = 1.0


def fly_plan(
    fleet: FleetModel,
    state: np.ndarray,
    classes: np.ndarray,
    points: np.ndarray,
    swings: np.ndarray,
    design: np.ndarray,
    skies: np.ndarray,
    rules: np.ndarray,
    ageing: np.ndarray,
    numbers: np.ndarray,
) -> None:
    """Bring the satellites of one environment to the periodic solution of their plan, in the light of its first orbit.

    Args:
        fleet: of the episode.
        state: [field, P]; is filled.
        classes: [field, C, P]; is filled.
        points: turning points of the batteries' charge, (P, ...); are begun.
        swings: their damage.
        design: design and propagators, [field, P].
        skies: tables of light, [T, F, P].
        rules: class parameters.
        ageing: tables of damage by depth.
        numbers: as in `decision.decide`.
    """
    cold_state(state, design)
    charge = State._fields.index("charge_frac")
    cold_points(points, swings, state[charge])
    orbit = np.rint(fleet.period_s / fleet.clock.dt_s).astype(int)
    light, busy = periodic(skies, orbit, SETTLE_ORBITS), busy_mix(fleet, state.shape[1])
    for part in (light[: -orbit.max()], light[-orbit.max() :]):
        before = state.copy()
        settle(state, classes, points, swings, design, part, rules, ageing, numbers, np.array([1, len(part)]), busy)
    balance_battery(state, before, design, orbit.max() * fleet.clock.dt_s)
    cold_points(points, swings, state[charge])
    state[State._fields.index("cycles")] = 0.0
    state[State._fields.index("damage")] = design[Design._fields.index("fatigue_start")]


def open_queue(
    fleet: FleetModel,
    tables: EpisodeTables,
    seed: int,
    run: np.ndarray,
    lists: np.ndarray,
    state: np.ndarray,
    classes: np.ndarray,
    resident: np.ndarray,
    design: np.ndarray,
) -> np.ndarray:
    """Place replicas and census; returns the environment's HEAD record.

    Jobs of the census go, in order of arrival and least loaded first, to where they fit; the rest wait. Age is the time
    since arrival, work done is that of the sustainable rate, the last payable point lies uniformly in its interval.
    """  # fmt: skip
    head = np.zeros((), HEAD)
    head["reserved_row"] = -1
    run[:] = np.zeros((), RUN)
    run["input_at"] = run["state_at"] = GROUND
    run["host"], run["started_s"], run["finished_s"] = -1, np.inf, np.inf
    begin = -fleet.clock.warm_up_s
    free = state[State._fields.index("free")]
    held = classes[Classes._fields.index("held")]
    jobs, n = tables.jobs, fleet.satellites

    def seat(row: int) -> bool:
        width = int(jobs["width"][row])
        fits = fleet.design_numbers["hbm_gb"] >= fleet.rules[rule_index("memory_gb"), jobs["class_id"][row]]
        hosts = _hosts(fleet, tables.links, jobs[row], np.where(fits, free[:n], -1.0))
        for part, s in enumerate(hosts, row):
            free[s] -= width
            held[jobs["class_id"][row], s] += width
            run["host"][part], run["status"][part], run["since_s"][part] = s, RUNNING, begin
            run["input_at"][part] = run["state_at"][part] = s
            resident[jobs["model"][row], s] = 1.0 if jobs["model"][row] else 0.0
        if len(hosts) == 0:
            return False
        lists[1, head["running"]] = row
        head["running"] += 1
        return True

    first = _seat_replicas(fleet, tables, run, state, classes, design, seat)
    saved = random_stream(seed, CENSUS).random(len(tables.census))
    for k in np.flatnonzero(tables.census["num_satellites"]):
        row = first + int(k)
        if seat(row):
            age_job(fleet, jobs[row], run[row : row + 1], begin, saved[k])
        else:
            run["status"][row] = WAITING
            lists[0, head["waiting"]] = row
            head["waiting"] += 1
    head["next_job"] = first + len(tables.census)
    living = max(float(state[State._fields.index("living"), :n].sum()), 1.0)
    head["load_average"] = (living - free[:n].sum()) / living
    return head


def _hosts(fleet: FleetModel, links: Links, job: np.void, free: np.ndarray) -> np.ndarray:
    """Where a job goes: the satellites with most accelerators free, for a gang those of one neighbourhood; or none."""
    order = np.argsort(-free, kind="stable")
    order = order[free[order] >= job["width"]]
    if job["num_satellites"] == 1:
        return np.asarray(order[:1])
    most = fleet.rules[rule_index("gang_hops"), job["class_id"]]
    least = fleet.rules[rule_index("lasting_steps"), job["class_id"]]
    hops, closes = links.hops[links.epoch[0]], links.closes[links.epoch[0]]
    for s in order:
        near = order[(hops[s, order] >= 0) & (hops[s, order] <= most) & (closes[s, order] >= least) & (order != s)]
        if near.size >= job["num_satellites"] - 1:
            return np.concatenate([[s], near[: job["num_satellites"] - 1]])
    return np.zeros(0, np.int64)


def _seat_replicas(  # type: ignore[no-untyped-def]
    fleet: FleetModel,
    tables: EpisodeTables,
    run: np.ndarray,
    state: np.ndarray,
    classes: np.ndarray,
    design: np.ndarray,
    seat,
) -> int:
    """Seat the replicas that the autoscaler wants for the first demand; returns the first row after all of services."""
    row = 0
    for c, name in enumerate(fleet.scenario.class_names):
        service = fleet.scenario.workload.classes[name]
        if not isinstance(service, ServiceClass):
            continue
        tokens_s = float(tables.demand[0, 1, c]) / fleet.clock.dt_s
        wanted = first_replicas(tables.jobs, state, design, classes, fleet.rules, fleet.satellites, c, tokens_s)
        count = int(fleet.rules[rule_index("replicas"), c])
        run["status"][row : row + count] = ABSENT
        for k in range(min(wanted, count)):
            if not seat(row + k):
                break
        row += count
    return row


def age_job(fleet: FleetModel, job: np.void, r: np.ndarray, begin: float, saved: float) -> None:
    """Give a job that runs as an episode begins its work so far, and `saved` of an interval since its checkpoint."""
    rule = dict(zip(Rules._fields, fleet.rules[:, job["class_id"]], strict=True))
    rate, gang = fleet.class_speed[job["class_id"]], job["total_accelerators"]
    stops_per_s = fleet.policy.surprises_per_s * gang
    unit = gang * interval_work(rule["unit_s"], rule["adapts"], rule["stall_s"], stops_per_s, rate)
    done = min((begin - job["arrival_s"]) * rate * gang, 0.999 * job["work_s"])
    unsaved = saved * min(unit, done)
    r["safe_s"], r["unsaved_s"] = done - unsaved, unsaved
    r["unsaved_since_s"] = begin - unsaved / (rate * gang)
    r["since_s"] = r["started_s"] = job["arrival_s"]


def open_accounts(state: np.ndarray, ledger: np.ndarray, head: np.ndarray, run: np.ndarray) -> None:
    """The episode begins: accounts of one environment start from zero, and work done so far is never paid."""
    run["before_s"] = run["safe_s"] + run["unsaved_s"]
    state[ACCOUNTS:] = 0.0
    state[State._fields.index("fatigue")] = 0.0
    state[State._fields.index("charge_least")] = state[State._fields.index("charge_frac")]
    state[State._fields.index("junction_most")] = state[State._fields.index("junction_k")]
    kept = ledger[Ledger._fields.index("arrival_rate")].copy()
    shown = [ledger[Ledger._fields.index(name)].copy() for name in ("served_now", "arrived_now")]
    ledger[:] = 0.0
    ledger[Ledger._fields.index("arrival_rate")] = kept
    for name, values in zip(("served_now", "arrived_now"), shown, strict=True):
        ledger[Ledger._fields.index(name)] = values
    for name in HEAD.names or ():
        if name.endswith(("_sum", "_now")) and name != "stored_sum":  # of the charge, which goes on
            head[name] = 0.0
