"""Command `odc-gym scenario`, which lists, shows, checks and compares scenarios, and begins new ones."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.common import (
    REPORT_WIDTH,
    Force,
    JsonFile,
    Overrides,
    ScenarioArgument,
    ScenarioName,
    ScenarioOption,
    chosen_scenario,
    console,
    load,
)

if TYPE_CHECKING:
    from odc_gym.scenario import Scenario
    from odc_gym.scenario_check.report_row import ReportRow

NAMES_WIDTH = 38  # characters of a quantity's name in a table

scenarios = typer.Typer(help="List, show, check and diff scenarios, and begin new ones.", no_args_is_help=True)


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
def show_scenario(scenario: ScenarioArgument = None, named: ScenarioOption = None, overrides: Overrides = None) -> None:
    """Print a scenario with all its fields as YAML. A saved copy can be edited and used by its path."""
    from odc_gym.scenario.files import parse_overrides
    from odc_gym.scenario.yaml_text import dump

    loaded = load(chosen_scenario(scenario, named), parse_overrides(overrides or []))
    typer.echo(dump(loaded.model_dump(mode="json")), nl=False)


@scenarios.command("check")
def check_scenario(
    scenario: ScenarioArgument = None,
    named: ScenarioOption = None,
    overrides: Overrides = None,
    json_file: JsonFile = None,
    force: Force = False,
) -> None:
    """Print which limit binds a scenario's satellites and how much they can sustain, then the details."""
    from odc_gym.evaluation.files import require_free, write_document
    from odc_gym.scenario.files import parse_overrides
    from odc_gym.scenario_check.design_report import fleet_report
    from odc_gym.scenario_check.limits import limit_sentences
    from odc_gym.tables.fleet.fleet_model import FleetModel

    if json_file is not None:
        require_free(json_file, force)
    fleet = FleetModel(load(chosen_scenario(scenario, named), parse_overrides(overrides or [])))
    rows = fleet_report(fleet)
    for line in limit_sentences(fleet):
        console(REPORT_WIDTH).print(line, markup=False, highlight=False)
    _print_check(fleet.scenario, rows)
    if json_file is not None:
        write_document(
            json_file, {name: {"value": value, "unit": unit, "note": note} for name, value, unit, note in rows}
        )


def _print_check(scenario: Scenario, rows: Sequence[ReportRow]) -> None:
    """Print the report of a scenario: a table for each kind of satellite if there are several, then the fleet's."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from odc_gym.scenario_check.report_row import shell_prefixes

    def cells(row: ReportRow, prefix: str) -> tuple[Text, ...]:
        unit = f" ({row.unit})" if row.unit else ""
        large = isinstance(row.value, float) and abs(row.value) >= 10_000.0
        value = f"{row.value:{'.0f' if large else '.4g'}}" if isinstance(row.value, float) else str(row.value)
        return Text(row.name.removeprefix(prefix) + unit), Text(value), Text(row.note)

    each = {n: f"{n} with {h.accelerators.count} x {h.accelerators.kind}" for n, h in scenario.hardware.items()}
    prefixes = [prefix for prefix in shell_prefixes(scenario) if prefix]
    parts = [
        (f"{scenario.name}, {prefix}satellites {each[shell.hardware]}", prefix)
        for shell, prefix in zip(scenario.shells, prefixes, strict=False)
    ]
    parts.append((f"{scenario.name}: satellites {', '.join(each.values())}", ""))
    for title, prefix in parts:
        own = [
            row for row in rows if (row.name.startswith(prefix) if prefix else not row.name.startswith((*prefixes,)))
        ]
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        widths = [max(cells(row, prefix)[k].cell_len for row in own) for k in range(2)]
        widths[0] = min(widths[0], NAMES_WIDTH)
        room = max(console(REPORT_WIDTH).width - sum(widths) - 4, NAMES_WIDTH // 2)
        table.add_column("quantity", width=widths[0], overflow="fold")
        table.add_column("value", justify="right", no_wrap=True)
        table.add_column("note", max_width=room)
        for row in own:
            table.add_row(*cells(row, prefix))
        typer.echo()
        console(REPORT_WIDTH).print(Text(title, style="italic"))
        console(REPORT_WIDTH).print(table)


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


@scenarios.command("new")
def new_scenario(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: letters, digits, - and _.")],
    base: Annotated[str, typer.Option(help="Scenario whose fields the file changes: a name or a path.")] = "starter12",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File to write.", show_default="NAME.yaml")
    ] = None,
    force: Force = False,
) -> None:
    """Write a scenario file with the fields that change most often, their units, ranges and defaults.

    An editor checks the file while you type if `odc-gym scenario schema --output odc-gym.schema.json` has written the
    schema beside it before.
    """
    from odc_gym.errors import ScenarioError
    from odc_gym.evaluation.files import require_free, write_text
    from odc_gym.scenario.files import names
    from odc_gym.scenario.template import SCHEMA_FILE, new_file

    if not re.fullmatch(r"[\w-]+", name):
        raise ScenarioError(f"NAME = {name}: must consist of letters, digits, - and _; --output names the file")
    if name in names():
        raise ScenarioError(f"NAME = {name}: is the name of a scenario of the package; choose another")
    file = output or Path(f"{name}.yaml")
    if file.suffix not in (".yaml", ".yml"):
        raise ScenarioError(f"--output = {file}: must end with .yaml or .yml")
    require_free(file, force)
    scenario = load(base, {})
    if base.endswith((".yaml", ".yml")):  # a base is given relative to the file
        base = Path(os.path.relpath(base, file.parent)).as_posix()
    write_text(file, new_file(name, base, scenario, schema=(file.parent / SCHEMA_FILE).is_file()))
    typer.echo(f"wrote {file}; `odc-gym scenario check {file}` checks it")


@scenarios.command("schema")
def print_schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File to write.", show_default="stdout")
    ] = None,
    force: Force = False,
) -> None:
    """Print the JSON schema of scenario files, by which editors check and complete them."""
    from odc_gym.evaluation.files import require_free, write_document
    from odc_gym.scenario.schema import file_schema

    if output is None:
        typer.echo(json.dumps(file_schema(), indent=1))
        return
    require_free(output, force)
    write_document(output, file_schema())


def _one_line(value: Any) -> str:
    """Format a value in one line as in YAML, or as a dash if the scenario lacks the field."""
    from odc_gym.scenario.difference import Missing

    if value is Missing:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
