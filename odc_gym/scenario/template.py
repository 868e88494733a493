"""Template of a new scenario file: the fields that change most often, with units, ranges and defaults as comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python

from odc_gym.scenario.paths import children
from odc_gym.scenario.reference import FieldRow, model_blocks, note
from odc_gym.scenario.scenario import Scenario, Shell
from odc_gym.scenario.yaml_text import dump

CHANGED_OFTEN = (
    "start.year", "start.epoch", "episode.hours",
    "hardware.*.solar.area_m2", "hardware.*.power.bus_w", "hardware.*.battery.capacity_wh",
    "hardware.*.radiator.area_m2", "hardware.*.accelerators.count", "hardware.*.accelerators.kind",
    "hardware.*.accelerators.peak_w", "hardware.*.accelerators.speed", "hardware.*.accelerators.hbm_gb",
    "workload.rate_scale", "workload.classes.*.jobs_per_h", "workload.classes.*.output_tokens_per_min",
    "faults.enabled",
)  # fmt: skip
"""Paths of the fields that a new file gives."""
CHANGED_SOMETIMES = (
    "episode.decision_period_s", "episode.physics_s",
    "hardware.*.solar.w_per_m2", "hardware.*.solar.eol", "hardware.*.solar.degradation_per_year",
    "hardware.*.solar.tracking", "hardware.*.power.pcdu",
    "hardware.*.battery.soft_dod", "hardware.*.battery.floor", "hardware.*.battery.restore",
    "hardware.*.battery.ageing", "hardware.*.radiator.faces", "hardware.*.radiator.mode", "hardware.*.radiator.eps",
    "hardware.*.radiator.alpha", "hardware.*.thermal.limit_c", "hardware.*.thermal.cold",
    "hardware.*.accelerators.idle_each_w", "hardware.*.accelerators.host_w", "hardware.*.accelerators.bf16_tflops",
    "workload.classes.*.value", "workload.classes.*.width", "workload.classes.*.duration_h",
    "workload.classes.*.slack", "workload.classes.*.target_s", "workload.classes.*.replica_accelerators",
    "workload.profile", "workload.burst", "workload.surges", "workload.tenants",
    "network.backbone", "network.links", "network.ground",
    "faults.upsets_per_chip_year", "faults.mission_age_years", "faults.outages", "faults.weather", "faults.safe_mode",
    "dispatch.order", "dispatch.reservation", "dispatch.min_stay_min", "sensing", "earth",
)  # fmt: skip
"""Paths of the fields that a new file holds as comments."""
SCHEMA_FILE = "odc-gym.schema.json"
"""Name under which a schema beside a new file is found."""
_COLUMN = 44  # of the comments


class _Line(NamedTuple):
    """Line of the file: a field with its value in YAML, given or commented out."""

    value: str
    meaning: str
    given: bool


_Tree = dict[str, Any]  # key: line, or tree of the block below it


def new_file(name: str, base: str, scenario: Scenario, schema: bool = False) -> str:
    """Return the text of a new scenario file that differs from its base in its name alone.

    Args:
        name: name of the scenario.
        base: name or path of the base, as the file gives it.
        scenario: the base.
        schema: whether editors find a schema beside the file.
    """
    rows = {(block.model, row.key): row for block in model_blocks(Scenario) for row in block.fields}
    tree: _Tree = {}
    for paths, given in ((CHANGED_OFTEN, True), (CHANGED_SOMETIMES, False)):
        for path in paths:
            for place, parent, value in _places(scenario, path.split(".")):
                _insert(tree, place, _line(rows, parent, place[-1], value, given))
    tree |= _examples(rows, scenario)
    parts = {key: "\n".join(_render({key: inner}, "")) for key, inner in tree.items()}
    if all(shell.orbit.pattern != "tle" for shell in scenario.shells):  # element sets are left to the base
        parts["shells"] = _shells(rows, scenario.shells)
    return (
        "\n\n".join([_head(name, base, schema), *(parts[key] for key in Scenario.model_fields if key in parts)]) + "\n"
    )


def _head(name: str, base: str, schema: bool) -> str:
    """Return the comment at the top, and the keys that every file with a base has."""
    lines = [
        *[f"# yaml-language-server: $schema={SCHEMA_FILE}"] * schema,
        f"# {name}: fields that are not here have the values of {base}.",
        '# Lines after "# " hold more fields with those values. Remove "# " and change the value.',
        "# Behind a value stand its meaning, its [unit], its range and its default.",
        "# `odc-gym scenario check FILE` checks this file. The page docs/scenario-fields.md lists all fields.",
        f"base: {_flow(base)}",
        f"name: {_flow(name)}",
        f"description: {_flow(f'{base} with changes')}",
    ]
    return "\n".join(lines)


def _shells(rows: dict[tuple[str, str], FieldRow], shells: Sequence[Shell]) -> str:
    """Return the block of the shells; as a list, it replaces that of the base."""
    lines = ["shells:".ljust(_COLUMN) + f"# {note(rows['Scenario', 'shells'])}; the list replaces that of the base"]
    for shell in shells:
        tree: _Tree = {}
        for path in ("hardware", "orbit.*", "links"):
            for place, parent, value in _places(shell, path.split(".")):
                _insert(tree, place, _line(rows, parent, place[-1], value, True))
        first, *others = _render(tree, "    ")
        lines += [f"  - {first[4:]}", *others]
    return "\n".join(lines)


def _examples(rows: dict[tuple[str, str], FieldRow], scenario: Scenario) -> _Tree:
    """Return scripted events and random numbers as comments: those of the base, or an example of each."""
    scale = scenario.workload.rate_scale
    outage = {"at": "06:00", "what": "satellite-outage", "satellites": [0], "hours": 2}
    random = {"workload.rate_scale": {"low": round(0.9 * scale, 6), "high": round(1.1 * scale, 6)}}
    examples = {"events": scenario.events or [outage], "randomise": scenario.randomise or random}
    return {key: _line(rows, scenario, key, value, False) for key, value in examples.items()}


def _places(node: Any, keys: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield the keys, the parent and the value of all values on a path; null and missing ones are left out."""
    key, *rest = keys
    for name, value in children(node).items():
        if key not in (name, "*") or value is None:
            continue
        if not rest:
            yield (name,), node, value
        else:
            yield from (((name, *place), parent, inner) for place, parent, inner in _places(value, rest))


def _insert(tree: _Tree, place: Sequence[str], line: _Line) -> None:
    *blocks, key = place
    for block in blocks:
        tree = tree.setdefault(block, {})
    tree[key] = line


def _line(rows: dict[tuple[str, str], FieldRow], parent: Any, key: str, value: Any, given: bool) -> _Line:
    return _Line(_flow(_plain(value)), note(rows[type(parent).__name__, key]), given)


def _render(tree: _Tree, indent: str) -> Iterator[str]:
    """Yield the lines of a tree."""
    for key, inner in tree.items():
        if isinstance(inner, _Line):
            field = f"{indent}{'' if inner.given else '# '}{_flow(key)}: {inner.value}"
            yield f"{field.ljust(_COLUMN - 1)} # {inner.meaning}"
        else:
            yield f"{indent}{_flow(key)}:"
            yield from _render(_with_given_line(inner), indent + "  ")


def _with_given_line(tree: _Tree) -> _Tree:
    """Return a block in which some line is given; a block of comments alone would read as null."""
    if any(not isinstance(inner, _Line) or inner.given for inner in tree.values()):
        return tree
    first = next(iter(tree))
    return tree | {first: tree[first]._replace(given=True)}


def _plain(value: Any) -> Any:
    """Return a value as plain data without nulls; whole numbers have no decimal point."""
    value = to_jsonable_python(value, exclude_none=True)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flow(value: Any) -> str:
    """Return a value as YAML in one line."""
    return dump([value], flow=True)[1:-2]
