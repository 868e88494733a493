"""Command `odc-gym train`, which trains a scheduler and compares it with the heuristics."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.common import AUTO, TraceAsIs, TraceFiles, TraceFormats, trace_files
from odc_gym.cli.compare import (
    FIRST_TEST,
    HEURISTICS,
    command_line,
    comparison_document,
    play,
    print_comparison,
    trace_options,
    write_page,
)
from odc_gym.cli.values import complete_scenarios, whole_number
from odc_gym.errors import OdcGymError

if TYPE_CHECKING:
    from odc_gym.scenario import Scenario
    from odc_gym.workload import TraceFile

PAGE = "report.html"
_SHORT_COMPARISON = 400
"""Satellites times episodes up to which this process compares alone: others would still be starting when it ends."""


def train(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Training configuration. [default: the package's ppo.yaml]")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Resume the training run in this folder.")] = None,
    scenario: Annotated[
        str | None,
        typer.Option(
            "--scenario",
            "-s",
            help="Name of a scenario, or path of a .yaml file. [default: the configuration's]",
            autocompletion=complete_scenarios,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Seed of the training run. [default: the configuration's]"),
    ] = None,
    n_timesteps: Annotated[
        int | None,
        typer.Option(
            "--n-timesteps",
            "-n",
            parser=whole_number,
            metavar="N",
            help="Number of decisions to train for, such as 1e6. [default: the configuration's]",
        ),
    ] = None,
    trace: TraceFiles = None,
    trace_format: TraceFormats = None,
    trace_as_is: TraceAsIs = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the run. [default: a new one in runs/]"),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Change a field of the configuration, or of the scenario as in compare. Repeatable.",
        ),
    ] = None,
    test_episodes: Annotated[
        int,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="Number of test episodes of the comparison with the heuristics after the training, 0 for none. The "
            "run's folder also gets the comparison in report.md, report.html and report.json.",
        ),
    ] = 20,
) -> None:
    """Train a scheduler by reinforcement learning, then compare it with the heuristics.

    The command prints the folder of the run, which `odc-gym compare` accepts as a scheduler, and ends with what the
    training gained over its start.
    """
    from odc_gym.evaluation.suites import episodes
    from odc_gym.scenario.files import parse_overrides

    if test_episodes:
        episodes(FIRST_TEST, test_episodes)  # refuse a wrong number before the training, not after it
    changes = parse_overrides(overrides or []) | _world(scenario, trace_files(trace, trace_format, trace_as_is))
    try:
        from odc_gym.training.run import train as train_run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("odc_gym"):
            raise
        raise OdcGymError(f"training needs {error.name}: pip install 'odc-gym[rl]'") from None
    folder = train_run(
        config=config,
        resume=resume,
        seed=seed,
        n_timesteps=n_timesteps,
        output=output,
        overrides=changes,
        progress=sys.stderr.isatty(),
    )
    typer.echo(folder)
    if test_episodes:
        _compare_run(Path(folder), test_episodes)


def _world(scenario: str | None, files: Sequence[TraceFile]) -> dict[str, Any]:
    """Return the changes of the configuration by `--scenario` and `--trace`."""
    changes: dict[str, Any] = {} if scenario is None else {"scenario": scenario}
    return changes | ({"env.trace": [file.document() for file in files]} if files else {})


def _compare_run(folder: Path, count: int) -> None:
    """Compare a training run with the heuristics, and with its own start, on test episodes of its own scenario."""
    from odc_gym.evaluation import markdown_sections, text_report, write_document
    from odc_gym.evaluation.documents import gain_document
    from odc_gym.evaluation.report import code_block
    from odc_gym.evaluation.suites import episodes
    from odc_gym.evaluation.summary import select_schedulers
    from odc_gym.evaluation.verdict import gain_sentence
    from odc_gym.scenario import Scenario
    from odc_gym.training.config import load
    from odc_gym.training.curves import validation_scores
    from odc_gym.training.report import write_report
    from odc_gym.training.run import torch_threads
    from odc_gym.workload import traces

    env = load(folder / "config.yaml").env
    values = {"episode.decision_period_s": env.decision_period_s, "episode.hours": env.episode_hours}
    overrides = [f"{path}={value}" for path, value in values.items() if value is not None]
    scenario, start = str(folder / "scenario.yaml"), str(folder / "start.zip")
    files = traces.trace_files(env.model_dump()["trace"])
    _, seeds = episodes(FIRST_TEST, count)
    schedulers = f"{HEURISTICS},{folder}"
    with torch_threads(1):  # as in the processes of a long comparison, which leave a core to each
        (whole,), baseline = play(
            [scenario],
            f"{schedulers},{start}",
            seeds,
            files,
            overrides,
            workers=_workers(Scenario.load(scenario), count),
        )
    comparison = select_schedulers(whole, [name for name in whole.results if name != start])
    trained, untrained = whole.results[str(folder)].score, whole.results[start].score
    gain = gain_sentence(trained, untrained, f"{count} test episodes")
    data = comparison_document([comparison], baseline) | {"gain": gain_document(trained, untrained)}
    write_document(folder / "report.json", data)
    formats = [file.format or AUTO for file in files]
    traced = trace_options([Path(file.path) for file in files], formats, any(file.as_is for file in files))
    command = command_line([scenario], schedulers, seeds, traced, overrides, None, [])
    tables = markdown_sections(text_report([comparison], baseline, bool(files)))
    changes = [word for change in overrides for word in ("--set", change)]
    remark = f"{gain[0].upper()}{gain[1:]}."
    write_page(
        folder / PAGE, data, [comparison], command, [scenario], [*changes, *traced], [remark], validation_scores(folder)
    )
    write_report(folder, [remark, code_block(command), *tables])
    print_comparison([comparison], baseline, bool(files), False, files)
    typer.echo(gain)


def _workers(scenario: Scenario, episodes: int) -> int | None:
    """Return the number of processes of the comparison; None for one a core."""
    from odc_gym.scenario.events import num_satellites

    satellites = sum(num_satellites(shell.orbit) for shell in scenario.shells)
    return 1 if satellites * episodes <= _SHORT_COMPARISON else None
