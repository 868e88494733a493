"""Text tables and JSON document of an inspection, one column per scheduler."""

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


def inspection_tables(inspections: Inspections, title: str) -> list[TextTable]:
    """Return all tables of an inspection.

    Args:
        inspections: inspections by scheduler, on the same episodes.
        title: scenario and episodes, the first part of every title.
    """
    learned = {name: inspection for name, inspection in inspections.items() if inspection.masked}
    tables = [
        action_table(inspections, title),
        zeroing_table(inspections, title),
        term_table(inspections, title),
        work_table(inspections, title),
    ]
    tables.append(noise_table(inspections, title))
    return [*tables, masking_table(learned, title)] if learned else tables


def action_table(inspections: Inspections, title: str) -> TextTable:
    """Return the use of each kind of action component."""
    formats: dict[str, Callable[[Any], str]] = {
        "mean ± deviation": lambda use: f"{use.mean:+.3f} ± {use.deviation:.3f}",
        "between satellites": lambda use: f"{use.between_satellites:.3f}",
        "saturated": lambda use: _percent(use.saturated),
        "closing": lambda use: _percent(use.closing),
        "draining": lambda use: _percent(use.draining),
    }
    shown = {"bid": set(formats), "clock": set(formats) - {"closing", "draining"}}
    shown |= {
        "urgency": set(formats) - {"between satellites", "draining"},
        "clock_offset": {"mean ± deviation", "saturated"},
    }
    kinds = next(iter(inspections.values())).actions
    lines = [
        (f"{kind}: {figure}", *(text(inspection.actions[kind]) for inspection in inspections.values()))
        for kind in kinds
        for figure, text in formats.items()
        if figure in shown[kind]
    ]
    return TextTable(f"{title}: {_ACTIONS}", ("component", *inspections), tuple(lines), _ACTION_NOTES)


def term_table(inspections: Inspections, title: str) -> TextTable:
    """Return the contribution of each reward term to the score and to the variance of the reward."""
    terms = next(iter(inspections.values())).terms
    lines: list[tuple[str, ...]] = [
        ("score", *(f"{inspection.score.mean():.2f}" for inspection in inspections.values()))
    ]
    for term in terms:
        uses = [inspection.terms[term] for inspection in inspections.values()]
        lines.append((f"{term}: points", *(f"{use.sum:+.3f} ({100 * use.share:+.1f} %)" for use in uses)))
        lines.append((f"{term}: variance", *(_percent(use.variance_share) for use in uses)))
    return TextTable(f"{title}: terms of the reward", ("term", *inspections), tuple(lines), _TERM_NOTES)


def work_table(inspections: Inspections, title: str) -> TextTable:
    """Return counts of what happens to jobs, in total and per job."""
    works = [inspection.work for inspection in inspections.values()]
    lines: list[tuple[str, ...]] = [(name, *(f"{work[name]:.1f}" for work in works)) for name in works[0]]
    for name in ("moves", "drains", "yields", "evictions"):
        lines.append((f"{name} per job", *(f"{work[name] / max(work['jobs_run'], 1.0):.4f}" for work in works)))
    return TextTable(f"{title}: what happens to jobs", ("count", *inspections), tuple(lines), _WORK_NOTES)


def zeroing_table(inspections: Inspections, title: str) -> TextTable:
    """Return the changes of the score by zeroing kinds of action components."""
    kinds = next(iter(inspections.values())).zeroed
    lines = [
        (f"{kind} frozen", *(format_difference(inspection.zeroed[kind]) for inspection in inspections.values()))
        for kind in kinds
    ]
    lines += [
        (f"{kind} alone", *(format_difference(inspection.alone[kind]) for inspection in inspections.values()))
        for kind in kinds
    ]
    return TextTable(
        f"{title}: what each kind of component is worth", ("kind", *inspections), tuple(lines), _ZEROING_NOTES
    )


def masking_table(inspections: Inspections, title: str) -> TextTable:
    """Return the changes of the score of learned schedulers by masking observation blocks, largest loss first."""
    blocks = next(iter(inspections.values())).masked
    order = sorted(blocks, key=lambda block: sum(inspection.masked[block].value for inspection in inspections.values()))
    lines = [
        (block, *(format_difference(inspection.masked[block]) for inspection in inspections.values()))
        for block in order
    ]
    return TextTable(
        f"{title}: what each block of the observation is worth", ("block", *inspections), tuple(lines), _MASKING_NOTES
    )


def noise_table(inspections: Inspections, title: str) -> TextTable:
    """Return the variation of scores and of their differences, and the autocorrelation of rewards."""
    first = next(iter(inspections.values()))
    lines: list[tuple[str, ...]] = [
        ("score: deviation", *(_deviation(inspection.score) for inspection in inspections.values())),
        (
            "difference: deviation",
            *(
                "-" if inspection is first else _deviation(inspection.score - first.score)
                for inspection in inspections.values()
            ),
        ),
    ]
    perturbations = [
        statistics.paired_difference(inspection.perturbed, inspection.score) for inspection in inspections.values()
    ]
    lines.append(("nudge: mean", *map(format_difference, perturbations)))
    lines.append(
        (
            "nudge: deviation",
            *(_deviation(inspection.perturbed - inspection.score) for inspection in inspections.values()),
        )
    )
    correlations = {name: autocorrelation(inspection.rewards) for name, inspection in inspections.items()}
    lines += [
        (f"correlation after {lag}", *(f"{by_lag[lag]:+.3f}" for by_lag in correlations.values()))
        for lag in next(iter(correlations.values()))
    ]
    return TextTable(f"{title}: noise and memory of the reward", ("figure", *inspections), tuple(lines), _NOISE_NOTES)


def inspection_document(inspections: Inspections) -> dict[str, Any]:
    """Return inspections as JSON data."""
    return {name: _document(inspection) for name, inspection in inspections.items()}


def _document(inspection: Inspection) -> dict[str, Any]:
    return {
        "score": inspection.score.tolist(),
        "mean": float(inspection.score.mean()),
        "nudged": inspection.perturbed.tolist(),
        "actions": {kind: asdict(use) for kind, use in inspection.actions.items()},
        "terms": {term: asdict(use) for term, use in inspection.terms.items()},
        "work": inspection.work,
        **{
            name: {key: _estimate(value) for key, value in table.items()}
            for name, table in (
                ("frozen", inspection.zeroed),
                ("alone", inspection.alone),
                ("blind", inspection.masked),
            )
        },
        "autocorrelation": {str(lag): value for lag, value in autocorrelation(inspection.rewards).items()},
    }


def format_difference(estimate: Estimate) -> str:
    """Format a difference with its interval."""
    if math.isnan(estimate.low):
        return f"{estimate.value:+.2f}"
    return f"{estimate.value:+.2f} ({estimate.low:+.2f} to {estimate.high:+.2f})"


def _estimate(estimate: Estimate) -> dict[str, Any]:
    interval = None if math.isnan(estimate.low) else [estimate.low, estimate.high]
    return {"mean": estimate.value, "ci95": interval}


def _deviation(values: statistics.Array) -> str:
    return f"{values.std(ddof=1):.2f}" if len(values) > 1 else "-"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
