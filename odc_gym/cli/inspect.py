"""`odc-gym inspect`: what schedulers do, and what each part of them is worth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odc_gym.cli.common import Force, JsonFile, Overrides, TraceFiles, console, load, progress, trace_files

if TYPE_CHECKING:
    from odc_gym.evaluation.inspection import InspectedScheduler

FIRST_VALIDATION = 20_100  # beyond the episodes on which training runs choose their models


def inspect(
    agents: Annotated[list[str], typer.Argument(help="Names of schedulers, or folders of training runs.")],
    scenario: Annotated[
        str, typer.Option("--scenario", "-s", help="A scenario's name, or the path of a .yaml file.")
    ] = "starter12",
    episodes: Annotated[int, typer.Option("--episodes", "-e", help="How many episodes.")] = 16,
    first_seed: Annotated[
        int, typer.Option(help="The first episode; for choices take validation episodes, 20000 on.")
    ] = FIRST_VALIDATION,
    trace: TraceFiles = None,
    overrides: Overrides = None,
    json_file: JsonFile = None,
    store: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep finished episodes here, and do not play them again.")
    ] = None,
    force: Force = False,
    workers: Annotated[int | None, typer.Option(help="Processes. [default: one a core]")] = None,
) -> None:
    """Tell what schedulers use their actions for, and what each part of action and observation is worth to them.

    Kinds of components of the action are held at zero one by one, and all but one. Learned schedulers also play with
    blocks of their observation at their means.
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
    inspected = {name: inspected_scheduler(name) for name in agents}
    loaded = load(scenario, parse_overrides(overrides or []))
    files = trace_files(trace)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # small networks are slower with more
    with progress("episodes") as update:
        found = inspect_all(loaded, inspected, inspected_scheduler("zero"), seeds, files, workers, update, store)
    print_tables(console(), inspection_tables(found, f"{loaded.name}, episodes {seeds[0]} to {seeds[-1]}"))
    if json_file is not None:
        write_document(json_file, inspection_document(found))


def inspected_scheduler(name: str) -> InspectedScheduler:
    """A scheduler by name or folder, as an inspection wants it.

    Raises:
        SchedulerError: neither.
    """
    from odc_gym.agents import scheduler_factory, scheduler_identity
    from odc_gym.evaluation.inspection import InspectedScheduler

    factory = scheduler_factory(name)
    return InspectedScheduler(factory, learned=Path(name).is_dir(), identity=scheduler_identity(name))
