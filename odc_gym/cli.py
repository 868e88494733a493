"""The command line: `odc-gym compare | scenario | train`.

Commands import what they need when they run, so that `--help` and errors come at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from odc_gym.errors import OdcGymError

if TYPE_CHECKING:
    from rich.console import Console

    from odc_gym.agents import SchedulerFactory
    from odc_gym.scenario import Scenario

PIPED_WIDTH = 160  # of tables when the output is not a terminal
INTERRUPTED = 130  # exit code, as shells give it for Ctrl-C
BAD_INPUT = 2


class _Interrupted(Exception):
    """Ctrl-C in a command."""


class _Commands(TyperGroup):
    """Commands whose interruption reaches `main`; what the library does with it differs between its versions."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _Interrupted from None


app = typer.Typer(
    name="odc-gym",
    cls=_Commands,
    help="Schedule AI compute on a constellation of orbital data-centre satellites.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
scenarios = typer.Typer(help="List, show and check scenarios.", no_args_is_help=True)
app.add_typer(scenarios, name="scenario")

ScenarioName = Annotated[str, typer.Argument(help="A name from `odc-gym scenario list`, or the path of a .yaml file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change a field, e.g. hardware.*.battery.capacity_wh=9000. Repeatable."
    ),
]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the results as JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing JSON file.")]
FIRST_TEST = 10_000
HEURISTICS = "full-clock,zero,governor,sun-aware,gang-aware"


@app.command()
def compare(
    scenario: Annotated[
        str, typer.Option("--scenario", "-s", help="A scenario's name, or the path of a .yaml file.")
    ] = "starter12",
    agents: Annotated[
        str,
        typer.Option(
            "--agents",
            "-a",
            help="Comma-separated: names of schedulers, folders of training runs, or NAME=RUN+RUN+... for several "
            "training runs of one learned scheduler.",
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
    from odc_gym.evaluation.report import choose_baseline, require_free
    from odc_gym.evaluation.suites import episodes as suite_episodes
    from odc_gym.scenario_files import parse_overrides

    if json_file is not None:
        require_free(json_file, force)
    _, seeds = suite_episodes(first_seed, episodes)
    factories, groups = _contestants(agents)
    world = _load(scenario, parse_overrides(overrides or []))
    if trace is not None and not trace.is_file():
        raise OdcGymError(f"--trace {trace}: no such file")
    if baseline is not None and baseline not in (*factories, *groups):
        raise OdcGymError(
            f"--baseline {baseline}: must be one of the compared schedulers ({', '.join((*factories, *groups))})"
        )
    with _progress("episodes") as update:
        result = evaluate(world, factories, seeds, trace, workers, update, groups)
    reference = choose_baseline(result, baseline)
    if trace is not None:
        _tell_repeats(trace, world)
    print_report(_console(), result, reference, by_load or trace is not None)
    if json_file is not None:
        write_document(json_file, document(result, reference))


@app.command("agents")
def list_agents() -> None:
    """List the schedulers that come with the package, and the rule of each."""
    from rich.table import Table

    from odc_gym.agents import scheduler_rules

    table = Table()
    table.add_column("scheduler", no_wrap=True)
    table.add_column("rule")
    for name, rule in scheduler_rules().items():
        table.add_row(name, rule)
    _console().print(table)


@scenarios.command("list")
def list_scenarios() -> None:
    """List the scenarios that come with the package."""
    from rich.table import Table

    from odc_gym.scenario_files import names

    table = Table()
    table.add_column("scenario", no_wrap=True)
    table.add_column("description")
    for name in names():
        table.add_row(name, _load(name, {}).description)
    _console().print(table)


@scenarios.command("show")
def show_scenario(scenario: ScenarioName, overrides: Overrides = None) -> None:
    """Print a scenario with all its fields as YAML, ready to be saved, edited and used by path."""
    import yaml

    from odc_gym.scenario_files import parse_overrides

    world = _load(scenario, parse_overrides(overrides or []))
    typer.echo(yaml.safe_dump(world.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120), nl=False)


@scenarios.command("check")
def check_scenario(
    scenario: ScenarioName, overrides: Overrides = None, json_file: JsonFile = None, force: Force = False
) -> None:
    """Print what a scenario's satellites can sustain in energy and heat, and how the offered load compares."""
    from rich.table import Table

    from odc_gym.evaluation.report import require_free, write_document
    from odc_gym.scenario_files import parse_overrides
    from odc_gym.simulation.closures import check

    if json_file is not None:
        require_free(json_file, force)
    world = _load(scenario, parse_overrides(overrides or []))
    rows = check(world)
    each = (f"{name} with {h.accelerators.count} x {h.accelerators.kind}" for name, h in world.hardware.items())
    table = Table(title=f"{world.name}: satellites {', '.join(each)}", title_justify="left")
    table.add_column("quantity", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("note")
    for name, value, unit, note in rows:
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value), unit, note)
    _console().print(table)
    if json_file is not None:
        write_document(
            json_file, {name: {"value": value, "unit": unit, "note": note} for name, value, unit, note in rows}
        )


def _tell_repeats(trace: Path, scenario: Scenario) -> None:
    """Say in one line that a trace is shorter than an episode with its history, and so repeats."""
    from odc_gym.simulation.tables import CENSUS_S
    from odc_gym.workload import read_trace

    note = read_trace(trace).note(CENSUS_S, 3600.0 * scenario.episode.hours)
    if note:
        _console().print(note, markup=False)


@app.command()
def train(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Training configuration. [default: the package's ppo.yaml]")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with the training run in this folder.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training run. [default: the configuration's]")] = None,
    n_timesteps: Annotated[
        int | None, typer.Option("--n-timesteps", "-n", help="Decisions to train for. [default: the configuration's]")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the run. [default: a new one in runs/]"),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change one field of the configuration. Repeatable."),
    ] = None,
    test_episodes: Annotated[
        int,
        typer.Option(
            help="Test episodes of the comparison with the heuristics that follows, 0 for none; it also goes to "
            "report.json in the run's folder."
        ),
    ] = 20,
) -> None:
    """Train a scheduler by reinforcement learning, then compare it with the heuristics.

    Prints the folder of the run, which `odc-gym compare` takes as a scheduler.
    """
    from odc_gym.evaluation.suites import episodes
    from odc_gym.scenario_files import parse_overrides

    if test_episodes:
        episodes(FIRST_TEST, test_episodes)  # refuses a wrong number before the training, not after it
    changed = parse_overrides(overrides or [])
    try:
        from odc_gym.training.run import train as train_run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("odc_gym"):
            raise
        raise OdcGymError(f"training needs {error.name}: pip install 'odc-gym[rl]'") from None
    folder = train_run(
        config=config,
        resume=resume,
        seed=seed,
        n_timesteps=n_timesteps,
        output=output,
        overrides=changed,
        progress=sys.stderr.isatty(),
    )
    typer.echo(folder)
    if test_episodes:
        _compare_run(Path(folder), test_episodes)


def _compare_run(folder: Path, episodes: int) -> None:
    """Compare a training run with the heuristics on test episodes of what it was trained on."""
    from odc_gym.training.config import load

    env = load(folder / "config.yaml").env
    changes = {"episode.decision_s": env.decision_period_s, "episode.hours": env.episode_hours}
    compare(
        scenario=str(folder / "scenario.yaml"),
        agents=f"{HEURISTICS},{folder}",
        episodes=episodes,
        trace=None if env.trace is None else Path(env.trace),
        overrides=[f"{path}={value}" for path, value in changes.items() if value is not None],
        json_file=folder / "report.json",
        force=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; `arguments` None takes those of the process.

    Bad input is one line on stderr and exit code 2, an interrupt one line and exit code 130.
    """
    try:
        app(args=None if arguments is None else list(arguments), prog_name="odc-gym")
    except (OdcGymError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except _Interrupted:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _load(scenario: str, overrides: dict[str, Any]) -> Scenario:
    from odc_gym.scenario import Scenario

    return Scenario.load(scenario, overrides)


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


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; absent when that is not a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
