"""Command line `odc-gym compare | inspect | agents | scenario | trace | train`, one file a command.

`main` runs a command from Python, and exits with its code, 0 for success:

    from odc_gym.cli import main
    main(["scenario", "list"])

Commands import the modules they need when they run, so `--help` and errors appear without delay.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from odc_gym.cli import agents, compare, inspect, scenario, trace, train
from odc_gym.errors import OdcGymError

__all__ = ["app", "main"]

INTERRUPTED = 130  # exit code of shells for Ctrl-C
BAD_INPUT = 2  # exit code for input that is not allowed


class _Interrupted(Exception):
    """Interruption of a command by Ctrl-C."""


class _Commands(TyperGroup):
    """Group of commands that passes interruptions on to `main`; versions of Typer handle them differently."""

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
app.command("compare")(compare.compare)
app.command("inspect")(inspect.inspect)
app.command("agents")(agents.list_agents)
app.command("train")(train.train)
app.add_typer(scenario.scenarios, name="scenario")
app.add_typer(trace.traces, name="trace")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Input that is not allowed gives one line on stderr and exit code 2, an interruption one line and exit code 130.

    Args:
        arguments: arguments of the command line; None takes those of the process.
    """
    try:
        app(args=None if arguments is None else list(arguments), prog_name="odc-gym")
    except (OdcGymError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except _Interrupted:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
