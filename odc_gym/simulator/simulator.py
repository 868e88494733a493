"""The simulator: a batch of episodes of one scenario. A single environment is a batch of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from odc_gym._jit import announce_compilation
from odc_gym.core.decision import decide
from odc_gym.core.layout.allocation import ROWS, copy_row, empty_blocks, longer, put_row, rows_of
from odc_gym.core.layout.state import MUTABLE, Forecast, Sky, padded
from odc_gym.core.layout.work import CARGO, HEAD, RUN
from odc_gym.errors import ActionError, ArgumentError, OdcGymError
from odc_gym.faults.faults import NO_EVENT
from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.assignment import AssignmentLayout, level_clocks
from odc_gym.interface.rewards import TERMS
from odc_gym.physics.ageing import TURNING_POINTS, depth_damage_tables
from odc_gym.scenario import Scenario
from odc_gym.simulator import episode_start as begin
from odc_gym.simulator.observation_buffers import ObservationBuffers
from odc_gym.simulator.view import View
from odc_gym.tables.episode.links import LinkBatch
from odc_gym.tables.episode.tables import build_episode
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.tables.fleet.parameters import past_shape, tenants_block
from odc_gym.workload import JOB, TraceSource, as_trace

PARAMETERS = ("design", "ratings", "rules", "models", "policy", "sensors")  # arrays of a World, here with first axis B
TABLES = ("skies", "forecasts", "days", "demand", "jobs", "events", *PARAMETERS)  # what is read-only in an episode
ACTION_MODES = ("bids", "assign")


class Simulator:
    """A batch of B independent episodes.

    Args:
        scenario: what is simulated.
        num_envs: B.
        trace: recorded jobs or requests, or their file or files, that replace the classes they hold.
        decision_period_s: time between decisions [s]; None for the scenario's.
        episode_hours: length of episodes; None for the scenario's.
        action_mode: `bids` or `assign`, see `odc_gym.interface`.
        shows_jobs: whether waiting jobs are observed one by one; `assign` needs it.

    Attributes:
        buffers: observations.
        reward: of the last decision, (B,), 100 = the fleet's sustainable output over an episode.
        truncated: whether the episode has reached its end, (B,).
        seeds: episode that each row plays, (B,); -1 before the first reset.
        drawn: values of its random numbers by path, (B,) or, one a satellite, (B, S).
        view: the same in SI units by name.

    Raises:
        ArgumentError: `num_envs` or `action_mode` has a value that is not allowed.
        ScenarioError: a value that is not allowed.
        TraceError: a malformed trace, or one of a class that the scenario lacks.
    """

    def __init__(
        self,
        scenario: Scenario,
        num_envs: int = 1,
        trace: TraceSource | None = None,
        decision_period_s: float | None = None,
        episode_hours: float | None = None,
        action_mode: str = "bids",
        shows_jobs: bool = False,
    ) -> None:
        if action_mode not in ACTION_MODES:
            raise ArgumentError(f"action_mode = {action_mode!r}: must be one of {', '.join(ACTION_MODES)}")
        if num_envs < 1:
            raise ArgumentError(f"num_envs = {num_envs}: must be >= 1")
        changes = {"episode.decision_period_s": decision_period_s, "episode.hours": episode_hours}
        scenario = scenario.replace({k: v for k, v in changes.items() if v is not None})
        self.fleet = FleetModel(scenario, as_trace(trace))
        self.scenario, self.class_names, self.num_envs = scenario, scenario.class_names, num_envs
        self.satellites, self.decisions = self.fleet.satellites, self.fleet.clock.decisions
        self.action_mode, assign = action_mode, scenario.assign
        self.assigns = action_mode == "assign"
        self.slots = assign.k if shows_jobs or self.assigns else 0
        self.assignment = AssignmentLayout(self.satellites, assign.k, len(assign.levels))
        bids = ActionLayout(self.satellites, len(self.class_names))
        self.action_size = self.assignment.size if self.assigns else bids.size
        self._zero = bids.zeros(num_envs)
        self.seeds = np.full(num_envs, -1, np.int64)
        self.load_factor = np.zeros(num_envs)
        self._begun = False
        announce_compilation()
        self._allocate(num_envs, padded(self.satellites), len(self.class_names))
        self.view = View(
            scenario, self.buffers, self.design, self.ratings, self.fleet.clock.dt_s * self.fleet.clock.steps,
            self.assignment if self.assigns else None,
        )  # fmt: skip

    def _allocate(self, b: int, p: int, c: int) -> None:
        fleet, clock = self.fleet, self.fleet.clock
        self.state, self.classes, self.ledger, self.services = empty_blocks(b, p, c)
        self.head, self.tenants = np.zeros(b, HEAD), tenants_block(fleet.scenario.workload, b)
        self.run, self.jobs = np.zeros((b, ROWS), RUN), np.zeros((b, ROWS), JOB)
        self.lists = np.zeros((b, 3, ROWS), np.int32)
        self.cargo, self.resident = np.zeros((b, len(CARGO), ROWS)), np.zeros((b, len(fleet.models), p))
        self.events = np.full((b, ROWS), NO_EVENT)
        self.points, self.swings = np.zeros((b, p, TURNING_POINTS + 1)), np.zeros((b, p, TURNING_POINTS + 1))
        self.past = np.zeros((b, *past_shape(self.scenario), p))
        self.design, self.ratings, self.rules, self.models, self.policy, self.sensors = (
            np.repeat(np.array(getattr(fleet, name))[None], b, 0) for name in PARAMETERS
        )
        varies = any(path.startswith("workload.") for path in self.scenario.randomise)
        self.serving = rows_of(fleet.serving, b if varies else 1)
        decisions = clock.total // clock.steps + 1
        self.skies = np.zeros((b, clock.total, len(Sky._fields), p), np.float32)
        self.forecasts = np.zeros((b, decisions, len(Forecast._fields), p), np.float32)
        self.days = np.zeros((b, decisions, 2))
        self.demand = np.zeros((b, clock.total, 2, c))
        self.network = LinkBatch(b)
        self.buffers = ObservationBuffers(b, self.satellites, p, c, self.slots, fleet.references)
        self._terms = np.zeros((b, len(TERMS)))
        self._table = depth_damage_tables()
        self._all_rows = np.arange(b)
        self._levels = level_clocks(self.scenario.assign.levels)
        numbers = [clock.dt_s, clock.steps, clock.warm_up, self.satellites]
        others_wait = self.assigns and self.scenario.assign.others == "wait"
        self._bids_numbers = np.array([*numbers, 0.0, 0.0, 1.0])
        self._numbers = np.array([*numbers, float(self.assigns), float(others_wait), 1.0])
        self._look_numbers = self._numbers * [1, 1, 1, 1, 1, 1, 0]
        draws = self.scenario.randomise
        self.drawn = {k: np.zeros((b, self.satellites) if d.per == "satellite" else b) for k, d in draws.items()}

    @property
    def truncated(self) -> np.ndarray:
        """Whether each episode has reached its end, (B,) bool."""
        return np.asarray(self.head["tick"] >= self.fleet.clock.total)

    @property
    def observation(self) -> np.ndarray:
        """Encoded observation, (B, N) float32; a new array after each call."""
        return self.buffers.flat

    @property
    def reward(self) -> np.ndarray:
        """Reward of the last decision, (B,)."""
        return np.asarray(self._terms.sum(1))

    @property
    def terms(self) -> dict[str, np.ndarray]:
        """Reward terms of the last decision by name, (B,) each."""
        return {term.name: self._terms[:, k].copy() for k, term in enumerate(TERMS)}

    @property
    def costs(self) -> dict[str, np.ndarray]:
        """Violations of the last decision as positive numbers, by name, (B,) each; `cost` is their sum."""
        named = {term.cost: -self._terms[:, k] for k, term in enumerate(TERMS) if term.cost}
        return {"cost": np.asarray(sum(named.values()))} | named

    def row_reward(self, row: int) -> float:
        """Reward of the last decision of one row."""
        return float(self._terms[row].sum())

    def row_over(self, row: int) -> bool:
        """Whether the episode of one row has reached its end."""
        return bool(self.head[row]["tick"] >= self.fleet.clock.total)

    def row_info(self, row: int) -> dict[str, float]:
        """Costs and reward terms of the last decision of one row, as `costs` and `terms` name them."""
        values = self._terms[row].tolist()
        info = {"cost": 0.0}
        for term, value in zip(TERMS, values, strict=True):
            if term.cost:
                info[term.cost] = -value
                info["cost"] -= value
            info[f"reward/{term.name}"] = value
        return info

    def reset(self, seeds: Sequence[int] | np.ndarray, rows: Sequence[int] | np.ndarray | None = None) -> None:
        """Begin episode `seeds[i]` in each given row (all rows if None).

        Raises:
            OdcGymError: a negative seed, or not one seed for each row.
        """
        chosen = self._rows(rows)
        if len(seeds) != chosen.size:
            raise OdcGymError(f"seeds: {len(seeds)} given for {chosen.size} environments")
        begun: dict[int, int] = {}
        for row, seed in zip(chosen.tolist(), seeds, strict=True):
            if int(seed) in begun:  # the same episode again: a copy is cheaper
                self._copy(begun[int(seed)], row)
                continue
            self._load(row, int(seed))
            self._warm_up(row)
            begun[int(seed)] = row
        self._begun = bool((self.seeds >= 0).all())
        self._observe(chosen)

    def step(self, actions: np.ndarray) -> None:
        """Play one decision in every row that has not reached its end; the others stay as they are, with reward 0.

        Args:
            actions: bids, (B, A), values beyond [-1, 1] are held to it; or choices, (B, K + S) integers.

        Raises:
            ActionError: wrong shape, values that are not finite, or a choice that there is not.
            OdcGymError: an environment was never reset.
        """
        if not self._begun:
            raise OdcGymError("step: every environment must be reset first")
        actions = np.asarray(actions, np.float64)
        if actions.shape != (self.num_envs, self.action_size):
            raise ActionError(f"action: shape {actions.shape}, must be {(self.num_envs, self.action_size)}")
        if not np.isfinite(actions).all():
            b, k = (int(v[0]) for v in np.nonzero(~np.isfinite(actions)))
            raise ActionError(f"action[{b}, {k}] = {actions[b, k]}: must be finite")
        if self.assigns:
            self._check_choices(actions)
        self._play(self._all_rows, actions, self._numbers)

    def _check_choices(self, actions: np.ndarray) -> None:
        choices = self.assignment.choices
        wrong = (actions < 0) | (actions >= choices) | (actions != np.floor(actions))
        if wrong.any():
            b, k = (int(v[0]) for v in np.nonzero(wrong))
            raise ActionError(f"action[{b}, {k}] = {actions[b, k]:g}: must be an integer from 0 to {choices[k] - 1}")

    def get_state(self, rows: Sequence[int] | np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Everything that changes, and the episodes' seeds: exact copies, first axis the rows asked for."""
        chosen = self._rows(rows)
        return {name: getattr(self, name)[chosen].copy() for name in ("seeds", *MUTABLE)}

    def set_state(self, state: Mapping[str, np.ndarray], rows: Sequence[int] | np.ndarray | None = None) -> None:
        """Continue from a state; tables are built again where a row plays another episode.

        Raises:
            OdcGymError: a state of another scenario's shape.
        """
        chosen = self._rows(rows)
        if len(state["seeds"]) != chosen.size or any(
            state[name].shape[1:] != getattr(self, name).shape[1:] for name in ("state", "past")
        ):
            raise OdcGymError(
                f"state: {len(state['seeds'])} rows of {state['state'].shape[1:]}, "
                f"must be {chosen.size} of {self.state.shape[1:]}"
            )
        for k, row in enumerate(chosen):
            if self.seeds[row] != state["seeds"][k]:
                self._load(int(row), int(state["seeds"][k]))
        self._grow(state["run"].shape[1])
        for name in MUTABLE:
            ours, theirs = getattr(self, name), state[name]
            if name in ("run", "lists", "cargo"):
                ours[chosen] = np.zeros((), ours.dtype)
                ours[chosen, ..., : theirs.shape[-1]] = theirs
            else:
                ours[chosen] = theirs
        self._terms[chosen] = 0.0
        self._begun = bool((self.seeds >= 0).all())
        self._observe(chosen)

    def _rows(self, rows: Sequence[int] | np.ndarray | None) -> np.ndarray:
        return self._all_rows if rows is None else np.asarray(rows, np.int64)

    def _copy(self, source: int, row: int) -> None:
        """Give a row the episode of another one, tables and state."""
        names = ("seeds", "load_factor", *TABLES, *MUTABLE)
        for array in (*(getattr(self, name) for name in names), *self.drawn.values()):
            array[row] = array[source]
        self.network.copy(source, row)
        copy_row(self.serving, source, row)
        self._terms[row] = 0.0

    def _load(self, row: int, seed: int) -> None:
        """Put the tables of an episode into a row."""
        if seed < 0:
            raise OdcGymError(f"seed = {seed}: must be >= 0")
        tables = build_episode(self.fleet, seed)
        self._grow(len(tables.jobs))
        self.skies[row], self.forecasts[row] = tables.sky, tables.forecast
        self.days[row], self.demand[row] = tables.days, tables.demand
        for name in PARAMETERS:
            getattr(self, name)[row] = getattr(tables.fleet, name)
        for path, value in tables.fleet.drawn.items():
            self.drawn[path][row] = value
        self.jobs[row] = np.zeros((), JOB)
        self.jobs["arrival_s"][row] = np.inf  # rows beyond the episode's jobs never arrive
        self.jobs[row, : len(tables.jobs)] = tables.jobs
        self.events = longer(self.events, len(tables.events), NO_EVENT)
        self.events[row] = NO_EVENT
        self.events[row, : len(tables.events)] = tables.events
        self.network.put(row, tables.links)
        put_row(self.serving, row, tables.fleet.serving)
        self.seeds[row], self.load_factor[row] = seed, tables.load_factor
        self._tables = tables

    def _warm_up(self, row: int) -> None:
        """Periodic charge and temperatures, the census in place, then one orbit under the zero action, uncounted."""
        tables, fleet = self._tables, self._tables.fleet
        for array in (self.classes, self.ledger, self.services, self.past, self.cargo, self.resident):
            array[row] = 0.0
        self.tenants[row] = tenants_block(fleet.scenario.workload, 1)[0]
        begin.fly_plan(
            fleet, self.state[row], self.classes[row], self.points[row], self.swings[row], self.design[row],
            self.skies[row], self.rules[row], self._table, self._numbers,
        )  # fmt: skip
        self.lists[row] = 0
        used = len(tables.jobs)
        self.run[row] = np.zeros((), RUN)
        self.head[row] = begin.open_queue(
            fleet, tables, int(self.seeds[row]), self.run[row, :used], self.lists[row], self.state[row],
            self.classes[row], self.resident[row], self.design[row],
        )  # fmt: skip
        for _ in range(fleet.clock.warm_up // fleet.clock.steps):
            self._play(np.array([row]), self._zero, self._bids_numbers)
        begin.open_accounts(self.state[row], self.ledger[row], self.head[row : row + 1], self.run[row])
        self._terms[row] = 0.0

    def _play(self, rows: np.ndarray, actions: np.ndarray, numbers: np.ndarray) -> None:
        seen = self.buffers
        seen.renew()
        out = (seen.flat, seen.jobs, seen.job_present, seen.slots, seen.job_feasible)
        decide(
            rows, actions, self.state, self.classes, self.ledger, self.head, self.run, self.lists, self.points,
            self.swings, self.services, self.past, (self.cargo, self.resident, self.models, self.tenants), self.design,
            self.skies, self.forecasts, self.days, self.jobs, self.events, self.demand, tuple(self.network.arrays),
            self.serving, self.rules, self.policy, self.sensors, self.seeds, self.fleet.weights, self._table,
            self._levels, self._terms, out, seen.measured, seen.codes, numbers,
        )  # fmt: skip

    def _observe(self, rows: np.ndarray) -> None:
        self._play(rows, self._zero, self._look_numbers)

    def _grow(self, rows: int) -> None:
        """Make room for a longer job table; rows beyond an episode's jobs are inert."""
        never: Any = np.zeros((), JOB)
        never["arrival_s"] = np.inf
        self.jobs = longer(self.jobs, rows, never)
        self.run = longer(self.run, rows, np.zeros((), RUN))
        self.lists = longer(self.lists, rows, np.zeros((), np.int32))
        self.cargo = longer(self.cargo, rows, np.zeros(()))
