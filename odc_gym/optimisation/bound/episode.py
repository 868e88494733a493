"""Facts of an episode at its start: what the programme knows of fleet, light, work and reward.

All of them are exogenous: no action changes them. Satellites are pooled in groups. Within a group, the programme takes
the value of the satellite for which it is best, or the sum over the satellites.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from odc_gym.constants import HOUR_S, KWH_J
from odc_gym.core.layout.rewards import Weights
from odc_gym.core.layout.state import LOST, Design, Sky, State
from odc_gym.core.layout.work import Rules
from odc_gym.orbits.mean_orbit import MeanShell
from odc_gym.orbits.sgp4_propagation import ElementGroup
from odc_gym.simulator.simulator import Simulator

MOST_SINGLE = 24  # satellites of a fleet that are all groups of their own
LIGHT = ("sunlit_frac", "irradiance_frac", "out", "absorbed_w_m2")  # rows of the table of light that are read
MOST_GROUPS = 48  # groups of a larger fleet


@dataclass(frozen=True)
class Grid:
    """Cells of time of a programme.

    Attributes:
        edges_s: edges of the cells since the start of the episode [s], (T + 1,).
        step_cell: cell of each physics step of the episode, (steps,).
        step_s: physics step [s].
    """

    edges_s: np.ndarray
    step_cell: np.ndarray
    step_s: float

    @property
    def cells(self) -> int:
        """Number of cells, T."""
        return len(self.edges_s) - 1

    @property
    def hours(self) -> np.ndarray:
        """Length of each cell [h], (T,)."""
        return np.diff(self.edges_s) / HOUR_S

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return sums over the physics steps of each cell; the first axis is that of the steps."""
        return np.asarray(np.add.reduceat(values, np.flatnonzero(np.diff(self.step_cell, prepend=-1)), axis=0))


@dataclass(frozen=True)
class Episode:
    """Facts of an episode.

    Attributes:
        grid: cells of time.
        group: group of each satellite, (S,).
        design: design parameters of the satellites, rows (S,).
        state: state of the satellites at the start, rows (S,).
        rules: class parameters, rows (C,).
        service: True for the classes that are services, (C,).
        class_names: names of the classes.
        weights: weights of the reward.
        jobs: job table, (J,).
        run: run-time columns of the jobs at the start, (J,).
        backlog: tokens that wait for each service at the start, (C,).
        demand: tokens that arrive in each physics step, (steps, C).
        sun_w: output of each array in each physics step, (steps, S) [W].
        absorbed_w_m2: heat that a radiator face absorbs in each physics step, (steps, S) [W/m2].
        living: accelerators that work and are in service in each physics step, (steps, S).
        out: True where a satellite is out of service or lost, (steps, S).
    """

    grid: Grid
    group: np.ndarray
    design: Design
    state: State
    rules: Rules
    service: np.ndarray
    class_names: tuple[str, ...]
    weights: Weights
    jobs: np.ndarray
    run: np.ndarray
    backlog: np.ndarray
    demand: np.ndarray
    sun_w: np.ndarray
    absorbed_w_m2: np.ndarray
    living: np.ndarray
    out: np.ndarray

    @property
    def groups(self) -> int:
        """Number of groups, G."""
        return int(self.group.max()) + 1

    def least(self, values: np.ndarray) -> np.ndarray:
        """Return the least value of each group; the last axis is that of the satellites."""
        return np.stack([values[..., self.group == g].min(-1) for g in range(self.groups)], -1)

    def most(self, values: np.ndarray) -> np.ndarray:
        """Return the largest value of each group; the last axis is that of the satellites."""
        return -self.least(-values)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over each group; the last axis is that of the satellites."""
        return np.stack([values[..., self.group == g].sum(-1) for g in range(self.groups)], -1)

    @property
    def points_of_work(self) -> np.ndarray:
        """Points for an accelerator-hour of each class at full value, (C,)."""
        return np.asarray(self.weights.points * self.rules.value)

    @property
    def points_of_charge(self) -> np.ndarray:
        """Points for a kWh in an empty battery, (S,)."""
        return np.asarray(self.weights.points * self.weights.stored_per_j[: len(self.group)] * KWH_J)


def episode_of(simulator: Simulator, row: int, cell_s: float) -> Episode:
    """Return the facts of the episode that a row has just begun.

    Args:
        simulator: simulator whose row is at the start of an episode.
        row: row of the batch.
        cell_s: wanted length of a cell [s]; it is rounded to whole decisions.
    """
    clock, n = simulator.fleet.clock, simulator.satellites
    decision_s = clock.dt_s * clock.steps
    steps = max(1, round(cell_s / decision_s)) * clock.steps
    step_cell = np.arange(clock.episode) // steps
    edges = np.append(np.arange(0, clock.episode, steps), clock.episode) * float(clock.dt_s)
    sky = simulator.tables.skies[row, clock.warm_up :].astype(float)
    light = [sky[:, Sky._fields.index(name), :n] for name in LIGHT]
    design = Design(*(rows[row, :n].copy() for rows in simulator.design))
    state = State(*(rows[row, :n].copy() for rows in simulator.sat))
    rules = Rules(*(rows[row].copy() for rows in simulator.rules))
    out = light[2] > 0.0
    return Episode(
        Grid(edges, step_cell, float(clock.dt_s)),
        groups_of(simulator),
        design,
        state,
        rules,
        rules.service > 0.5,
        tuple(simulator.class_names),
        simulator.parameters.weights,
        simulator.jobs[row].copy(),
        simulator.run[row].copy(),
        simulator.services.backlog[row].copy(),
        simulator.tables.demand[row, clock.warm_up :, 0].copy(),
        light[0] * light[1] * design.array_peak_w,
        light[3],
        living_accelerators(simulator, row, state.living, light[2]),
        out,
    )


def groups_of(simulator: Simulator) -> np.ndarray:
    """Return the group of each satellite, (S,): itself in a small fleet, else its plane, or its shell."""
    n, shell = simulator.satellites, np.asarray(simulator.fleet.shell_of)
    if n <= MOST_SINGLE:
        return np.arange(n)
    plane = np.concatenate([_planes(group) for group in simulator.fleet.constellation.groups])
    for keys in (np.stack([shell, plane]), shell[None]):
        group = np.unique(keys, axis=1, return_inverse=True)[1].ravel()
        if group.max() < MOST_GROUPS:
            return np.asarray(group)
    return np.zeros(n, int)


def _planes(group: MeanShell | ElementGroup) -> np.ndarray:
    """Return the plane of each satellite of a shell by its node [mrad]; element sets count as one plane."""
    if isinstance(group, MeanShell):
        return np.rint(1e3 * np.broadcast_to(group.node_rad, len(group))).astype(int)
    return np.zeros(len(group), int)


def living_accelerators(simulator: Simulator, row: int, living: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return the accelerators that can work in each physics step, (steps, S): hard failures and outages are known.

    An event at a position that is already dead has no effect. The events of a step happen before its work.

    Args:
        simulator: simulator whose row is at the start of an episode.
        row: row of the batch.
        living: accelerators that work at the start, (S,).
        out: condition of the satellites in each physics step, (steps, S).
    """
    clock, events = simulator.fleet.clock, simulator.tables.events[row]
    events = events[int(simulator.scalars["next_event"][row]) :]
    events = events[(events["hard"] > 0) & (events["tick"] < clock.total)]
    table = np.repeat(living[None], clock.episode, axis=0)
    lost_from = np.where((out >= LOST).any(0), (out >= LOST).argmax(0), clock.episode)
    for event in events:
        s, step = int(event["satellite"]), max(int(event["tick"]) - clock.warm_up, 0)
        if step < lost_from[s] and event["accelerator"] < table[step, s]:
            table[step:, s] -= 1.0
    return np.where(out > 0.0, 0.0, table)
