"""Command `odc-gym agents`, which lists the schedulers, or describes one."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odc_gym.cli.common import console
from odc_gym.cli.values import complete_schedulers

if TYPE_CHECKING:
    from odc_gym.agents import SchedulerFactory

LABEL_WIDTH, MAX_WIDTH = 12, 100


def agents(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Scheduler to describe in full: a name, a Python file, or the folder of a training run.",
            autocompletion=complete_schedulers,
        ),
    ] = None,
) -> None:
    """List the schedulers of the package, one a line; with a name, describe this one in full."""
    from odc_gym.agents import scheduler_descriptions, scheduler_factory

    if name is not None:
        _print_fields(_fields(name, scheduler_factory(name)))
        return
    described = scheduler_descriptions()
    width = max(map(len, described))
    for each, description in described.items():
        typer.echo(f"{each:<{width}}  {description.summary}")


def _fields(name: str, factory: SchedulerFactory) -> list[tuple[str, str]]:
    """Return the labelled paragraphs that describe a scheduler."""
    from odc_gym.agents import describe
    from odc_gym.training.config import load

    if factory.entry is None:
        config = load(Path(name) / "config.yaml")
        return [
            ("agent", name),
            ("rule", f"Policy {config.policy}, trained by {config.algo} for {config.n_timesteps:,} decisions."),
            ("scenario", config.scenario),
            ("actions", config.env.action_mode),
        ]
    described = describe(factory.entry)
    fields = [("agent", name), ("rule", described.rule), ("controls", described.controls)]
    fields += [("parameters" if k == 0 else "", text) for k, text in enumerate(described.parameters)]
    needs = ", ".join(f"{path} = {value}" for path, value in factory.requires.get("overrides", {}).items())
    fields += _policy_fields(factory)
    source = factory.entry.make.__module__
    return [*fields, ("needs", needs), ("source", described.source), ("code", source)]


def _policy_fields(factory: SchedulerFactory) -> list[tuple[str, str]]:
    """Return the labelled paragraphs about trained policies that a scheduler plays."""
    from odc_gym.policies.files import read_policy, summary

    data: Path | None = getattr(factory.entry.make, "data", None) if factory.entry else None
    files = [] if data is None else sorted(data.glob("*.npz")) if data.is_dir() else [data]
    found = {path.stem: summary(read_policy(path)) for path in files if path.suffix == ".npz"}
    return [
        ("policies" if k == 0 else "", f"{name}: {about['validation']}; {about['command']}")
        for k, (name, about) in enumerate(found.items())
    ]


def _print_fields(fields: list[tuple[str, str]]) -> None:
    """Print labelled paragraphs, without those that are empty."""
    width = min(console().width, MAX_WIDTH)
    indent = " " * LABEL_WIDTH
    for label, text in fields:
        if text:
            first = label.ljust(LABEL_WIDTH)
            typer.echo(textwrap.fill(text, width, initial_indent=first, subsequent_indent=indent))
