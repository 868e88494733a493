"""Text tables of comparisons. `report` prints them, or writes them as Markdown."""

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
    """Table of text cells, with the notes below it."""

    title: str
    head: tuple[str, ...]  # the first column names the rows
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Tables of one scenario, or those across scenarios."""

    name: str
    tables: tuple[TextTable, ...]


def sections(comparisons: Sequence[Comparison], baseline: str, by_load: bool) -> list[Section]:
    """Return the tables of each scenario and, with several scenarios, the tables across them.

    Args:
        comparisons: one per scenario.
        baseline: scheduler to which the others are compared.
        by_load: whether to add a table for each third of the load factor.
    """
    found = [Section(c.scenario.name, tuple(_scenario_tables(c, baseline, by_load))) for c in comparisons]
    if len(comparisons) > 1:
        found.append(Section(ACROSS, tuple(_across_tables(comparisons, baseline, by_load))))
    return found


def _scenario_tables(comparison: Comparison, baseline: str, by_load: bool) -> list[TextTable]:
    summaries = summarise(comparison, baseline)
    tables = [score_table(summaries, baseline, _title(comparison), _notes(comparison, summaries, baseline))]
    if by_load:
        for name, episodes in load_strata(comparison.load).items():
            part = select_episodes(comparison, episodes)
            load = f"factor {part.load.min():.2f} to {part.load.max():.2f}"
            title = f"{comparison.scenario.name}, {name} load: {load}, {_episodes(part)}"
            tables.append(score_table(summarise(part, baseline), baseline, title))
    return [*tables, metric_table(comparison, [summary.name for summary in summaries])]


def _across_tables(comparisons: Sequence[Comparison], baseline: str, by_load: bool) -> list[TextTable]:
    count = f"{len(comparisons)} scenarios"
    each = f"{_episodes(comparisons[0])} of each"
    overall = summarise_across(comparisons, baseline)
    winners = tuple(_best_by_scenario(overall))
    tables = [
        standings_table(overall, f"{count}, {each}: mean scores", (_STANDINGS_NOTE, *winners)),
        overall_table(overall, f"{count}, {each}: over all", (_OVERALL_NOTE, *_overall_notes(comparisons, overall))),
    ]
    if by_load:
        for name, episodes in load_strata_across(comparisons).items():
            parts = [select_episodes(comparison, episodes) for comparison in comparisons]
            low, high = min(p.load.min() for p in parts), max(p.load.max() for p in parts)
            load = f"{name} load, the third of the episodes by mean load factor ({low:.2f} to {high:.2f})"
            part, title = summarise_across(parts, baseline), f"{count}, {load}, {_episodes(parts[0])} of each"
            tables += [standings_table(part, f"{title}: mean scores"), overall_table(part, f"{title}: over all")]
    return tables


def score_table(summaries: list[SchedulerSummary], baseline: str, title: str, notes: Sequence[str] = ()) -> TextTable:
    """Return the scores with their intervals, one row per scheduler."""
    head = ("scheduler", "score", "95 % interval", f"minus {baseline}", "95 % interval", "verdict")
    lines = [
        (
            _label(summary),
            f"{summary.score.value:.2f}",
            _interval(summary.score),
            *_difference_cells(summary.paired),
            "-" if summary.paired is None else _verdict(summary.paired),
            f"{summary.iqm.value:.2f}",
            f"{summary.worst:.2f}",
            "-" if summary.improvement is None else f"{summary.improvement.value:.2f}",
        )
        for summary in summaries
    ]
    return TextTable(title, (*head, "mid-half mean", "worst tenth", "P(better)"), tuple(lines), tuple(notes))


def metric_table(comparison: Comparison, names: Sequence[str]) -> TextTable:
    """Return the means over episodes of reward terms and KPIs, one row each."""
    lines = []
    for prefix, kind in (("reward/", comparison.terms), ("", comparison.metrics)):
        tables = [kind(name) for name in names]
        lines += [(prefix + key, *(_number(known_mean(table[key])) for table in tables)) for key in tables[0]]
    return TextTable(f"{comparison.scenario.name}: means over episodes", ("reward term or KPI", *names), tuple(lines))


def standings_table(overall: AcrossSummary, title: str, notes: Sequence[str] = ()) -> TextTable:
    """Return the mean scores, one row per scheduler and one column per scenario."""
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
    """Return the means over all scenarios, one row per scheduler that can operate all of them."""
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


def _notes(comparison: Comparison, summaries: list[SchedulerSummary], baseline: str) -> list[str]:
    """Compare the best scheduler with the baseline and the second best, and list warnings about small samples."""
    names = [summary.name for summary in summaries]
    references = dict.fromkeys([baseline, *names[1:2]])
    lines = [
        _difference_note(names[0], other, comparison.scores(names[0]), comparison.scores(other), _episodes(comparison))
        for other in references
        if other != names[0]
    ]
    lines += _sample_size_warnings(comparison)
    for summary in summaries:
        if 1 < summary.runs < FEW_RUNS:
            lines.append(f"{summary.name}: only {summary.runs} training runs; take {FEW_RUNS} or more for a claim.")
    lines += [f"{name} cannot operate {comparison.scenario.name}: {why}." for name, why in comparison.absent.items()]
    if comparison.trace:
        each = zip(comparison.seeds, comparison.load, strict=True)
        lines.append("load factor by episode: " + ", ".join(f"{seed} {load:.2f}" for seed, load in each))
    return lines


def _best_by_scenario(overall: AcrossSummary) -> Iterator[str]:
    """Name the best scheduler of each scenario, and the schedulers from which it is not resolved."""
    for scenario in overall.scenarios:
        best = overall.best[scenario]
        tied = [row.name for row in overall.rows if scenario in row.tied]
        mean = next(row.means[scenario] for row in overall.rows if row.name == best)
        yield f"{scenario}: {best} {mean:.2f}" + (f"; not resolved: {', '.join(tied)}." if tied else ".")


def _overall_notes(comparisons: Sequence[Comparison], overall: AcrossSummary) -> Iterator[str]:
    """Compare the best scheduler over all scenarios with the baseline and the second best."""
    names = [row.name for row in overall.rows if row.score is not None]
    episodes = f"{len(comparisons)} scenarios x {_episodes(comparisons[0])}"
    for other in dict.fromkeys([overall.baseline, *names[1:2]]):
        if other != names[0]:
            ours, theirs = scores_across(comparisons, names[0]), scores_across(comparisons, other)
            yield "mean over scenarios: " + _difference_note(names[0], other, ours, theirs, episodes)
    yield from _sample_size_warnings(comparisons[0])


def _sample_size_warnings(comparison: Comparison) -> Iterator[str]:
    if len(comparison.seeds) < FEW_EPISODES:
        yield f"Only {_episodes(comparison)}: intervals are rough; take {FEW_EPISODES} or more for a claim."


def _difference_note(ours: str, theirs: str, scores: Array, reference: Array, episodes: str) -> str:
    difference = statistics.paired_difference(scores, reference)
    interval = f"95 % interval {_interval(difference)}, {episodes}"
    return f"{ours} minus {theirs}: {difference.value:+.2f} ({interval}): {_verdict(difference)}."


def _title(comparison: Comparison) -> str:
    files = [f"{Path(file.path).name}{' as recorded' * file.as_is}" for file in comparison.trace_files]
    trace = f", trace {' and '.join(files)}" if files else ""
    first, last = int(comparison.seeds.min()), int(comparison.seeds.max())
    load = f"load factor {comparison.load.min():.2f} to {comparison.load.max():.2f}"
    played = f"{comparison.scenario.name}{trace}: {_episodes(comparison)} ({first} to {last}), {load}"
    return f"{played}; score 100 = the fleet's sustainable output"


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
