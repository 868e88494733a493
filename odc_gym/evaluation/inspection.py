"""Inspection of one scheduler: what it does with its actions, what earns its score, and what each part is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.evaluation import statistics
from odc_gym.evaluation.probes import KINDS, blind, block_places, feature_means, frozen, parts
from odc_gym.evaluation.results import Array
from odc_gym.evaluation.runner import Progress, evaluate
from odc_gym.evaluation.stage import Player, PlayerFactory
from odc_gym.evaluation.statistics import Estimate
from odc_gym.scenario import Scenario
from odc_gym.simulation.simulator import Simulator

SATURATED = 0.99
LAGS = (1, 2, 3, 6, 12, 19, 36, 72, 144)  # decisions: 5 min to 12 h, 19 is an orbit at 550 km
WORK = ("jobs_run", "moves", "drains", "yields", "evictions", "clock_switches")


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


def record(simulator: Simulator, player: Player, seeds: Sequence[int]) -> Recording:
    """Fly episodes, one in each environment, and keep what happened at each decision."""
    simulator.reset(seeds)
    player.reset(simulator.view, np.ones(len(seeds), np.bool_), simulator.seeds.copy())
    terms: dict[str, list[Array]] = {name: [] for name in simulator.terms}
    actions, seen = [], np.zeros(simulator.observation_size)
    while not simulator.truncated.all():
        seen += simulator.observation.mean(0)
        actions.append(np.clip(player.act(simulator.view), -1.0, 1.0))
        simulator.step(actions[-1])
        for name, value in simulator.terms.items():
            terms[name].append(value)
    means = (seen / len(actions)).astype(np.float32)
    rows = [simulator.episode_metrics(row) for row in range(len(seeds))]
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
        for kind, values in parts(view.layout, flat).items()
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
class Worth:
    """Change of the score on the same episodes when a part is taken away."""

    frozen: dict[str, Estimate]  # kind held at zero
    alone: dict[str, Estimate]  # all other kinds held at zero; against the zero action
    blind: dict[str, Estimate]  # block of the observation at its mean; empty for rules, which read more than it


@dataclass(frozen=True)
class Inspection:
    """All that is known of one scheduler."""

    score: Array  # (B,)
    rewards: Array  # (T, B)
    actions: dict[str, ActionUse]
    terms: dict[str, TermUse]
    work: dict[str, float]  # means over episodes
    worth: Worth


def inspect(
    scenario: Scenario,
    factory: PlayerFactory,
    zero: PlayerFactory,
    seeds: Sequence[int],
    learned: bool,
    trace: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Inspect a scheduler.

    Args:
        scenario: what is simulated.
        factory: of the scheduler.
        zero: of the scheduler whose action is zero.
        seeds: (B,) episodes.
        learned: whether it acts on the encoded observation alone, so that blocks of that can be taken away.
        trace: job trace that replaces the class it maps to.
        workers: processes, as in `evaluate`.
        progress: called as episodes are played.

    Raises:
        OdcGymError: as `evaluate`.
    """
    simulator = Simulator(scenario, len(seeds), trace=trace)
    recording = record(simulator, factory(simulator.view), seeds)
    places = block_places(simulator.satellites, len(simulator.class_names)) if learned else {}
    others = {kind: [other for other in KINDS if other != kind] for kind in KINDS}
    variants: dict[str, PlayerFactory] = {"": factory, "zero": zero}
    variants |= {f"frozen {kind}": frozen(factory, [kind]) for kind in KINDS}
    variants |= {f"alone {kind}": frozen(factory, others[kind]) for kind in KINDS}
    variants |= {f"blind {name}": blind(factory, at, recording.observation[at]) for name, at in places.items()}
    played = evaluate(scenario, variants, seeds, trace, workers, progress)
    score = {name: result.score for name, result in played.agents.items()}
    return Inspection(
        score=score[""],
        rewards=recording.rewards,
        actions=action_use(recording, scenario, simulator.view),
        terms=term_use(recording.terms),
        work={name: float(recording.metrics[name].mean()) for name in WORK},
        worth=Worth(
            frozen={kind: statistics.paired_difference(score[f"frozen {kind}"], score[""]) for kind in KINDS},
            alone={kind: statistics.paired_difference(score[f"alone {kind}"], score["zero"]) for kind in KINDS},
            blind={name: statistics.paired_difference(score[f"blind {name}"], score[""]) for name in places},
        ),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
