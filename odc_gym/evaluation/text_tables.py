"""Text tables of comparisons. `report` prints them, or writes them as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from odc_gym.evaluation.designs import DesignComparison, DesignFigure, compare_designs, design_figures
from odc_gym.evaluation.headline import headline_kpis
from odc_gym.evaluation.results import Comparison
from odc_gym.evaluation.summary import SchedulerSummary, known_mean, load_strata, select_episodes, summarise
from odc_gym.evaluation.summary_across import (
    AcrossSummary,
    OverallSummary,
    load_strata_across,
    scores_across,
    summarise_across,
)
from odc_gym.evaluation.verdict import answer, episodes, interval, sentence, verdict, with_interval

FEW_RUNS = 5
BEST_MARK, TIED_MARK = "*", "≈"
FORESIGHT = "foresight"
ACROSS = "across scenarios"
_SCORE_NOTE = "score 100 = the fleet's sustainable output; in parentheses: 95 % intervals."
_STANDINGS_NOTE = (
    f"{BEST_MARK} highest mean of the scenario; {TIED_MARK} not resolved: the 95 % interval of the difference holds 0."
)
_OVERALL_NOTE = (
    "Each scenario weighs the same; scores are in % of what its fleet can sustain. mean rank: by mean score in each "
    "scenario, 1 is the best. Intervals are for other episodes of these scenarios, not for other scenarios."
)
_FLEETS_DIFFER = "The fleets differ, so scores compare schedulers only; absolute figures of the fleets are below."
_MORE_KPIS = "--all-metrics prints the reward terms and all KPIs."
_OWN_SCALE = "own scale"
_DECISIVE = ("work", "battery life")  # figures of fleets that the verdict names


@dataclass(frozen=True)
class TextTable:
    """Table of text cells, with the notes below it."""

    title: str
    head: tuple[str, ...]  # the first column names the rows
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    optional: int = 0  # number of last columns that a narrow console leaves out


@dataclass(frozen=True)
class Section:
    """Tables of one scenario, or those across scenarios."""

    name: str
    tables: tuple[TextTable, ...]


@dataclass(frozen=True)
class TextReport:
    """Report of a comparison: it begins with the answers and ends with the verdicts, one line each."""

    answers: tuple[str, ...]
    sections: tuple[Section, ...]
    verdicts: tuple[str, ...]


def text_report(
    comparisons: Sequence[Comparison],
    baseline: str,
    by_load: bool = False,
    all_metrics: bool = False,
    notes: Sequence[str] = (),
) -> TextReport:
    """Return the answer, the tables of each scenario, those across several scenarios, and the verdict.

    Args:
        comparisons: one per scenario.
        baseline: scheduler to which the others are compared.
        by_load: whether to add a table for each third of the load factor.
        all_metrics: whether to show all statistics of scores, the reward terms and all KPIs.
        notes: notes on the whole comparison, below the first table.
    """
    found = [
        Section(c.scenario.name, tuple(_scenario_tables(c, baseline, by_load, all_metrics, () if k else notes)))
        for k, c in enumerate(comparisons)
    ]
    first = comparisons[0]
    if len(comparisons) == 1:
        ranked = _competitors(first, [summary.name for summary in summarise(first, baseline)])
        scores = [first.scores(name) for name in ranked]
        return TextReport(
            (answer(first.scenario.name, ranked, scores, baseline),),
            tuple(found),
            (sentence(comparisons, ranked, baseline),),
        )
    overall = summarise_across(comparisons, baseline)
    ranked = _competitors(first, [row.name for row in overall.rows if row.score is not None])
    scores = [scores_across(comparisons, name) for name in ranked]
    answers = [answer(f"{len(comparisons)} scenarios", ranked, scores, baseline)]
    verdicts = [sentence(comparisons, ranked, baseline)]
    tables = [*_across_tables(comparisons, overall, by_load)]
    designs = compare_designs(comparisons)
    if designs is not None:
        answers.append(_FLEETS_DIFFER)
        shown = ranked if all_metrics else list(dict.fromkeys([ranked[0], baseline]))
        tables += [_design_table(comparisons, designs, name, k == 0) for k, name in enumerate(shown)]
        verdicts.append(_design_verdict(comparisons, designs, ranked[0]))
    found.append(Section(ACROSS, tuple(tables)))
    return TextReport(tuple(answers), tuple(found), tuple(verdicts))


def _competitors(comparison: Comparison, names: Sequence[str]) -> list[str]:
    """Return the names that do not know the future; all if there is no other."""
    return [name for name in names if name not in comparison.foresighted] or list(names)


def _scenario_tables(
    comparison: Comparison, baseline: str, by_load: bool, all_metrics: bool, notes: Sequence[str]
) -> Iterator[TextTable]:
    summaries = summarise(comparison, baseline)
    names = [summary.name for summary in summaries]
    below = [_SCORE_NOTE, *notes, *_notes(comparison, summaries)]
    yield score_table(summaries, baseline, _title(comparison), below, all_metrics)
    if by_load:
        for name, chosen in load_strata(comparison.load).items():
            part = select_episodes(comparison, chosen)
            load = f"factor {part.load.min():.2f} to {part.load.max():.2f}"
            title = f"{comparison.scenario.name}, {name} load: {load}, {episodes(part)}"
            yield score_table(summarise(part, baseline), baseline, title, (), all_metrics)
    if all_metrics:
        yield metric_table(comparison, names)
    else:
        yield headline_table(comparison, names)


def _across_tables(comparisons: Sequence[Comparison], overall: AcrossSummary, by_load: bool) -> Iterator[TextTable]:
    count = f"{len(comparisons)} scenarios"
    each = f"{episodes(comparisons[0])} of each"
    winners = tuple(_best_by_scenario(overall))
    yield standings_table(overall, f"{count}, {each}: mean scores", (_STANDINGS_NOTE, *winners))
    yield overall_table(overall, f"{count}, {each}: over all", (_OVERALL_NOTE,))
    if by_load:
        for name, chosen in load_strata_across(comparisons).items():
            parts = [select_episodes(comparison, chosen) for comparison in comparisons]
            low, high = min(p.load.min() for p in parts), max(p.load.max() for p in parts)
            load = f"{name} load, the third of the episodes by mean load factor ({low:.2f} to {high:.2f})"
            part = summarise_across(parts, overall.baseline)
            title = f"{count}, {load}, {episodes(parts[0])} of each"
            yield standings_table(part, f"{title}: mean scores")
            yield overall_table(part, f"{title}: over all")


def score_table(
    summaries: list[SchedulerSummary],
    baseline: str,
    title: str,
    notes: Sequence[str] = (),
    all_metrics: bool = False,
) -> TextTable:
    """Return the scores with their intervals, one row per scheduler."""
    head = ("scheduler", "score", f"minus {baseline}", "verdict")
    more = ("worst tenth", "P(better)", *(("mid-half mean",) if all_metrics else ()))
    lines = [
        (
            _label(summary),
            with_interval(summary.score),
            *_difference_cells(summary),
            f"{summary.worst:.2f}",
            "-" if summary.improvement is None else f"{summary.improvement.value:.2f}",
            *((with_interval(summary.iqm),) if all_metrics else ()),
        )
        for summary in summaries
    ]
    return TextTable(title, (*head, *more), tuple(lines), tuple(notes), 0 if all_metrics else len(more))


def headline_table(comparison: Comparison, names: Sequence[str]) -> TextTable:
    """Return the means over episodes of the headline KPIs, one row each."""
    lines = [
        (label, *_row_numbers(values)) for label, values in headline_kpis([comparison.metrics(name) for name in names])
    ]
    title = f"{comparison.scenario.name}: headline KPIs, means over episodes"
    return TextTable(title, ("KPI", *names), tuple(lines), (_MORE_KPIS,))


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
    head = ("scheduler", "mean", f"minus {overall.baseline}", "verdict")
    lines = [
        (
            _label(row),
            with_interval(row.score),
            *_difference_cells(row),
            with_interval(row.rank),
            "-" if row.improvement is None else f"{row.improvement.value:.2f}",
        )
        for row in overall.rows
        if row.score is not None and row.rank is not None
    ]
    return TextTable(title, (*head, "mean rank", "P(better)"), tuple(lines), tuple(notes), 2)


def _design_table(
    comparisons: Sequence[Comparison], designs: DesignComparison, name: str, explained: bool
) -> TextTable:
    """Return the absolute figures of fleets that differ, under one scheduler."""
    scores = tuple(float(comparison.scores(name).mean()) for comparison in comparisons)
    lines = []
    for figure in design_figures(comparisons, designs, name):
        for k, fleet in enumerate(designs.names):
            lines.append(
                (
                    f"{figure.name}, {figure.unit}" if k == 0 else "",
                    fleet,
                    _number(figure.means[k]),
                    *_design_difference(figure, k),
                )
            )
    lines += [
        ("score, % of its own fleet" if k == 0 else "", fleet, f"{scores[k]:.2f}", _OWN_SCALE, "-")
        for k, fleet in enumerate(designs.names)
    ]
    head = ("figure", "fleet", "mean", f"minus {designs.names[0]}", "verdict")
    title = f"fleets under {name}: absolute figures, {episodes(comparisons[0])} of each"
    return TextTable(title, head, tuple(lines), tuple(_design_notes(designs)) if explained else ())


def _design_difference(figure: DesignFigure, fleet: int) -> tuple[str, str]:
    difference = figure.differences[fleet]
    if difference is None:
        return "-", "-"
    return with_interval(difference, _form(difference.value), "+"), verdict(difference, "more", "less")


def _design_notes(designs: DesignComparison) -> Iterator[str]:
    """Say that scores have different scales, what scores 100 on each fleet, and whether the work is the same."""
    yield "A score is relative to the output that its own fleet can sustain."
    for name, fleet in zip(designs.names, designs.fleets, strict=True):
        a_day = 24.0 / fleet.episode_h
        yield (
            f"{name}: {fleet.satellites} satellites with {fleet.accelerators} accelerators sustain the work of "
            f"{fleet.sustainable:.4g} reference accelerators; score 100 = value {fleet.reference_value * a_day:.4g} "
            "a day."
        )
    if designs.same_work:
        yield "Every episode offers the same work to all fleets (within 2 %): the differences are those of the fleets."
    else:
        first = designs.names[0]
        ratios = ", ".join(
            f"{name} {ratio:.2f}" for name, ratio in zip(designs.names[1:], designs.offered[1:], strict=True)
        )
        yield (
            f"The offered work differs (times that of {first}: {ratios}), so the differences include those of the work."
        )


def _design_verdict(comparisons: Sequence[Comparison], designs: DesignComparison, name: str) -> str:
    """Return what the fleets do in absolute figures under one scheduler, as a sentence."""
    parts = []
    for figure in design_figures(comparisons, designs, name):
        changes = [(d, fleet) for d, fleet in zip(figure.differences, designs.names, strict=True) if d is not None]
        if figure.name in _DECISIVE and changes:
            most, fleet = max(changes, key=lambda change: change[0].value)
            form = _form(most.value)
            change = f"{most.value:+{form}} {figure.unit} {interval(most, form)}".rstrip()
            parts.append(f"{figure.name} of {fleet} {change}, {verdict(most, 'more', 'less')}")
    return f"Fleets under {name}, minus {designs.names[0]}: {'; '.join(parts)}."


def _form(value: float) -> str:
    """Return the format of a difference: about three digits, no more than the interval deserves."""
    return ".2f" if abs(value) < 10.0 else ".1f" if abs(value) < 100.0 else ".0f"


def _standing(overall: AcrossSummary, row: OverallSummary, scenario: str) -> str:
    if scenario not in row.means:
        return "-"
    mark = BEST_MARK if overall.best[scenario] == row.name else TIED_MARK if scenario in row.tied else ""
    return f"{row.means[scenario]:.2f} {mark}".rstrip()


def _notes(comparison: Comparison, summaries: list[SchedulerSummary]) -> Iterator[str]:
    """List schedulers with few runs, schedulers that are absent, and the load of replayed episodes."""
    for summary in summaries:
        if 1 < summary.runs < FEW_RUNS:
            yield f"{summary.name}: only {summary.runs} training runs; take {FEW_RUNS} or more for a claim."
    yield from (
        f"{summary.name} knows the future: its score is attained by its actions, and no competitor's."
        for summary in summaries
        if summary.foresighted
    )
    yield from (f"{name} cannot operate {comparison.scenario.name}: {why}." for name, why in comparison.absent.items())
    if comparison.trace:
        each = zip(comparison.seeds, comparison.load, strict=True)
        yield "load factor by episode: " + ", ".join(f"{seed} {load:.2f}" for seed, load in each)


def _best_by_scenario(overall: AcrossSummary) -> Iterator[str]:
    """Name the best scheduler of each scenario, and the schedulers from which it is not resolved."""
    for scenario in overall.scenarios:
        best = overall.best[scenario]
        tied = [row.name for row in overall.rows if scenario in row.tied]
        mean = next(row.means[scenario] for row in overall.rows if row.name == best)
        yield f"{scenario}: {best} {mean:.2f}" + (f"; not resolved: {', '.join(tied)}." if tied else ".")


def _title(comparison: Comparison) -> str:
    files = [f"{Path(file.path).name}{' as recorded' * file.as_is}" for file in comparison.trace_files]
    trace = f", trace {' and '.join(files)}" if files else ""
    first, last = int(comparison.seeds.min()), int(comparison.seeds.max())
    load = f"load factor {comparison.load.min():.2f} to {comparison.load.max():.2f}"
    return f"{comparison.scenario.name}{trace}: {episodes(comparison)} ({first} to {last}), {load}"


def _label(row: SchedulerSummary | OverallSummary) -> str:
    marks = [f"{row.runs} runs"] * (row.runs > 1) + [FORESIGHT] * row.foresighted
    return f"{row.name} ({', '.join(marks)})" if marks else row.name


def _difference_cells(row: SchedulerSummary | OverallSummary) -> tuple[str, str]:
    return ("-", "-") if row.paired is None else (with_interval(row.paired, sign="+"), verdict(row.paired))


def _row_numbers(values: Sequence[float]) -> list[str]:
    """Format the values of a row with equally many decimals, about three digits of the largest."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    decimals = 0 if largest >= 1000.0 else 1 if largest >= 10.0 else 2
    return ["-" if math.isnan(value) else f"{value:z.{decimals}f}" for value in values]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"
