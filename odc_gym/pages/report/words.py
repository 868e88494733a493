"""Sentences of the report, derived from the document of a comparison: the verdict, and what the best is worse at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from odc_gym.evaluation.headline import HeadlineKpi, headline_figures
from odc_gym.evaluation.statistics import Estimate, paired_difference
from odc_gym.evaluation.verdict import FEW_EPISODES
from odc_gym.pages.report.numbers import between, decimals_of, figure, listed, percent
from odc_gym.simulator.waterfall import IN_TIME, NAMEPLATE

MOST_NAMED = 3  # number of schedulers beyond which a sentence counts them
SAME = 1e-9  # relative difference below which two figures are equal


class Weakness(NamedTuple):
    """KPIs at which the best scheduler is worse than a rival."""

    rival: str
    labels: tuple[str, ...]  # without units
    figures: tuple[str, ...]  # with the figures of both


def ranked(doc: Mapping[str, Any]) -> list[str]:
    """Return the compared schedulers, best mean score first; runs of a group count only as the group.

    Schedulers that know the future do not compete, unless there is no other.
    """
    order = with_foresight(doc)
    return [name for name in order if not doc["agents"][name].get("foresight")] or order


def with_foresight(doc: Mapping[str, Any]) -> list[str]:
    """Return the compared schedulers as `ranked`, with those that know the future at their places."""
    agents = doc["agents"]
    runs = {run for agent in agents.values() for run in agent.get("runs", ())}
    return sorted((name for name in agents if name not in runs), key=lambda name: -agents[name]["mean"])


def rival_of(doc: Mapping[str, Any], order: Sequence[str]) -> str | None:
    """Return the scheduler that the best one is shown beside: the baseline, or the second best if it leads itself."""
    if doc["baseline"] in order[1:]:
        return str(doc["baseline"])
    return order[1] if len(order) > 1 else None


def claim(doc: Mapping[str, Any], order: Sequence[str]) -> str:
    """Return the verdict of a comparison as one sentence that can be quoted."""
    best, count = order[0], _episodes(doc)
    agent = doc["agents"][best]
    score = figure(agent["mean"]) + (f" ({between(agent['ci95'])})" if agent["ci95"] else "")
    start = f"{doc['scenario']}: {best} scores {score} over {count}"
    rival = rival_of(doc, order)
    if rival is None:
        return f"{start}; no other scheduler is compared."
    pairs = doc["paired"][best]
    parts = [_relation(name, pairs[name]) for name in dict.fromkeys([rival, order[1]])]
    others = [name for name in order[1:] if name not in (rival, order[1])]
    behind = [name for name in others if pairs[name]["excludes_zero"]]
    level = [name for name in others if not pairs[name]["excludes_zero"]]
    if behind:
        parts.append(f"better than {_named(behind)}")
    if level:
        parts.append(f"level with {_named(level)}")
    return f"{start}: {'; '.join(parts)}."


def lede(doc: Mapping[str, Any], order: Sequence[str], found: Sequence[Weakness]) -> Iterator[str]:
    """Yield the sentences below the verdict: few episodes, the hours delivered in time, and what the best is worse at.

    Args:
        doc: document of a comparison.
        order: schedulers, best first.
        found: what `weaknesses` yields.
    """
    if len(doc["seeds"]) < FEW_EPISODES:
        yield f"{_episodes(doc)}: too few for a claim, take {FEW_EPISODES} or more."
    shown = [order[0], *(weakness.rival for weakness in found)]
    parts = {name: doc["agents"][name].get("waterfall_accelerator_h", {}) for name in shown}
    if all(parts.values()):
        each = [
            f"{name} {figure(part[IN_TIME], 0)} ({percent(part[IN_TIME] / part[NAMEPLATE], 1)})"
            for name, part in parts.items()
        ]
        whole = figure(parts[order[0]][NAMEPLATE], 0)
        yield f"Of {whole} accelerator-hours, delivered in time: {listed(each)}."
    for weakness in found:
        if weakness.labels:
            yield f"{order[0]} is worse than {weakness.rival} at {listed(weakness.labels)}."


def notes(doc: Mapping[str, Any], order: Sequence[str]) -> Iterator[str]:
    """Yield what limits the verdict: a lower worst tenth than a rival's, and episodes that were lost to it."""
    best = order[0]
    mine = doc["agents"][best]
    for name in order[1:]:
        other = doc["agents"][name]
        if other["worst_tenth"] > mine["worst_tenth"]:
            yield (
                f"In its worst tenth of the episodes {best} scores {figure(mine['worst_tenth'])}, "
                f"{name} {figure(other['worst_tenth'])}."
            )
        lost = int((np.array(other["score"]) > np.array(mine["score"])).sum())
        if lost:
            yield f"{name} scores more than {best} in {lost} of {_episodes(doc)}."


def weaknesses(doc: Mapping[str, Any], order: Sequence[str]) -> Iterator[Weakness]:
    """Yield the baseline and the second best with the headline KPIs at which the best is worse.

    A KPI counts if the 95 % interval of its paired difference over the episodes excludes 0, or if there is no interval.
    """
    best, rival = order[0], rival_of(doc, order)
    if rival is None:
        return
    mine = doc["agents"][best]["by_episode"]["metrics"]
    for name in dict.fromkeys([rival, order[1]]):
        theirs = doc["agents"][name]["by_episode"]["metrics"]
        labels, figures = [], []
        for kpi in headline_figures(mine):
            if kpi.better and kpi.key in mine and kpi.key in theirs:
                values = (_known(mine[kpi.key]), _known(theirs[kpi.key]))
                difference = _difference(*values)
                if difference is not None and difference.value * kpi.better < 0 and _is_clear(difference):
                    labels.append(kpi.label.rpartition(",")[0] or kpi.label)  # without the unit, if it follows
                    figures.append(_figures(kpi, doc, best, name))
        yield Weakness(name, tuple(labels), tuple(figures))


def _figures(kpi: HeadlineKpi, doc: Mapping[str, Any], best: str, name: str) -> str:
    values = [doc["agents"][each]["metrics"][kpi.key] * kpi.factor for each in (best, name)]
    decimals = decimals_of(values)
    return f"{kpi.label}: {figure(values[0], decimals)}, {name} {figure(values[1], decimals)}"


def _known(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values])


def _difference(mine: np.ndarray, theirs: np.ndarray) -> Estimate | None:
    """Return the paired difference over the episodes with both values; None if there is none, or if all are equal."""
    known = np.isfinite(mine) & np.isfinite(theirs)
    gaps = mine[known] - theirs[known]
    if not known.any() or (np.abs(gaps) <= SAME * np.abs(theirs[known])).all():
        return None
    return paired_difference(mine[known], theirs[known])


def _is_clear(difference: Estimate) -> bool:
    return difference.excludes_zero or not np.isfinite(difference.low)


def _named(names: Sequence[str]) -> str:
    """Return the names, or their number if they are many."""
    return listed(names) if len(names) <= MOST_NAMED else f"{len(names)} others"


def _relation(other: str, pair: Mapping[str, Any]) -> str:
    interval = f" ({between(pair['ci95'])})" if pair["ci95"] else ""
    figures = f"{figure(pair['mean'], 1, True)}{interval}"
    return f"{figures} over {other}, {'better' if pair['excludes_zero'] else 'open'}"


def _episodes(doc: Mapping[str, Any]) -> str:
    count = len(doc["seeds"])
    return f"{count} episode{'' if count == 1 else 's'}"
