"""The command line: `odc-gym compare | inspect | agents | scenario | trace | train`, one file a command.

Commands import what they need when they run, so that `--help` and errors come at once.
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
app.command("compare")(compare.compare)
app.command("inspect")(inspect.inspect)
app.command("agents")(agents.list_agents)
app.command("train")(train.train)
app.add_typer(scenario.scenarios, name="scenario")
app.add_typer(trace.traces, name="trace")


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
