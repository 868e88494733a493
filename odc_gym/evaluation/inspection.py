"""Inspection of schedulers: use of actions, contributions of reward terms, and the worth of each part by ablation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import SchedulerError
from odc_gym.evaluation import statistics
from odc_gym.evaluation.ablations import (
    ACTION_KINDS,
    block_indices,
    components_by_kind,
    feature_means,
    masked,
    perturbed,
    zeroed,
)
from odc_gym.evaluation.results import Array
from odc_gym.evaluation.runner import Progress, evaluate, trace_files
from odc_gym.evaluation.statistics import Estimate
from odc_gym.evaluation.store import Store
from odc_gym.evaluation.worker import RequiredEnvironment, SchedulerFactoryLike, SchedulerLike
from odc_gym.scenario import Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.workload.traces import FileSources

SATURATED = 0.99
LAGS = (1, 2, 3, 6, 12, 19, 36, 72, 144)  # decisions: 5 min to 12 h; 19 is about one orbit at 550 km
PERTURBATION = 0.001  # standard deviation of the noise that perturbs actions
UNCHANGED, PERTURBED, ZERO = "unchanged", "perturbed", "zero action"
WORK_METRICS = ("jobs_run", "moves", "drains", "yields", "evictions", "clock_switches")


@dataclass(frozen=True)
class Recording:
    """Recording of B episodes, decision by decision: T decisions each."""

    terms: dict[str, Array]  # reward term: (T, B)
    actions: NDArray[Any]  # (T, B, A), clipped to [-1, 1]
    observation: NDArray[np.float32]  # (N,) mean of each feature
    metrics: dict[str, Array]  # KPI: (B,)

    @property
    def rewards(self) -> Array:
        """Sums of the terms, (T, B)."""
        return np.asarray(sum(self.terms.values()))


@dataclass(frozen=True)
class ActionUse:
    """Use of one kind of action component: moments and fractions over decisions, episodes and components."""

    mean: float
    deviation: float
    between_satellites: float  # mean standard deviation over the satellites at one decision; 0 for fleet-wide kinds
    saturated: float  # fraction with an absolute value above 0.99
    closing: float  # fraction that closes a satellite to a class (bids) or holds a class (urgencies); else 0
    draining: float  # fraction of bids that drain a satellite


@dataclass(frozen=True)
class TermUse:
    """Contribution of one reward term."""

    sum: float  # sum over an episode, mean over episodes
    share: float  # fraction of the score
    deviation: float  # standard deviation of the term over decisions and episodes
    variance_share: float  # covariance with the reward over the variance of the reward; the shares add up to 1


def record(simulator: Simulator, scheduler: SchedulerLike, seeds: Sequence[int]) -> Recording:
    """Play episodes, one in each environment, and record every decision."""
    simulator.reset(seeds)
    scheduler.reset(simulator.view, np.ones(len(seeds), np.bool_), simulator.seeds.copy())
    terms: dict[str, list[Array]] = {name: [] for name in simulator.terms}
    actions, observation_sum = [], np.zeros(simulator.observation.shape[1])
    while not simulator.truncated.all():
        observation_sum += simulator.observation.mean(0)
        actions.append(np.clip(scheduler.act(simulator.view), -1.0, 1.0))
        simulator.step(actions[-1])
        for name, value in simulator.terms.items():
            terms[name].append(value)
    means = (observation_sum / len(actions)).astype(np.float32)
    rows = [episode_metrics(simulator, row) for row in range(len(seeds))]
    return Recording(
        {name: np.stack(values) for name, values in terms.items()},
        np.stack(actions),
        feature_means(means[None], simulator.satellites, len(simulator.class_names)),
        {name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


def action_use(recording: Recording, scenario: Scenario, view: Any) -> dict[str, ActionUse]:
    """Compute the use of each kind of component."""
    flat = np.ascontiguousarray(recording.actions.reshape(-1, recording.actions.shape[-1]))
    rules = scenario.dispatch
    closes = {"bid": rules.close, "urgency": rules.hold}
    return {
        kind: ActionUse(
            mean=float(values.mean()),
            deviation=float(values.std()),
            between_satellites=float(values.std(-1).mean()) if kind in ("bid", "clock") else 0.0,
            saturated=float((np.abs(values) > SATURATED).mean()),
            closing=float((values < closes[kind]).mean()) if kind in closes else 0.0,
            draining=float((values < rules.drain).mean()) if kind == "bid" else 0.0,
        )
        for kind, values in components_by_kind(view.layout, flat).items()
    }


def term_use(terms: Mapping[str, Array]) -> dict[str, TermUse]:
    """Compute the contribution of each term (T, B) to the score and to the variance of the reward."""
    reward = np.asarray(sum(terms.values()))
    score, centred = reward.sum(0).mean(), reward - reward.mean()
    variance = float((centred**2).mean())
    return {
        name: TermUse(
            sum=float(values.sum(0).mean()),
            share=_ratio(float(values.sum(0).mean()), float(score)),
            deviation=float(values.std()),
            variance_share=_ratio(float(((values - values.mean()) * centred).mean()), variance),
        )
        for name, values in terms.items()
    }


def autocorrelation(values: Array, lags: Sequence[int] = LAGS) -> dict[int, float]:
    """Compute the autocorrelation of values (T, B) around their overall mean, for each lag in decisions."""
    centred = values - values.mean()
    variance = float((centred**2).mean())
    return {lag: _ratio(float((centred[:-lag] * centred[lag:]).mean()), variance) for lag in lags if lag < len(values)}


@dataclass(frozen=True)
class InspectedScheduler:
    """Scheduler to inspect."""

    factory: SchedulerFactoryLike
    learned: bool = False  # True if it reads the encoded observation alone, so that blocks can be masked
    identity: str | None = None  # identifies its behaviour, see `Store`; None if its episodes are not stored


@dataclass(frozen=True)
class Inspection:
    """Results of the inspection of one scheduler: B episodes of T decisions."""

    score: Array  # (B,)
    perturbed: Array  # (B,) score with noise of standard deviation 0.001 on the actions
    rewards: Array  # (T, B)
    actions: dict[str, ActionUse]
    terms: dict[str, TermUse]
    work: dict[str, float]  # counts of events, means over episodes
    zeroed: dict[str, Estimate]  # change of the score with one kind of component set to zero
    alone: dict[str, Estimate]  # score minus that of the zero action, with all other kinds set to zero
    masked: dict[str, Estimate]  # change of the score with one block of the observation at its mean; learned ones alone


def inspect(
    scenario: Scenario,
    schedulers: Mapping[str, InspectedScheduler],
    zero: InspectedScheduler,
    seeds: Sequence[int],
    trace: FileSources | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    store: Path | None = None,
) -> dict[str, Inspection]:
    """Inspect schedulers on the same episodes.

    Args:
        scenario: scenario to simulate.
        schedulers: schedulers to inspect, by name.
        zero: scheduler whose action is zero.
        seeds: (B,) episode numbers.
        trace: one or several files of jobs or requests, as in `evaluate`.
        workers: number of processes, as in `evaluate`.
        progress: called with the numbers of played and of all episodes, as episodes are played.
        store: folder of a `Store` of finished episodes.

    Raises:
        SchedulerError: a scheduler uses another action mode than `bids`.
        OdcGymError: `evaluate` refuses its arguments.
    """
    simulators = {name: _simulator(name, scenario, s.factory, len(seeds), trace) for name, s in schedulers.items()}
    recordings = {
        name: record(simulators[name], s.factory(simulators[name].view), seeds) for name, s in schedulers.items()
    }
    variants = {ZERO: zero}
    for name, scheduler in schedulers.items():
        for variant, ablated in _variants(scheduler, recordings[name], simulators[name]).items():
            variants[_label(name, variant)] = ablated
    identities = {name: variant.identity for name, variant in variants.items() if variant.identity is not None}
    episodes = None if store is None else Store(store, identities)
    factories = {name: variant.factory for name, variant in variants.items()}
    comparison = evaluate(scenario, factories, seeds, trace, workers, progress, store=episodes)
    scores = {name: result.score for name, result in comparison.results.items()}
    return {name: _inspection(name, recordings[name], scores, simulators[name]) for name in schedulers}


def _simulator(
    name: str,
    scenario: Scenario,
    factory: SchedulerFactoryLike,
    num_envs: int,
    trace: FileSources | None,
) -> Simulator:
    """Build the simulator that a scheduler requires."""
    environment = RequiredEnvironment.of_factory(scenario, factory)
    if environment.action_mode != "bids":
        raise SchedulerError(f"scheduler = {name}: its action_mode is {environment.action_mode}, must be bids")
    return environment.build_simulator(num_envs, trace_files(trace))


def _variants(
    scheduler: InspectedScheduler, recording: Recording, simulator: Simulator
) -> dict[str, InspectedScheduler]:
    """Return the unchanged scheduler and its ablations, by name of the variant."""
    factories = {UNCHANGED: scheduler.factory, PERTURBED: perturbed(scheduler.factory, PERTURBATION)}
    for kind in ACTION_KINDS:
        factories[f"zeroed {kind}"] = zeroed(scheduler.factory, [kind])
        factories[f"alone {kind}"] = zeroed(scheduler.factory, [other for other in ACTION_KINDS if other != kind])
    if scheduler.learned:
        for block, indices in block_indices(simulator.satellites, len(simulator.class_names)).items():
            factories[f"masked {block}"] = masked(scheduler.factory, indices, recording.observation[indices])
    constants = hashlib.blake2b(recording.observation.tobytes(), digest_size=16).hexdigest()
    return {
        variant: InspectedScheduler(factory, identity=_identity(scheduler, variant, constants))
        for variant, factory in factories.items()
    }


def _identity(scheduler: InspectedScheduler, variant: str, constants: str) -> str | None:
    """Return the identity of a variant. That of a masked scheduler includes a hash of the constants."""
    if scheduler.identity is None or variant == UNCHANGED:
        return scheduler.identity
    return f"{scheduler.identity}, {variant} {constants if variant.startswith('masked') else ''}".rstrip()


def _label(name: str, variant: str) -> str:
    return f"{name}: {variant}"


def _inspection(name: str, recording: Recording, scores: Mapping[str, Array], simulator: Simulator) -> Inspection:
    score, zero = scores[_label(name, UNCHANGED)], scores[ZERO]

    def changes(ablation: str, reference: Array) -> dict[str, Estimate]:
        prefix = _label(name, ablation) + " "
        ablated = {key.removeprefix(prefix): value for key, value in scores.items() if key.startswith(prefix)}
        return {part: statistics.paired_difference(value, reference) for part, value in ablated.items()}

    return Inspection(
        score=score,
        perturbed=scores[_label(name, PERTURBED)],
        rewards=recording.rewards,
        actions=action_use(recording, simulator.scenario, simulator.view),
        terms=term_use(recording.terms),
        work={key: float(recording.metrics[key].mean()) for key in WORK_METRICS},
        zeroed=changes("zeroed", score),
        alone=changes("alone", zero),
        masked=changes("masked", score),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
