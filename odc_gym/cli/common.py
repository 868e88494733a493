"""Shared parts of the commands: options, console, progress bar, and loading of scenarios and traces."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.values import complete_scenarios, complete_schedulers, process_count

if TYPE_CHECKING:
    from rich.console import Console

    from odc_gym.scenario import Scenario
    from odc_gym.workload import TraceFile

AUTO = "auto"  # value of --trace-format that stands for the format that a file is recognised to have
PIPED_WIDTH = 160  # characters of a table line if the output is not a terminal
REPORT_WIDTH = 80  # the same for reports, which fit this width

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
TraceFormats = Annotated[
    list[str] | None,
    typer.Option(
        "--trace-format",
        metavar="NAME",
        help="Format of the --trace file, from `odc-gym trace formats`; `auto` recognises it. With several files, "
        "give one for all or one for each. [default: auto]",
    ),
]
TraceAsIs = Annotated[
    bool,
    typer.Option(
        "--trace-as-is",
        help="Replay the recorded work of --trace at its recorded times and sizes. Without it, the trace is scaled to "
        "the load of its classes.",
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


def trace_files(
    traces: Sequence[Path] | None, formats: Sequence[str] | None = None, as_is: bool = False
) -> tuple[TraceFile, ...]:
    """Return the files of `--trace` values, with the formats of `--trace-format`.

    Raises:
        OdcGymError: one of the files does not exist, or the options do not fit together.
    """
    from odc_gym.errors import OdcGymError, did_you_mean_file
    from odc_gym.workload import TraceFile
    from odc_gym.workload.traces.download import locate_trace

    paths = [locate_trace(trace) for trace in traces or ()]
    for path in paths:
        if not path.exists():
            raise OdcGymError(f"--trace {path}: no such file{did_you_mean_file(path)}")
    names = [None if name == AUTO else name for name in formats or ()]
    if (names or as_is) and not paths:
        raise OdcGymError(f"--trace-{'format' if names else 'as-is'}: needs --trace FILE")
    if len(names) not in (0, 1, len(paths)):
        raise OdcGymError(f"--trace-format: given {len(names)} times for {len(paths)} files; give one, or one for each")
    each = names if len(names) == len(paths) else (names or [None]) * len(paths)
    return tuple(TraceFile(str(path), name, as_is) for path, name in zip(paths, each, strict=True))


def console(piped_width: int = PIPED_WIDTH) -> Console:
    """Return the console for tables. It is as wide as `COLUMNS` or the terminal, or `piped_width` without both."""
    from rich.console import Console

    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(width=None if known else piped_width)


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
