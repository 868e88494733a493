"""Shared parts of the commands: options, console, progress bar, and loading of scenarios and traces."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.values import complete_scenarios, complete_schedulers, process_count

if TYPE_CHECKING:
    from rich.console import Console

    from odc_gym.scenario import Scenario

PIPED_WIDTH = 160  # characters of a table line if the output is not a terminal

ScenarioName = Annotated[
    str,
    typer.Argument(
        help="Name from `odc-gym scenario list`, or path of a .yaml file.", autocompletion=complete_scenarios
    ),
]
ScenarioArgument = Annotated[
    str | None,
    typer.Argument(
        help="Name from `odc-gym scenario list`, or path of a .yaml file.", autocompletion=complete_scenarios
    ),
]
ScenarioOption = Annotated[
    str | None,
    typer.Option(
        "--scenario", "-s", help="The same as an option, as in other commands.", autocompletion=complete_scenarios
    ),
]
SchedulerNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="AGENTS", help="Schedulers, as for --agents.", autocompletion=complete_schedulers),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change a field, e.g. hardware.*.battery.capacity_wh=9000. Repeatable."
    ),
]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the results as JSON.")]
TraceFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="File of jobs or requests, or a name from `odc-gym trace fetch`. It replaces the arrivals of the classes "
        "that it holds. Repeatable.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
Workers = Annotated[
    int | None,
    typer.Option(
        parser=process_count,
        metavar="N",
        help="Number of processes, or `auto`: one for each core that this process may use.",
        show_default="auto",
    ),
]


def load(scenario: str, overrides: dict[str, Any]) -> Scenario:
    """Load a scenario by name or path, with overrides."""
    from odc_gym.scenario import Scenario

    return Scenario.load(scenario, overrides)


def chosen_scenario(argument: str | None, option: str | None) -> str:
    """Return the scenario that is given as an argument or as `--scenario`.

    Raises:
        OdcGymError: it is given neither way, or both ways.
    """
    from odc_gym.errors import OdcGymError

    if (argument is None) == (option is None):
        given = "none" if option is None else f"{argument} and {option}"
        raise OdcGymError(f"scenario = {given}: name one, as in `odc-gym scenario check starter12`")
    return argument or option or ""


def trace_files(traces: list[Path] | None) -> tuple[Path, ...]:
    """Return the files of `--trace` values.

    Raises:
        OdcGymError: one of the files does not exist.
    """
    from odc_gym.errors import OdcGymError, did_you_mean_file
    from odc_gym.workload.traces.download import locate_trace

    files = tuple(locate_trace(trace) for trace in traces or ())
    for file in files:
        if not file.exists():
            raise OdcGymError(f"--trace {file}: no such file{did_you_mean_file(file)}")
    return files


def console() -> Console:
    """Return the console for tables. It is as wide as the terminal, or `PIPED_WIDTH` without one."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on stderr if it is a terminal.

    Yields:
        Function of (episodes done, total) that updates the bar.
    """
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
