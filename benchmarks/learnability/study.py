"""Studies of scenarios: training runs, and their comparison with rules."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from training_runs import train_all

from odc_gym.agents import scheduler_factory, scheduler_identity
from odc_gym.errors import OdcGymError
from odc_gym.evaluation import TEST, VALIDATION, Comparison, Store, evaluate
from odc_gym.evaluation.inspection import InspectedScheduler, Inspection, action_use, inspect, record
from odc_gym.evaluation.inspection_tables import inspection_document
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import names
from odc_gym.simulator.simulator import Simulator
from odc_gym.training.config import TrainConfig, load
from odc_gym.training.policy_scheduler import load_policy_scheduler

RULES = ("zero", "sun-aware", "gang-aware", "full-clock", "tuned")
INSPECTED_RULES = ("zero", "sun-aware", "gang-aware")  # differences refer to the first
WINDOWS = (1, 3, 12, 48, 96, 288)  # in decisions, from 5 min to a day
INSPECT_FROM = VALIDATION.first + 100  # after the episodes on which models are chosen


@dataclass(frozen=True)
class Plan:
    """Plan of a study: scenarios, training runs and numbers of episodes."""

    scenarios: tuple[str, ...]
    seeds: tuple[int, ...]
    changes: dict[str, Any]  # of the training configuration
    episodes: int  # of the inspection
    test_episodes: int
    processes: int
    runs: Path


@dataclass(frozen=True)
class Exploration:
    """Results of a policy with its exploration noise."""

    inspection: Inspection  # with the use of actions under noise
    score: float
    common: dict[int, float]  # by number of decisions, the common share of the reward's variance; see `common_share`


@dataclass(frozen=True)
class Study:
    """Results of one scenario."""

    scenario: Scenario
    config: TrainConfig
    curves: dict[str, list[dict[str, float]]]  # by run, the lines of evaluations.csv
    learning: dict[str, list[dict[str, float]]]  # by run, the lines of learning.csv
    chosen_on: Comparison  # rules on the episodes of the curves
    test: Comparison
    inspections: dict[str, Inspection]
    inspected: tuple[int, int]  # first and last episode
    exploration: dict[str, Exploration]
    randomised: Comparison | None  # the same schedulers on other satellites than in training


def studies(plan: Plan) -> list[Study]:
    """Train the unfinished runs, then study one scenario after the other."""
    runs = {folder_of(plan, s, seed): config_of(plan, s, seed) for s in plan.scenarios for seed in plan.seeds}
    train_all(runs, plan.processes)
    return [study(plan, scenario) for scenario in plan.scenarios]


def config_of(plan: Plan, scenario: str, seed: int) -> TrainConfig:
    """Return the configuration of one run: that of `make train` for the scenario and seed."""
    return load("ppo", {"scenario": scenario, **plan.changes, "seed": seed})


def folder_of(plan: Plan, scenario: str, seed: int) -> Path:
    """Return the folder of one run."""
    return plan.runs / f"{Path(scenario).stem}-ppo-{seed}"


def study(plan: Plan, name: str) -> Study:
    """Compare and inspect all schedulers on one scenario."""
    config = config_of(plan, name, plan.seeds[0])
    scenario = Scenario.load(config.scenario, config.env.overrides)
    folders = {f"PPO {seed}": folder_of(plan, name, seed) for seed in plan.seeds}
    places = {**dict.fromkeys(RULES), **folders}
    store = plan.runs / "episodes"
    identities = {label: scheduler_identity(folder or label) for label, folder in places.items()}
    factories = {label: scheduler_factory(folder or label) for label, folder in places.items()}
    play = partial(evaluate, workers=plan.processes, store=Store(store, identities))
    first = config.eval.first_seed
    chosen_on = play(scenario, {rule: factories[rule] for rule in RULES}, range(first, first + config.eval.episodes))
    curves = {label: read(folder / "evaluations.csv") for label, folder in folders.items()}
    refuse_outdated_runs(folders, curves, float(chosen_on.results["tuned"].score.mean()))
    seeds = range(INSPECT_FROM, INSPECT_FROM + plan.episodes)
    subjects = {
        label: InspectedScheduler(factories[label], label in folders, identities[label])
        for label in (*INSPECTED_RULES, *folders)
    }
    inspections = inspect(scenario, subjects, subjects["zero"], seeds, workers=plan.processes, store=store)
    test = range(TEST.first, TEST.first + plan.test_episodes)
    other = f"{scenario.name}-randomised"
    return Study(
        scenario=scenario,
        config=config,
        curves=curves,
        learning={label: read(folder / "learning.csv") for label, folder in folders.items()},
        chosen_on=chosen_on,
        test=play(scenario, factories, test),
        inspections=inspections,
        inspected=(seeds[0], seeds[-1]),
        exploration={label: explore(scenario, folder, seeds, inspections[label]) for label, folder in folders.items()},
        randomised=play(Scenario.load(other), factories, test) if other in names() else None,
    )


def explore(scenario: Scenario, folder: Path, seeds: Sequence[int], inspection: Inspection) -> Exploration:
    """Play the episodes twice with different noise."""
    simulator = Simulator(scenario, len(seeds))
    rollouts = [
        record(simulator, load_policy_scheduler(folder, simulator.view, noise_stream=stream), seeds)
        for stream in (0, 1)
    ]
    one, other = (rollout.rewards for rollout in rollouts)
    return Exploration(
        inspection=replace(inspection, actions=action_use(rollouts[0], scenario, simulator.view)),
        score=float(np.mean([one.sum(0).mean(), other.sum(0).mean()])),
        common={length: common_share(one, other, length) for length in WINDOWS if length <= len(one)},
    )


def common_share(one: np.ndarray, other: np.ndarray, length: int) -> float:
    """Compute the common share of the variance of rewards (T, B) of two rollouts, summed over `length` decisions."""
    whole = len(one) // length * length
    sums = [rewards[:whole].reshape(-1, length, rewards.shape[1]).sum(1) for rewards in (one, other)]
    variance = float(np.var(np.stack(sums)))
    return 1.0 - float(np.mean((sums[0] - sums[1]) ** 2)) / 2 / variance if variance else 0.0


def read(path: Path) -> list[dict[str, float]]:
    """Read the lines of a CSV file of numbers."""
    if not path.is_file():
        raise OdcGymError(f"{path}: no such file; the run is not of this version of odc-gym, delete its folder")
    with path.open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in line.items()} for line in csv.DictReader(file)]


def refuse_outdated_runs(folders: dict[str, Path], curves: dict[str, list[dict[str, float]]], tuned: float) -> None:
    """Refuse runs of an earlier version of the environment: the initial policy of a run is the scheduler `tuned`.

    Raises:
        OdcGymError: the first validation score of a run differs from the score of `tuned`.
    """
    for label, lines in curves.items():
        if abs(lines[0]["mean"] - tuned) > 1e-6:
            raise OdcGymError(
                f"{folders[label]}: trained where `tuned` scored {lines[0]['mean']:.4f}, now it scores "
                f"{tuned:.4f}; delete it, or choose another folder with --runs"
            )


def numbers(study: Study) -> dict[str, Any]:
    """Return a study as JSON data."""
    comparisons = {"chosen_on": study.chosen_on, "test": study.test, "randomised": study.randomised}
    return {
        "config": study.config.model_dump(mode="json"),
        "curves": {
            label: [{key: line[key] for key in ("decisions", "mean", "worst")} for line in lines]
            for label, lines in study.curves.items()
        },
        "learning": study.learning,
        **{
            key: None
            if c is None
            else {"episodes": c.seeds.tolist()} | {n: c.results[n].score.tolist() for n in c.results}
            for key, c in comparisons.items()
        },
        "inspected": study.inspected,
        "inspection": inspection_document(study.inspections),
        "exploration": {
            label: {
                "score": e.score,
                "common": {str(length): share for length, share in e.common.items()},
                "actions": inspection_document({"": e.inspection})[""]["actions"],
            }
            for label, e in study.exploration.items()
        },
    }
