"""`odc-gym compare`: the same episodes for every scheduler."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.common import Force, JsonFile, Overrides, TraceFiles, console, load, progress, trace_files
from odc_gym.errors import OdcGymError, ScenarioError

if TYPE_CHECKING:
    from odc_gym.agents import SchedulerFactory
    from odc_gym.scenario import Scenario

FIRST_TEST = 10_000
HEURISTICS = "full-clock,zero,governor,sun-aware,gang-aware"
DEFAULT_SCENARIO, ALL = "starter12", "all"
STDOUT = Path("-")


def compare(
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            "-s",
            help="Comma-separated, or repeated: names of scenarios, paths of .yaml files, or `all` that come with the "
            f"package. With several, tables across them follow. [default: {DEFAULT_SCENARIO}]",
        ),
    ] = None,
    agents: Annotated[
        str,
        typer.Option(
            "--agents",
            "-a",
            help="Comma-separated: names of schedulers, with numbers for their parameters as in "
            "'fixed-clock(0.7)' if you like, Python files with one, folders of training runs, or NAME=RUN+RUN+... for "
            "several training runs of one learned scheduler; `all` for every scheduler of the package.",
        ),
    ] = HEURISTICS,
    episodes: Annotated[int, typer.Option("--episodes", "-e", help="How many episodes each scheduler plays.")] = 20,
    first_seed: Annotated[
        int,
        typer.Option(
            help="The first episode: 0-9999 are for training, 10000-10099 for tests, 20000 on for validation."
        ),
    ] = FIRST_TEST,
    trace: TraceFiles = None,
    overrides: Overrides = None,
    baseline: Annotated[
        str | None, typer.Option(help="Differences are taken to this scheduler. [default: full-clock, else the first]")
    ] = None,
    by_load: Annotated[
        bool, typer.Option("--strata", help="Also print the scores by thirds of the load; on with --trace.")
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep each finished episode in this folder, and play only those that are not there: what was "
            "interrupted goes on. A change of scenario, trace, scheduler or code is played anew.",
        ),
    ] = None,
    json_file: JsonFile = None,
    markdown_file: Annotated[
        Path | None,
        typer.Option(
            "--markdown",
            metavar="FILE",
            help="Also write the tables as Markdown; `-` prints it in place of the tables.",
        ),
    ] = None,
    dated: Annotated[
        bool,
        typer.Option("--date", help="Put today's date into the Markdown; without it, equal results are equal files."),
    ] = False,
    force: Force = False,
    workers: Annotated[int | None, typer.Option(help="Processes. [default: one a core]")] = None,
) -> None:
    """Let schedulers play the same episodes and say which is better, and how sure that is."""
    from odc_gym.agents import scheduler_identity
    from odc_gym.evaluation import Store, document, documents, evaluate_all, print_report, write_document, write_text
    from odc_gym.evaluation import markdown as as_markdown
    from odc_gym.evaluation.files import require_free
    from odc_gym.evaluation.suites import episodes as suite_episodes
    from odc_gym.evaluation.summary import choose_baseline

    for file in (json_file, markdown_file):
        if file is not None and file != STDOUT:
            require_free(file, force)
    _, seeds = suite_episodes(first_seed, episodes)
    factories, groups = _contestants(agents)
    scenarios = _worlds(scenario or [DEFAULT_SCENARIO], overrides or [])
    files = trace_files(trace)
    try:
        reference = choose_baseline((*factories, *groups), baseline)
    except OdcGymError as error:
        raise OdcGymError(f"--{error}") from None
    kept = None if store is None else Store(store, {name: scheduler_identity(name) for name in factories})
    required = factories if len(scenarios) == 1 else groups.get(reference, (reference,))
    with progress("episodes") as update:
        results = evaluate_all(scenarios, factories, seeds, files, workers, update, groups, kept, required)
    by_load = by_load or bool(files)
    if markdown_file != STDOUT:
        for note in _notes(files, scenarios):
            console().print(note, markup=False)
        print_report(console(), results, reference, by_load)
    if markdown_file is not None:
        command = _command(
            scenario or [DEFAULT_SCENARIO], agents, seeds, trace or [], overrides or [], baseline, by_load
        )
        text = as_markdown(results, reference, by_load, command, date.today().isoformat() if dated else None)
        typer.echo(text, nl=False) if markdown_file == STDOUT else write_text(markdown_file, text)
    if json_file is not None:
        one = len(results) == 1
        write_document(json_file, document(results[0], reference) if one else documents(results, reference))


def _worlds(sources: Sequence[str], overrides: list[str]) -> list[Scenario]:
    """The scenarios of all `--scenario` values; errors of one of several begin with its name."""
    from odc_gym.scenario.files import names, parse_overrides

    changes = parse_overrides(overrides)
    chosen: list[str] = []
    for source in sources:
        for name in _parts(source, ",", "--scenario"):
            chosen += names() if name == ALL else [name]
    scenarios = []
    for name in chosen:
        loaded = load(name, {})
        try:
            scenarios.append(loaded.replace(changes) if changes else loaded)
        except ScenarioError as error:
            raise ScenarioError(str(error) if len(chosen) == 1 else f"{name}: {error}") from None
    return scenarios


def _command(
    scenario: Sequence[str],
    agents: str,
    seeds: Sequence[int],
    traces: Sequence[Path],
    overrides: Sequence[str],
    baseline: str | None,
    by_load: bool,
) -> str:
    """The command that gives the same numbers."""
    options: list[tuple[str, Any]] = [("--scenario", ",".join(scenario)), ("--agents", agents)]
    options += [("--episodes", len(seeds)), ("--first-seed", seeds[0])]
    options += [("--trace", trace) for trace in traces] + [("--set", change) for change in overrides]
    options += [("--baseline", baseline)] * (baseline is not None)
    words = ["odc-gym", "compare", *(str(word) for option in options for word in option), *["--strata"] * by_load]
    return shlex.join(words)


def _notes(files: Sequence[Path], scenarios: Sequence[Scenario]) -> list[str]:
    """Lines on rows of the traces that were left out, and on traces shorter than an episode with its history."""
    from odc_gym.tables.fleet.fleet_model import FleetModel
    from odc_gym.workload import as_trace

    trace = as_trace(files) if files else None
    notes = [FleetModel(scenario, trace).trace_note() for scenario in scenarios if trace]
    return list(dict.fromkeys(note for note in notes if note))


def _contestants(text: str) -> tuple[dict[str, SchedulerFactory], dict[str, tuple[str, ...]]]:
    """Factories by name, and the groups of training runs, of an `--agents` value."""
    from odc_gym.agents import scheduler_factory, scheduler_names

    factories: dict[str, SchedulerFactory] = {}
    groups: dict[str, tuple[str, ...]] = {}
    items = [name for item in _parts(text, ",", "--agents") for name in (scheduler_names() if item == ALL else [item])]
    for item in items:
        group, equals, runs = item.partition("=")
        is_group = bool(equals) and "(" not in group  # parameters of a rule have their own signs
        members = tuple(_parts(runs, "+", "--agents")) if is_group else (item,)
        for member in members:
            if member in factories:
                raise OdcGymError(f"--agents: {member} is named twice")
            factories[member] = scheduler_factory(member)
        if is_group:
            groups[group] = members
    if clash := groups.keys() & factories.keys():
        raise OdcGymError(f"--agents: {min(clash)} names a group and a scheduler")
    return factories, groups


def _parts(text: str, sign: str, option: str) -> list[str]:
    """What stands between the signs that are not in parentheses.

    Raises:
        OdcGymError: nothing stands somewhere.
    """
    from odc_gym.agents import split_names

    parts = split_names(text, sign)
    if not all(parts):
        raise OdcGymError(f"{option} = {text}: must be names, files or folders with {sign!r} between them")
    return parts
