"""Runner of comparisons: several schedulers play the same episodes.

Episodes are split into fixed batches in the order of their seeds. Each batch of a scenario is one `Simulator`, and
every scheduler plays it from the same initial state. Schedulers that require another environment, such as another queue
order, share a separate simulator with the same light, jobs and demand. One pool of processes plays the batches of all
scenarios.

The results depend on the scenarios, the trace, the schedulers and the seeds alone. They depend neither on the number of
processes nor on episodes that were played before. The result of one scheduler does not depend on the others.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import numpy as np
from numpy.typing import NDArray

from odc_gym.cores import available_cores
from odc_gym.errors import OdcGymError, SchedulerError
from odc_gym.evaluation.results import Comparison, SchedulerResult, TraceFiles, concatenate_results
from odc_gym.evaluation.store import Store
from odc_gym.evaluation.worker import BatchResults, EpisodeBatch, SchedulerFactoryLike, Task, Worker
from odc_gym.scenario import Scenario
from odc_gym.workload import traces
from odc_gym.workload.traces import FileSources

Progress = Callable[[int, int], None]
"""Called with (episodes played, episodes to play), both summed over schedulers."""

BATCH = 4
"""Episodes of one simulator. More would leave cores idle; fewer would share less of the cost of a scheduler call."""


def evaluate(
    scenario: Scenario,
    schedulers: Mapping[str, SchedulerFactoryLike],
    seeds: Sequence[int],
    trace: FileSources | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    groups: Mapping[str, tuple[str, ...]] | None = None,
    store: Store | None = None,
) -> Comparison:
    """Play episodes of one scenario with every scheduler. Arguments and errors are those of `evaluate_all`.

    Raises:
        SchedulerError: a scheduler cannot operate the scenario.
    """
    return evaluate_all([scenario], schedulers, seeds, trace, workers, progress, groups, store, schedulers)[0]


def evaluate_all(
    scenarios: Sequence[Scenario],
    schedulers: Mapping[str, SchedulerFactoryLike],
    seeds: Sequence[int],
    trace: FileSources | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    groups: Mapping[str, tuple[str, ...]] | None = None,
    store: Store | None = None,
    required: Collection[str] = (),
) -> list[Comparison]:
    """Play the same episodes of several scenarios with every scheduler that can operate them.

    Args:
        scenarios: scenarios to simulate, with distinct names.
        schedulers: name to factory, as returned by `odc_gym.agents.scheduler_factory`.
        seeds: (N,) episode numbers, the same for every scenario.
        trace: one or several files of jobs or requests, as paths, `TraceFile` records or mappings. A file replaces the
            arrivals of the classes that it holds.
        workers: number of processes; None starts one per core that this process may use, 1 plays in this process. With
            more than one, a script must keep its own calls under `if __name__ == "__main__":`, because the processes
            import the script.
        progress: called with the numbers of played and of all episodes, as episodes are played.
        groups: name of a learned scheduler to the names, in `schedulers`, of its training runs.
        store: store of finished episodes. Episodes found in it are not played again; new episodes are added to it.
        required: schedulers that must be able to operate every scenario.

    Returns:
        One comparison per scenario. Its `absent` lists schedulers that cannot operate the scenario, and groups with
        such a training run.

    Raises:
        SchedulerError: a required scheduler cannot operate a scenario, or another scheduler can operate none.
        OdcGymError: there is no scenario, scheduler or episode; names or seeds repeat; workers is no whole number >= 1;
            a process died; or the simulator refuses its input.
    """
    _check_arguments(scenarios, schedulers, seeds, workers)
    files = trace_files(trace)
    cache_entries = tuple({} if store is None else store.entries(scenario, files) for scenario in scenarios)
    task = Task(tuple(scenarios), schedulers, files, cache_entries, frozenset(required))
    parts = [tuple(int(s) for s in seeds[i : i + BATCH]) for i in range(0, len(seeds), BATCH)]
    batches = [EpisodeBatch(i, part, tuple(schedulers)) for i in range(len(scenarios)) for part in parts]
    results = [_stored(task, batch) for batch in batches]
    open_batches = [
        batch._replace(names=tuple(name for name in schedulers if name not in known))
        for batch, known in zip(batches, results, strict=True)
    ]
    done = _counter(progress, len(seeds) * len(schedulers) * len(scenarios))
    done(sum(len(batch.seeds) * len(known) for batch, known in zip(batches, results, strict=True)))
    to_play = [k for k, batch in enumerate(open_batches) if batch.names]
    for k, played in zip(to_play, _play_all(task, [open_batches[k] for k in to_play], workers, done), strict=True):
        results[k].update(played)
    each = len(parts)
    comparisons = [
        _comparison(task, i, np.asarray(seeds, np.int64), results[i * each : (i + 1) * each], groups or {})
        for i in range(len(scenarios))
    ]
    for name in schedulers:
        if all(name in comparison.absent for comparison in comparisons):
            raise SchedulerError(comparisons[0].absent[name])
    return comparisons


def trace_files(trace: FileSources | None) -> TraceFiles:
    """Return the file or files of a trace as picklable values: strings, and records of files with options.

    Raises:
        TraceError: see `odc_gym.workload.traces.trace_files`.
    """
    files = tuple(file.plain for file in traces.trace_files(trace))
    return files if len(files) > 1 else next(iter(files), None)


def _check_arguments(
    scenarios: Sequence[Scenario],
    schedulers: Mapping[str, SchedulerFactoryLike],
    seeds: Sequence[int],
    workers: int | None,
) -> None:
    """Raise OdcGymError for arguments of `evaluate_all` that are empty, repeated or out of range."""
    names = [scenario.name for scenario in scenarios]
    if not names or len(set(names)) < len(names):
        repeated = next((f", {name} comes twice" for name in names if names.count(name) > 1), "")
        raise OdcGymError(f"scenarios: must be at least one, each with its own name{repeated}")
    if not schedulers:
        raise OdcGymError("schedulers: name at least one scheduler")
    if len(seeds) == 0 or len(set(seeds)) < len(seeds):
        raise OdcGymError("seeds: must be at least one episode, each only once")
    if workers is not None and (not isinstance(workers, int | np.integer) or workers < 1):
        raise OdcGymError(f"workers = {workers!r}: must be a whole number >= 1")


def _stored(task: Task, batch: EpisodeBatch) -> BatchResults:
    """Return the results of a batch that the store already holds."""
    cache_entries = task.cache_entries[batch.scenario]
    read = {name: cache_entries[name].read(batch.seeds) for name in batch.names if name in cache_entries}
    return {name: result for name, result in read.items() if result is not None}


def _comparison(
    task: Task,
    index: int,
    seeds: NDArray[np.int64],
    batches: Sequence[BatchResults],
    groups: Mapping[str, tuple[str, ...]],
) -> Comparison:
    """Join the batches of one scenario."""
    scenario = task.scenarios[index]
    results, absent = {}, {}
    for name in task.factories:
        parts = [batch[name] for batch in batches]
        reasons = [part for part in parts if isinstance(part, str)]
        if reasons:
            absent[name] = reasons[0]
        else:
            results[name] = concatenate_results([part for part in parts if isinstance(part, SchedulerResult)])
    if not results:
        raise SchedulerError(f"{scenario.name}: no scheduler can operate it: {next(iter(absent.values()))}")
    complete = {}
    for group, runs in groups.items():
        reasons = [absent[run] for run in runs if run in absent]
        if reasons:
            absent[group] = reasons[0]
        else:
            complete[group] = runs
    load = next(iter(results.values())).metrics["load_factor"]
    foresighted = frozenset(name for name, factory in task.factories.items() if getattr(factory, "knows_future", False))
    return Comparison(scenario, seeds, results, load, task.trace, complete, absent, foresighted)


def _play_all(
    task: Task, batches: list[EpisodeBatch], workers: int | None, done: Callable[[int], None]
) -> list[BatchResults]:
    count = min(workers or available_cores(), len(batches))
    if count > 1:
        return _play_in_processes(task, batches, count, done)
    worker = Worker(task)
    return [worker.play(batch, done) for batch in batches]


def _play_in_processes(
    task: Task, batches: list[EpisodeBatch], count: int, done: Callable[[int], None]
) -> list[BatchResults]:
    # Compile and check once in this process: the others then load the compiled code and never meet invalid input.
    for batch in {batch.scenario: batch for batch in reversed(batches)}.values():
        Worker(task).prepare(batch)
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start_worker, (task,))
    try:
        futures = {pool.submit(_play_batch, batch): batch for batch in batches}
        for future in as_completed(futures):
            done(len(futures[future].seeds) * len(futures[future].names))
            future.result()
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise OdcGymError(
            "a worker process ended early: too little memory, or a script without `if __name__ == '__main__':`; "
            "workers = 1 needs neither"
        ) from None
    except BaseException:
        # Terminate the workers: nobody will read the batches in progress.
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_worker: Worker | None = None  # worker of this process, set when the process starts


def _start_worker(task: Task) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent terminates its workers
    os.environ["OMP_NUM_THREADS"] = "1"  # one core per process; PyTorch reads it when a policy is loaded
    _worker = Worker(task)


def _play_batch(batch: EpisodeBatch) -> BatchResults:
    assert _worker is not None
    return _worker.play(batch, lambda _: None)


def _counter(progress: Progress | None, total: int) -> Callable[[int], None]:
    played = 0

    def done(episodes: int) -> None:
        nonlocal played
        played += episodes
        if progress is not None:
            progress(played, total)

    return done
