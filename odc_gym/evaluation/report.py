"""Reports of a comparison: tables for people, JSON for machines."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from odc_gym.errors import OdcGymError
from odc_gym.evaluation import statistics
from odc_gym.evaluation.results import AgentResult, Comparison
from odc_gym.evaluation.statistics import Estimate

BASELINE = "full-clock"
"""The naive operator, against whom differences are taken when it plays."""
FEW_EPISODES, FEW_RUNS = 10, 5
STRATA = ("low", "medium", "high")


@dataclass(frozen=True)
class Row:
    """The figures of one scheduler, or of the training runs of one learned scheduler."""

    name: str
    runs: int
    score: Estimate
    iqm: Estimate
    worst: float  # mean of the worst tenth of all runs and episodes
    paired: Estimate | None  # mean difference to the baseline on the same episodes; None for the baseline itself
    improvement: Estimate | None  # chance to beat the baseline on an episode


def choose_baseline(comparison: Comparison, wanted: str | None = None) -> str:
    """The scheduler that differences are taken against: the wanted one, else `full-clock`, else the first.

    Raises:
        OdcGymError: the wanted one did not play.
    """
    names = (*comparison.agents, *comparison.groups)
    if wanted is not None and wanted not in names:
        raise OdcGymError(f"baseline = {wanted}: must be one of the compared schedulers ({', '.join(names)})")
    return wanted or (BASELINE if BASELINE in names else names[0])


def rows(comparison: Comparison, baseline: str) -> list[Row]:
    """Figures of every scheduler, best mean score first."""
    table = [_row(comparison, name, baseline) for name in (*comparison.agents, *comparison.groups)]
    return sorted(table, key=lambda row: -row.score.value)


def _row(comparison: Comparison, name: str, baseline: str) -> Row:
    scores, reference = comparison.scores(name), comparison.scores(baseline)
    itself = name == baseline
    return Row(
        name=name,
        runs=len(scores),
        score=statistics.estimate(scores),
        iqm=statistics.estimate(scores, statistics.interquartile_mean),
        worst=float(statistics.worst_tenth_mean(scores.reshape(-1))),
        paired=None if itself else statistics.paired_difference(scores, reference),
        improvement=None if itself else statistics.probability_of_improvement(scores, reference),
    )


def strata(load: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """Episodes by thirds of their load factor.

    Args:
        load: (N,) load factors.

    Returns:
        Name of the stratum to indices of its episodes; empty when there are fewer episodes than strata.
    """
    if len(load) < len(STRATA):
        return {}
    parts = np.array_split(np.argsort(load, kind="stable"), len(STRATA))
    return {name: np.sort(part) for name, part in zip(STRATA, parts, strict=True)}


def select(comparison: Comparison, episodes: NDArray[np.int64]) -> Comparison:
    """The same comparison on some of its episodes (indices)."""

    def pick(table: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        return {name: values[episodes] for name, values in table.items()}

    agents = {n: AgentResult(a.score[episodes], pick(a.terms), pick(a.metrics)) for n, a in comparison.agents.items()}
    return replace(comparison, seeds=comparison.seeds[episodes], load=comparison.load[episodes], agents=agents)


def print_report(console: Console, comparison: Comparison, baseline: str, by_load: bool) -> None:
    """Print the headline, the scores, the KPIs and, if wanted, the scores by load.

    Args:
        console: where to.
        comparison: the results.
        baseline: the scheduler that differences are taken against.
        by_load: whether to add a table for each third of the load factor.
    """
    table = rows(comparison, baseline)
    console.print(score_table(table, baseline, _title(comparison)))
    for line in _remarks(comparison, table, baseline):
        console.print(line)
    if comparison.trace:
        each = zip(comparison.seeds, comparison.load, strict=True)
        console.print(
            "load factor by episode: " + ", ".join(f"{seed} {load:.2f}" for seed, load in each), highlight=False
        )
    if by_load:
        for name, episodes in strata(comparison.load).items():
            part = select(comparison, episodes)
            title = f"{name} load: factor {part.load.min():.2f} to {part.load.max():.2f}, {_episodes(part)}"
            console.print(score_table(rows(part, baseline), baseline, title))
    console.print(metric_table(comparison, [row.name for row in table]))


def score_table(table: list[Row], baseline: str, title: str) -> Table:
    """Scores with intervals, one row a scheduler."""
    out = Table(title=title, title_justify="left", caption_justify="left")
    out.add_column("scheduler", no_wrap=True)
    for heading in (
        "score",
        "95 % interval",
        f"minus {baseline}",
        "95 % interval",
        "verdict",
        "mid-half mean",
        "worst tenth",
        "P(better)",
    ):
        out.add_column(heading, justify="right")
    for row in table:
        name = f"{row.name} ({row.runs} runs)" if row.runs > 1 else row.name
        against = (
            ["-", "-", "-"]
            if row.paired is None
            else [f"{row.paired.value:+.2f}", _interval(row.paired), _verdict(row.paired)]
        )
        chance = "-" if row.improvement is None else f"{row.improvement.value:.2f}"
        out.add_row(
            name,
            f"{row.score.value:.2f}",
            _interval(row.score),
            *against,
            f"{row.iqm.value:.2f}",
            f"{row.worst:.2f}",
            chance,
        )
    return out


def metric_table(comparison: Comparison, names: list[str]) -> Table:
    """Means over episodes of reward terms and KPIs, one row each."""
    out = Table(title="Means over episodes", title_justify="left")
    out.add_column("reward term or KPI", no_wrap=True)
    for name in names:
        out.add_column(name, justify="right")
    kinds = (("reward/", _terms), ("", _metrics))
    for prefix, kind in kinds:
        for key in kind(comparison, names[0]):
            out.add_row(prefix + key, *(_number(_mean(kind(comparison, name)[key])) for name in names))
        out.add_section()
    return out


def document(comparison: Comparison, baseline: str) -> dict[str, Any]:
    """The comparison as JSON data; figures that do not exist are null.

    Each scheduler has `score` (one an episode), `mean`, `iqm`, `ci95` (of the mean), `metrics` (means over episodes);
    beside them reward terms, values by episode and paired differences to every other scheduler.
    """
    names = (*comparison.agents, *comparison.groups)
    table = {row.name: row for row in rows(comparison, baseline)}
    return {
        "scenario": comparison.scenario.name,
        "seeds": comparison.seeds.tolist(),
        "agents": {name: _agent_document(comparison, table[name]) for name in names},
        "bound": None,
        "baseline": baseline,
        "paired": {a: {b: _pair_document(comparison, a, b) for b in names if b != a} for a in names},
        "load": _plain(comparison.load),
        "trace": comparison.trace,
        "scenario_digest": comparison.scenario.digest(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    found = {"python": platform.python_version()}
    for package in ("odc-gym", "numpy", "numba", "scipy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _agent_document(comparison: Comparison, row: Row) -> dict[str, Any]:
    metrics, terms = _metrics(comparison, row.name), _terms(comparison, row.name)
    data = {
        "score": _plain(comparison.scores(row.name).mean(axis=0)),
        "mean": row.score.value,
        "iqm": row.iqm.value,
        "ci95": _ends(row.score),
        "iqm_ci95": _ends(row.iqm),
        "worst_tenth": row.worst,
        "normalised": None,
        "metrics": {key: _finite(_mean(values)) for key, values in metrics.items()},
        "terms": {key: _finite(_mean(values)) for key, values in terms.items()},
        "by_episode": {
            "metrics": {key: _plain(v) for key, v in metrics.items()},
            "terms": {key: _plain(v) for key, v in terms.items()},
        },
    }
    return data | ({"runs": list(comparison.groups[row.name])} if row.name in comparison.groups else {})


def _pair_document(comparison: Comparison, ours: str, theirs: str) -> dict[str, Any]:
    a, b = comparison.scores(ours), comparison.scores(theirs)
    difference, chance = statistics.paired_difference(a, b), statistics.probability_of_improvement(a, b)
    return {
        "mean": difference.value,
        "ci95": _ends(difference),
        "excludes_zero": difference.excludes_zero,
        "probability_of_improvement": chance.value,
        "probability_of_improvement_ci95": _ends(chance),
    }


def _remarks(comparison: Comparison, table: list[Row], baseline: str) -> list[str]:
    """What the figures allow to say: the best against the baseline and the next, and where more data is needed."""
    names = [row.name for row in table]
    rivals = dict.fromkeys([baseline, *names[1:2]])
    lines = [_claim(comparison, names[0], rival) for rival in rivals if rival != names[0]]
    if len(comparison.seeds) < FEW_EPISODES:
        lines.append(f"Only {_episodes(comparison)}: intervals are rough; take {FEW_EPISODES} or more for a claim.")
    for row in table:
        if 1 < row.runs < FEW_RUNS:
            lines.append(f"{row.name}: only {row.runs} training runs; take {FEW_RUNS} or more for a claim.")
    return lines


def _claim(comparison: Comparison, ours: str, theirs: str) -> str:
    gap = statistics.paired_difference(comparison.scores(ours), comparison.scores(theirs))
    sure = f"95 % interval {_interval(gap)}, {_episodes(comparison)}"
    return f"{ours} minus {theirs}: {gap.value:+.2f} ({sure}): {_verdict(gap)}."


def _terms(comparison: Comparison, name: str) -> dict[str, NDArray[np.float64]]:
    return _over_runs([agent.terms for agent in comparison.runs(name)])


def _metrics(comparison: Comparison, name: str) -> dict[str, NDArray[np.float64]]:
    return _over_runs([agent.metrics for agent in comparison.runs(name)])


def _over_runs(tables: list[dict[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    """Means over training runs, one value an episode."""
    return {key: np.mean([table[key] for table in tables], axis=0) for key in tables[0]}


def _mean(values: NDArray[np.float64]) -> float:
    """Mean over the episodes in which the figure exists (a wait exists only where something waited)."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _title(comparison: Comparison) -> str:
    trace = f", trace {Path(comparison.trace).name}" if comparison.trace else ""
    first, last = int(comparison.seeds.min()), int(comparison.seeds.max())
    load = f"load factor {comparison.load.min():.2f} to {comparison.load.max():.2f}"
    what = f"{comparison.scenario.name}{trace}: {_episodes(comparison)} ({first} to {last}), {load}"
    return f"{what}; score 100 = the fleet's sustainable output"


def _episodes(comparison: Comparison) -> str:
    count = len(comparison.seeds)
    return f"{count} episode{'' if count == 1 else 's'}"


def _interval(estimate: Estimate) -> str:
    return "-" if math.isnan(estimate.low) else f"{estimate.low:.2f} to {estimate.high:.2f}"


def _verdict(difference: Estimate) -> str:
    if not difference.excludes_zero:
        return "open"
    return "better" if difference.value > 0 else "worse"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def _ends(estimate: Estimate) -> list[float] | None:
    return None if math.isnan(estimate.low) else [estimate.low, estimate.high]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(values: NDArray[np.float64]) -> list[float | None]:
    return [_finite(float(value)) for value in values]
