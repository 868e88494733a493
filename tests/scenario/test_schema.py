"""JSON schema of scenario files: what editors accept, and what they mark."""

import json
from pathlib import Path

import pytest
from json_schema import is_valid

from odc_gym.scenario import Scenario
from odc_gym.scenario.files import FOLDER, names, read_mapping
from odc_gym.scenario.schema import file_schema

SCHEMA = json.loads(json.dumps(file_schema()))


def as_editors_see(data):
    """Return data as an editor's YAML parser does: dates are text, and so are keys."""
    return json.loads(json.dumps(data, default=str))


def whole(**changes):
    """Return the data of starter12 with changes of its battery."""
    data = as_editors_see(read_mapping(FOLDER / "starter12.yaml"))
    data["hardware"]["odcsat"]["battery"] |= changes
    return data


def partial(**blocks):
    return {"base": "starter12", "name": "mine", **blocks}


@pytest.mark.parametrize("name", names())
def test_every_scenario_of_the_package_conforms(name):
    assert is_valid(as_editors_see(read_mapping(Path(FOLDER / f"{name}.yaml"))), SCHEMA)
    assert is_valid(Scenario.load(name).model_dump(mode="json"), SCHEMA)


@pytest.mark.parametrize(
    "data",
    [
        partial(),
        partial(hardware={"odcsat": {"battery": {"capacity_wh": 9000}}}),
        partial(workload={"classes": {"finetuning": None, "batch": {"slack": {"low": 5}}}}),
        partial(start={"year": None, "epoch": "2027-02-20T00:00:00"}, network={"backbone": None}),
        partial(events=[{"at": "06:00", "what": "satellite-loss", "satellites": [1]}]),
    ],
)
def test_a_file_with_a_base_holds_what_differs(data):
    """Catches: fields that a complete file needs, required in a file with a base too."""
    assert is_valid(data, SCHEMA)


@pytest.mark.parametrize(
    "data",
    [
        {"name": "mine"},  # neither a base nor all blocks
        whole(flor=0.2),  # unknown key
        whole(floor=None),
        whole(capacity_wh=-1),
        partial(hardware={"odcsat": {"battery": {"capacity_w": 9000}}}),
        partial(hardware={"odcsat": {"battery": {"capacity_wh": 0}}}),
        partial(hardware={"odcsat": {"battery": {"capacity_wh": None}}}),  # null removes what is optional only
        partial(shells=[{"hardware": "odcsat"}]),  # a list replaces that of the base
        partial(dispatch={"order": "fifo"}),
        partial(episode={"hours": "24"}),
    ],
)
def test_mistakes_are_marked(data):
    """Catches: a schema that accepts anything."""
    assert not is_valid(data, SCHEMA)


def test_descriptions_have_units_in_both_forms():
    for model in ("Battery", "PartialBattery"):
        assert SCHEMA["definitions"][model]["properties"]["capacity_wh"]["description"] == "capacity when new [Wh]"
