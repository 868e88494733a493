"""Command `odc-gym scenario`, which lists, shows, checks and compares scenarios."""

from __future__ import annotations

import json
from typing import Any

import typer

from odc_gym.cli.common import Force, JsonFile, Overrides, ScenarioName, console, load

scenarios = typer.Typer(help="List, show, check and diff scenarios.", no_args_is_help=True)


@scenarios.command("list")
def list_scenarios() -> None:
    """List the scenarios of the package."""
    from rich.table import Table

    from odc_gym.scenario.files import names

    table = Table()
    table.add_column("scenario", no_wrap=True)
    table.add_column("description")
    for name in names():
        table.add_row(name, load(name, {}).description)
    console().print(table)


@scenarios.command("show")
def show_scenario(scenario: ScenarioName, overrides: Overrides = None) -> None:
    """Print a scenario with all its fields as YAML. A saved copy can be edited and used by its path."""
    import yaml

    from odc_gym.scenario.files import parse_overrides

    loaded = load(scenario, parse_overrides(overrides or []))
    typer.echo(yaml.safe_dump(loaded.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120), nl=False)


@scenarios.command("check")
def check_scenario(
    scenario: ScenarioName, overrides: Overrides = None, json_file: JsonFile = None, force: Force = False
) -> None:
    """Print the load that a scenario's satellites can sustain in energy and heat, and the offered load beside it."""
    from rich.table import Table

    from odc_gym.evaluation.files import require_free, write_document
    from odc_gym.scenario.files import parse_overrides
    from odc_gym.scenario_check.design_report import design_report

    if json_file is not None:
        require_free(json_file, force)
    loaded = load(scenario, parse_overrides(overrides or []))
    rows = design_report(loaded)
    each = (f"{name} with {h.accelerators.count} x {h.accelerators.kind}" for name, h in loaded.hardware.items())
    table = Table(title=f"{loaded.name}: satellites {', '.join(each)}", title_justify="left")
    table.add_column("quantity", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("note")
    for name, value, unit, note in rows:
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value), unit, note)
    console().print(table)
    if json_file is not None:
        write_document(
            json_file, {name: {"value": value, "unit": unit, "note": note} for name, value, unit, note in rows}
        )


@scenarios.command("diff")
def diff_scenarios(
    a: ScenarioName, b: ScenarioName, overrides: Overrides = None, json_file: JsonFile = None, force: Force = False
) -> None:
    """Print the fields that differ between two scenarios. `--set` changes the second scenario before."""
    from rich.table import Table
    from rich.text import Text

    from odc_gym.evaluation.files import require_free, write_document
    from odc_gym.scenario.difference import Missing, differences
    from odc_gym.scenario.files import parse_overrides

    if json_file is not None:
        require_free(json_file, force)
    rows = differences(load(a, {}), load(b, parse_overrides(overrides or [])))
    if rows:
        table = Table()
        for heading in ("field", a, b):
            table.add_column(Text(heading))
        for row in rows:
            table.add_row(Text(row.path), *(Text(_one_line(value)) for value in (row.a, row.b)))
        console().print(table)
    else:
        console().print(f"{a} and {b} do not differ", markup=False, highlight=False)
    if json_file is not None:
        fields = {
            row.path: {name: value for name, value in (("a", row.a), ("b", row.b)) if value is not Missing}
            for row in rows
        }
        write_document(json_file, {"a": a, "b": b, "differences": fields})


def _one_line(value: Any) -> str:
    """Format a value in one line as in YAML, or as a dash if the scenario lacks the field."""
    from odc_gym.scenario.difference import Missing

    if value is Missing:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
