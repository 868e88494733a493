"""Command `odc-gym record`: one episode under one scheduler, recorded in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odc_gym.cli.common import (
    Force,
    Overrides,
    ScenarioArgument,
    ScenarioOption,
    TraceAsIs,
    TraceFiles,
    TraceFormats,
    chosen_scenario,
    load,
    progress,
    trace_files,
)
from odc_gym.cli.values import complete_schedulers, whole_number

FIRST_WATCHED = 20_000  # a validation episode: looking at test episodes would invite tuning on them
DEFAULT_AGENT = "gang-aware"

Agent = Annotated[
    str,
    typer.Option(
        "--agent",
        "-a",
        metavar="NAME",
        help="Scheduler, as in `odc-gym compare`, or folder of a training run.",
        autocompletion=complete_schedulers,
    ),
]
Seed = Annotated[int, typer.Option(parser=whole_number, metavar="N", help="Number of the episode.")]


def record(
    scenario: ScenarioArgument = None,
    scenario_option: ScenarioOption = None,
    agent: Agent = DEFAULT_AGENT,
    seed: Seed = FIRST_WATCHED,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write, .npz.")] = Path(
        "day.npz"
    ),
    export: Annotated[
        str | None,
        typer.Option(
            metavar="FORMATS",
            help="Also write the recording in these formats, comma-separated, into the folder FILE-export: csv, "
            "parquet, czml, trace (of Chrome and Perfetto), minari.",
        ),
    ] = None,
    overrides: Overrides = None,
    trace: TraceFiles = None,
    trace_format: TraceFormats = None,
    trace_as_is: TraceAsIs = False,
    force: Force = False,
) -> None:
    """Play one episode under one scheduler, and record satellites, accounts, jobs, events and actions in a file.

    `odc-gym replay FILE` makes a page of it. docs/recording.md describes the file.
    """
    from odc_gym.errors import OdcGymError
    from odc_gym.evaluation.files import require_free
    from odc_gym.recording import exports, record_episode, write_recording
    from odc_gym.scenario.files import parse_overrides

    if output.suffix != ".npz":
        raise OdcGymError(f"--output {output}: must end with .npz")
    require_free(output, force)
    formats = [name.strip() for name in export.split(",")] if export else []
    exports.require_formats(formats)
    loaded = load(chosen_scenario(scenario, scenario_option), parse_overrides(overrides or []))
    files = trace_files(trace, trace_format, trace_as_is)
    with progress("decisions") as update:
        recording = record_episode(loaded, agent, seed, trace=files, progress=update)
    write_recording(output, recording)
    typer.echo(f"{output}: {recording.summary}; {output.stat().st_size / 1e3:.0f} kB")
    if formats:
        folder = output.with_name(f"{output.stem}-export")
        folder.mkdir(exist_ok=True)
        for path in exports.export(recording, folder, formats):
            typer.echo(str(path))
