"""Command `odc-gym inspect`: use of actions, reward terms and ablations of schedulers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odc_gym.cli.common import (
    Force,
    JsonFile,
    Overrides,
    SchedulerNames,
    TraceAsIs,
    TraceFiles,
    TraceFormats,
    Workers,
    console,
    load,
    progress,
    trace_files,
)
from odc_gym.cli.compare import Episodes, join_schedulers, split_schedulers
from odc_gym.cli.values import complete_scenarios, complete_schedulers, whole_number
from odc_gym.defaults import DEFAULT_SCENARIO
from odc_gym.errors import OdcGymError

if TYPE_CHECKING:
    from odc_gym.evaluation.inspection import InspectedScheduler

FIRST_VALIDATION = 20_100  # beyond the episodes on which training runs select their models


def inspect(
    names: SchedulerNames = None,
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            "-s",
            help="Name of a scenario, or path of a .yaml file.",
            autocompletion=complete_scenarios,
        ),
    ] = DEFAULT_SCENARIO,
    schedulers: Annotated[
        str | None,
        typer.Option(
            "--agents",
            "-a",
            help="Comma-separated schedulers, as in `odc-gym compare`, or folders of training runs.",
            autocompletion=complete_schedulers,
        ),
    ] = None,
    episodes: Episodes = 16,
    first_seed: Annotated[
        int,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="Number of the first episode. Choices need validation episodes, 20000 and above.",
        ),
    ] = FIRST_VALIDATION,
    trace: TraceFiles = None,
    trace_format: TraceFormats = None,
    trace_as_is: TraceAsIs = False,
    overrides: Overrides = None,
    json_file: JsonFile = None,
    store: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Store finished episodes in this folder, and do not play them again."),
    ] = None,
    force: Force = False,
    workers: Workers = None,
) -> None:
    """Report how schedulers use their actions, and how much each part of action and observation is worth to them.

    Each kind of action component is set to zero alone, and all kinds but one are set to zero. Learned schedulers also
    play with each block of their observation replaced by its mean.
    """
    from odc_gym.evaluation import write_document
    from odc_gym.evaluation.files import require_free
    from odc_gym.evaluation.inspection import inspect as inspect_all
    from odc_gym.evaluation.inspection_tables import inspection_document, inspection_tables
    from odc_gym.evaluation.report import print_tables
    from odc_gym.evaluation.suites import episodes as suite_episodes
    from odc_gym.scenario.files import parse_overrides

    if json_file is not None:
        require_free(json_file, force)
    _, seeds = suite_episodes(first_seed, episodes)
    chosen = join_schedulers(names, schedulers)
    if not chosen:
        raise OdcGymError("--agents = none: name at least one scheduler, as in `odc-gym inspect sun-aware`")
    inspected = {name: inspected_scheduler(name) for name in split_schedulers(chosen)}
    loaded = load(scenario, parse_overrides(overrides or []))
    files = trace_files(trace, trace_format, trace_as_is)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # small networks are slower with more
    with progress("episodes") as update:
        inspections = inspect_all(loaded, inspected, inspected_scheduler("zero"), seeds, files, workers, update, store)
    print_tables(console(), inspection_tables(inspections, f"{loaded.name}, episodes {seeds[0]} to {seeds[-1]}"))
    if json_file is not None:
        write_document(json_file, inspection_document(inspections))


def inspected_scheduler(name: str) -> InspectedScheduler:
    """Return a scheduler, given by name or folder, with what an inspection needs to know about it.

    Raises:
        SchedulerError: `name` is neither a scheduler nor the folder of a training run.
    """
    from odc_gym.agents import scheduler_factory, scheduler_identity
    from odc_gym.evaluation.inspection import InspectedScheduler

    factory = scheduler_factory(name)
    return InspectedScheduler(factory, learned=Path(name).is_dir(), identity=scheduler_identity(name))
