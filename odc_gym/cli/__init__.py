"""Command line of `odc-gym`, one file a command.

`main` runs a command from Python, and exits with its code, 0 for success:

    from odc_gym.cli import main
    main(["scenario", "list"])

Every command that plays episodes takes schedulers by `--agents`, a scenario by `--scenario`, changes of it by `--set`,
and recorded work by `--trace`. Names may also stand without an option: those of schedulers after `compare`, `inspect`
and `agents`, those of scenarios after `scenario show`, `check` and `diff`.

Commands import the modules they need when they run, so `--help` and errors appear without delay.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from odc_gym.cli import (
    agents,
    bound,
    compare,
    inspect,
    policy,
    record,
    replay,
    scenario,
    trace,
    train,
    tune,
    video,
    warm,
    watch,
)
from odc_gym.cli.terminal import discard_output, prepare_streams
from odc_gym.errors import OdcGymError
from odc_gym.sources import versions

__all__ = ["app", "main"]

INTERRUPTED = 130  # exit code of shells for Ctrl-C
BAD_INPUT = 2  # exit code for input that is not allowed
PIPE_CLOSED = 1  # exit code of Python if the reader of its output is gone


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
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"odc-gym {versions('odc-gym')['odc-gym']}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Schedule AI compute on a constellation of orbital data-centre satellites."""


app.command("compare")(compare.compare)
app.command("inspect")(inspect.inspect)
app.command("bound")(bound.bound)
app.command("agents")(agents.agents)
app.command("record")(record.record)
app.command("replay")(replay.replay)
app.command("watch")(watch.watch)
app.command("video")(video.video)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("policy")(policy.policy)
app.command("warm")(warm.warm)
app.add_typer(scenario.scenarios, name="scenario")
app.add_typer(trace.traces, name="trace")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Input that is not allowed gives one line on stderr and exit code 2, an interruption one line and exit code 130.

    Args:
        arguments: arguments of the command line; None takes those of the process.
    """
    prepare_streams()
    try:
        code = app(args=None if arguments is None else list(arguments), prog_name="odc-gym", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
        sys.exit(PIPE_CLOSED)
    except (OdcGymError, OSError) as error:
        _refuse(str(error))
    except _Interrupted:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if not hasattr(error, "format_message"):  # no error of Click, which Typer contains or imports
            raise
        _refuse(_usage_message(error))
    sys.exit(code or 0)


def _refuse(message: str) -> NoReturn:
    """Print a message in one line, unless it is empty, and exit."""
    if message:
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(BAD_INPUT)


def _usage_message(error: Any) -> str:
    """Return the message about a wrong command line, with the closest option; "" if the help was printed instead."""
    message = error.format_message()
    if possibilities := getattr(error, "possibilities", None):
        message = f"{error.message}; did you mean {sorted(possibilities)[0]}?"
    context = getattr(error, "ctx", None)
    return f"{message.rstrip('.')}; see {context.command_path} --help" if message and context else message
