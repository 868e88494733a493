"""A stage: the simulators and schedulers of one process, and how a batch of episodes is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import SchedulerError
from odc_gym.evaluation.results import Array, SchedulerResult, TraceFiles
from odc_gym.evaluation.store import CacheEntry
from odc_gym.scenario import Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator


class SchedulerLike(Protocol):
    """What the runner asks of a scheduler; `odc_gym.agents.Scheduler` is one."""

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes, `seeds` (B,), in the rows where `mask` (B,) is set."""

    def act(self, view: Any) -> NDArray[Any]:
        """Actions (B, A) for what the view shows."""


SchedulerFactoryLike = Callable[[Any], SchedulerLike]
"""Makes a scheduler for a simulator's view; must be picklable when more than one process is used.

It may have an attribute `requires`, as `odc_gym.agents.Requirements` describes it: the environment that its scheduler
needs. Schedulers of the same needs share a simulator.
"""

BatchResults = dict[str, SchedulerResult | str]
"""Results of a batch by scheduler; for one that cannot operate the scenario, why."""


class RequiredEnvironment(NamedTuple):
    """What a scheduler plays in: a scenario as it requires it, and how actions are read."""

    scenario: Scenario
    action_mode: str

    @classmethod
    def of_factory(cls, scenario: Scenario, factory: SchedulerFactoryLike) -> RequiredEnvironment:
        """The environment of a scenario that a scheduler requires.

        Raises:
            ScenarioError: the scenario cannot be what the scheduler requires.
        """
        requires = getattr(factory, "requires", {})
        overrides = requires.get("overrides", {})
        return cls(scenario.replace(overrides) if overrides else scenario, requires.get("action_mode", "bids"))

    def build_simulator(self, num_envs: int, trace: TraceFiles) -> Simulator:
        """A batch of it."""
        return Simulator(self.scenario, num_envs, trace, action_mode=self.action_mode)


class EpisodeBatch(NamedTuple):
    """Some episodes of one scenario, and who is to play them."""

    scenario: int
    seeds: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """All that a process needs to play any batch."""

    scenarios: tuple[Scenario, ...]
    factories: Mapping[str, SchedulerFactoryLike]
    trace: TraceFiles
    cache_entries: tuple[Mapping[str, CacheEntry], ...]  # one mapping a scenario
    required: frozenset[str]  # schedulers that must be able to operate every scenario


class Worker:
    """One process's simulators and schedulers of one scenario, kept from batch to batch."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.scenario = -1
        self.environments: list[RequiredEnvironment] = []  # that schedulers require, each once
        self.needs: dict[str, int] = {}  # scheduler to its environment
        self.simulators: dict[tuple[int, int], Simulator] = {}
        self.schedulers: dict[tuple[int, str], SchedulerLike | SchedulerError] = {}

    def play(self, batch: EpisodeBatch, done: Callable[[int], None]) -> BatchResults:
        """Play one batch; `done` is told the episodes as they are played."""
        self._select_scenario(batch.scenario)
        results: BatchResults = {}
        for place in range(len(self.environments)):
            names = [name for name in batch.names if self.needs[name] == place]
            if names:
                results |= self._play_in_environment(place, names, batch.seeds, done)
        return results

    def prepare(self, batch: EpisodeBatch) -> None:
        """Begin one episode of a batch: bad input is met, and the core compiled, before the long work."""
        self._select_scenario(batch.scenario)
        for place in sorted({self.needs[name] for name in batch.names}):
            self.environments[place].build_simulator(1, self.task.trace).reset(batch.seeds[:1])

    def _select_scenario(self, scenario: int) -> None:
        """Turn to a scenario. Batches come scenario by scenario: the others' memory is free."""
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
            self.needs[name] = self.environments.index(wanted)

    def _play_in_environment(
        self, place: int, names: list[str], seeds: tuple[int, ...], done: Callable[[int], None]
    ) -> BatchResults:
        """Play some episodes in one environment, with schedulers that need it."""
        simulator = self._simulator(place, len(seeds))
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

    def _simulator(self, place: int, size: int) -> Simulator:
        if (place, size) not in self.simulators:
            self.simulators[place, size] = self.environments[place].build_simulator(size, self.task.trace)
        return self.simulators[place, size]

    def _scheduler(self, simulator: Simulator, name: str) -> SchedulerLike | SchedulerError:
        """The scheduler, or why it cannot operate this scenario."""
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
        """Put a result into the store at once: an interruption loses no more than what is being played."""
        entry = self.task.cache_entries[self.scenario].get(name)
        if entry is not None:
            entry.write(seeds, result)
        return result


def rollout(simulator: Simulator, scheduler: SchedulerLike) -> SchedulerResult:
    """Play the simulator's episodes from where they stand to their end.

    Args:
        simulator: just reset, or set to a state at the start of its episodes.
        scheduler: the scheduler.
    """
    batch = simulator.num_envs
    score = np.zeros(batch)
    terms: dict[str, Array] = {}
    scheduler.reset(simulator.view, np.ones(batch, dtype=np.bool_), simulator.seeds.copy())
    while True:
        simulator.step(scheduler.act(simulator.view))
        score += simulator.reward
        for name, values in simulator.terms.items():
            terms[name] = terms.get(name, 0.0) + values
        if simulator.truncated.all():
            break
    rows = [episode_metrics(simulator, row) for row in range(batch)]
    return SchedulerResult(score, terms, {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]})
