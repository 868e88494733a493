"""Tables of the report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from odc_gym.evaluation.headline import headline_figures
from odc_gym.pages.report.numbers import ABSENT, decimals_of, figure, percent
from odc_gym.simulator.energy_flow import ELECTRICITY_TO


class Cell(NamedTuple):
    """Text of a cell, and whether it is the best of its kind."""

    text: str
    best: bool = False


class Table(NamedTuple):
    """Table with a caption; the first column names the rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def energy_table(doc: Mapping[str, Any], names: Sequence[str]) -> Table | None:
    """Return the ledger of energy and heat of schedulers [kWh]; None if the document has none."""
    parts = [doc["agents"][name].get("energy_kwh", {}) for name in names]
    if not all(parts):
        return None
    lines = (
        ("Sunlight on the arrays", "available", 1.0, None),
        ("  unused", "curtailed", 1.0, "available"),
        ("  used", "used", 1.0, "available"),
        ("Batteries drawn down (+) or filled (−)", "stored", -1.0, None),
        *((f"  to {label}", part, 1.0, "supply") for part, label in ELECTRICITY_TO),
        ("Heat from electricity", "heat", 1.0, None),
        ("Heat absorbed from Sun and Earth", "absorbed", 1.0, None),
        ("Heat radiated to space", "radiated", 1.0, None),
        ("Heat kept in warmer nodes", "warmed", 1.0, None),
        ("Through the batteries", "through_battery", 1.0, "supply"),
    )
    each = [part | {"supply": part["used"] - part["stored"]} for part in parts]
    decimals = decimals_of([part["available"] for part in parts])
    rows = []
    for label, name, sign, whole in lines:
        cells = []
        for part in each:
            share = f" ({percent(part[name] / part[whole], 1)})" if whole and part[whole] else ""
            cells.append(Cell(figure(sign * part[name], decimals) + share))
        rows.append((Cell(label), *cells))
    return Table("Energy and heat, mean of an episode [kWh], with shares", ("part", *names), tuple(rows))


def service_table(doc: Mapping[str, Any], order: Sequence[str], classes: Sequence[str]) -> Table:
    """Return the share in time, the delivered work and the value of each class, and the waits of jobs."""
    head = ["scheduler"]
    for name in classes:
        head += [f"{name}: in time", "work, h", "value"]
    known = {key for key in ("wait_p50_h", "wait_p95_h") if key in doc["agents"][order[0]]["metrics"]}
    head += [label for key, label in (("wait_p50_h", "wait, median"), ("wait_p95_h", "wait, 95 %")) if key in known]
    shares = {name: [_metric(doc, agent, f"slo_{name}") for agent in order] for name in classes}
    rows = []
    for k, agent in enumerate(order):
        row = [Cell(agent)]
        for name in classes:
            row.append(Cell(percent(shares[name][k], 1), _is_best(shares[name], k)))
            row.append(Cell(figure(_metric(doc, agent, f"work_{name}_accelerator_h"), 0)))
            row.append(Cell(figure(_metric(doc, agent, f"value_{name}"), 0)))
        row += [Cell(f"{figure(_metric(doc, agent, key))} h") for key in ("wait_p50_h", "wait_p95_h") if key in known]
        rows.append(tuple(row))
    return Table("Service by class, means over episodes; bold: the best", tuple(head), tuple(rows))


def headline_table(doc: Mapping[str, Any], order: Sequence[str]) -> Table:
    """Return the headline KPIs, one row each and one column a scheduler; the best of a row is marked."""
    metrics = [doc["agents"][name]["metrics"] for name in order]
    rows = []
    for kpi in headline_figures(metrics[0]):
        if all(kpi.key in each for each in metrics):
            values = [math.nan if each[kpi.key] is None else each[kpi.key] * kpi.factor for each in metrics]
            decimals, ranks = decimals_of(values), [kpi.better * value for value in values]
            cells = (Cell(figure(v, decimals), bool(kpi.better) and _is_best(ranks, k)) for k, v in enumerate(values))
            rows.append((Cell(kpi.label), *cells))
    return Table("Headline KPIs, means over episodes; bold: the best of a row", ("KPI", *order), tuple(rows))


def terms_table(doc: Mapping[str, Any], order: Sequence[str]) -> Table:
    """Return the reward terms of all schedulers, whose sums are the scores."""
    names = list(doc["agents"][order[0]]["terms"])
    rows = [
        (
            Cell(agent),
            *(Cell(figure(doc["agents"][agent]["terms"].get(name), 2)) for name in names),
            Cell(figure(doc["agents"][agent]["mean"], 2), True),
        )
        for agent in order
    ]
    head = ("scheduler", *(name.replace("_", " ") for name in names), "score")
    return Table("Reward terms, points of an episode; their sum is the score", head, tuple(rows))


def episodes_table(doc: Mapping[str, Any], order: Sequence[str]) -> Table:
    """Return the score of every scheduler in every episode."""
    scores = [doc["agents"][name]["score"] for name in order]
    rows = []
    for k, seed in enumerate(doc["seeds"]):
        values = [each[k] for each in scores]
        cells = (Cell(figure(value, 2), _is_best(values, n)) for n, value in enumerate(values))
        rows.append((Cell(str(seed)), Cell(figure(doc["load"][k], 2)), *cells))
    return Table("Score of each episode; bold: the best", ("episode", "load", *order), tuple(rows))


def worst_table(doc: Mapping[str, Any], order: Sequence[str], classes: Sequence[str], rows: Sequence[int]) -> Table:
    """Return the figures of some episodes of the best scheduler, given as indices."""
    best = doc["agents"][order[0]]
    metrics = best["by_episode"]["metrics"]
    second = order[1] if len(order) > 1 else None
    known: list[tuple[str, str, Callable[[float | None], str]]] = [
        *((f"{name}: in time", f"slo_{name}", percent) for name in classes),
        ("least charge", "charge_least_frac", percent),
        ("hottest chip, C", "junction_most_c", figure),
        ("K h over limit", "degree_h", figure),
        ("sunlight unused", "curtailed_solar_frac", percent),
    ]
    columns = [column for column in known if column[1] in metrics]
    head = ["episode", "score", *([f"minus {second}"] if second else []), "load", *(label for label, _, _ in columns)]
    lines = []
    for k in rows:
        cells = [Cell(str(doc["seeds"][k])), Cell(figure(best["score"][k]), True)]
        if second:
            cells.append(Cell(figure(best["score"][k] - doc["agents"][second]["score"][k], 1, True)))
        cells.append(Cell(figure(doc["load"][k], 2)))
        cells += [Cell(form(metrics[key][k])) for _, key, form in columns]
        lines.append(tuple(cells))
    return Table(f"The episodes in which {order[0]} scores least", tuple(head), tuple(lines))


def standings_table(across: Mapping[str, Any], scenarios: Sequence[str]) -> Table:
    """Return the mean score of each scheduler in each scenario, with mean, rank and difference over all."""
    rows = []
    for name, agent in sorted(across["agents"].items(), key=lambda item: -_or(item[1]["mean"], -math.inf)):
        cells = [
            Cell(name),
            Cell(figure(agent["mean"], 2)),
            Cell(_pair(agent["paired"])),
            Cell(figure(agent["rank"], 2)),
        ]
        for scenario in scenarios:
            here = agent["scenarios"].get(scenario)
            mark = "" if here is None or here["best"] or not here["level_with_best"] else f"{'≈'} "
            cells.append(Cell(ABSENT) if here is None else Cell(mark + figure(here["mean"]), here["best"]))
        rows.append(tuple(cells))
    head = ("scheduler", "mean", f"minus {across['baseline']}", "mean rank", *scenarios)
    caption = "Mean scores by scenario; bold: the highest, ≈: level with it"
    return Table(caption, head, tuple(rows))


def absences(across: Mapping[str, Any]) -> Iterator[str]:
    """Yield who cannot operate which scenario, and why."""
    for scenario, missing in across["absent"].items():
        yield from (f"{name} cannot operate {scenario}: {why}." for name, why in missing.items())


def _pair(pair: Mapping[str, Any] | None) -> str:
    if pair is None:
        return ABSENT
    ends = f" ({figure(pair['ci95'][0])} to {figure(pair['ci95'][1])})" if pair["ci95"] else ""
    return figure(pair["mean"], 2, True) + ends


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _metric(doc: Mapping[str, Any], agent: str, key: str) -> float | None:
    value: float | None = doc["agents"][agent]["metrics"].get(key)
    return value


def _is_best(values: Sequence[float | None], k: int) -> bool:
    """Return whether entry k is the largest, and not all are equal."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return len(known) > 1 and values[k] == max(known) and min(known) < max(known)
