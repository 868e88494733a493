"""Start of an episode: a fleet in operation, with running jobs, replicas and periodic charge and temperatures."""

from __future__ import annotations

import numpy as np

from odc_gym.constants import GROUND
from odc_gym.core.jobs.census import Ageing, Placing, place_census, place_gang, place_replicas
from odc_gym.core.layout.network import Links
from odc_gym.core.layout.state import UNBOUND_S, Design, State
from odc_gym.core.layout.work import ABSENT, RUN, SCALARS, Classes, Ledger, Rules
from odc_gym.core.layout.workspace import Workspace
from odc_gym.core.serving.replicas import initial_replicas
from odc_gym.core.settling import settle
from odc_gym.physics.battery import QUOTED_K
from odc_gym.scenario import ServiceClass
from odc_gym.seeds import random_stream
from odc_gym.tables.episode.tables import EpisodeTables
from odc_gym.tables.fleet.fleet_model import FleetModel

CENSUS = 102  # purpose number of the random stream of the census
SETTLE_ORBITS = 6  # orbits after which charge and temperatures are periodic
START_K = 320.0  # temperature of all nodes before the plan is flown
FIRST_ACCOUNT = State._fields.index("available_j")  # rows of State from this one on are accounts


class EpisodeStart:
    """Start of an episode in one environment.

    Its methods write the blocks that it is given: `fly_plan`, then `open_queue`, and `open_accounts` after the warm-up.

    Args:
        fleet: fleet model of the episode.
        state: block of State, [field, P].
        classes: block of Classes, [field, C, P].
        design: block of Design and propagators, [field, P].
        work: work arrays of the compiled core.
    """

    def __init__(
        self, fleet: FleetModel, state: np.ndarray, classes: np.ndarray, design: np.ndarray, work: Workspace
    ) -> None:
        self.fleet, self.work = fleet, work
        self.state_block, self.class_block, self.design_block = state, classes, design
        self.sat, self.classes = State(*state), Classes(*classes)
        self.design, self.rules = Design(*design[: len(Design._fields)]), Rules(*fleet.rules)

    def fly_plan(
        self,
        points: np.ndarray,
        swings: np.ndarray,
        skies: np.ndarray,
        rules: np.ndarray,
        depth_damage: np.ndarray,
    ) -> None:
        """Bring the satellites to the periodic solution of the sustainable plan, in the sunlight of the first orbit.

        Args:
            points: turning points of the batteries' charge, (P, ...). Written.
            swings: damage of the swings between them, (P, ...). Written.
            skies: tables of light, [T, field, P].
            rules: class parameters.
            depth_damage: damage of battery cycles by depth.
        """
        fleet, clock = self.fleet, self.fleet.clock
        cold_state(self.sat, self.design)
        begin_cycles(points, swings, self.sat.charge_frac)
        orbit = np.rint(fleet.period_s / clock.dt_s).astype(int)
        light, busy = periodic(skies, orbit, SETTLE_ORBITS), busy_mix(fleet)
        before = self.state_block.copy()
        for part in (light[: -orbit.max()], light[-orbit.max() :]):
            before = self.state_block.copy()
            settle(
                self.state_block, self.class_block, points, swings, self.design_block, part, rules, depth_damage,
                float(clock.dt_s), fleet.satellites, 1, len(part), busy, self.work,
            )  # fmt: skip
        self._balance_batteries(State(*before), orbit.max() * clock.dt_s)
        begin_cycles(points, swings, self.sat.charge_frac)
        self.sat.cycles[:] = 0.0
        self.sat.damage[:] = self.design.fatigue_start

    def open_queue(
        self, tables: EpisodeTables, seed: int, run: np.ndarray, lists: np.ndarray, cached_models: np.ndarray
    ) -> np.ndarray:
        """Place the replicas and the jobs of the census, and return the environment's record of SCALARS.

        Jobs of the census are placed in order of arrival, on the least loaded satellite with room. Jobs that fit
        nowhere wait. A placed job has run since its arrival at the sustainable rate. The work since its last payable
        point is uniform over the interval between payable points.

        Args:
            tables: tables of the episode.
            seed: seed of the episode.
            run: run-time columns of its jobs, (J,) of RUN. Written.
            lists: waiting rows, running rows, and rows that send results, (3, J). Written.
            cached_models: last use of each stored model on each satellite, (M, P). Written.
        """
        scalars = np.zeros(1, SCALARS)
        scalars["reserved_row"] = -1
        run[:] = np.zeros((), RUN)
        run["input_at"] = run["state_at"] = GROUND
        run["host"], run["started_s"], run["finished_s"] = -1, np.inf, np.inf
        placing = self._placing(tables, run, lists, cached_models, scalars)
        first = self._place_replicas(placing, tables)
        self._place_census(placing, tables, first, random_stream(seed, CENSUS).random(len(tables.census)))
        scalars["next_job"] = first + len(tables.census)
        n = self.fleet.satellites
        living = max(float(self.sat.living[:n].sum()), 1.0)
        scalars["load_average"] = (living - self.sat.free[:n].sum()) / living
        return np.asarray(scalars[0])

    def open_accounts(self, ledger: np.ndarray, scalars: np.ndarray, reward_sums: np.ndarray, run: np.ndarray) -> None:
        """Set the accounts to zero at the end of the warm-up.

        All work so far counts as done before the episode, and is never paid.

        Args:
            ledger: block of Ledger, [field, C]. Written.
            scalars: record of SCALARS, (1,). Written.
            reward_sums: records of REWARD_SUMS, (2,). Written.
            run: run-time columns of the jobs, (J,) of RUN. Written.
        """
        run["before_s"] = run["checkpointed_s"] + run["uncheckpointed_s"]
        self.state_block[FIRST_ACCOUNT:] = 0.0
        self.sat.fatigue[:] = 0.0
        self.sat.charge_least[:] = self.sat.charge_frac
        self.sat.junction_most[:] = self.sat.junction_k
        accounts = Ledger(*ledger)
        kept = (accounts.arrival_rate, accounts.served_now, accounts.arrived_now)
        values = [account.copy() for account in kept]
        ledger[:] = 0.0
        for account, value in zip(kept, values, strict=True):
            account[:] = value
        for name in SCALARS.names or ():
            if name.endswith(("_sum", "_now")):
                scalars[name] = 0.0
        for name in reward_sums.dtype.names or ():
            if name != "stored":  # it belongs to the charge, which continues
                reward_sums[name] = 0.0

    def _balance_batteries(self, before: State, orbit_s: float) -> None:
        """Set batteries to the temperature at which their radiators balance the heat of an orbit.

        Flying until these temperatures settle would take days.

        Args:
            before: state before the orbit.
            orbit_s: length of the orbit [s].
        """
        sat, design = self.sat, self.design
        heat = (sat.battery_heat_j - before.battery_heat_j) / orbit_s
        absorbed = (sat.absorbed_j - before.absorbed_j) / orbit_s
        own, main = design.battery_absorb_m2, design.absorb_m2
        balance = ((heat + absorbed * own / (own + main)) / design.battery_radiation) ** 0.25
        sat.battery_k[:] = np.round(np.maximum(balance, design.battery_heater_k), 9)

    def _placing(
        self, tables: EpisodeTables, run: np.ndarray, lists: np.ndarray, cached_models: np.ndarray, scalars: np.ndarray
    ) -> Placing:
        """Return the arrays that placing reads and writes; arguments are those of `open_queue`."""
        fits = self.fleet.design_numbers["hbm_gb"] >= self.rules.memory_gb[:, None]
        return Placing(tables.jobs, run, lists, scalars, self.sat.free, self.classes.held, cached_models, fits)

    def _place_replicas(self, placing: Placing, tables: EpisodeTables) -> int:
        """Place the replicas that autoscalers want for the first demand.

        Returns:
            The first row of the job table after the replicas.
        """
        fleet, row, wanted = self.fleet, 0, np.zeros(1, np.int64)
        for c, name in enumerate(fleet.scenario.class_names):
            if not isinstance(fleet.scenario.workload.classes[name], ServiceClass):
                continue
            tokens_s = float(tables.demand[0, 1, c]) / fleet.clock.dt_s
            initial_replicas(
                tables.jobs, self.state_block, self.design_block, self.class_block, fleet.rules, fleet.satellites, c,
                tokens_s, self.work, wanted,
            )  # fmt: skip
            count = int(self.rules.replicas[c])
            placing.run["status"][row : row + count] = ABSENT
            place_replicas(placing, row, row + min(int(wanted[0]), count), -fleet.clock.warm_up_s)
            row += count
        return row

    def _place_census(self, placing: Placing, tables: EpisodeTables, first: int, saved: np.ndarray) -> None:
        """Place the jobs of the census, whose rows begin at `first`.

        Args:
            placing: arrays of the environment.
            tables: tables of the episode.
            first: first row of the census.
            saved: work since the last payable point over the interval between payable points, (N,).
        """
        ageing = ageing_of(self.fleet, saved, -self.fleet.clock.warm_up_s)
        rows = np.array([first, first + len(saved)])
        while rows[0] < rows[1]:
            place_census(placing, ageing, first, rows)
            if rows[0] < rows[1]:  # it stopped at a gang
                row = int(rows[0])
                place_gang(placing, ageing, first, row, self._gang_hosts(tables, row))
                rows[0] += 1

    def _gang_hosts(self, tables: EpisodeTables, row: int) -> np.ndarray:
        """Return the satellites that host a gang, (G,): those with the most free accelerators.

        All are connected to the first one. The result is empty if the gang fits nowhere.
        """
        job, links, rules, n = tables.jobs[row], tables.links, self.rules, self.fleet.satellites
        c = job["class_id"]
        fits = self.fleet.design_numbers["hbm_gb"] >= rules.memory_gb[c]
        free = np.where(fits, self.sat.free[:n], -1.0)
        order = np.argsort(-free, kind="stable")
        order = order[free[order] >= job["width"]]
        for s in order:
            near = order[_joined(links, s, order, rules.gang_hops[c], rules.lasting_steps[c])]
            if near.size >= job["num_satellites"] - 1:
                return np.concatenate([[s], near[: job["num_satellites"] - 1]])
        return np.zeros(0, np.int64)


def _joined(links: Links, s: int, others: np.ndarray, most_hops: float, least_steps: float) -> np.ndarray:
    """Return which of the satellites `others` are connected to satellite `s`, (N,) bool.

    Args:
        links: tables of the network.
        s: satellite.
        others: satellites to test, (N,).
        most_hops: largest number of links of the route.
        least_steps: physics steps for which the route must last.
    """
    if not links.hops.shape[2]:  # a grid, whose links last, or no links at all
        return np.asarray(np.isin(others, _satellites_around(links, s, most_hops)) & (others != s))
    hops, closes = links.hops[links.epoch[0]], links.expiry_step[links.epoch[0]]
    near = (hops[s, others] >= 0) & (hops[s, others] <= most_hops)
    return np.asarray(near & (closes[s, others] >= least_steps) & (others != s))


def _satellites_around(links: Links, s: int, most_hops: float) -> np.ndarray:
    """Return the satellites within some links of satellite `s`, itself included, (N,)."""
    found, around = np.array([s]), np.array([s])
    for _ in range(int(most_hops)):
        beside = np.unique(links.neighbours[links.epoch[0], around])
        around = np.setdiff1d(beside[beside >= 0], found)
        if not around.size:
            break
        found = np.concatenate([found, around])
    return found


def periodic(skies: np.ndarray, steps: np.ndarray, orbits: int) -> np.ndarray:
    """Repeat the first orbit of each satellite's light, (T, field, P); each series ends at the end of an orbit.

    Args:
        skies: tables of light, [T, field, P].
        steps: physics steps of an orbit of each satellite, (S,). Padding lanes repeat the last satellite.
        orbits: number of repeats of the longest orbit. Shorter orbits are repeated more often.
    """
    if (steps == steps[0]).all():
        return skies.take(np.tile(np.arange(steps[0]), orbits), axis=0)
    lanes = skies.shape[2]
    own = np.append(steps, np.repeat(steps[-1], lanes - len(steps)))
    ticks = np.arange(-orbits * steps.max(), 0)[:, None] % own[None, :]
    return np.ascontiguousarray(np.moveaxis(skies[ticks, :, np.arange(lanes)[None, :]], 2, 1))


def begin_cycles(points: np.ndarray, swings: np.ndarray, charge_frac: np.ndarray) -> None:
    """Begin the count of battery cycles at the present charge.

    Args:
        points: turning points of the charge, (P, ...). Written.
        swings: damage of the swings between them, (P, ...). Written.
        charge_frac: charge, (P,).
    """
    points[:] = 0.0
    swings[:] = 0.0
    points[:, 0] = charge_frac
    points[:, -1] = 1.0


def cold_state(sat: State, design: Design) -> None:
    """Set satellites to the state before their plan is flown.

    Nodes are at `START_K`, batteries are full and at the temperature at which efficiencies are quoted, and no jobs run.
    """
    for row in sat:
        row[:] = 0.0
    for node in (sat.plate_k, sat.loop_k, sat.radiator_k, sat.junction_k):
        node[:] = START_K
    full = (sat.charge_frac, sat.capacity_left, sat.loop_on, sat.clock_cap, sat.duty, sat.clock_sustainable)
    for share in (*full, sat.charge_least):
        share[:] = 1.0
    sat.damage[:] = design.fatigue_start
    sat.battery_k[:] = QUOTED_K
    sat.reserved_from_s[:] = UNBOUND_S
    for count in (sat.living, sat.free, sat.awake):
        count[:] = design.accelerators


def busy_mix(fleet: FleetModel) -> np.ndarray:
    """Return the accelerators of each class at work on a satellite that the class mix fills, (C, P)."""
    slots = fleet.mix.share / fleet.class_speed
    accelerators = Design(*fleet.design[: len(Design._fields)]).accelerators
    return np.asarray((slots / slots.sum())[:, None] * accelerators[None, :])


def ageing_of(fleet: FleetModel, saved: np.ndarray, begin_s: float) -> Ageing:
    """Return what determines the work that jobs have done before an episode begins.

    Args:
        fleet: fleet model of the episode.
        saved: work since the last payable point over the interval between payable points, (N,).
        begin_s: time of the first step [s].
    """
    rules = Rules(*fleet.rules)
    return Ageing(
        saved, rules.unit_s, rules.adapts, rules.stall_s, fleet.class_speed, fleet.policy.stops_per_s, begin_s
    )
