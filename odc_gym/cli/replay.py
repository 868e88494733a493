"""Command `odc-gym replay`: recordings of one episode as an HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odc_gym.cli.common import Force


def replay(
    recordings: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="Recordings of one episode, one for each scheduler.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")] = Path(
        "replay.html"
    ),
    force: Force = False,
) -> None:
    """Write recordings of one episode as an HTML page that shows the episode over time.

    The page is one file. It opens from disk and loads nothing from a network.
    """
    from odc_gym.evaluation.files import require_free
    from odc_gym.pages.replay import write_replay

    require_free(output, force)
    page = write_replay(output, recordings)
    size_mb = output.stat().st_size / 1e6
    typer.echo(f"{output}: {', '.join(page.names)}; {size_mb:.2f} MB")
    if page.left_out:
        typer.echo(f"left out to keep the page small: {page.left_out}")
