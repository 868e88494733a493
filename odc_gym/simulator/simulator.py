"""Simulator of a batch of episodes of one scenario; a single environment is a batch of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from operator import is_
from typing import Any

import numpy as np

from odc_gym.compilation.kernel import BoundKernel
from odc_gym.core.decision import decide
from odc_gym.core.layout.batch import Mode, Outputs, Parameters, Tables, Timing
from odc_gym.core.layout.rows import named
from odc_gym.core.layout.samples import NOBODY, ROW, no_samples
from odc_gym.core.layout.state import Design, State, padded
from odc_gym.core.layout.work import Classes, Ledger, Rules, Services, Tenants
from odc_gym.core.layout.workspace import Workspace
from odc_gym.errors import ActionError, ArgumentError, OdcGymError
from odc_gym.faults.faults import NO_EVENT
from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.assignment import AssignmentLayout
from odc_gym.interface.dials import DialLayout
from odc_gym.interface.rewards import TERMS
from odc_gym.scenario import Scenario
from odc_gym.seeds import checked_seed
from odc_gym.simulator.allocation import (
    BLANKS,
    BY_JOB,
    NO_EPISODE,
    NO_JOB,
    empty_log,
    empty_mutable,
    empty_tables,
    empty_workspace,
    longer,
    put_parameters,
    repeated_parameters,
)
from odc_gym.simulator.copies import WholeCopy
from odc_gym.simulator.episode_start import EpisodeStart
from odc_gym.simulator.next_episodes import NextEpisodes
from odc_gym.simulator.observation_buffers import ObservationBuffers
from odc_gym.simulator.state_check import checked_state, missing_episodes, origin_number
from odc_gym.simulator.threads import Threads
from odc_gym.simulator.view import View
from odc_gym.tables.episode.links import LinkBatch
from odc_gym.tables.episode.tables import EpisodeTables, build_episode
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.tables.fleet.parameters import tenants_block
from odc_gym.workload import TraceSource, as_trace

CLEARED = ("classes", "ledger", "services", "past", "pending_gb", "cached_models", "lists", "run")
"""Arrays of `Mutable` that are zero before the warm-up of an episode."""
TABLES_OF_ROW = Tables._fields.index("links")
PARAMETERS_OF_ROW = Parameters._fields.index("serving")
"""Number of fields of `Tables` and `Parameters` that have one row for each environment; they come first."""
ACTION_MODES = ("bids", "dials", "assign")
VIEWS = ("sat", "classes", "ledger", "services", "tenants", "design", "rules", "_ticks", "_bound")
"""Attributes of a simulator that share memory with its arrays. A copy makes them again."""
ROW_INFO = tuple((f"reward/{term.name}", term.cost) for term in TERMS)
"""Names of the values of `row_info` that belong to each term: its own, and that of the cost that it counts towards."""
SETTINGS = (
    "fleet", "scenario", "class_names", "satellites", "decisions", "action_mode", "assigns", "slots", "assignment",
    "bids", "dials", "action_size", "num_threads",
)  # fmt: skip
"""Attributes of a simulator that do not depend on the size of its batch."""


class Simulator(WholeCopy):
    """Simulator of a batch of B independent episodes.

    Row b of an array belongs to environment b. S is the number of satellites, and P is S padded to whole SIMD lanes. C
    is the number of classes, J the length of the job tables, and K the number of visible jobs.

    Arrays are in the groups `mutable`, `tables` and `parameters`. Named views share memory with them:
    `simulator.sat.free[b, s]` is the number of free accelerators of satellite s in environment b. `reset` and
    `set_state` replace the arrays `run`, `lists`, `pending_gb`, `jobs` and `events` if they must grow. Copies and
    pickles are independent simulators in the same state.

    Args:
        scenario: scenario to simulate.
        num_envs: number of environments, B.
        trace: recorded jobs or requests, or the files with them: paths, or mappings with `path`, `format` and `as_is`
            (`workload.TraceFile`). They replace the classes they contain.
        decision_period_s: time between decisions [s]; that of the scenario if None.
        episode_hours: length of an episode [h]; that of the scenario if None.
        action_mode: `bids`, `dials` or `assign`; see the modules `actions`, `dials` and `assignment` of `interface`.
        shows_jobs: True to observe waiting jobs one by one; the mode `assign` always does.
        num_threads: number of threads that step the rows of a batch; the results are the same.

    Attributes:
        scenario: scenario, with the arguments above applied.
        fleet: fleet model: tables and parameters that all episodes share.
        class_names: names of the classes, in the order of the class axis.
        num_envs: number of environments, B.
        satellites: number of satellites, S.
        decisions: number of decisions in an episode.
        action_mode: `bids`, `dials` or `assign`.
        assigns: True in the mode `assign`.
        action_size: length of an action, A.
        slots: number of visible jobs, K; 0 if waiting jobs are not observed one by one.
        assignment: layout of an action of the mode `assign`.
        bids: layout of an action of the mode `bids`.
        dials: layout of an action of the mode `dials`.
        mutable: arrays that change, `Mutable`; a snapshot copies exactly these and the seeds.
        tables: tables of the episodes, `Tables`.
        parameters: parameters of the environments, `Parameters`.
        sat: view of `mutable.state`, rows of `State`, (B, P) each.
        classes: view of `mutable.classes`, rows of `Classes`, (B, C, P) each.
        ledger: view of `mutable.ledger`, rows of `Ledger`, (B, C) each.
        services: view of `mutable.services`, rows of `Services`, (B, C) each.
        tenants: view of `mutable.tenants`, rows of `Tenants`, (B, N) each for N tenants.
        design: view of `parameters.design`, rows of `Design`, (B, P) each.
        rules: view of `parameters.rules`, rows of `Rules`, (B, C) each.
        ratings: values that schedulers read beside the design, rows of `Ratings`, (B, field, P).
        network: network tables of the rows of the batch.
        load_factor: offered work of each episode over the work that the fleet can sustain, (B,).
        drawn: values that each episode drew, by path of the scenario, (B,), or (B, S) if each satellite draws its own.
        buffers: measured and encoded observations.
        view: named observations in SI units, for schedulers.
        log: event logs of the rows, `EventLog`; off until `open_log`.
        samples: samples of the row that is recorded, `Samples`; a recorder replaces them.
        begun: True if every row has an episode.
        seeds: episode that each row plays, (B,); -1 before the first reset, and after one that failed.
        jobs: job table of each row, (B, J) of JOB.
        run: run-time columns of the jobs, (B, J) of RUN.
        scalars: scalar state of each environment, (B,) of SCALARS.
        truncated: True for each episode that has reached its end, (B,).
        observation: encoded observation, (B, N) float32.
        reward: reward of the last decision, (B,). A total of 100 is the fleet's sustainable output over an episode.
        terms: reward terms of the last decision by name, (B,) each.
        costs: violations of the last decision by name, (B,) each.

    Raises:
        ArgumentError: `num_envs` or `action_mode` has a value that is not allowed.
        ScenarioError: the scenario, the decision period or the length of episodes has a value that is not allowed.
        TraceError: the trace is malformed, or contains a class that the scenario lacks.
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
        num_threads: int = 1,
    ) -> None:
        if action_mode not in ACTION_MODES:
            raise ArgumentError(f"action_mode = {action_mode!r}: must be one of {', '.join(ACTION_MODES)}")
        for name, number in (("num_envs", num_envs), ("num_threads", num_threads)):
            if number < 1:
                raise ArgumentError(f"{name} = {number}: must be >= 1")
        changes = {"episode.decision_period_s": decision_period_s, "episode.hours": episode_hours}
        scenario = scenario.replace({k: v for k, v in changes.items() if v is not None})
        self.fleet = FleetModel(scenario, as_trace(trace))
        self.scenario, self.class_names = scenario, scenario.class_names
        self.satellites, self.decisions = self.fleet.satellites, self.fleet.clock.decisions
        self.action_mode, assign = action_mode, scenario.assign
        self.assigns = action_mode == "assign"
        self.slots = assign.k if shows_jobs or self.assigns else 0
        self.assignment = AssignmentLayout(self.satellites, assign.k, len(assign.levels))
        self.bids = ActionLayout(self.satellites, len(self.class_names))
        self.dials = DialLayout(self.class_names)
        sizes = {"bids": self.bids.size, "dials": self.dials.size, "assign": self.assignment.size}
        self.action_size = sizes[action_mode]
        self.num_threads = num_threads
        self._allocate(num_envs)

    def sibling(self, num_envs: int, num_threads: int | None = None) -> Simulator:
        """Return a simulator of the same fleet with `num_envs` rows that have no episodes; it is made quickly.

        Args:
            num_envs: number of environments.
            num_threads: number of threads that step them; that of this simulator if None.
        """
        other = object.__new__(type(self))
        vars(other).update({name: vars(self)[name] for name in SETTINGS})
        other.num_threads = self.num_threads if num_threads is None else num_threads
        other._allocate(num_envs)
        return other

    def _allocate(self, num_envs: int) -> None:
        """Make the arrays of a batch."""
        fleet, clock, scenario = self.fleet, self.fleet.clock, self.scenario
        b, p, c = num_envs, padded(self.satellites), len(self.class_names)
        self.num_envs, self.begun = num_envs, False
        self.load_factor = np.zeros(b)
        self.mutable = empty_mutable(fleet, b, p, c)
        self.tables = empty_tables(fleet, b, p, c)
        self.parameters = repeated_parameters(fleet, b)
        self.ratings = np.repeat(fleet.ratings[None], b, 0)
        self.network = LinkBatch(b)
        self._name_views()
        self.buffers = ObservationBuffers(b, self.satellites, p, c, self.slots, fleet.references)
        self._action_shape, self._total_ticks = (b, self.action_size), clock.total
        self._actions, self._bids = np.zeros((b, self.action_size)), np.zeros((b, self.bids.size))
        self._rule_actions = np.zeros_like(self._bids)
        self._terms, self._refused = np.zeros((b, len(TERMS))), np.zeros(2, np.int64)
        self.log, self.samples = empty_log(b, p), no_samples()
        self._threads = Threads(self.num_threads)
        self._works: list[Workspace] = []
        self._work_sizes = 0, 0  # rows of jobs and links of a satellite for which they are made
        self.next_episodes: NextEpisodes[Simulator] = NextEpisodes(self)
        self._all_rows, self._one_row = np.arange(b), np.zeros(1, np.int64)
        self._timing = Timing(float(clock.dt_s), clock.steps, clock.warm_up, self.satellites)
        others_wait = self.assigns and scenario.assign.others == "wait"
        self._bids_mode = Mode(assigns=False, dials=False, others_wait=False, plays=True)
        self._play_mode = Mode(self.assigns, self.action_mode == "dials", others_wait, plays=True)
        self._look_mode = self._play_mode._replace(plays=False)
        draws = scenario.randomise
        self.drawn = {k: np.zeros((b, self.satellites) if d.per == "satellite" else b) for k, d in draws.items()}
        self.view = View(scenario, self.buffers, self.parameters, self.ratings, self.action_mode, self)

    def _name_views(self) -> None:
        """Give names to the fields of the arrays; these are the attributes of `VIEWS`."""
        self.sat = named(State, self.mutable.state)
        self.classes, self.ledger = named(Classes, self.mutable.classes), named(Ledger, self.mutable.ledger)
        self.services, self.tenants = named(Services, self.mutable.services), named(Tenants, self.mutable.tenants)
        self.design, self.rules = named(Design, self.parameters.design), named(Rules, self.parameters.rules)
        self._ticks = self.mutable.scalars["tick"]
        self._bound: tuple[tuple[Any, ...], dict[str, list[BoundKernel]]] | None = None  # arrays; decisions with them

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in VIEWS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._name_views()

    @property
    def description(self) -> str:
        """Size of the batch and of its episodes, as the `repr` of simulator, view and environments shows it."""
        batch = f"{self.num_envs} environments, " if self.num_envs > 1 else ""
        return (
            f"{self.scenario.name}: {batch}{self.satellites} satellites, classes {', '.join(self.class_names)}, "
            f"{self.decisions} decisions of {self.scenario.episode.decision_period_s:g} s, "
            f"action_mode {self.action_mode} ({self.action_size} values)"
        )

    def __repr__(self) -> str:
        return f"Simulator({self.description})"

    @property
    def seeds(self) -> np.ndarray:
        """Episode that each row plays, (B,); -1 before the first reset, and after one that failed."""
        return self.tables.seeds

    @property
    def jobs(self) -> np.ndarray:
        """Job table of each row, (B, J) of JOB."""
        return self.tables.jobs

    @property
    def run(self) -> np.ndarray:
        """Run-time columns of the jobs, (B, J) of RUN."""
        return self.mutable.run

    @property
    def scalars(self) -> np.ndarray:
        """Scalar state of each environment, (B,) of SCALARS."""
        return self.mutable.scalars

    @property
    def truncated(self) -> np.ndarray:
        """True for each episode that has reached its end, (B,) bool."""
        return np.asarray(self.scalars["tick"] >= self.fleet.clock.total)

    @property
    def ending(self) -> np.ndarray:
        """True for each episode that the next decision brings to its end, (B,) bool."""
        clock = self.fleet.clock
        return np.asarray(self.scalars["tick"] + clock.steps >= clock.total)

    @property
    def observation(self) -> np.ndarray:
        """Encoded observation, (B, N) float32; each reset and each step creates a new array."""
        return self.buffers.flat

    @property
    def reward(self) -> np.ndarray:
        """Reward of the last decision, (B,), in points; 0 after a reset and after the end of an episode."""
        return np.asarray(self._terms.sum(1))

    @property
    def terms(self) -> dict[str, np.ndarray]:
        """Reward terms of the last decision by name, (B,) each."""
        return {term.name: self._terms[:, k].copy() for k, term in enumerate(TERMS)}

    @property
    def costs(self) -> dict[str, np.ndarray]:
        """Violations of the last decision by name, (B,) each, as positive numbers; `cost` is their sum."""
        named = {term.cost: -self._terms[:, k] for k, term in enumerate(TERMS) if term.cost}
        return {"cost": np.asarray(sum(named.values()))} | named

    def row_reward(self, row: int) -> float:
        """Return the reward of the last decision of one row."""
        total = 0.0
        for term in self._terms[row].tolist():  # in the order of `reward`; the sum of Python rounds in another way
            total += term
        return total

    def row_over(self, row: int) -> bool:
        """Return whether the episode of one row has reached its end."""
        return bool(self._ticks[row] >= self._total_ticks)

    def row_info(self, row: int) -> dict[str, float]:
        """Return the costs of the last decision of one row, named as in `costs`, and its terms as `reward/<term>`."""
        info, total = {"cost": 0.0}, 0.0
        for (name, cost), value in zip(ROW_INFO, self._terms[row].tolist(), strict=True):
            if cost:
                info[cost] = -value
                total -= value
            info[name] = value
        info["cost"] = total
        return info

    def build(self, seeds: Sequence[int], rows: Sequence[int] | np.ndarray) -> Episodes:
        """Build the episodes that rows begin with a later `reset`, which then cannot fail for its episodes.

        If an episode cannot be built, the rows have no episode any more.

        Args:
            seeds: number of an episode for each row.
            rows: rows that begin them.

        Returns:
            Episodes by number.

        Raises:
            OdcGymError: an episode cannot be built.
        """
        try:
            return {seed: self._built(seed) for seed in dict.fromkeys(seeds)}
        except BaseException:
            self.withdraw(rows)
            raise

    def withdraw(self, rows: Sequence[int] | np.ndarray | None = None) -> None:
        """Leave rows, all if None, without an episode: they must be reset before the next step."""
        self.seeds[self._rows(rows)] = NO_EPISODE
        self.begun = False

    def reset(
        self,
        seeds: Sequence[int] | np.ndarray,
        rows: Sequence[int] | np.ndarray | None = None,
        episodes: Episodes | None = None,
    ) -> None:
        """Begin episode `seeds[i]` in each given row.

        If that fails, the given rows have no episode any more, and all other rows are as before.

        Args:
            seeds: number of an episode for each row.
            rows: rows to reset; all if None.
            episodes: episodes of `build`; None builds each when its row begins.

        Raises:
            ArgumentError: a seed is not allowed, or the number of seeds differs from the number of rows.
            OdcGymError: an episode cannot be built.
        """
        chosen = self._rows(rows)
        try:
            if len(seeds) != chosen.size:
                raise ArgumentError(f"seeds: {len(seeds)} given for {chosen.size} environments")
            self._begin([checked_seed(seed) for seed in seeds], chosen, episodes or {})
        except BaseException:
            self.withdraw(chosen)
            raise
        self.observe(chosen)

    def _begin(self, seeds: list[int], rows: np.ndarray, episodes: Episodes) -> None:
        """Begin episodes in rows; those that `episodes` lacks are built."""
        rows_of: dict[int, list[int]] = {}
        for row, seed in zip(rows.tolist(), seeds, strict=True):
            rows_of.setdefault(seed, []).append(row)
        for seed, (row, *others) in rows_of.items():
            episode = episodes.get(seed) or self._built(seed)
            if isinstance(episode, Simulator):
                self.adopt(np.array([row, *others]), episode)
                self.next_episodes.give_back(episode)
                continue
            self._load(row, seed, episode)
            self._warm_up(row, episode)
            if others:  # copying the same episode is cheaper than building it again
                self.adopt(np.array(others), self, row)
        self.begun = bool((self.seeds != NO_EPISODE).all())

    def _built(self, seed: int) -> EpisodeTables | Simulator:
        """Return an episode: begun in a spare simulator if it was prepared, or its tables."""
        return self.next_episodes.take(seed) or build_episode(self.fleet, seed)

    def continue_from(self, other: Simulator, source: int = 0) -> None:
        """Continue in every row from a row of another simulator of the same fleet, whose row has an episode.

        The observations are those of that row. Rewards are 0 until the next step.

        Args:
            other: a simulator that `sibling` made of this one, or the reverse.
            source: row of the other simulator.
        """
        self.adopt(self._all_rows, other, source)
        self.begun = True
        self.observe(self._all_rows)

    def adopt(self, rows: int | np.ndarray, other: Simulator, source: int = 0) -> None:
        """Continue in rows from the episode and the state of a row of another simulator of the same fleet.

        Args:
            rows: row to replace, or rows (N,). Their observations are those of the last episode until a step.
            other: a simulator that `sibling` made of this one, or the reverse, or this one.
            source: row of the other simulator.
        """
        jobs = jobs_of_row(other, source)
        events = int((other.tables.events[source]["tick"] != NO_EVENT["tick"]).sum())
        self._grow(jobs, events)
        ours, theirs = self.mutable._asdict(), other.mutable._asdict()
        seed = other.seeds[source]
        if seed == NO_EPISODE or (self.seeds[rows] != seed).any():  # an episode has the same tables in every row
            self.network.put(rows, other.network.row(source))
            self._take_links()
            ours, theirs = self.row_arrays(), other.row_arrays()
        _copy_row(ours, theirs, rows, source)
        self._terms[rows] = 0.0

    def load(self, row: int, seed: int, episode: EpisodeTables, jobs: int = 0, events: int = 0) -> None:
        """Give a row the tables of an episode that it does not begin; `take_state` then gives it a state.

        Args:
            row: row to write.
            seed: number of the episode.
            episode: its tables.
            jobs: least length of the job tables.
            events: least length of the tables of events.
        """
        self._grow(jobs, events)
        self._load(row, seed, episode)

    def take_state(self, rows: np.ndarray, other: Simulator, source: int) -> None:
        """Continue in rows from the state of a row of another simulator of the same fleet, under the rows' own tables.

        Args:
            rows: rows to write, (N,), which hold tables; `observe` then shows them.
            other: a simulator that `sibling` made of this one, or the reverse.
            source: row of the other simulator.
        """
        _copy_row(self.mutable._asdict(), other.mutable._asdict(), rows, source)
        self._terms[rows] = 0.0
        self.begun = bool((self.seeds != NO_EPISODE).all())

    def row_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that have one row for each environment, by name, without the tables of the network."""
        serving = self.parameters.serving if self.fleet.serving_varies else ()
        groups: tuple[tuple[Any, ...], ...] = (
            self.tables[:TABLES_OF_ROW], self.parameters[:PARAMETERS_OF_ROW], serving,
            (self.ratings, self.load_factor, *self.drawn.values()),
        )  # fmt: skip
        named_arrays = self.mutable._asdict() | dict(zip(Tables._fields, groups[0], strict=False))
        return named_arrays | {str(k): array for k, array in enumerate(chain(*groups[1:]))}

    def step(self, actions: np.ndarray) -> None:
        """Play one decision in every row whose episode has not reached its end.

        The other rows keep their state, and their reward is 0.

        Args:
            actions: in the mode `bids` (B, A), clipped to [-1, 1]; in the mode `dials` (B, A), clipped to [-5, 5], or
                actions of the mode `bids`, as rules give them; in the mode `assign` choices, (B, K + S) integers.

        Raises:
            ActionError: the shape is wrong, a value is not finite, or a choice does not exist.
            OdcGymError: an environment was never reset.
        """
        if not self.begun:
            raise OdcGymError("step: every environment must be reset first")
        actions = np.asarray(actions)
        as_bids = self._are_bids(actions.shape)
        taken = self._rule_actions if as_bids else self._actions
        taken[...] = actions
        if self.assigns:
            self._check_choices(taken)
        decisions = self._decisions_on_bids() if as_bids else self._decisions()
        if len(decisions) == 1:
            decisions[0]()
        else:
            self._threads.run(decisions)
        if self._refused[0] >= 0:
            raise not_finite(taken)
        self.buffers.publish()

    def _are_bids(self, shape: tuple[int, ...]) -> bool:
        """Return whether actions of this shape are of the mode `bids` in an environment of the mode `dials`.

        Raises:
            ActionError: the environment takes no such actions.
        """
        if shape == self._action_shape:
            return False
        self.check_shape(shape, self.num_envs)
        if self.samples.course[ROW] != NOBODY:
            raise ActionError(f"action: shape {shape}, must be {self._action_shape} while the environment is recorded")
        return True

    def check_shape(self, shape: tuple[int, ...], *leading: int) -> None:
        """Refuse actions of a wrong shape.

        Args:
            shape: shape of the actions.
            leading: sizes of the axes before the last one.

        Raises:
            ActionError: the shape is neither that of the mode, nor in the mode `dials` that of the mode `bids`.
        """
        own, bids = (*leading, self.action_size), (*leading, self.bids.size)
        if shape != own and (self.action_mode != "dials" or shape != bids):
            also = f", or {bids} of the mode bids" if self.action_mode == "dials" else ""
            raise ActionError(f"action: shape {shape}, must be {own}{also}")

    def checked(self, actions: np.ndarray) -> np.ndarray:
        """Return the actions of `step` as floats.

        Raises:
            ActionError: the shape is wrong, a value is not finite, or a choice does not exist.
        """
        actions = np.asarray(actions, np.float64)
        self._are_bids(actions.shape)
        if not np.isfinite(actions).all():
            raise not_finite(actions)
        if self.assigns:
            self._check_choices(actions)
        return actions

    def _check_choices(self, actions: np.ndarray) -> None:
        choices = self.assignment.choices
        wrong = (actions < 0) | (actions >= choices) | (actions != np.floor(actions))
        if wrong.any():
            b, k = (int(v[0]) for v in np.nonzero(wrong))
            raise ActionError(f"action[{b}, {k}] = {actions[b, k]:g}: must be an integer from 0 to {choices[k] - 1}")

    def open_log(self, room: int) -> None:
        """Log the events of the rows from now on; `core.layout.event_log` lists their kinds.

        Args:
            room: number of events that each row can hold until `log.counts` of the row is set to 0; 0 stops logging.
        """
        self.log = empty_log(self.num_envs, self.mutable.state.shape[2], room)

    def get_state(self, rows: Sequence[int] | np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return exact copies of the seeds and of all arrays that change, by name; `set_state` restores them.

        The entry `origin` identifies scenario and trace.

        Args:
            rows: rows to copy, the first axis of the result; all if None.
        """
        chosen = self._rows(rows)
        arrays = {"origin": self._origin, "seeds": self.seeds} | self.mutable._asdict()
        return {name: array[chosen].copy() for name, array in arrays.items()}

    def set_state(self, state: Mapping[str, np.ndarray], rows: Sequence[int] | np.ndarray | None = None) -> None:
        """Continue from a state of `get_state`.

        The episodes of rows that play another one are built again. Rewards are 0 until the next step. A state that is
        refused changes nothing.

        Args:
            state: seeds and arrays by name.
            rows: rows to restore, in the order of the state's first axis; all if None.

        Raises:
            ArgumentError: an array is missing or has another shape or type, or the state belongs to another scenario.
            OdcGymError: an episode cannot be built.
        """
        chosen = self._rows(rows)
        own = {"seeds": self.seeds} | self.mutable._asdict()
        arrays, seeds = checked_state(state, own, self._origin[0], self.scenario.name, chosen.size)
        length = arrays["run"].shape[1]
        episodes = missing_episodes(self.fleet, seeds, self.seeds[chosen], self.jobs[chosen], length)
        try:
            for i, (row, seed) in enumerate(zip(chosen.tolist(), seeds, strict=True)):
                if i in episodes:
                    self._load(row, seed, episodes[i])
                self.seeds[row] = seed
            self._write_state(arrays, chosen)
        except BaseException:
            self.withdraw(chosen)
            raise
        self.begun = bool((self.seeds != NO_EPISODE).all())
        self.observe(chosen[self.seeds[chosen] != NO_EPISODE])

    def _write_state(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> None:
        """Write the arrays of a state to rows."""
        self._grow(arrays["run"].shape[1])
        for name, ours in self.mutable._asdict().items():
            theirs = arrays[name]
            if name in BY_JOB:
                ours[rows] = np.zeros((), ours.dtype)
                ours[rows, ..., : theirs.shape[-1]] = theirs
            else:
                ours[rows] = theirs
        self._terms[rows] = 0.0

    @cached_property
    def _origin(self) -> np.ndarray:
        """Number that identifies the scenario and the trace, (B,) uint64, for the check of states."""
        return np.full(self.num_envs, origin_number(self.scenario, self.fleet.trace), np.uint64)

    def _rows(self, rows: Sequence[int] | np.ndarray | None) -> np.ndarray:
        return self._all_rows if rows is None else np.asarray(rows, np.int64)

    def _load(self, row: int, seed: int, episode: EpisodeTables) -> None:
        """Write the tables of an episode to a row."""
        self._grow(len(episode.jobs), len(episode.events))
        tables, fleet = self.tables, episode.fleet
        tables.skies[row], tables.forecasts[row] = episode.sky, episode.forecast
        tables.days[row], tables.demand[row] = episode.days, episode.demand
        put_parameters(self.parameters, row, fleet)
        self.ratings[row] = fleet.ratings
        for path, value in fleet.drawn.items():
            self.drawn[path][row] = value
        tables.jobs[row, : len(episode.jobs)] = episode.jobs
        tables.jobs[row, len(episode.jobs) :] = NO_JOB  # rows beyond the episode's jobs never arrive
        tables.events[row, : len(episode.events)] = episode.events
        tables.events[row, len(episode.events) :] = NO_EVENT
        self.network.put(row, episode.links)
        self._take_links()
        tables.seeds[row], self.load_factor[row] = seed, episode.load_factor

    def _warm_up(self, row: int, episode: EpisodeTables) -> None:
        """Bring a row to the start of its episode.

        It sets periodic charge and temperatures, places the census, and plays one orbit under the zero action. Then it
        sets the accounts to zero.
        """
        fleet, mutable = episode.fleet, self.mutable
        for name in CLEARED:
            getattr(mutable, name)[row] = np.zeros((), getattr(mutable, name).dtype)
        mutable.tenants[row] = tenants_block(fleet.scenario.workload, 1)[0]
        start = EpisodeStart(
            fleet, mutable.state[row], mutable.classes[row], self.parameters.design[row], self._workspaces()[0]
        )
        start.fly_plan(
            mutable.points[row], mutable.swings[row], self.tables.skies[row], self.parameters.rules[row],
            self.parameters.depth_damage,
        )  # fmt: skip
        used = len(episode.jobs)
        mutable.scalars[row] = start.open_queue(
            episode, int(self.seeds[row]), mutable.run[row, :used], mutable.lists[row], mutable.cached_models[row]
        )
        self._one_row[0] = row
        (warm_up,) = self._bound_once("warm up", lambda: [self._bind(self._one_row, self._bids, self._bids_mode)])
        for _ in range(fleet.clock.warm_up // fleet.clock.steps):
            warm_up()
        start.open_accounts(
            mutable.ledger[row], mutable.scalars[row : row + 1], mutable.reward_sums[row], mutable.run[row]
        )
        self._terms[row] = 0.0

    def _decisions(self) -> list[BoundKernel]:
        """Return the compiled decision of the rows of each thread."""
        return self._bound_once("play", lambda: self._bind_threads(self._actions, self._play_mode))

    def _decisions_on_bids(self) -> list[BoundKernel]:
        """Return the same for actions of the mode `bids`."""
        return self._bound_once("play bids", lambda: self._bind_threads(self._rule_actions, self._bids_mode))

    def _bind_threads(self, actions: np.ndarray, mode: Mode) -> list[BoundKernel]:
        works = self._workspaces()
        parts = zip(np.array_split(self._all_rows, len(works)), works, strict=True)
        return [self._bind(rows, actions, mode, work) for rows, work in parts]

    def _bound_once(self, name: str, bind: Callable[[], list[BoundKernel]]) -> list[BoundKernel]:
        """Return compiled decisions by name, bound again if an array was replaced since then."""
        arrays = self.mutable, self.tables, self.parameters, self.log, self.samples
        if self._bound is None or not all(map(is_, arrays, self._bound[0])):
            self._bound = arrays, {}
        bound = self._bound[1]
        if name not in bound:
            bound[name] = bind()
        return bound[name]

    def _bind(self, rows: np.ndarray, actions: np.ndarray, mode: Mode, work: Workspace | None = None) -> BoundKernel:
        """Return the compiled decision of rows, valid until arrays are replaced."""
        seen = self.buffers
        outputs = Outputs(self._terms, *seen.encoded, seen.measured, seen.codes, self._refused, self.log, self.samples)
        return decide.bind(
            rows,
            actions,
            self.mutable,
            self.tables,
            self.parameters,
            outputs,
            work or self._workspaces()[0],
            self._timing,
            mode,
        )

    def observe(self, rows: Sequence[int] | np.ndarray) -> None:
        """Measure and encode the observations of rows that have episodes; `step` and `reset` do it themselves."""
        rows = np.asarray(rows, np.int64)
        if np.array_equal(rows, self._all_rows):
            (look,) = self._bound_once("look", lambda: [self._bind(self._all_rows, self._bids, self._look_mode)])
        else:
            look = self._bind(rows, self._bids, self._look_mode)
        look()
        self.buffers.publish()

    def _grow(self, jobs: int, events: int = 0) -> None:
        """Extend the tables of jobs and events if needed.

        Args:
            jobs: number of rows of the job table that an episode needs; further rows never arrive.
            events: number of events that an episode needs.
        """
        mutable, tables = self.mutable, self.tables
        if jobs > mutable.run.shape[1]:
            changed = {name: longer(getattr(mutable, name), jobs, BLANKS[name]) for name in BY_JOB}
            self.mutable = mutable._replace(**changed)
        if jobs > tables.jobs.shape[1] or events > tables.events.shape[1]:
            self.tables = tables._replace(
                jobs=longer(tables.jobs, jobs, NO_JOB), events=longer(tables.events, events, NO_EVENT)
            )

    def _take_links(self) -> None:
        """Let the tables hold the network's arrays, which it replaces if they must grow."""
        if self.tables.links is not self.network.arrays:
            self.tables = self.tables._replace(links=self.network.arrays)

    def _workspaces(self) -> list[Workspace]:
        """Return work arrays of each thread, for the tables of jobs and links that the rows have now."""
        jobs, neighbours = self.run.shape[1], self.tables.links.neighbours.shape[-1]
        if self._work_sizes != (jobs, neighbours):
            _, _, classes, lanes = self.mutable.classes.shape
            sizes = (self.satellites, lanes, classes, self.mutable.tenants.shape[2], jobs, neighbours)
            self._works = [empty_workspace(*sizes) for _ in range(min(self.num_threads, self.num_envs))]
            self._work_sizes = jobs, neighbours
        return self._works


def jobs_of_row(simulator: Simulator, row: int) -> int:
    """Return the length of a row's job table without the rows that never arrive; replicas stand before all jobs."""
    arriving = np.flatnonzero(np.isfinite(simulator.jobs[row]["arrival_s"]))
    replicas = int(simulator.rules.replicas[row].sum())
    return max(replicas, int(arriving[-1]) + 1 if arriving.size else 0)


def _copy_row(
    ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], rows: int | np.ndarray, source: int
) -> None:
    """Copy a row of arrays to rows of others by name; tables of jobs and events may differ in length."""
    for name, array in ours.items():
        if name in BLANKS:
            length = min(array.shape[-1], theirs[name].shape[-1])
            array[rows, ..., :length] = theirs[name][source, ..., :length]
            array[rows, ..., length:] = BLANKS[name]
        else:
            array[rows] = theirs[name][source]


def not_finite(actions: np.ndarray) -> ActionError:
    """Return the error about the first action that is not finite."""
    b, k = (int(v[0]) for v in np.nonzero(~np.isfinite(actions)))
    return ActionError(f"action[{b}, {k}] = {actions[b, k]}: must be finite")


Episodes = Mapping[int, EpisodeTables | Simulator]
"""Episodes by number: their tables, or a simulator of one row in which the episode has begun."""
