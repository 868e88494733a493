"""Command `odc-gym train`, which trains a scheduler and compares it with the heuristics."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from odc_gym.cli.compare import FIRST_TEST, HEURISTICS, compare
from odc_gym.errors import OdcGymError


def train(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Training configuration. [default: the package's ppo.yaml]")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Resume the training run in this folder.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training run. [default: the configuration's]")] = None,
    n_timesteps: Annotated[
        int | None,
        typer.Option("--n-timesteps", "-n", help="Number of decisions to train for. [default: the configuration's]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the run. [default: a new one in runs/]"),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change one field of the configuration. Repeatable."),
    ] = None,
    test_episodes: Annotated[
        int,
        typer.Option(
            help="Number of test episodes of the comparison with the heuristics after the training, 0 for none. The "
            "run's folder also gets the comparison as report.json."
        ),
    ] = 20,
) -> None:
    """Train a scheduler by reinforcement learning, then compare it with the heuristics.

    The command prints the folder of the run, which `odc-gym compare` accepts as a scheduler.
    """
    from odc_gym.evaluation.suites import episodes
    from odc_gym.scenario.files import parse_overrides

    if test_episodes:
        episodes(FIRST_TEST, test_episodes)  # refuse a wrong number before the training, not after it
    changes = parse_overrides(overrides or [])
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


def _compare_run(folder: Path, episodes: int) -> None:
    """Compare a training run with the heuristics on test episodes of its own scenario."""
    from odc_gym.training.config import load

    env = load(folder / "config.yaml").env
    changes = {"episode.decision_period_s": env.decision_period_s, "episode.hours": env.episode_hours}
    compare(
        scenario=[str(folder / "scenario.yaml")],
        schedulers=f"{HEURISTICS},{folder}",
        episodes=episodes,
        trace=None if env.trace is None else [Path(env.trace)],
        overrides=[f"{path}={value}" for path, value in changes.items() if value is not None],
        json_file=folder / "report.json",
        force=True,
    )
