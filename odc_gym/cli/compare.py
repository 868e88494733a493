"""Command `odc-gym compare`: several schedulers play the same episodes."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.bounds import bound_document, bounds_of, share_table
from odc_gym.cli.common import (
    REPORT_WIDTH,
    Force,
    JsonFile,
    Overrides,
    SchedulerNames,
    TraceAsIs,
    TraceFiles,
    TraceFormats,
    Workers,
    console,
    load,
    progress,
    trace_files,
)
from odc_gym.cli.values import complete_scenarios, complete_schedulers, whole_number
from odc_gym.defaults import DEFAULT_SCENARIO
from odc_gym.errors import OdcGymError, ScenarioError

if TYPE_CHECKING:
    from odc_gym.agents import SchedulerFactory
    from odc_gym.evaluation import Comparison, Store
    from odc_gym.scenario import Scenario
    from odc_gym.workload import TraceFile

FIRST_TEST = 10_000
NOTED_S = 5e-3  # time of a decision from which it is printed
HEURISTICS = "full-clock,zero,governor,sun-aware,gang-aware,tuned"
ALL = "all"
STDOUT = Path("-")

Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        "-s",
        help="Names of scenarios or paths of .yaml files, comma-separated or repeated; `all` for every scenario of the "
        "package but the large fleets. Several scenarios add tables across them.",
        autocompletion=complete_scenarios,
        show_default=DEFAULT_SCENARIO,
    ),
]
Schedulers = Annotated[
    str | None,
    typer.Option(
        "--agents",
        "-a",
        help="Comma-separated schedulers: names, optionally with parameters as in 'fixed-clock(0.7)'; Python files "
        "with one scheduler; folders of training runs; NAME=RUN+RUN+... for several training runs of one learned "
        "scheduler; `all` for every rule of the package, without planners, which take longer.",
        show_default=HEURISTICS,
        autocompletion=complete_schedulers,
    ),
]
Episodes = Annotated[
    int,
    typer.Option(
        "--episodes", "-e", parser=whole_number, metavar="N", help="Number of episodes that each scheduler plays."
    ),
]
FirstSeed = Annotated[
    int,
    typer.Option(
        parser=whole_number,
        metavar="N",
        help="Number of the first episode: 0-9999 are for training, 10000-10099 for tests, 20000 and above for "
        "validation.",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        help="Scheduler to which the others are compared.", show_default="zero, else full-clock, else the first"
    ),
]
ByLoad = Annotated[
    bool,
    typer.Option("--strata", help="Also print the scores by thirds of the load. --trace turns this on."),
]
AllMetrics = Annotated[
    bool,
    typer.Option("--all-metrics", help="Print all statistics of the scores, the reward terms and all KPIs."),
]
StoreFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Store each finished episode in this folder, and play only the episodes that it lacks. An interrupted "
        "comparison continues. A change of scenario, trace, scheduler or code makes its episodes be played again.",
    ),
]
MarkdownFile = Annotated[
    Path | None,
    typer.Option(
        "--markdown", metavar="FILE", help="Also write the tables as Markdown; `-` prints it instead of the tables."
    ),
]
HtmlFile = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Also write the report as one HTML page, with pictures of the scores, lost hours and energy. It needs no "
        "network.",
    ),
]
WithBound = Annotated[
    bool,
    typer.Option("--bound", help="Also show the share of each episode's certified bound, see `odc-gym bound`."),
]
Dated = Annotated[
    bool,
    typer.Option("--date", help="Write today's date into the Markdown. Without it, equal results give equal files."),
]


def compare(
    names: SchedulerNames = None,
    scenario: Scenarios = None,
    schedulers: Schedulers = None,
    episodes: Episodes = 20,
    first_seed: FirstSeed = FIRST_TEST,
    trace: TraceFiles = None,
    trace_format: TraceFormats = None,
    trace_as_is: TraceAsIs = False,
    overrides: Overrides = None,
    baseline: Baseline = None,
    by_load: ByLoad = False,
    all_metrics: AllMetrics = False,
    store: StoreFolder = None,
    with_bound: WithBound = False,
    json_file: JsonFile = None,
    markdown_file: MarkdownFile = None,
    html_file: HtmlFile = None,
    dated: Dated = False,
    force: Force = False,
    workers: Workers = None,
) -> None:
    """Let schedulers play the same episodes, and report which is better with confidence intervals."""
    from odc_gym.evaluation import markdown, write_document
    from odc_gym.evaluation.report import print_tables
    from odc_gym.evaluation.suites import episodes as suite_episodes

    schedulers = join_schedulers(names, schedulers) or HEURISTICS
    _require_free((json_file, markdown_file, html_file), force)
    _, seeds = suite_episodes(first_seed, episodes)
    files = trace_files(trace, trace_format, trace_as_is)
    results, reference = play(scenario, schedulers, seeds, files, overrides, baseline, store, workers)
    by_load = by_load or bool(files)
    bounds = bounds_of(results, store) if with_bound else []
    if markdown_file != STDOUT:
        print_comparison(results, reference, by_load, all_metrics, files)
        print_tables(console(REPORT_WIDTH), [share_table(*each) for each in zip(results, bounds, strict=False)])
    sources = scenario or [DEFAULT_SCENARIO]
    traced = trace_options(trace or [], trace_format or [], trace_as_is)
    switches = ["--strata"] * by_load + ["--all-metrics"] * all_metrics + ["--bound"] * with_bound
    command = command_line(sources, schedulers, seeds, traced, overrides or [], baseline, switches)
    if markdown_file is not None:
        text = markdown(results, reference, by_load, command, date.today().isoformat() if dated else None, all_metrics)
        _write_markdown(markdown_file, text)
    data = comparison_document(results, reference) if json_file or html_file else {}
    for comparison, points in zip(results, bounds, strict=False):
        if data:
            one = data if len(results) == 1 else data["scenarios"][comparison.scenario.name]
            one["bound"] = bound_document(comparison, points)
    if json_file is not None:
        write_document(json_file, data)
    if html_file is not None:
        changes = [word for change in overrides or [] for word in ("--set", change)]
        write_page(html_file, data, results, command, _chosen(sources), [*changes, *traced])


def play(
    scenario: list[str] | None,
    schedulers: str,
    seeds: Sequence[int],
    files: Sequence[TraceFile],
    overrides: list[str] | None = None,
    baseline: str | None = None,
    store: Path | None = None,
    workers: int | None = None,
) -> tuple[list[Comparison], str]:
    """Play the episodes of a comparison; arguments are those of the command. Return the results and the baseline."""
    from odc_gym.evaluation import evaluate_all

    factories, groups = _factories(schedulers)
    scenarios = _scenarios(scenario or [DEFAULT_SCENARIO], overrides or [])
    reference = _baseline((*factories, *groups), baseline)
    kept = _store(store, factories)
    required = factories if len(scenarios) == 1 else groups.get(reference, (reference,))
    with progress("episodes") as update:
        results = evaluate_all(scenarios, factories, seeds, files, workers, update, groups, kept, required)
    return results, reference


def _require_free(outputs: Sequence[Path | None], force: bool) -> None:
    """Check before long work that the output files can be written."""
    from odc_gym.evaluation.files import require_free

    for file in outputs:
        if file is not None and file != STDOUT:
            require_free(file, force)


def join_schedulers(names: Sequence[str] | None, option: str | None) -> str:
    """Return the schedulers that are given as arguments and by `--agents`, as one comma-separated text."""
    return ",".join([*(names or []), *([] if option is None else [option])])


def split_schedulers(text: str) -> list[str]:
    """Split an `--agents` value into schedulers and groups, with all rules of the package in the place of `all`."""
    from odc_gym.agents import rule_names

    return [name for item in _split(text, ",", "--agents") for name in (rule_names() if item == ALL else [item])]


def _factories(text: str) -> tuple[dict[str, SchedulerFactory], dict[str, tuple[str, ...]]]:
    """Parse an `--agents` value into factories by name and groups of training runs."""
    from odc_gym.agents import scheduler_factory

    factories: dict[str, SchedulerFactory] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for item in split_schedulers(text):
        group, equals, runs = item.partition("=")
        is_group = bool(equals) and "(" not in group  # an equals sign in parentheses sets a parameter
        members = tuple(_split(runs, "+", "--agents")) if is_group else (item,)
        for member in members:
            if member in factories:
                raise OdcGymError(f"--agents: {member} is named twice")
            factories[member] = scheduler_factory(member)
        if is_group:
            groups[group] = members
    if clash := groups.keys() & factories.keys():
        raise OdcGymError(f"--agents: {min(clash)} names a group and a scheduler")
    return factories, groups


def _scenarios(sources: Sequence[str], overrides: list[str]) -> list[Scenario]:
    """Load the scenarios of all `--scenario` values. With several, an error begins with the scenario's name."""
    from odc_gym.scenario.files import parse_overrides

    changes, chosen = parse_overrides(overrides), _chosen(sources)
    scenarios = []
    for name in chosen:
        loaded = load(name, {})
        try:
            scenarios.append(loaded.replace(changes) if changes else loaded)
        except ScenarioError as error:
            raise ScenarioError(str(error) if len(chosen) == 1 else f"{name}: {error}") from None
    return scenarios


def _chosen(sources: Sequence[str]) -> list[str]:
    """Return the names and files of all `--scenario` values, with all names of the package in the place of `all`."""
    from odc_gym.scenario.files import names

    chosen: list[str] = []
    for source in sources:
        for name in _split(source, ",", "--scenario"):
            chosen += names(large=False) if name == ALL else [name]
    return chosen


def _split(text: str, separator: str, option: str) -> list[str]:
    """Split an option's value at the separators outside parentheses.

    Raises:
        OdcGymError: a part is empty.
    """
    from odc_gym.agents import split_names

    parts = split_names(text, separator)
    if not all(parts):
        raise OdcGymError(f"{option} = {text}: must be names, files or folders with {separator!r} between them")
    return parts


def _baseline(names: Sequence[str], wanted: str | None) -> str:
    """Return the baseline; an error names the option."""
    from odc_gym.evaluation.summary import choose_baseline

    try:
        return choose_baseline(names, wanted)
    except OdcGymError as error:
        raise OdcGymError(f"--{error}") from None


def _store(folder: Path | None, names: Collection[str]) -> Store | None:
    """Open the store of finished episodes, if a folder is given."""
    from odc_gym.agents import scheduler_identity
    from odc_gym.evaluation import Store

    return None if folder is None else Store(folder, {name: scheduler_identity(name) for name in names})


def print_comparison(
    comparisons: Sequence[Comparison], baseline: str, by_load: bool, all_metrics: bool, files: Sequence[TraceFile]
) -> None:
    """Print the report with the notes on traces."""
    from odc_gym.evaluation import print_report

    notes = _trace_notes(files, [comparison.scenario for comparison in comparisons]) + _time_notes(comparisons)
    print_report(console(REPORT_WIDTH), comparisons, baseline, by_load, all_metrics, notes)


def _time_notes(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a note on the schedulers that took long for a decision; files do not hold it."""
    longest: dict[str, float] = {}
    for comparison in comparisons:
        for name, result in comparison.results.items():
            if result.seconds >= NOTED_S:  # which NaN is not
                longest[name] = max(result.seconds, longest.get(name, 0.0))
    times = ", ".join(f"{name} {seconds:.3f}" for name, seconds in longest.items())
    return [f"seconds a decision: {times}; all others less than {NOTED_S:g}."] if times else []


def _trace_notes(files: Sequence[TraceFile], scenarios: Sequence[Scenario]) -> list[str]:
    """List notes on omitted rows of traces, and on traces shorter than an episode with its history."""
    from odc_gym.tables.fleet.fleet_model import FleetModel
    from odc_gym.workload import as_trace

    trace = as_trace(files) if files else None
    notes = [FleetModel(scenario, trace).trace_note() for scenario in scenarios if trace]
    return list(dict.fromkeys(note for note in notes if note))


def command_line(
    sources: Sequence[str],
    schedulers: str,
    seeds: Sequence[int],
    traced: Sequence[str],
    overrides: Sequence[str],
    baseline: str | None,
    switches: Sequence[str],
) -> str:
    """Return the command that reproduces the numbers."""
    options: list[tuple[str, Any]] = [("--scenario", ",".join(sources)), ("--agents", schedulers)]
    options += [("--episodes", len(seeds)), ("--first-seed", seeds[0])]
    options += [("--set", change) for change in overrides]
    options += [("--baseline", baseline)] * (baseline is not None)
    words = [str(word) for option in options for word in option]
    return shlex.join(["odc-gym", "compare", *words, *traced, *switches])


def trace_options(traces: Sequence[Path], formats: Sequence[str], as_is: bool) -> list[str]:
    """Return the options of the command that give its traces."""
    options = [("--trace", str(trace)) for trace in traces] + [("--trace-format", name) for name in formats]
    return [*(word for option in options for word in option), *["--trace-as-is"] * as_is]


def _write_markdown(file: Path, text: str) -> None:
    """Write a report in Markdown to a file or to stdout."""
    from odc_gym.evaluation import write_text

    if file == STDOUT:
        typer.echo(text, nl=False)
    else:
        write_text(file, text)


def comparison_document(comparisons: Sequence[Comparison], baseline: str) -> dict[str, Any]:
    """Return the comparison of one scenario, or those of several, as JSON data."""
    from odc_gym.evaluation import document, documents

    return documents(comparisons, baseline) if len(comparisons) > 1 else document(comparisons[0], baseline)


def write_page(
    file: Path,
    data: Mapping[str, Any],
    comparisons: Sequence[Comparison],
    command: str,
    sources: Sequence[str],
    options: Sequence[str],
    remarks: Sequence[str] = (),
    learning: Sequence[tuple[float, float]] = (),
) -> None:
    """Write the report of a comparison as an HTML page.

    Args:
        file: file to write.
        data: comparison as JSON data.
        comparisons: one per scenario.
        command: command that repeats the comparison.
        sources: name or file of each scenario.
        options: overrides and traces, as options of `odc-gym record`.
        remarks: sentences below the verdict.
        learning: decisions so far and mean score of each validation of a training.
    """
    from odc_gym.evaluation import write_text
    from odc_gym.pages.report.page import Origin, comparison_page

    scenarios = [comparison.scenario for comparison in comparisons]
    places = dict(zip((scenario.name for scenario in scenarios), sources, strict=True))
    origin = Origin(command, places, tuple(options), file.parent, tuple(remarks), tuple(learning))
    write_text(file, comparison_page(data, scenarios, origin))
