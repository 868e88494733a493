"""The tables and sentences of a comparison as text, before they are printed or written as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from odc_gym.evaluation import statistics
from odc_gym.evaluation.across import Across, Overall, across, scores_across, strata_across
from odc_gym.evaluation.figures import Row, known_mean, rows, select, strata
from odc_gym.evaluation.results import Array, Comparison
from odc_gym.evaluation.statistics import Estimate

FEW_EPISODES, FEW_RUNS = 10, 5
BEST, LEVEL = "*", "≈"
ACROSS = "across scenarios"
_LEGEND = (
    f"{BEST} highest mean of the scenario; {LEVEL} not resolved: the 95 % interval of the paired difference to it "
    "holds 0.",
    "mean: over scenarios, each weighs the same; scores are in % of what the scenario's fleet can sustain. mean rank: "
    "by mean score in each scenario, 1 is the best. Intervals are for other episodes of these scenarios, not for other "
    "scenarios.",
)


@dataclass(frozen=True)
class Sheet:
    """A table of text, and what is said below it."""

    title: str
    head: tuple[str, ...]  # the first column names the rows
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """The tables of one scenario, or those across scenarios."""

    name: str
    sheets: tuple[Sheet, ...]


def sections(comparisons: Sequence[Comparison], baseline: str, by_load: bool) -> list[Section]:
    """All tables: those of each scenario and, if there are several, those across them.

    Args:
        comparisons: one a scenario.
        baseline: the scheduler that differences are taken against.
        by_load: whether to add a table for each third of the load factor.
    """
    found = [Section(c.scenario.name, tuple(_scenario_sheets(c, baseline, by_load))) for c in comparisons]
    if len(comparisons) > 1:
        found.append(Section(ACROSS, tuple(_across_sheets(comparisons, baseline, by_load))))
    return found


def _scenario_sheets(comparison: Comparison, baseline: str, by_load: bool) -> list[Sheet]:
    table = rows(comparison, baseline)
    sheets = [score_sheet(table, baseline, _title(comparison), _remarks(comparison, table, baseline))]
    if by_load:
        for name, episodes in strata(comparison.load).items():
            part = select(comparison, episodes)
            load = f"factor {part.load.min():.2f} to {part.load.max():.2f}"
            title = f"{comparison.scenario.name}, {name} load: {load}, {_episodes(part)}"
            sheets.append(score_sheet(rows(part, baseline), baseline, title))
    return [*sheets, metric_sheet(comparison, [row.name for row in table])]


def _across_sheets(comparisons: Sequence[Comparison], baseline: str, by_load: bool) -> list[Sheet]:
    what = f"{len(comparisons)} scenarios"
    overall = across(comparisons, baseline)
    notes = (*_LEGEND, *_across_remarks(comparisons, overall))
    sheets = [across_sheet(overall, f"{what}, {_episodes(comparisons[0])} of each: mean scores", notes)]
    if by_load:
        for name, episodes in strata_across(comparisons).items():
            parts = [select(comparison, episodes) for comparison in comparisons]
            low, high = min(p.load.min() for p in parts), max(p.load.max() for p in parts)
            load = f"the third of the episodes by mean load factor ({low:.2f} to {high:.2f})"
            title = f"{what}, {name} load: {load}, {_episodes(parts[0])} of each"
            sheets.append(across_sheet(across(parts, baseline), title))
    return sheets


def score_sheet(table: list[Row], baseline: str, title: str, notes: Sequence[str] = ()) -> Sheet:
    """Scores with intervals, one row a scheduler."""
    head = ("scheduler", "score", "95 % interval", f"minus {baseline}", "95 % interval", "verdict")
    lines = [
        (
            _name(row),
            f"{row.score.value:.2f}",
            _interval(row.score),
            *_against(row.paired),
            "-" if row.paired is None else _verdict(row.paired),
            f"{row.iqm.value:.2f}",
            f"{row.worst:.2f}",
            "-" if row.improvement is None else f"{row.improvement.value:.2f}",
        )
        for row in table
    ]
    return Sheet(title, (*head, "mid-half mean", "worst tenth", "P(better)"), tuple(lines), tuple(notes))


def metric_sheet(comparison: Comparison, names: Sequence[str]) -> Sheet:
    """Means over episodes of reward terms and KPIs, one row each."""
    lines = []
    for prefix, kind in (("reward/", comparison.terms), ("", comparison.metrics)):
        tables = [kind(name) for name in names]
        lines += [(prefix + key, *(_number(known_mean(table[key])) for table in tables)) for key in tables[0]]
    return Sheet(f"{comparison.scenario.name}: means over episodes", ("reward term or KPI", *names), tuple(lines))


def across_sheet(overall: Across, title: str, notes: Sequence[str] = ()) -> Sheet:
    """Mean scores, one row a scheduler and one column a scenario, and what they come to over all scenarios."""
    head = ("scheduler", *overall.scenarios, "mean", "95 % interval", f"minus {overall.baseline}", "95 % interval")
    lines = [
        (
            _name(row),
            *(_standing(overall, row, scenario) for scenario in overall.scenarios),
            "-" if row.score is None else f"{row.score.value:.2f}",
            "-" if row.score is None else _interval(row.score),
            *_against(row.paired),
            "-" if row.rank is None else f"{row.rank.value:.2f}",
            "-" if row.rank is None else _interval(row.rank),
            "-" if row.improvement is None else f"{row.improvement.value:.2f}",
        )
        for row in overall.rows
    ]
    return Sheet(title, (*head, "mean rank", "95 % interval", "P(better)"), tuple(lines), tuple(notes))


def _standing(overall: Across, row: Overall, scenario: str) -> str:
    if scenario not in row.means:
        return "-"
    mark = BEST if overall.best[scenario] == row.name else LEVEL if scenario in row.level else ""
    return f"{row.means[scenario]:.2f} {mark}".rstrip()


def _remarks(comparison: Comparison, table: list[Row], baseline: str) -> list[str]:
    """What the figures allow to say: the best against the baseline and the next, and where more data is needed."""
    names = [row.name for row in table]
    rivals = dict.fromkeys([baseline, *names[1:2]])
    lines = [
        _claim(names[0], rival, comparison.scores(names[0]), comparison.scores(rival), _episodes(comparison))
        for rival in rivals
        if rival != names[0]
    ]
    if len(comparison.seeds) < FEW_EPISODES:
        lines.append(f"Only {_episodes(comparison)}: intervals are rough; take {FEW_EPISODES} or more for a claim.")
    for row in table:
        if 1 < row.runs < FEW_RUNS:
            lines.append(f"{row.name}: only {row.runs} training runs; take {FEW_RUNS} or more for a claim.")
    lines += [f"{name} cannot operate {comparison.scenario.name}: {why}." for name, why in comparison.absent.items()]
    if comparison.trace:
        each = zip(comparison.seeds, comparison.load, strict=True)
        lines.append("load factor by episode: " + ", ".join(f"{seed} {load:.2f}" for seed, load in each))
    return lines


def _across_remarks(comparisons: Sequence[Comparison], overall: Across) -> list[str]:
    """Who wins where, and the best over all scenarios against the baseline and the next."""
    lines = []
    for scenario in overall.scenarios:
        best = overall.best[scenario]
        level = [row.name for row in overall.rows if scenario in row.level]
        mean = next(row.means[scenario] for row in overall.rows if row.name == best)
        lines.append(f"{scenario}: {best} {mean:.2f}" + (f"; not resolved: {', '.join(level)}." if level else "."))
    names = [row.name for row in overall.rows if row.score is not None]
    what = f"{len(comparisons)} scenarios x {_episodes(comparisons[0])}"
    for rival in dict.fromkeys([overall.baseline, *names[1:2]]):
        if rival != names[0]:
            ours, theirs = scores_across(comparisons, names[0]), scores_across(comparisons, rival)
            lines.append("mean over scenarios: " + _claim(names[0], rival, ours, theirs, what))
    return lines


def _claim(ours: str, theirs: str, scores: Array, reference: Array, what: str) -> str:
    gap = statistics.paired_difference(scores, reference)
    return f"{ours} minus {theirs}: {gap.value:+.2f} (95 % interval {_interval(gap)}, {what}): {_verdict(gap)}."


def _title(comparison: Comparison) -> str:
    trace = f", trace {Path(comparison.trace).name}" if comparison.trace else ""
    first, last = int(comparison.seeds.min()), int(comparison.seeds.max())
    load = f"load factor {comparison.load.min():.2f} to {comparison.load.max():.2f}"
    what = f"{comparison.scenario.name}{trace}: {_episodes(comparison)} ({first} to {last}), {load}"
    return f"{what}; score 100 = the fleet's sustainable output"


def _name(row: Row | Overall) -> str:
    return f"{row.name} ({row.runs} runs)" if row.runs > 1 else row.name


def _against(paired: Estimate | None) -> tuple[str, str]:
    return ("-", "-") if paired is None else (f"{paired.value:+.2f}", _interval(paired))


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
