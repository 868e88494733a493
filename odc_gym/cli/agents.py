"""Command `odc-gym agents`, which lists the schedulers."""

from __future__ import annotations

from odc_gym.cli.common import console


def list_agents() -> None:
    """List the schedulers of the package with their rules and the parameters that their names may set."""
    from rich.table import Table

    from odc_gym.agents import scheduler_parameters, scheduler_rules

    parameters = scheduler_parameters()
    table = Table()
    table.add_column("scheduler", no_wrap=True)
    table.add_column("rule")
    table.add_column("parameters: default and range", no_wrap=True)
    for name, rule in scheduler_rules().items():
        table.add_row(name, rule, "\n".join(parameters[name]))
    console().print(table)
