"""`odc-gym trace fetch`: download of public traces by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odc_gym.cli.common import console, progress
from odc_gym.cli.values import complete_traces


def fetch(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of a public trace. Without a name, all traces are listed with licence and size.",
            autocompletion=complete_traces,
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="DIR",
            help="Target folder. [default: the user's cache, where --trace finds the file by name]",
        ),
    ] = None,
) -> None:
    """Download a public trace at a pinned commit and check its hash. An incomplete or wrong file is discarded."""
    from odc_gym.workload.traces import download as public_traces

    if name is None:
        _list()
        return
    with progress(name) as update:
        file = public_traces.fetch(name, to, update)
    typer.echo(file)


def _list() -> None:
    """Print the table of public traces."""
    from rich.table import Table

    from odc_gym.workload.traces.download import PUBLIC_TRACES

    table = Table()
    for heading in ("trace", "what it is", "licence", "MB", "repository"):
        table.add_column(heading, no_wrap=heading == "trace", justify="right" if heading == "MB" else "left")
    for name, trace in PUBLIC_TRACES.items():
        table.add_row(name, trace.description, trace.licence, f"{trace.size / 1e6:.1f}", trace.repository)
    console().print(table)
