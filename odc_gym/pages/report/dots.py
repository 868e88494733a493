"""Rows of dots: one dot an episode, the mean, and its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from odc_gym.evaluation.text_tables import FORESIGHT
from odc_gym.pages.report.numbers import Axis, Tick, between, figure

LANES = (0, 1, -1, 2, -2)  # of dots that would hide each other
CENTRE, LANE = 20, 6  # height of the middle lane, and distance of two lanes [px]
NEAR = 9.0  # distance below which dots hide each other, in units of the axis


class DotRow(NamedTuple):
    """Row of a plot of dots; places are 0 to `numbers.WIDTH`."""

    name: str
    strong: bool  # the best scheduler
    dots: tuple[tuple[float, float], ...]  # (place, height [px]) of each episode, the better ones first
    bad_dots: tuple[tuple[float, float], ...]  # episodes on the wrong side of 0
    mean: float
    interval: tuple[float, float] | None
    value: str
    detail: str
    won: str  # share of episodes won
    verdict: str  # better, worse, open, or "" without a comparison


class DotPlot(NamedTuple):
    """Plot of rows of dots over one axis."""

    rows: tuple[DotRow, ...]
    ticks: tuple[Tick, ...]
    zero: float | None  # place of 0, if the plot has it
    left_out: int = 0  # number of schedulers without a row


def ranking(doc: Mapping[str, Any], order: Sequence[str], best: str) -> DotPlot:
    """Return the scores of all schedulers by episode, with differences to the baseline.

    Args:
        doc: document of a comparison.
        order: schedulers, highest score first; those that know the future are marked.
        best: best of those that do not.
    """
    scores = {name: doc["agents"][name]["score"] for name in order}
    axis = Axis.around([*(score for values in scores.values() for score in values)])
    rows = []
    for name in order:
        agent, pair = doc["agents"][name], doc["paired"][name].get(doc["baseline"])
        label = f"{name} ({FORESIGHT})" if agent.get("foresight") else name
        detail, verdict = ("the baseline", "") if pair is None else (_difference(pair), verdict_of(pair))
        rows.append(
            _row(axis, label, scores[name], (agent["mean"], agent["ci95"]), figure(agent["mean"]))._replace(
                strong=name == best, detail=detail, verdict=verdict
            )
        )
    return DotPlot(tuple(rows), tuple(axis.ticks()), None)


def differences(doc: Mapping[str, Any], order: Sequence[str], most: int) -> DotPlot | None:
    """Return the differences of the best scheduler to its rivals by episode; None without a rival.

    Args:
        doc: document of a comparison.
        order: schedulers, best first.
        most: number of nearest rivals to show; the baseline is shown beside them.
    """
    best, near = order[0], order[1 : 1 + most]
    rivals = [name for name in order[1:] if name in near or name == doc["baseline"]]
    if not rivals:
        return None
    mine = np.array(doc["agents"][best]["score"])
    found = {name: (mine - doc["agents"][name]["score"]).tolist() for name in rivals}
    axis = Axis.around([value for values in found.values() for value in values], zero=True)
    rows = []
    for name, values in found.items():
        pair = doc["paired"][best][name]
        row = _row(axis, name, values, (pair["mean"], pair["ci95"]), figure(pair["mean"], 1, True), split=True)
        won = f"{sum(value > 0 for value in values)} of {len(values)}"
        rows.append(row._replace(detail=between(pair["ci95"]), won=won, verdict=verdict_of(pair)))
    return DotPlot(tuple(rows), tuple(axis.ticks(sign=True)), axis.at(0.0), len(order) - 1 - len(rivals))


def verdict_of(pair: Mapping[str, Any]) -> str:
    """Return the verdict on a paired difference of a document."""
    if not pair["excludes_zero"]:
        return "open"
    return "better" if pair["mean"] > 0 else "worse"


def _row(
    axis: Axis,
    name: str,
    values: Sequence[float],
    centre: tuple[float, Sequence[float] | None],
    text: str,
    split: bool = False,
) -> DotRow:
    """Return a row without its words; with `split`, values up to 0 are bad."""
    places = list(zip(values, _spread([axis.at(value) for value in values]), strict=True))
    mean, ends = centre
    return DotRow(
        name=name,
        strong=False,
        dots=tuple(place for value, place in places if not split or value > 0),
        bad_dots=tuple(place for value, place in places if split and value <= 0),
        mean=axis.at(mean),
        interval=None if ends is None else (axis.at(ends[0]), axis.at(ends[1])),
        value=text,
        detail="",
        won="",
        verdict="",
    )


def _spread(places: Sequence[float]) -> list[tuple[float, float]]:
    """Return places with heights at which dots do not hide each other, as far as the lanes last."""
    taken: list[tuple[float, int]] = []
    heights = [float(CENTRE)] * len(places)
    for k in np.argsort(places, kind="stable"):
        near = {lane for place, lane in taken[-len(LANES) :] if abs(place - places[k]) < NEAR}
        lane = next((lane for lane in LANES if lane not in near), LANES[-1])
        taken.append((places[k], lane))
        heights[k] = float(CENTRE + LANE * lane)
    return list(zip(places, heights, strict=True))


def _difference(pair: Mapping[str, Any]) -> str:
    interval = between(pair["ci95"])
    return figure(pair["mean"], 1, True) + (f" ({interval})" if interval else "")
