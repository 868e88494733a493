"""Study of the benchmark: training runs, episodes and bounds, each of them kept in a store, and their numbers.

`run` adds what the store lacks, the cheap parts of all scenarios first. `numbers` reads the store alone, so that it
also describes a study that was interrupted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from answers import CLAIRVOYANT, LEARNED, PLANNERS, PPO, TUNED
from machine import cpu
from training_runs import finished, train_all, wall_seconds

from odc_gym.agents import rule_names, scheduler_factory, scheduler_identity, scheduler_names
from odc_gym.cli.bounds import bound_entry, bounds_of
from odc_gym.cores import available_cores
from odc_gym.errors import OdcGymError, SchedulerError
from odc_gym.evaluation import TEST, VALIDATION, Comparison, Store, evaluate, write_document
from odc_gym.evaluation.suites import episodes as suite_episodes
from odc_gym.scenario import Scenario
from odc_gym.sources import versions
from odc_gym.training.config import TrainConfig, load
from odc_gym.training.curves import read_columns, validation_scores

CHOOSE_FROM = VALIDATION.first + 200  # after the episodes on which models are chosen
CONFIG = "ppo"
BOUND = "bound"
LIBRARIES = ("numpy", "scipy", "torch", "stable-baselines3")


@dataclass(frozen=True)
class Plan:
    """Plan of a benchmark: scenarios, training runs and numbers of episodes."""

    scenarios: tuple[str, ...]
    trained: tuple[str, ...]  # scenarios of `scenarios` for which policies are trained
    seeds: tuple[int, ...]
    changes: dict[str, Any]  # of the training configuration
    deep: str  # scenario with more test episodes
    deep_episodes: int
    episodes: int
    validation_episodes: int
    planner_episodes: int
    bound_episodes: int  # also of the clairvoyant plan
    processes: int
    runs: Path
    rules: tuple[str, ...] = ()  # all of the package if empty

    def test_episodes(self, scenario: str) -> int:
        """Return the number of test episodes that fast schedulers play."""
        return self.deep_episodes if scenario == self.deep else self.episodes

    def fast(self) -> list[str]:
        """Return the names of the rules, and of the scheduler that plays shipped policies if there is one."""
        learned = [LEARNED] if LEARNED in scheduler_names() else []
        return [name for name in self.rules or rule_names() if name != LEARNED] + learned


def config_of(plan: Plan, scenario: str, seed: int) -> TrainConfig:
    """Return the configuration of one run."""
    return load(CONFIG, {"scenario": scenario, **plan.changes, "seed": seed})


def runs_of(plan: Plan, scenario: str) -> dict[Path, TrainConfig]:
    """Return the folder and the configuration of each training run of a scenario."""
    if scenario not in plan.trained:
        return {}
    stem = Path(scenario).stem
    return {plan.runs / f"{stem}-{CONFIG}-{seed}": config_of(plan, scenario, seed) for seed in plan.seeds}


def run(plan: Plan) -> None:
    """Play, train and bound what the store lacks.

    Raises:
        OdcGymError: a scenario is invalid, or a training fails.
    """
    plan.runs.mkdir(parents=True, exist_ok=True)
    for scenario in plan.scenarios:
        _report(f"{scenario}: rules")
        _play(plan, scenario, plan.fast(), _choice(plan))
        _play(plan, scenario, plan.fast(), _test(plan.test_episodes(scenario)))
    for scenario in plan.scenarios:
        runs = runs_of(plan, scenario)
        if runs:
            _report(f"{scenario}: {len(runs)} training runs")
            train_all(runs, plan.processes)
            _play(plan, scenario, [str(folder) for folder in runs], _choice(plan))
            _play(plan, scenario, [str(folder) for folder in runs], _test(plan.test_episodes(scenario)))
    for names, count in (
        (PLANNERS, plan.planner_episodes),
        ((BOUND,), plan.bound_episodes),
        ((CLAIRVOYANT,), plan.bound_episodes),
    ):
        for scenario in plan.scenarios:
            _report(f"{scenario}: {', '.join(names)}")
            if names == (BOUND,):
                _bound(plan, scenario, _test(count))
            else:
                _play(plan, scenario, names, _test(count))


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _test(count: int) -> tuple[int, ...]:
    return suite_episodes(TEST.first, count)[1] if count else ()


def _choice(plan: Plan) -> tuple[int, ...]:
    return suite_episodes(CHOOSE_FROM, plan.validation_episodes)[1] if plan.validation_episodes else ()


def _store(plan: Plan, names: Sequence[str]) -> Store:
    return Store(plan.runs / "episodes", {name: scheduler_identity(name) for name in names})


def _play(plan: Plan, scenario: str, names: Sequence[str], seeds: Sequence[int]) -> None:
    """Play the episodes together; where a scheduler cannot operate the scenario, play with each of them alone."""
    if not seeds:
        return
    try:
        played = _evaluated(plan, scenario, names, seeds)
    except SchedulerError as error:
        if len(names) > 1:
            for name in names:
                _play(plan, scenario, [name], seeds)
        else:
            _note(plan, "absent", scenario, {names[0]: str(error)})
        return
    measured = {name: result.seconds for name, result in played.results.items() if np.isfinite(result.seconds)}
    _note(plan, "seconds", scenario, measured)


def _evaluated(plan: Plan, scenario: str, names: Sequence[str], seeds: Sequence[int]) -> Comparison:
    factories = {name: scheduler_factory(name) for name in names}
    return evaluate(Scenario.load(scenario), factories, seeds, workers=plan.processes, store=_store(plan, names))


def _bound(plan: Plan, scenario: str, seeds: Sequence[int]) -> None:
    if not seeds:
        return
    try:
        bounds_of([_empty(scenario, seeds)], plan.runs / "episodes")
    except OdcGymError as error:
        _note(plan, "absent", scenario, {BOUND: str(error)})


def _empty(scenario: str, seeds: Sequence[int]) -> Comparison:
    """Return a comparison of no schedulers, of which `cli.bounds` reads scenario and episodes."""
    return Comparison(Scenario.load(scenario), np.array(seeds, np.int64), {}, np.zeros(len(seeds)))


def _note(plan: Plan, subject: str, scenario: str, values: Mapping[str, Any]) -> None:
    """Add facts that the store of episodes does not hold to a file beside it."""
    if values:
        notes = _notes(plan)
        notes.setdefault(subject, {}).setdefault(scenario, {}).update(values)
        write_document(plan.runs / "notes.json", notes)


def _notes(plan: Plan) -> dict[str, Any]:
    file = plan.runs / "notes.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def numbers(plan: Plan, command: str) -> dict[str, Any]:
    """Return all numbers that the store holds as JSON data.

    Args:
        plan: plan of the benchmark.
        command: command that repeats it.
    """
    return {
        "command": command,
        "machine": f"{cpu()}, {available_cores()} cores",
        "versions": versions(*LIBRARIES),
        "test_from": TEST.first,
        "choice_from": CHOOSE_FROM,
        "training_seeds": list(plan.seeds),
        "scenarios": {Scenario.load(name).name: _numbers_of(plan, name) for name in plan.scenarios},
    }


def _numbers_of(plan: Plan, scenario: str) -> dict[str, Any]:
    """Return the numbers of one scenario."""
    runs, notes = runs_of(plan, scenario), _notes(plan)
    fast, few = plan.fast(), plan.test_episodes(scenario)
    wanted = dict.fromkeys(fast, few) | dict.fromkeys(PLANNERS, plan.planner_episodes)
    wanted |= {CLAIRVOYANT: plan.bound_episodes, BOUND: plan.bound_episodes} | ({PPO: few} if runs else {})
    done = [folder for folder, config in runs.items() if finished(folder, config)]
    seconds = notes.get("seconds", {}).get(scenario, {})
    test = {name: _kept(plan, scenario, [name], _test(wanted[name])) for name in (*fast, *PLANNERS, CLAIRVOYANT)}
    choice = {name: _kept(plan, scenario, [name], _choice(plan)) for name in fast}
    if runs:
        test[PPO] = _kept(plan, scenario, [str(folder) for folder in done], _test(few))
        choice[PPO] = _kept(plan, scenario, [str(folder) for folder in done], _choice(plan))
    of_runs = [seconds[str(folder)] for folder in done if str(folder) in seconds]
    return {
        "rules": [name for name in fast if name not in (TUNED, LEARNED)],
        "wanted": wanted,
        "test": {name: scores for name, scores in test.items() if scores},
        "choice": {name: scores for name, scores in choice.items() if scores},
        "bound": _kept_bounds(plan, scenario),
        "absent": notes.get("absent", {}).get(scenario, {}),
        "seconds": {name: seconds[name] for name in wanted if name in seconds}
        | ({PPO: float(np.mean(of_runs))} if of_runs else {}),
        "training": [_training(folder, config) for folder, config in runs.items() if folder in done],
        "wanted_runs": len(runs),
    }


def _training(folder: Path, config: TrainConfig) -> dict[str, Any]:
    """Return cost and learning curve of a training run."""
    columns = read_columns(folder / "evaluations.csv")
    return {
        "seed": config.seed,
        "decisions": config.n_timesteps,
        "wall_s": wall_seconds(folder),
        "curve": [list(point) for point in validation_scores(folder)] if columns else [],
    }


def _kept(plan: Plan, scenario: str, names: Sequence[str], seeds: Sequence[int]) -> list[list[float]]:
    """Return the scores (R, N) that the store holds of R training runs, N the first episodes that all of them have."""
    entries = _store(plan, names).entries(Scenario.load(scenario), None)
    rows = [list(_first_scores(entries[name], seeds)) for name in names]
    count = min(map(len, rows), default=0)
    return [row[:count] for row in rows] if count else []


def _kept_bounds(plan: Plan, scenario: str) -> list[float]:
    seeds = _test(plan.bound_episodes)
    entry = bound_entry(_empty(scenario, seeds), plan.runs / "episodes")
    return list(_first_scores(entry, seeds))


def _first_scores(entry: Any, seeds: Sequence[int]) -> Iterator[float]:
    """Yield the scores of the first episodes until one is missing."""
    for seed in seeds:
        result = entry.read([seed])
        if result is None:
            return
        yield float(result.score[0])
