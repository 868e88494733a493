"""Inspection of schedulers: what each does with its actions, what earns its score, and what each part is worth."""

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

SATURATED = 0.99
LAGS = (1, 2, 3, 6, 12, 19, 36, 72, 144)  # decisions: 5 min to 12 h, 19 is an orbit at 550 km
PERTURBATION = 0.001  # deviation of noise on actions that means nothing
UNCHANGED, PERTURBED, ZERO = "unchanged", "perturbed", "zero action"
WORK_METRICS = ("jobs_run", "moves", "drains", "yields", "evictions", "clock_switches")


@dataclass(frozen=True)
class Recording:
    """A flight, decision by decision: T decisions of B episodes."""

    terms: dict[str, Array]  # reward term: (T, B)
    actions: NDArray[Any]  # (T, B, A), held in [-1, 1]
    observation: NDArray[np.float32]  # mean of each feature at its places (N,)
    metrics: dict[str, Array]  # KPI: (B,)

    @property
    def rewards(self) -> Array:
        """Sum of the terms, (T, B)."""
        return np.asarray(sum(self.terms.values()))


@dataclass(frozen=True)
class ActionUse:
    """How one kind of component is used, shares and moments over decisions, episodes and components."""

    mean: float
    deviation: float
    between_satellites: float  # mean deviation of the values of satellites at the same moment; 0 for fleet-wide kinds
    saturated: float  # share beyond 0.99 in size
    closing: float  # share that closes a satellite to a class (bids), or holds a class (urgencies); else 0
    draining: float  # share of bids that drain a satellite


@dataclass(frozen=True)
class TermUse:
    """One term of the reward."""

    sum: float  # over an episode, mean
    share: float  # of the score
    deviation: float  # of a decision's term, over decisions and episodes
    variance_share: float  # covariance with the reward over the reward's variance; the shares add up to 1


def record(simulator: Simulator, scheduler: SchedulerLike, seeds: Sequence[int]) -> Recording:
    """Fly episodes, one in each environment, and keep what happened at each decision."""
    simulator.reset(seeds)
    scheduler.reset(simulator.view, np.ones(len(seeds), np.bool_), simulator.seeds.copy())
    terms: dict[str, list[Array]] = {name: [] for name in simulator.terms}
    actions, seen = [], np.zeros(simulator.observation.shape[1])
    while not simulator.truncated.all():
        seen += simulator.observation.mean(0)
        actions.append(np.clip(scheduler.act(simulator.view), -1.0, 1.0))
        simulator.step(actions[-1])
        for name, value in simulator.terms.items():
            terms[name].append(value)
    means = (seen / len(actions)).astype(np.float32)
    rows = [episode_metrics(simulator, row) for row in range(len(seeds))]
    return Recording(
        {name: np.stack(values) for name, values in terms.items()},
        np.stack(actions),
        feature_means(means[None], simulator.satellites, len(simulator.class_names)),
        {name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


def action_use(recording: Recording, scenario: Scenario, view: Any) -> dict[str, ActionUse]:
    """Use of each kind of component."""
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
    """What each term (T, B) adds to the score and to its variance from decision to decision."""
    reward = np.asarray(sum(terms.values()))
    score, around = reward.sum(0).mean(), reward - reward.mean()
    variance = float((around**2).mean())
    return {
        name: TermUse(
            sum=float(values.sum(0).mean()),
            share=_ratio(float(values.sum(0).mean()), float(score)),
            deviation=float(values.std()),
            variance_share=_ratio(float(((values - values.mean()) * around).mean()), variance),
        )
        for name, values in terms.items()
    }


def autocorrelation(values: Array, lags: Sequence[int] = LAGS) -> dict[int, float]:
    """Correlation of values (T, B) with those of the same episode some decisions later, around the mean of all."""
    around = values - values.mean()
    variance = float((around**2).mean())
    return {lag: _ratio(float((around[:-lag] * around[lag:]).mean()), variance) for lag in lags if lag < len(values)}


@dataclass(frozen=True)
class InspectedScheduler:
    """A scheduler to inspect."""

    factory: SchedulerFactoryLike
    learned: bool = False  # whether it acts on the encoded observation alone, so that blocks of it can be taken away
    identity: str | None = None  # what tells it from any other, see `Store`; None if its episodes are not to be kept


@dataclass(frozen=True)
class Inspection:
    """All that is known of one scheduler: B episodes of T decisions."""

    score: Array  # (B,)
    perturbed: Array  # (B,), with noise of 0.001 on its actions
    rewards: Array  # (T, B)
    actions: dict[str, ActionUse]
    terms: dict[str, TermUse]
    work: dict[str, float]  # means over episodes
    zeroed: dict[str, Estimate]  # change of the score when a kind is held at zero
    alone: dict[str, Estimate]  # score over that of the zero action when all other kinds are held at zero
    masked: dict[
        str, Estimate
    ]  # change of the score when a block of the observation stands at its mean; of learned ones


def inspect(
    scenario: Scenario,
    schedulers: Mapping[str, InspectedScheduler],
    zero: InspectedScheduler,
    seeds: Sequence[int],
    trace: str | Path | Sequence[str | Path] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    store: Path | None = None,
) -> dict[str, Inspection]:
    """Inspect schedulers on the same episodes.

    Args:
        scenario: what is simulated.
        schedulers: by name.
        zero: the scheduler whose action is zero.
        seeds: (B,) episodes.
        trace: file of jobs or requests that replaces the classes it holds, or several.
        workers: processes, as in `evaluate`.
        progress: called as episodes are played.
        store: folder of finished episodes, as in `evaluate`.

    Raises:
        SchedulerError: a scheduler of another action mode than `bids`.
        OdcGymError: as `evaluate`.
    """
    simulators = {name: _simulator(name, scenario, one.factory, len(seeds), trace) for name, one in schedulers.items()}
    recordings = {
        name: record(simulators[name], one.factory(simulators[name].view), seeds) for name, one in schedulers.items()
    }
    variants = {ZERO: zero}
    for name, scheduler in schedulers.items():
        of_scheduler = _variants(scheduler, recordings[name], simulators[name])
        variants |= {_label(name, variant): one for variant, one in of_scheduler.items()}
    identities = {name: one.identity for name, one in variants.items() if one.identity is not None}
    kept = None if store is None else Store(store, identities)
    factories = {name: one.factory for name, one in variants.items()}
    played = evaluate(scenario, factories, seeds, trace, workers, progress, store=kept).results
    scores = {name: result.score for name, result in played.items()}
    return {name: _inspection(name, recordings[name], scores, simulators[name]) for name in schedulers}


def _simulator(
    name: str,
    scenario: Scenario,
    factory: SchedulerFactoryLike,
    num_envs: int,
    trace: str | Path | Sequence[str | Path] | None,
) -> Simulator:
    """What a scheduler plays in."""
    environment = RequiredEnvironment.of_factory(scenario, factory)
    if environment.action_mode != "bids":
        raise SchedulerError(f"scheduler = {name}: its action_mode is {environment.action_mode}, must be bids")
    return environment.build_simulator(num_envs, trace_files(trace))


def _variants(
    scheduler: InspectedScheduler, recording: Recording, simulator: Simulator
) -> dict[str, InspectedScheduler]:
    """The scheduler whole, and with parts taken away."""
    factories = {UNCHANGED: scheduler.factory, PERTURBED: perturbed(scheduler.factory, PERTURBATION)}
    for kind in ACTION_KINDS:
        factories[f"zeroed {kind}"] = zeroed(scheduler.factory, [kind])
        factories[f"alone {kind}"] = zeroed(scheduler.factory, [other for other in ACTION_KINDS if other != kind])
    if scheduler.learned:
        for name, at in block_indices(simulator.satellites, len(simulator.class_names)).items():
            factories[f"masked {name}"] = masked(scheduler.factory, at, recording.observation[at])
    constants = hashlib.blake2b(recording.observation.tobytes(), digest_size=16).hexdigest()
    return {
        variant: InspectedScheduler(factory, identity=_identity(scheduler, variant, constants))
        for variant, factory in factories.items()
    }


def _identity(scheduler: InspectedScheduler, variant: str, constants: str) -> str | None:
    if scheduler.identity is None or variant == UNCHANGED:
        return scheduler.identity
    return f"{scheduler.identity}, {variant} {constants if variant.startswith('masked') else ''}".rstrip()


def _label(name: str, variant: str) -> str:
    return f"{name}: {variant}"


def _inspection(name: str, recording: Recording, scores: Mapping[str, Array], simulator: Simulator) -> Inspection:
    score, zero = scores[_label(name, UNCHANGED)], scores[ZERO]

    def changes(what: str, reference: Array) -> dict[str, Estimate]:
        start = _label(name, what) + " "
        found = {key.removeprefix(start): value for key, value in scores.items() if key.startswith(start)}
        return {part: statistics.paired_difference(value, reference) for part, value in found.items()}

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
