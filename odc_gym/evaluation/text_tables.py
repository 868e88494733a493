"""The tables and sentences of a comparison as text, before they are printed or written as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from odc_gym.evaluation import statistics
from odc_gym.evaluation.results import Array, Comparison
from odc_gym.evaluation.statistics import Estimate
from odc_gym.evaluation.summary import SchedulerSummary, known_mean, load_strata, select_episodes, summarise
from odc_gym.evaluation.summary_across import (
    AcrossSummary,
    OverallSummary,
    load_strata_across,
    scores_across,
    summarise_across,
)

FEW_EPISODES, FEW_RUNS = 10, 5
BEST_MARK, TIED_MARK = "*", "≈"
ACROSS = "across scenarios"
_STANDINGS_NOTE = (
    f"{BEST_MARK} highest mean of the scenario; {TIED_MARK} not resolved: the 95 % interval of the difference holds 0."
)
_OVERALL_NOTE = (
    "Each scenario weighs the same; scores are in % of what its fleet can sustain. mean rank: by mean score in each "
    "scenario, 1 is the best. Intervals are for other episodes of these scenarios, not for other scenarios."
)


@dataclass(frozen=True)
class TextTable:
    """A table of text, and what is said below it."""

    title: str
    head: tuple[str, ...]  # the first column names the rows
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """The tables of one scenario, or those across scenarios."""

    name: str
    tables: tuple[TextTable, ...]


def sections(comparisons: Sequence[Comparison], baseline: str, by_load: bool) -> list[Section]:
    """All tables: those of each scenario and, if there are several, those across them.

    Args:
        comparisons: one a scenario.
        baseline: the scheduler that differences are taken against.
        by_load: whether to add a table for each third of the load factor.
    """
    found = [Section(c.scenario.name, tuple(_scenario_tables(c, baseline, by_load))) for c in comparisons]
    if len(comparisons) > 1:
        found.append(Section(ACROSS, tuple(_across_tables(comparisons, baseline, by_load))))
    return found


def _scenario_tables(comparison: Comparison, baseline: str, by_load: bool) -> list[TextTable]:
    table = summarise(comparison, baseline)
    tables = [score_table(table, baseline, _title(comparison), _remarks(comparison, table, baseline))]
    if by_load:
        for name, episodes in load_strata(comparison.load).items():
            part = select_episodes(comparison, episodes)
            load = f"factor {part.load.min():.2f} to {part.load.max():.2f}"
            title = f"{comparison.scenario.name}, {name} load: {load}, {_episodes(part)}"
            tables.append(score_table(summarise(part, baseline), baseline, title))
    return [*tables, metric_table(comparison, [row.name for row in table])]


def _across_tables(comparisons: Sequence[Comparison], baseline: str, by_load: bool) -> list[TextTable]:
    what = f"{len(comparisons)} scenarios"
    each = f"{_episodes(comparisons[0])} of each"
    overall = summarise_across(comparisons, baseline)
    where = tuple(_best_by_scenario(overall))
    tables = [
        standings_table(overall, f"{what}, {each}: mean scores", (_STANDINGS_NOTE, *where)),
        overall_table(overall, f"{what}, {each}: over all", (_OVERALL_NOTE, *_overall_remarks(comparisons, overall))),
    ]
    if by_load:
        for name, episodes in load_strata_across(comparisons).items():
            parts = [select_episodes(comparison, episodes) for comparison in comparisons]
            low, high = min(p.load.min() for p in parts), max(p.load.max() for p in parts)
            load = f"{name} load, the third of the episodes by mean load factor ({low:.2f} to {high:.2f})"
            part, title = summarise_across(parts, baseline), f"{what}, {load}, {_episodes(parts[0])} of each"
            tables += [standings_table(part, f"{title}: mean scores"), overall_table(part, f"{title}: over all")]
    return tables


def score_table(table: list[SchedulerSummary], baseline: str, title: str, notes: Sequence[str] = ()) -> TextTable:
    """Scores with intervals, one row a scheduler."""
    head = ("scheduler", "score", "95 % interval", f"minus {baseline}", "95 % interval", "verdict")
    lines = [
        (
            _label(row),
            f"{row.score.value:.2f}",
            _interval(row.score),
            *_difference_cells(row.paired),
            "-" if row.paired is None else _verdict(row.paired),
            f"{row.iqm.value:.2f}",
            f"{row.worst:.2f}",
            "-" if row.improvement is None else f"{row.improvement.value:.2f}",
        )
        for row in table
    ]
    return TextTable(title, (*head, "mid-half mean", "worst tenth", "P(better)"), tuple(lines), tuple(notes))


def metric_table(comparison: Comparison, names: Sequence[str]) -> TextTable:
    """Means over episodes of reward terms and KPIs, one row each."""
    lines = []
    for prefix, kind in (("reward/", comparison.terms), ("", comparison.metrics)):
        tables = [kind(name) for name in names]
        lines += [(prefix + key, *(_number(known_mean(table[key])) for table in tables)) for key in tables[0]]
    return TextTable(f"{comparison.scenario.name}: means over episodes", ("reward term or KPI", *names), tuple(lines))


def standings_table(overall: AcrossSummary, title: str, notes: Sequence[str] = ()) -> TextTable:
    """Mean scores, one row a scheduler and one column a scenario."""
    lines = [
        (
            _label(row),
            *(_standing(overall, row, scenario) for scenario in overall.scenarios),
            "-" if row.score is None else f"{row.score.value:.2f}",
        )
        for row in overall.rows
    ]
    return TextTable(title, ("scheduler", *overall.scenarios, "mean"), tuple(lines), tuple(notes))


def overall_table(overall: AcrossSummary, title: str, notes: Sequence[str] = ()) -> TextTable:
    """What the scores come to over all scenarios, one row a scheduler that can operate them all."""
    head = ("scheduler", "mean", "95 % interval", f"minus {overall.baseline}", "95 % interval", "verdict")
    lines = [
        (
            _label(row),
            f"{row.score.value:.2f}",
            _interval(row.score),
            *_difference_cells(row.paired),
            "-" if row.paired is None else _verdict(row.paired),
            f"{row.rank.value:.2f}",
            _interval(row.rank),
            "-" if row.improvement is None else f"{row.improvement.value:.2f}",
        )
        for row in overall.rows
        if row.score is not None and row.rank is not None
    ]
    return TextTable(title, (*head, "mean rank", "95 % interval", "P(better)"), tuple(lines), tuple(notes))


def _standing(overall: AcrossSummary, row: OverallSummary, scenario: str) -> str:
    if scenario not in row.means:
        return "-"
    mark = BEST_MARK if overall.best[scenario] == row.name else TIED_MARK if scenario in row.tied else ""
    return f"{row.means[scenario]:.2f} {mark}".rstrip()


def _remarks(comparison: Comparison, table: list[SchedulerSummary], baseline: str) -> list[str]:
    """What the figures allow to say: the best against the baseline and the next, and where more data is needed."""
    names = [row.name for row in table]
    rivals = dict.fromkeys([baseline, *names[1:2]])
    lines = [
        _claim(names[0], rival, comparison.scores(names[0]), comparison.scores(rival), _episodes(comparison))
        for rival in rivals
        if rival != names[0]
    ]
    lines += _sample_size_warnings(comparison)
    for row in table:
        if 1 < row.runs < FEW_RUNS:
            lines.append(f"{row.name}: only {row.runs} training runs; take {FEW_RUNS} or more for a claim.")
    lines += [f"{name} cannot operate {comparison.scenario.name}: {why}." for name, why in comparison.absent.items()]
    if comparison.trace:
        each = zip(comparison.seeds, comparison.load, strict=True)
        lines.append("load factor by episode: " + ", ".join(f"{seed} {load:.2f}" for seed, load in each))
    return lines


def _best_by_scenario(overall: AcrossSummary) -> Iterator[str]:
    """Who wins where, and against whom that is not resolved."""
    for scenario in overall.scenarios:
        best = overall.best[scenario]
        level = [row.name for row in overall.rows if scenario in row.tied]
        mean = next(row.means[scenario] for row in overall.rows if row.name == best)
        yield f"{scenario}: {best} {mean:.2f}" + (f"; not resolved: {', '.join(level)}." if level else ".")


def _overall_remarks(comparisons: Sequence[Comparison], overall: AcrossSummary) -> Iterator[str]:
    """The best over all scenarios against the baseline and the next."""
    names = [row.name for row in overall.rows if row.score is not None]
    what = f"{len(comparisons)} scenarios x {_episodes(comparisons[0])}"
    for rival in dict.fromkeys([overall.baseline, *names[1:2]]):
        if rival != names[0]:
            ours, theirs = scores_across(comparisons, names[0]), scores_across(comparisons, rival)
            yield "mean over scenarios: " + _claim(names[0], rival, ours, theirs, what)
    yield from _sample_size_warnings(comparisons[0])


def _sample_size_warnings(comparison: Comparison) -> Iterator[str]:
    if len(comparison.seeds) < FEW_EPISODES:
        yield f"Only {_episodes(comparison)}: intervals are rough; take {FEW_EPISODES} or more for a claim."


def _claim(ours: str, theirs: str, scores: Array, reference: Array, what: str) -> str:
    gap = statistics.paired_difference(scores, reference)
    return f"{ours} minus {theirs}: {gap.value:+.2f} (95 % interval {_interval(gap)}, {what}): {_verdict(gap)}."


def _title(comparison: Comparison) -> str:
    files = (comparison.trace,) if isinstance(comparison.trace, str) else comparison.trace or ()
    trace = f", trace {' and '.join(Path(file).name for file in files)}" if files else ""
    first, last = int(comparison.seeds.min()), int(comparison.seeds.max())
    load = f"load factor {comparison.load.min():.2f} to {comparison.load.max():.2f}"
    what = f"{comparison.scenario.name}{trace}: {_episodes(comparison)} ({first} to {last}), {load}"
    return f"{what}; score 100 = the fleet's sustainable output"


def _label(row: SchedulerSummary | OverallSummary) -> str:
    return f"{row.name} ({row.runs} runs)" if row.runs > 1 else row.name


def _difference_cells(paired: Estimate | None) -> tuple[str, str]:
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
