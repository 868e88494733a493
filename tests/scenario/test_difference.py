import pytest

from odc_gym.scenario import Scenario
from odc_gym.scenario.difference import Missing, differences


@pytest.fixture(scope="module")
def scenario():
    return Scenario.load("starter12")


def changed(scenario, **overrides):
    """Return path and values of each difference after overrides, whose dots are written as two underscores."""
    other = scenario.replace({path.replace("__", "."): value for path, value in overrides.items()})
    return {path: (a, b) for path, a, b in differences(scenario, other)}


def test_equal_scenarios_do_not_differ(scenario):
    assert changed(scenario) == {} and changed(scenario, earth__albedo=scenario.earth.albedo) == {}


def test_a_value_is_told_by_its_path(scenario):
    assert changed(scenario, earth__albedo=0.2, dispatch__order="edf") == {
        "earth.albedo": (scenario.earth.albedo, 0.2),
        "dispatch.order": ("value", "edf"),
    }


def test_lists_differ_by_index_and_by_length(scenario):
    shell = scenario.shells[0].model_dump()
    found = changed(scenario, shells=[shell, shell | {"orbit": shell["orbit"] | {"total": 24}}])
    assert found["shells.1.orbit.total"] == (Missing, 24) and all(path.startswith("shells.1.") for path in found)
    assert all(a is Missing for a, _ in found.values())


def test_a_class_of_another_kind_misses_fields_on_both_sides(scenario):
    job, service = "finetuning", "interactive"
    batch = scenario.workload.classes["batch"]
    swapped = scenario.replace({f"workload.classes.{job}": batch})
    paths = {path for path, a, b in differences(scenario, swapped) if a is not Missing and b is not Missing}
    assert paths and all(path.startswith(f"workload.classes.{job}.") for path in paths)
    less = scenario.replace({f"workload.classes.{service}": None})
    gone = differences(scenario, less)
    assert {path.split(".")[2] for path, _, b in gone if b is Missing} == {service}
    back = differences(less, scenario)
    assert [(path, b) for path, b, _ in back] == [(path, b) for path, _, b in gone]


def test_nothing_and_no_field_are_not_the_same(scenario):
    fixed = changed(scenario, start={"epoch": "2026-06-21T00:00:00Z"})
    assert fixed["start.epoch"][0] is None and fixed["start.year"] == (scenario.start.year, None)
