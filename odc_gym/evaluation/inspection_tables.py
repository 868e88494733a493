"""The tables of an inspection as text: one column a scheduler."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from odc_gym.evaluation import statistics
from odc_gym.evaluation.inspection import Inspection, autocorrelation
from odc_gym.evaluation.statistics import Estimate
from odc_gym.evaluation.text_tables import TextTable

Inspections = Mapping[str, Inspection]

_ACTIONS = "what actions are used for, by kind of component"
_ACTION_NOTES = (
    "mean ± deviation: over decisions, episodes and components. between satellites: mean deviation of the values of "
    "the satellites at one moment. saturated: share beyond 0.99 in size. closing: share of bids that close a satellite "
    "to a class, of urgencies that hold a class. draining: share of bids that make work leave.",
)
_TERM_NOTES = (
    "points: mean over episodes, and share of the score. variance: covariance of the term of a decision with the "
    "reward over the reward's variance; the shares add up to 100 %.",
)
_WORK_NOTES = (
    "means over episodes; jobs that ran, without replicas of services. moves: a running job goes to another satellite; "
    "drains: it is sent away; yields: it leaves at a chunk's edge for a job of higher rank; evictions: its satellite "
    "sheds or trips.",
)
_ZEROING_NOTES = (
    "change of the score on the same episodes with its 95 % interval. frozen: the components of this kind are held at "
    "zero. alone: all others are, and the score is that over the zero action's.",
)
_MASKING_NOTES = (
    "change of the score on the same episodes with its 95 % interval, when the features of a block stand at their "
    "means over these episodes and over satellites. Blocks that tell the same replace each other: a small change says "
    "that a block is not needed beside the others.",
)
_NOISE_NOTES = (
    "deviation: of the score from episode to episode. difference: the same of the paired difference to the first "
    "scheduler. nudge: the same of the change by noise of 0.001 on all components of its actions, which means nothing: "
    "other jobs are paid in another decision, and the day goes another way. correlation: of the reward of a decision "
    "with that of a later one of its episode.",
)


def inspection_tables(found: Inspections, what: str) -> list[TextTable]:
    """All tables.

    Args:
        found: inspections on the same episodes.
        what: the scenario and the episodes, for the titles.
    """
    learned = {name: one for name, one in found.items() if one.masked}
    tables = [action_table(found, what), zeroing_table(found, what), term_table(found, what), work_table(found, what)]
    tables.append(noise_table(found, what))
    return [*tables, masking_table(learned, what)] if learned else tables


def action_table(found: Inspections, what: str) -> TextTable:
    """How the kinds of components are used."""
    figures: dict[str, Callable[[Any], str]] = {
        "mean ± deviation": lambda use: f"{use.mean:+.3f} ± {use.deviation:.3f}",
        "between satellites": lambda use: f"{use.between_satellites:.3f}",
        "saturated": lambda use: _percent(use.saturated),
        "closing": lambda use: _percent(use.closing),
        "draining": lambda use: _percent(use.draining),
    }
    has = {"bid": set(figures), "clock": set(figures) - {"closing", "draining"}}
    has |= {
        "urgency": set(figures) - {"between satellites", "draining"},
        "clock_offset": {"mean ± deviation", "saturated"},
    }
    kinds = next(iter(found.values())).actions
    lines = [
        (f"{kind}: {figure}", *(text(one.actions[kind]) for one in found.values()))
        for kind in kinds
        for figure, text in figures.items()
        if figure in has[kind]
    ]
    return TextTable(f"{what}: {_ACTIONS}", ("component", *found), tuple(lines), _ACTION_NOTES)


def term_table(found: Inspections, what: str) -> TextTable:
    """What the reward's terms add to score and variance."""
    terms = next(iter(found.values())).terms
    lines: list[tuple[str, ...]] = [("score", *(f"{one.score.mean():.2f}" for one in found.values()))]
    for term in terms:
        uses = [one.terms[term] for one in found.values()]
        lines.append((f"{term}: points", *(f"{use.sum:+.3f} ({100 * use.share:+.1f} %)" for use in uses)))
        lines.append((f"{term}: variance", *(_percent(use.variance_share) for use in uses)))
    return TextTable(f"{what}: terms of the reward", ("term", *found), tuple(lines), _TERM_NOTES)


def work_table(found: Inspections, what: str) -> TextTable:
    """What happens to jobs."""
    works = [one.work for one in found.values()]
    lines: list[tuple[str, ...]] = [(name, *(f"{work[name]:.1f}" for work in works)) for name in works[0]]
    for name in ("moves", "drains", "yields", "evictions"):
        lines.append((f"{name} per job", *(f"{work[name] / max(work['jobs_run'], 1.0):.4f}" for work in works)))
    return TextTable(f"{what}: what happens to jobs", ("count", *found), tuple(lines), _WORK_NOTES)


def zeroing_table(found: Inspections, what: str) -> TextTable:
    """What each kind of component is worth."""
    kinds = next(iter(found.values())).zeroed
    lines = [(f"{kind} frozen", *(format_difference(one.zeroed[kind]) for one in found.values())) for kind in kinds]
    lines += [(f"{kind} alone", *(format_difference(one.alone[kind]) for one in found.values())) for kind in kinds]
    return TextTable(f"{what}: what each kind of component is worth", ("kind", *found), tuple(lines), _ZEROING_NOTES)


def masking_table(found: Inspections, what: str) -> TextTable:
    """What each block of the observation is worth to learned schedulers, the most needed first."""
    blocks = next(iter(found.values())).masked
    order = sorted(blocks, key=lambda block: sum(one.masked[block].value for one in found.values()))
    lines = [(block, *(format_difference(one.masked[block]) for one in found.values())) for block in order]
    return TextTable(
        f"{what}: what each block of the observation is worth", ("block", *found), tuple(lines), _MASKING_NOTES
    )


def noise_table(found: Inspections, what: str) -> TextTable:
    """How much scores vary of themselves, how much beside another scheduler, and how long rewards hang together."""
    first = next(iter(found.values()))
    lines: list[tuple[str, ...]] = [
        ("score: deviation", *(_deviation(one.score) for one in found.values())),
        (
            "difference: deviation",
            *("-" if one is first else _deviation(one.score - first.score) for one in found.values()),
        ),
    ]
    nudges = [statistics.paired_difference(one.perturbed, one.score) for one in found.values()]
    lines.append(("nudge: mean", *map(format_difference, nudges)))
    lines.append(("nudge: deviation", *(_deviation(one.perturbed - one.score) for one in found.values())))
    lags = {name: autocorrelation(one.rewards) for name, one in found.items()}
    lines += [
        (f"correlation after {lag}", *(f"{table[lag]:+.3f}" for table in lags.values()))
        for lag in next(iter(lags.values()))
    ]
    return TextTable(f"{what}: noise and memory of the reward", ("figure", *found), tuple(lines), _NOISE_NOTES)


def inspection_document(found: Inspections) -> dict[str, Any]:
    """Inspections as JSON data."""
    return {name: _document(one) for name, one in found.items()}


def _document(one: Inspection) -> dict[str, Any]:
    return {
        "score": one.score.tolist(),
        "mean": float(one.score.mean()),
        "nudged": one.perturbed.tolist(),
        "actions": {kind: asdict(use) for kind, use in one.actions.items()},
        "terms": {term: asdict(use) for term, use in one.terms.items()},
        "work": one.work,
        **{
            name: {key: _estimate(value) for key, value in table.items()}
            for name, table in (("frozen", one.zeroed), ("alone", one.alone), ("blind", one.masked))
        },
        "autocorrelation": {str(lag): value for lag, value in autocorrelation(one.rewards).items()},
    }


def format_difference(estimate: Estimate) -> str:
    """A difference with its interval."""
    if math.isnan(estimate.low):
        return f"{estimate.value:+.2f}"
    return f"{estimate.value:+.2f} ({estimate.low:+.2f} to {estimate.high:+.2f})"


def _estimate(estimate: Estimate) -> dict[str, Any]:
    ends = None if math.isnan(estimate.low) else [estimate.low, estimate.high]
    return {"mean": estimate.value, "ci95": ends}


def _deviation(values: statistics.Array) -> str:
    return f"{values.std(ddof=1):.2f}" if len(values) > 1 else "-"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
