"""`odc-gym trace`: what a recorded trace holds, and how well a generator that is fitted to it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odc_gym.cli.common import Force, JsonFile, console
from odc_gym.cli.fetch import fetch

traces = typer.Typer(help="Fetch public traces, and statistics of recorded ones.", no_args_is_help=True)
traces.command("fetch")(fetch)


@traces.callback()
def _group() -> None:
    """Statistics of recorded traces, beside those of a generator fitted to them."""


@traces.command("info")
def info(
    file: Annotated[
        Path, typer.Argument(help="A trace as of `compare --trace`: a file, or a name from `trace fetch`.")
    ],
    json_file: JsonFile = None,
    force: Force = False,
) -> None:
    """Print statistics of a trace: rates, burstiness, the shape of day and week, sizes by number and by mass."""
    from rich.table import Table
    from rich.text import Text

    from odc_gym.evaluation.files import require_free, write_document
    from odc_gym.public_traces import located
    from odc_gym.workload import read_trace
    from odc_gym.workload.fits.part import Recording, alive_s, part_of
    from odc_gym.workload.fits.report import trace_figures

    if json_file is not None:
        require_free(json_file, force)
    trace = read_trace(located(file))
    recorded: dict[str, Recording] = {**trace.jobs, **trace.requests}
    told = {name: trace_figures(part, part_of(part, *alive_s(part))) for name, part in recorded.items()}
    for name, figures in told.items():
        table = Table(title=f"{file}: {name}, {trace.rejected_rows} rows left out", title_justify="left")
        table.add_column("quantity", no_wrap=True)
        table.add_column("trace", justify="right")
        for quantity, value in figures.items():
            table.add_row(Text(quantity), f"{value:.6g}")
        console().print(table)
    if json_file is not None:
        write_document(
            json_file,
            {
                "file": str(file),
                "rejected": {why: {"rows": n, "first": first} for why, (n, first) in trace.rejected.items()},
                "classes": told,
            },
        )
