"""`odc-gym compare`: the same episodes for every scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odc_gym.cli.common import Force, JsonFile, Overrides, console, load, progress
from odc_gym.errors import OdcGymError

if TYPE_CHECKING:
    from odc_gym.agents import SchedulerFactory
    from odc_gym.scenario import Scenario

FIRST_TEST = 10_000
HEURISTICS = "full-clock,zero,governor,sun-aware,gang-aware"


def compare(
    scenario: Annotated[
        str, typer.Option("--scenario", "-s", help="A scenario's name, or the path of a .yaml file.")
    ] = "starter12",
    agents: Annotated[
        str,
        typer.Option(
            "--agents",
            "-a",
            help="Comma-separated: names of schedulers, Python files with one, folders of training runs, or "
            "NAME=RUN+RUN+... for several training runs of one learned scheduler.",
        ),
    ] = HEURISTICS,
    episodes: Annotated[int, typer.Option("--episodes", "-e", help="How many episodes each scheduler plays.")] = 20,
    first_seed: Annotated[
        int,
        typer.Option(
            help="The first episode: 0-9999 are for training, 10000-10099 for tests, 20000 on for validation."
        ),
    ] = FIRST_TEST,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A job trace that replaces the class it maps to.")
    ] = None,
    overrides: Overrides = None,
    baseline: Annotated[
        str | None, typer.Option(help="Differences are taken to this scheduler. [default: full-clock, else the first]")
    ] = None,
    by_load: Annotated[
        bool, typer.Option("--strata", help="Also print the scores by thirds of the load; on with --trace.")
    ] = False,
    json_file: JsonFile = None,
    force: Force = False,
    workers: Annotated[int | None, typer.Option(help="Processes. [default: one a core]")] = None,
) -> None:
    """Let schedulers play the same episodes and say which is better, and how sure that is."""
    from odc_gym.evaluation import document, evaluate, print_report, write_document
    from odc_gym.evaluation.files import require_free
    from odc_gym.evaluation.report import choose_baseline
    from odc_gym.evaluation.suites import episodes as suite_episodes
    from odc_gym.scenario_files import parse_overrides

    if json_file is not None:
        require_free(json_file, force)
    _, seeds = suite_episodes(first_seed, episodes)
    factories, groups = _contestants(agents)
    world = load(scenario, parse_overrides(overrides or []))
    if trace is not None and not trace.is_file():
        raise OdcGymError(f"--trace {trace}: no such file")
    if baseline is not None and baseline not in (*factories, *groups):
        raise OdcGymError(
            f"--baseline {baseline}: must be one of the compared schedulers ({', '.join((*factories, *groups))})"
        )
    with progress("episodes") as update:
        result = evaluate(world, factories, seeds, trace, workers, update, groups)
    reference = choose_baseline(result, baseline)
    if trace is not None:
        _tell_repeats(trace, world)
    print_report(console(), result, reference, by_load or trace is not None)
    if json_file is not None:
        write_document(json_file, document(result, reference))


def _tell_repeats(trace: Path, scenario: Scenario) -> None:
    """Say in one line that a trace is shorter than an episode with its history, and so repeats."""
    from odc_gym.simulation.tables import CENSUS_S
    from odc_gym.workload import read_trace

    note = read_trace(trace).note(CENSUS_S, 3600.0 * scenario.episode.hours)
    if note:
        console().print(note, markup=False)


def _contestants(text: str) -> tuple[dict[str, SchedulerFactory], dict[str, tuple[str, ...]]]:
    """Factories by name, and the groups of training runs, of an `--agents` value."""
    from odc_gym.agents import scheduler_factory

    factories: dict[str, SchedulerFactory] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for item in (part.strip() for part in text.split(",")):
        if not item:
            raise OdcGymError(f"--agents = {text}: must be names or folders between commas")
        group, equals, runs = item.partition("=")
        members = tuple(runs.split("+")) if equals else (item,)
        for member in members:
            if member in factories:
                raise OdcGymError(f"--agents: {member} is named twice")
            factories[member] = scheduler_factory(member)
        if equals:
            groups[group] = members
    if clash := groups.keys() & factories.keys():
        raise OdcGymError(f"--agents: {min(clash)} names a group and a scheduler")
    return factories, groups
