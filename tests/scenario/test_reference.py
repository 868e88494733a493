"""Reference of fields: every field of scenarios and training configurations, with unit, range and default."""

import re
from typing import get_args

import pytest
from pydantic import BaseModel

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.scenario.reference import model_blocks, note, unit_of
from odc_gym.training.config import TrainConfig

ROOTS = (Scenario, TrainConfig)
ROWS = {(block.path, row.key): row for block in model_blocks(Scenario) for row in block.fields}
STARTER = Scenario.load("starter12")


def models_below(annotation, found):
    """Collect the models in an annotation and in their fields, by walking Python types."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in found:
        found.append(annotation)
        for field in annotation.model_fields.values():
            models_below(field.annotation, found)
    for inner in get_args(annotation):
        models_below(inner, found)
    return found


MODELS = [model for root in ROOTS for model in models_below(root, [])]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_has_a_description(model):
    """Catches: a new field that the reference, the schema and new files show without its meaning."""
    assert [name for name, field in model.model_fields.items() if not (field.description or "").strip()] == []


@pytest.mark.parametrize("root", ROOTS)
def test_the_reference_holds_every_field_once(root):
    """Catches: a block that the walk over the schema misses, such as one in a union, a list or a mapping."""
    blocks = model_blocks(root)
    walked = {model.__name__: list(model.model_fields) for model in models_below(root, [])}
    assert {block.model: [row.key for row in block.fields] for block in blocks} == walked
    assert len(blocks) == len(walked)


def test_a_model_stands_at_its_shortest_path():
    paths = {block.model: (block.path, block.variant) for block in model_blocks(Scenario)}
    assert paths["Profile"] == ("workload.profile", "")
    assert paths["ClusterOrbit"] == ("shells.*.orbit", "pattern: cluster")
    assert paths["WalkerOrbit"] == ("shells.*.orbit", "pattern: delta | star")
    assert paths["Cron"] == ("workload.classes.*.arrivals.cron", "kind: cox")
    assert paths["GroundStation"] == ("network.ground.sites.*", "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("episode.hours", "length of an episode; a whole number of decisions [h]; > 0, <= 744; default 24"),
        ("hardware.*.battery.c_charge", "largest charging rate over capacity [1/h]; > 0"),
        ("hardware.*.thermal.c_kj_k", "heat capacities of plate, loop, radiator [kJ/K]; > 0"),
        ("hardware.*.radiator.faces", "number of faces that radiate; 1 unless mode = knife_edge; 1 | 2"),
        ("start.year", "year of the random start; give either this or epoch; 2024 to 2050"),
        ("sensing.temperature_sigma_k", "standard deviation of temperatures [K]; >= 0; default 0"),
        ("assign.k", "waiting jobs that agents see and place; 1 to 256; default 16"),
    ],
)  # fmt: skip
def test_note(path, expected):
    block, _, key = path.rpartition(".")
    assert note(ROWS[block, key]) == expected


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("capacity_wh", "Wh"), ("w_per_m2", "W/m2"), ("heat_capacity_j_m2_k", "J/(m2 K)"), ("roll_rate_deg_s", "deg/s"),
        ("upsets_per_chip_year", "1/(chip year)"), ("degradation_per_year", "1/year"), ("heater_w_kwh", "W/kWh"),
        ("x_min", ""), ("min_stay_min", "min"), ("bad_frac", ""), ("share", ""), ("hours", "h"), ("limit_c", "°C"),
    ],
)  # fmt: skip
def test_units_come_from_names(name, unit):
    assert unit_of(name, "") == unit


def test_a_unit_in_the_description_counts_first():
    assert unit_of("median", "median run time [h]") == "h"


def limits(text):
    """Return numbers just outside a range, and whether they are integers."""
    both = re.fullmatch(r"(\S+) to (\S+)", text)
    pairs = [(">=", both[1]), ("<=", both[2])] if both else re.findall(r"([<>]=?) (\S+?)(?:,|$)", text)
    step = 1e-6
    return [
        float(value) + {">": 0.0, "<": 0.0, ">=": -step, "<=": step}[sign] for sign, value in pairs if sign in "<=>="
    ]


def numbers():
    """Yield path and value outside the range, for each number of starter12 that the reference gives a range."""
    for (block, key), row in ROWS.items():
        if row.range and row.type in ("number", "integer") and block.split(".")[0] in STARTER.model_dump():
            path = f"{block}.{key}"
            node = [STARTER.model_dump()]
            for part in path.split("."):
                node = [
                    inner
                    for each in node
                    if isinstance(each, dict | tuple)
                    for name, inner in (each.items() if isinstance(each, dict) else enumerate(each))
                    if part in (str(name), "*")
                ]
            if node and "classes" not in path:  # classes are of two kinds
                yield from ((path, value) for value in limits(row.range))


@pytest.mark.parametrize(("path", "value"), list(numbers()))
def test_values_outside_a_range_are_refused(path, value):
    """Catches: a range in the reference that the model does not hold."""
    with pytest.raises(ScenarioError):
        STARTER.replace({path: value})
