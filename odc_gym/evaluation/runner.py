"""Play the same episodes with several schedulers.

Episodes are split into fixed batches in the order of the seeds; a batch is one `Simulator`, and every scheduler plays
it from the same start. Batches go to a pool of processes. What is returned depends on the scenario, the trace, the
schedulers and the seeds only, not on the number of processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import OdcGymError
from odc_gym.scenario import Scenario
from odc_gym.simulation.simulator import Simulator

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with (episodes played, episodes to play), both summed over schedulers."""

BATCH = 4
"""Episodes of one simulator: enough to share a scheduler's call, few enough to keep every core busy."""


class Player(Protocol):
    """What the runner asks of a scheduler; `odc_gym.agents.Scheduler` is one."""

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes, `seeds` (B,), in the rows where `mask` (B,) is set."""

    def act(self, view: Any) -> NDArray[Any]:
        """Actions (B, A) for what the view shows."""


PlayerFactory = Callable[[Any], Player]
"""Makes a scheduler for a simulator's view; must be picklable when more than one process is used."""


@dataclass(frozen=True)
class AgentResult:
    """What one scheduler reached, one entry an episode in the order of the comparison's seeds."""

    score: Array  # (N,) sum of rewards; 100 = the fleet's sustainable output at the scenario's mix
    terms: dict[str, Array]  # reward term: (N,) sum over the episode
    metrics: dict[str, Array]  # KPI: (N,)


@dataclass(frozen=True)
class Comparison:
    """Results of several schedulers on the same episodes."""

    scenario: Scenario
    seeds: NDArray[np.int64]  # (N,)
    agents: dict[str, AgentResult]
    load: Array  # (N,) offered over sustainable work
    trace: str | None = None
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name to training runs among `agents`

    def runs(self, name: str) -> list[AgentResult]:
        """Results of a group's training runs, or the one result of a scheduler."""
        return [self.agents[run] for run in self.groups.get(name, (name,))]

    def scores(self, name: str) -> Array:
        """Scores (R, N) of a group's training runs, or (1, N) of a scheduler."""
        return np.stack([run.score for run in self.runs(name)])


@dataclass(frozen=True)
class _Task:
    """All that a process needs to play any batch."""

    scenario: Scenario
    factories: Mapping[str, PlayerFactory]
    trace: str | None


def evaluate(
    scenario: Scenario,
    agents: Mapping[str, PlayerFactory],
    seeds: Sequence[int],
    trace: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    groups: Mapping[str, tuple[str, ...]] | None = None,
) -> Comparison:
    """Play episodes with every scheduler.

    Args:
        scenario: what is simulated.
        agents: name to factory, as `odc_gym.agents.scheduler_factories` gives them.
        seeds: (N,) episodes of the scenario's world.
        trace: job trace that replaces the class it maps to.
        workers: processes; None takes one a core, 1 stays in this process. With more, a script must keep its own calls
            under `if __name__ == "__main__":`, since processes import it.
        progress: called as episodes are played.
        groups: name of a learned scheduler to the names in `agents` of its training runs.

    Raises:
        OdcGymError: no scheduler, no episode, repeated seeds, workers < 1, a process that died, or what the
            simulator refuses.
    """
    if not agents:
        raise OdcGymError("agents: name at least one scheduler")
    if len(seeds) == 0 or len(set(seeds)) < len(seeds):
        raise OdcGymError("seeds: must be at least one episode, each only once")
    if workers is not None and workers < 1:
        raise OdcGymError(f"workers = {workers}: must be >= 1")
    batches = [tuple(int(s) for s in seeds[i : i + BATCH]) for i in range(0, len(seeds), BATCH)]
    count = min(workers or _cores(), len(batches))
    task = _Task(scenario, agents, None if trace is None else str(trace))
    run = _run_here if count == 1 else _run_in_processes
    played = run(task, batches, count, _counter(progress, len(seeds) * len(agents)))
    results = {name: _joined([batch[name] for batch in played]) for name in agents}
    load = next(iter(results.values())).metrics["load_factor"]
    return Comparison(scenario, np.asarray(seeds, dtype=np.int64), results, load, task.trace, groups or {})


class _Stage:
    """One process's simulators and schedulers, kept from batch to batch."""

    def __init__(self, task: _Task) -> None:
        self.task = task
        self.simulators: dict[int, Simulator] = {}
        self.players: dict[tuple[int, str], Player] = {}

    def play(self, seeds: tuple[int, ...], done: Callable[[int], None]) -> dict[str, AgentResult]:
        """Play one batch with every scheduler; `done` is told the episodes as they are played."""
        size = len(seeds)
        if size not in self.simulators:
            self.simulators[size] = Simulator(self.task.scenario, size, trace=self.task.trace)
        simulator = self.simulators[size]
        simulator.reset(seeds)
        start = simulator.get_state()
        results = {}
        for name, factory in self.task.factories.items():
            if (size, name) not in self.players:
                self.players[size, name] = factory(simulator.view)
            simulator.set_state(start)
            results[name] = play(simulator, self.players[size, name])
            done(size)
        return results


def play(simulator: Simulator, player: Player) -> AgentResult:
    """Play the simulator's episodes from where they stand to their end.

    Args:
        simulator: just reset, or set to a state at the start of its episodes.
        player: the scheduler.
    """
    batch = simulator.num_envs
    score = np.zeros(batch)
    terms: dict[str, Array] = {}
    player.reset(simulator.view, np.ones(batch, dtype=np.bool_), simulator.seeds.copy())
    while True:
        simulator.step(player.act(simulator.view))
        score += simulator.reward
        for name, values in simulator.terms.items():
            terms[name] = terms.get(name, 0.0) + values
        if simulator.truncated.all():
            break
    rows = [simulator.episode_metrics(row) for row in range(batch)]
    return AgentResult(score, terms, {name: np.array([row[name] for row in rows]) for name in rows[0]})


def _run_here(
    task: _Task, batches: list[tuple[int, ...]], count: int, done: Callable[[int], None]
) -> list[dict[str, AgentResult]]:
    stage = _Stage(task)
    return [stage.play(seeds, done) for seeds in batches]


def _run_in_processes(
    task: _Task, batches: list[tuple[int, ...]], count: int, done: Callable[[int], None]
) -> list[dict[str, AgentResult]]:
    # compile and check here, once: the processes then load the compiled code and meet no bad input
    Simulator(task.scenario, 1, trace=task.trace).reset(batches[0][:1])
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin, (task,))
    try:
        futures = {pool.submit(_play_batch, seeds): i for i, seeds in enumerate(batches)}
        for future in as_completed(futures):
            done(len(batches[futures[future]]) * len(task.factories))
            future.result()
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise OdcGymError(
            "a worker process ended early: too little memory, or a script without `if __name__ == '__main__':`; "
            "workers = 1 needs neither"
        ) from None
    except BaseException:
        # do not wait for batches that nobody will read
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_stage: _Stage | None = None  # of a worker process, set once when it starts


def _begin(task: _Task) -> None:
    global _stage
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    os.environ["OMP_NUM_THREADS"] = "1"  # one core a process; read when a learned policy loads its library
    _stage = _Stage(task)


def _play_batch(seeds: tuple[int, ...]) -> dict[str, AgentResult]:
    assert _stage is not None
    return _stage.play(seeds, lambda _: None)


def _counter(progress: Progress | None, total: int) -> Callable[[int], None]:
    played = 0

    def done(episodes: int) -> None:
        nonlocal played
        played += episodes
        if progress is not None:
            progress(played, total)

    return done


def _joined(batches: list[AgentResult]) -> AgentResult:
    def join(tables: list[dict[str, Array]]) -> dict[str, Array]:
        return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}

    score = np.concatenate([batch.score for batch in batches])
    return AgentResult(score, join([b.terms for b in batches]), join([b.metrics for b in batches]))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
