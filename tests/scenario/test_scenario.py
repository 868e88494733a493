"""Scenario files and overrides: every file loads, and every error is one line."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import FOLDER, names, parse_overrides
from odc_gym.scenario.yaml_text import dump, parse

STARTER = Scenario.load("starter12")
WIDTH = "workload.classes.batch.width"


def dumped(scenario):
    return dump(scenario.model_dump(mode="json"))


@pytest.fixture
def changed(tmp_path):
    """Load starter12 from a file after a function has changed its data."""

    def load(change):
        data = parse(dumped(STARTER))
        change(data)
        path = tmp_path / "mine.yaml"
        path.write_text(dump(data))
        return Scenario.load(path)

    return load


@pytest.mark.parametrize("name", names())
def test_every_file_loads_under_its_name_and_comes_back_from_its_own_dump(name, tmp_path):
    scenario = Scenario.load(name)
    path = tmp_path / "copy.yaml"
    path.write_text(dumped(scenario))
    again = Scenario.load(path)
    assert scenario.name == name and scenario.description
    assert again == scenario and again.digest() == scenario.digest()
    assert Scenario.load(str(FOLDER / f"{name}.yaml")) == scenario
    assert pickle.loads(pickle.dumps(scenario)) == scenario


def test_a_scenario_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        STARTER.name = "other"


def test_a_scenario_loads_itself_and_takes_overrides():
    assert Scenario.load(STARTER) is STARTER
    assert Scenario.load(STARTER, {"episode.hours": 6}) == STARTER.replace({"episode.hours": 6})


def test_replace_changes_the_field_and_nothing_else():
    before, after = STARTER.model_dump(), STARTER.replace({"hardware.odcsat.battery.capacity_wh": 9000}).model_dump()
    assert after["hardware"]["odcsat"]["battery"].pop("capacity_wh") == 9000
    assert before["hardware"]["odcsat"]["battery"].pop("capacity_wh") == 10000
    assert after == before


def test_a_star_stands_for_every_key_and_every_entry(changed):
    def second_kind(data):
        data["hardware"]["small"] = data["hardware"]["odcsat"]
        data["shells"].append(data["shells"][0] | {"hardware": "small"})

    scenario = changed(second_kind).replace({"hardware.*.battery.capacity_wh": 9000, "shells.*.orbit.altitude_km": 600})
    assert {kind.battery.capacity_wh for kind in scenario.hardware.values()} == {9000}
    assert [shell.orbit.altitude_km for shell in scenario.shells] == [600, 600]
    one = scenario.replace({"shells.1.orbit.altitude_km": 650})
    assert [shell.orbit.altitude_km for shell in one.shells] == [600, 650]


@given(st.floats(1.0, 1e6), st.floats(0.05, 0.99), st.integers(1, 40))
def test_what_is_set_is_what_is_read(capacity_wh, efficiency, satellites):
    orbit = "shells.0.orbit"
    scenario = STARTER.replace(
        {
            "hardware.odcsat.battery.capacity_wh": capacity_wh,
            "hardware.*.power.pcdu": efficiency,
            f"{orbit}.total": 3 * satellites,
        }
    )
    kind = scenario.hardware["odcsat"]
    assert (kind.battery.capacity_wh, kind.power.pcdu) == (capacity_wh, efficiency)
    assert scenario.shells[0].orbit.total == 3 * satellites
    assert (scenario == STARTER) == (scenario.digest() == STARTER.digest())


REFUSED = [
    # out of bounds
    ({"hardware.*.battery.capacity_wh": -5}, "hardware.odcsat.battery.capacity_wh = -5: must be > 0"),
    ({"hardware.odcsat.power.pcdu": 1.5}, "hardware.odcsat.power.pcdu = 1.5: must be <= 1"),
    ({"shells.0.orbit.altitude_km": 200}, "shells.0.orbit.altitude_km = 200: must be >= 300"),
    ({"hardware.odcsat.thermal.c_kj_k.1": 0}, "hardware.odcsat.thermal.c_kj_k.1 = 0: must be > 0"),
    ({"workload.classes.*.value": 0}, "workload.classes.finetuning.value = 0: must be > 0"),
    ({"episode.hours": math.nan}, "episode.hours = nan: must be a finite number"),
    ({"hardware.odcsat.solar.area_m2": math.inf}, "hardware.odcsat.solar.area_m2 = inf: must be a finite number"),
    # of another kind
    ({"shells.0.orbit.total": 12.5}, "shells.0.orbit.total = 12.5: must be a valid integer"),
    ({"hardware.odcsat.solar.area_m2": "large"}, "hardware.odcsat.solar.area_m2 = large: must be a valid number"),
    ({"name": 3}, "name = 3: must be a valid string"),
    ({"episode": 5}, "episode = 5: must be a mapping of fields"),
    ({"workload.classes.batch": 3}, "workload.classes.batch = 3: must be a mapping of fields"),
    ({"shells.0": None}, "shells.0 = null: must be a mapping of fields"),
    ({"start.epoch": "noon"}, "start.epoch = noon: must be a date in ISO 8601, as 2027-03-20 or 2027-03-20T12:00:00Z"),
    # one of a few words
    ({"dispatch.order": "random"}, "dispatch.order = random: must be 'value', 'edf', 'least-slack' or 'fcfs'"),
    ({"shells.0.orbit.pattern": "ring"}, "shells.0.orbit.pattern = ring: must be one of 'delta', 'star', 'sun_synchr"),
    ({"workload.classes.batch.kind": "task"}, "workload.classes.batch.kind = task: must be one of 'job', 'service'"),
    # unknown and missing keys
    (
        {"hardware.odcsat.battery.capacity_w": 5},
        "hardware.odcsat.battery.capacity_w: unknown key; did you mean capacity_wh?",
    ),
    (
        {"hardware.odcsta.battery.floor": 0.2},
        "hardware.odcsta.battery.floor: unknown key 'odcsta'; did you mean odcsat?",
    ),
    ({"shells.3.orbit.planes": 5}, "shells.3.orbit.planes: unknown key '3'; known: 0"),
    ({"shells.0.orbit.planet": 5}, "shells.0.orbit.planet: unknown key; did you mean planes?"),
    ({"episode.hours.x": 1}, "episode.hours.x: unknown key 'x'"),
    ({"*.hours": 1}, "*.hours: unknown key 'hours'"),
    ({"hardware.small": {}}, "hardware.small.solar: is missing"),
    ({"shells.0.orbit.pattern": None}, "shells.0.orbit.pattern: is missing"),
    ({"workload.classes.batch.progress.kind": "checkpoint"}, "workload.classes.batch.progress.stall_s: is missing"),
    ({"hardware.odcsat.thermal.c_kj_k": [1, 2]}, "hardware.odcsat.thermal.c_kj_k.2: is missing"),
    ({"shells": []}, "shells: must have at least 1 entry"),
    ({f"{WIDTH}": {"two": 1}}, f"{WIDTH}.two: key must be a valid integer"),
    ({f"{WIDTH}": {0: 1}}, f"{WIDTH}.0: key must be >= 1"),
    # fields that do not fit together
    ({"shells.0.orbit.planes": 5}, "shells.0.orbit: total = 12 must be divisible by planes = 5"),
    ({"shells.0.orbit.phasing": 3}, "shells.0.orbit: phasing = 3 must be below planes = 3"),
    ({"episode.decision_period_s": 90}, "episode: decision_period_s must be a multiple of physics_s (60)"),
    ({"episode.hours": 0.12}, "episode: hours must be a whole number of decisions of 300 s"),
    ({"hardware.odcsat.battery.floor": 0.5}, "hardware.odcsat.battery: must hold 0.02 < floor < restore < 1"),
    (
        {"hardware.odcsat.thermal.trip_c": 80},
        "hardware.odcsat.thermal: must hold reset_c < limit_c < throttle_c < trip",
    ),
    ({"hardware.odcsat.accelerators.peak_w": 700}, "hardware.odcsat.accelerators: peak_w = 700 must exceed host_w"),
    ({f"{WIDTH}": {1: 0.4}}, "workload.classes.batch: width: probabilities must sum to 1, got 0.8"),
    (
        {f"{WIDTH}": {16: 1, 1: None, 2: None, 4: None}},
        "workload.classes.batch: 16 accelerators wide, but no satellite has more than 8",
    ),
    (
        {"workload.classes.interactive.patience_s": 1},
        "workload.classes.interactive: patience_s = 1 must exceed target",
    ),
    (
        {"hardware.odcsat.accelerators.hbm_gb": 60, "workload.classes.finetuning.memory_gb": 0},
        "workload.classes.interactive.weights_gb = 140: must fit the memory of a replica, 2 x 60 GB",
    ),
    ({"shells.0.hardware": "large"}, "shells.0.hardware = large: must be one of odcsat"),
    ({"start.year": None}, "start: give either year or epoch"),
]


@pytest.mark.parametrize(("overrides", "line"), REFUSED, ids=[line.split(":")[0] for _, line in REFUSED])
def test_what_is_wrong_is_told_in_one_line(overrides, line):
    with pytest.raises(ScenarioError) as caught:
        STARTER.replace(overrides)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value), caught.value


def test_an_unknown_class_of_work_lists_the_known_ones(changed):
    def rename(data):
        data["workload"]["classes"]["gaming"] = data["workload"]["classes"].pop("batch")

    with pytest.raises(ScenarioError, match=r"workload: classes\.gaming: .*finetuning.*batch.*interactive"):
        changed(rename)


def test_an_unknown_scenario_lists_the_names():
    with pytest.raises(ScenarioError) as caught:
        Scenario.load("starter13")
    assert str(caught.value).startswith("scenario = starter13: must be one of ")
    assert all(name in str(caught.value) for name in names())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: [unclosed", "not readable as YAML: "),
        ("a: b: c", "not readable as YAML: "),
        ("- name", "must be a mapping of fields, got list"),
        ("", "is empty, and must be a mapping of fields"),
        ("null", "must be a mapping of fields, got NoneType"),
        ("name: mine", "description: is missing"),
    ],
)
def test_a_malformed_file_is_named(tmp_path, text, line):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    assert str(caught.value).startswith(f"{path}: {line}") and "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="not readable as YAML"):
        Scenario.load(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ScenarioError, match=r"absent\.yaml: must be one of .*, or the path of a \.yaml file"):
        Scenario.load(tmp_path / "absent.yaml")


def test_a_misspelt_key_of_a_file_is_told_with_the_file(changed, tmp_path):
    def misspell(data):
        data["hardware"]["odcsat"]["battery"]["capcity_wh"] = 1

    with pytest.raises(ScenarioError) as caught:
        changed(misspell)
    line = "hardware.odcsat.battery.capcity_wh: unknown key; did you mean capacity_wh?"
    assert str(caught.value) == f"{tmp_path / 'mine.yaml'}: {line}"


def test_overrides_of_the_command_line_are_read_as_yaml():
    assert parse_overrides(["a.b=1", "c = [1, 2]", "d=null", "e=x=y"]) == {"a.b": 1, "c": [1, 2], "d": None, "e": "x=y"}


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("episode.hours", "--set episode.hours: must look like path=value"),
        ("=3", "--set =3: must look like path=value"),
        ("a=[1", "--set a=[1: the value is not readable as YAML: line 1: expected ',' or ']', but got '<stream end>'"),
        ("a=", "--set a=: has no value; write null to remove the field"),
        ("a=#1", "--set a=#1: has no value; write null to remove the field"),
    ],
)
def test_a_malformed_override_is_told_in_one_line(item, line):
    with pytest.raises(ScenarioError) as caught:
        parse_overrides([item])
    assert str(caught.value) == line
