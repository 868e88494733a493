"""Worker of one process: it keeps simulators and schedulers, and plays batches of episodes with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import SchedulerError
from odc_gym.evaluation.results import Array, SchedulerResult, TraceFiles
from odc_gym.evaluation.store import CacheEntry
from odc_gym.scenario import Scenario
from odc_gym.simulator.energy_flow import fleet_energy_kwh, satellite_state
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.simulator.waterfall import episode_waterfall


class SchedulerLike(Protocol):
    """Protocol of the schedulers that can be compared; `odc_gym.agents.Scheduler` satisfies it."""

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin the new episodes `seeds` (B,) in the rows where `mask` (B,) is set."""

    def act(self, view: Any) -> NDArray[Any]:
        """Return actions (B, A) for the current view."""


SchedulerFactoryLike = Callable[[Any], SchedulerLike]
"""Callable that makes a scheduler for a simulator's view. It must be picklable if more than one process is used.

Its optional attribute `requires` states the environment that the scheduler needs, as described by
`odc_gym.agents.Requirements`. Schedulers with equal requirements share a simulator. Its optional attribute
`knows_future` states that the scheduler reads what an operator cannot know.
"""

BatchResults = dict[str, SchedulerResult | str]
"""Results of a batch by scheduler name. A scheduler that cannot operate the scenario has the reason as a string."""


class RequiredEnvironment(NamedTuple):
    """Environment that a scheduler requires: the scenario with its overrides, and the action mode."""

    scenario: Scenario
    action_mode: str

    @classmethod
    def of_factory(cls, scenario: Scenario, factory: SchedulerFactoryLike) -> RequiredEnvironment:
        """Return the environment that the scheduler of `factory` requires on a scenario.

        Raises:
            ScenarioError: the scenario does not accept the overrides that the scheduler requires.
        """
        requires = getattr(factory, "requires", {})
        overrides = requires.get("overrides", {})
        return cls(scenario.replace(overrides) if overrides else scenario, requires.get("action_mode", "bids"))

    def build_simulator(self, num_envs: int, trace: TraceFiles) -> Simulator:
        """Build a simulator of `num_envs` such environments."""
        return Simulator(self.scenario, num_envs, trace, action_mode=self.action_mode)


class EpisodeBatch(NamedTuple):
    """Episodes of one scenario, and the schedulers that shall play them."""

    scenario: int  # index in `Task.scenarios`
    seeds: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """Input that a worker needs to play any batch."""

    scenarios: tuple[Scenario, ...]
    factories: Mapping[str, SchedulerFactoryLike]
    trace: TraceFiles
    cache_entries: tuple[Mapping[str, CacheEntry], ...]  # scheduler to its entry, one mapping per scenario
    required: frozenset[str]  # schedulers that must be able to operate all scenarios


class Worker:
    """Simulators and schedulers of one process. They are kept from batch to batch of one scenario."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.scenario = -1
        self.environments: list[RequiredEnvironment] = []  # distinct environments that schedulers require
        self.environment_of: dict[str, int] = {}  # scheduler to the index of its environment
        self.simulators: dict[tuple[int, int], Simulator] = {}
        self.schedulers: dict[tuple[int, str], SchedulerLike | SchedulerError] = {}

    def play(self, batch: EpisodeBatch, done: Callable[[int], None]) -> BatchResults:
        """Play one batch; `done` is called with the number of episodes after each scheduler."""
        self._select_scenario(batch.scenario)
        results: BatchResults = {}
        for index in range(len(self.environments)):
            names = [name for name in batch.names if self.environment_of[name] == index]
            if names:
                results |= self._play_in_environment(index, names, batch.seeds, done)
        return results

    def prepare(self, batch: EpisodeBatch) -> None:
        """Begin one episode of a batch, so that the core compiles and invalid input raises before the long work."""
        self._select_scenario(batch.scenario)
        for index in sorted({self.environment_of[name] for name in batch.names}):
            self.environments[index].build_simulator(1, self.task.trace).reset(batch.seeds[:1])

    def _select_scenario(self, scenario: int) -> None:
        """Switch to a scenario and release the memory of the previous one, whose batches are all played."""
        if scenario == self.scenario:
            return
        self.scenario = scenario
        self.environments.clear()
        self.simulators.clear()
        self.schedulers.clear()
        for name, factory in self.task.factories.items():
            wanted = RequiredEnvironment.of_factory(self.task.scenarios[scenario], factory)
            if wanted not in self.environments:
                self.environments.append(wanted)
            self.environment_of[name] = self.environments.index(wanted)

    def _play_in_environment(
        self, index: int, names: list[str], seeds: tuple[int, ...], done: Callable[[int], None]
    ) -> BatchResults:
        """Play episodes in one environment with the schedulers that require it."""
        simulator = self._simulator(index, len(seeds))
        schedulers = {name: self._scheduler(simulator, name) for name in names}
        simulator.reset(seeds)
        start = simulator.get_state()
        results: BatchResults = {}
        for name, scheduler in schedulers.items():
            if isinstance(scheduler, SchedulerError):
                results[name] = str(scheduler)
            else:
                simulator.set_state(start)
                results[name] = self._cache(name, seeds, rollout(simulator, scheduler))
            done(len(seeds))
        return results

    def _simulator(self, index: int, size: int) -> Simulator:
        if (index, size) not in self.simulators:
            self.simulators[index, size] = self.environments[index].build_simulator(size, self.task.trace)
        return self.simulators[index, size]

    def _scheduler(self, simulator: Simulator, name: str) -> SchedulerLike | SchedulerError:
        """Return the scheduler, or the error that says why it cannot operate this scenario."""
        key = simulator.num_envs, name
        if key not in self.schedulers:
            try:
                self.schedulers[key] = self.task.factories[name](simulator.view)
            except SchedulerError as error:
                if name in self.task.required and len(self.task.scenarios) > 1:
                    raise SchedulerError(f"{self.task.scenarios[self.scenario].name}: {error}") from None
                if name in self.task.required:
                    raise
                self.schedulers[key] = error
        return self.schedulers[key]

    def _cache(self, name: str, seeds: tuple[int, ...], result: SchedulerResult) -> SchedulerResult:
        """Write a result to the store at once, so that an interruption loses only the batch in progress."""
        entry = self.task.cache_entries[self.scenario].get(name)
        if entry is not None:
            entry.write(seeds, result)
        return result


def rollout(simulator: Simulator, scheduler: SchedulerLike) -> SchedulerResult:
    """Play the simulator's episodes from their current state to their end.

    Args:
        simulator: simulator that was just reset, or set to a state at the start of its episodes.
        scheduler: scheduler that operates all episodes.
    """
    batch = simulator.num_envs
    score = np.zeros(batch)
    start = [satellite_state(simulator, row) for row in range(batch)]
    terms: dict[str, Array] = {}
    begin = perf_counter()
    scheduler.reset(simulator.view, np.ones(batch, dtype=np.bool_), simulator.seeds.copy())
    acting, decisions = perf_counter() - begin, 0
    while True:
        begin = perf_counter()
        actions = scheduler.act(simulator.view)
        acting, decisions = acting + perf_counter() - begin, decisions + 1
        simulator.step(actions)
        score += simulator.reward
        for name, values in simulator.terms.items():
            terms[name] = terms.get(name, 0.0) + values
        if simulator.truncated.all():
            break
    rows = range(batch)
    return SchedulerResult(
        score,
        terms,
        _columns([episode_metrics(simulator, row) for row in rows]),
        _columns([episode_waterfall(simulator, row) for row in rows]),
        _columns([fleet_energy_kwh(simulator, row, start[row]) for row in rows]),
        acting / (decisions * batch),
    )


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, Array]:
    return {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
