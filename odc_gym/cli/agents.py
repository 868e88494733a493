"""`odc-gym agents`: what schedulers there are."""

from __future__ import annotations

from odc_gym.cli.common import console


def list_agents() -> None:
    """List the schedulers that come with the package, and the rule of each."""
    from rich.table import Table

    from odc_gym.agents import scheduler_rules

    table = Table()
    table.add_column("scheduler", no_wrap=True)
    table.add_column("rule")
    for name, rule in scheduler_rules().items():
        table.add_row(name, rule)
    console().print(table)
