"""Changes of a scenario: the same text in a file with a base, in `--set` and in overrides gives the same scenario."""

import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Battery, Network, Scenario
from odc_gym.scenario.files import parse_overrides
from odc_gym.scenario.yaml_text import dump

STARTER = Scenario.load("starter12")
OTHERS = [Scenario.load(name) for name in ("starter18", "storm", "serving", "own-links", "dawn-dusk")]


def changed(*items):
    return STARTER.replace(parse_overrides(list(items)))


def outcome(load, *arguments):
    """The scenario, or what is wrong with it."""
    try:
        return load(*arguments).model_dump()
    except ScenarioError as error:
        return str(error).partition(".yaml: ")[2] or str(error)


def mappings(node, path=()):
    """Paths of all mappings below a node that hold a value; lists are values."""
    if isinstance(node, dict):
        yield from [path] if path and node else []
        for key, inner in node.items():
            yield from mappings(inner, (*path, key))


CHANGES = [
    (other.model_dump(mode="json"), path)
    for other in OTHERS
    for path in mappings(other.model_dump(mode="json"))
    if path[0] != "randomise" and not any("." in key for key in path)
]


@settings(max_examples=40)
@given(st.sampled_from(CHANGES), st.data())
def test_a_mapping_merges_wherever_it_is_given(tmp_path_factory, change, data):
    """Catches a mapping in --set that replaces a block, where the same text in a file merges with its base."""
    value, path = change
    for key in path:
        value = value[key]
    names = data.draw(st.sets(st.sampled_from(sorted(value)), min_size=1))
    some = {name: value[name] for name in names}
    nested = some
    for key in reversed(path):
        nested = {key: nested}
    file = tmp_path_factory.mktemp("changes") / "mine.yaml"
    file.write_text(dump({"base": "starter12", "name": "starter12"} | nested))
    by_file = outcome(Scenario.load, file)
    assert outcome(STARTER.replace, {".".join(path): some}) == by_file
    assert outcome(changed, f"{'.'.join(path)}={dump(some, True)}") == by_file
    assert outcome(STARTER.replace, nested) == by_file
    if len(path) > 1:
        assert outcome(STARTER.replace, {path[0]: nested[path[0]]}) == by_file


def test_later_changes_change_what_earlier_ones_have_set():
    battery = "hardware.odcsat.battery"
    both = changed(f"{battery}={{capacity_wh: 5000}}", f"{battery}={{floor: 0.1}}").hardware["odcsat"].battery
    assert (both.capacity_wh, both.floor) == (5000.0, 0.1)
    assert changed(f"{battery}.floor=0.1", f"{battery}.floor=0.05").hardware["odcsat"].battery.floor == 0.05
    items = (f"{battery}.capacity_wh=1", "hardware.*.battery.capacity_wh=2", f"{battery}.capacity_wh=3")
    assert changed(*items).hardware["odcsat"].battery.capacity_wh == 3.0
    assert changed(*items[:2]).hardware["odcsat"].battery.capacity_wh == 2.0
    assert (
        changed(f"{battery}.capacity_wh=1", f"{battery}={{capacity_wh: 4}}").hardware["odcsat"].battery.capacity_wh
        == 4.0
    )
    with pytest.raises(ScenarioError, match=f"{battery}: given as null and as a mapping"):
        changed(f"{battery}=null", f"{battery}={{floor: 0.1}}")


def test_null_removes_what_the_base_gives():
    assert changed("workload.classes.batch=null").class_names == ("finetuning", "interactive")
    assert changed("network.backbone=null", "network.ground={}").network.backbone is None
    assert changed("faults=null").faults.enabled is False
    assert changed("hardware.odcsat.solar.eol=null").hardware["odcsat"].solar.eol is None
    assert changed("workload.surges=null") == STARTER
    width = "workload.classes.finetuning.width"
    assert changed(f"{width}={{1: 1.0, 2: null, 4: null, 8: null}}").workload.classes["finetuning"].width == {1: 1.0}


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("hardwar=null", "hardwar: unknown key; did you mean hardware?"),
        ("workload.regionz=null", "workload.regionz: unknown key; did you mean regions?"),
        ("workload={regionz: null}", "workload.regionz: unknown key; did you mean regions?"),
        ("workload={rate_scale: 1,15}", "workload.15: unknown key; known: "),
        ("workload.classes.btch=null", "workload.classes.btch: unknown key; did you mean batch?"),
        ("workload.classes.batch.width={1: 1,8}", "workload.classes.batch.width.8: has no value; write null to "),
        ("workload.classes.batch.width={8: null}", "workload.classes.batch.width.8: unknown key; known: 1, 2, 4"),
        ("dispatch={order}", "dispatch.order: has no value; write null to remove it or to leave it out"),
        ("hardware.*.battery.capacity_wh=null", "hardware.odcsat.battery.capacity_wh: is missing"),
        ("capacity_wh=5", "capacity_wh: unknown key; did you mean hardware.*.battery.capacity_wh?"),
        (
            "battery.capacity_wh=5",
            "battery.capacity_wh: unknown key 'battery'; did you mean hardware.*.battery.capacity",
        ),
        ("shells.orbit.total=5", "shells.orbit.total: unknown key 'orbit'; did you mean shells.*.orbit.total?"),
    ],
)
def test_what_is_not_there_is_neither_removed_nor_set(item, line):
    with pytest.raises(ScenarioError) as caught:
        changed(item)
    assert str(caught.value).startswith(line) and len(str(caught.value)) < 200


def test_a_block_of_another_kind_keeps_only_the_fields_that_this_kind_has():
    orbit = changed("shells.0.orbit={pattern: sun_synchronous, local_time_h: 10:30}").shells[0].orbit
    assert orbit.model_dump() == {
        "pattern": "sun_synchronous", "altitude_km": 550.0, "local_time_h": 10.5,
        "total": 12, "planes": 3, "phasing": 1,
    }  # fmt: skip
    assert changed("shells.0.orbit.pattern=star").shells[0].orbit.inclination_deg == 53.0
    progress = "workload.classes.finetuning.progress"
    assert changed(f"{progress}={{kind: chunk, stall_s: null}}").workload.classes["finetuning"].progress.kind == "chunk"
    assert changed("start.epoch=2027-06-21").start.year is None
    with pytest.raises(ScenarioError, match="start: give either year or epoch"):
        changed("start={year: 2027, epoch: 2027-06-21}")


def test_a_block_that_the_base_leaves_out_begins_with_its_defaults():
    assert changed("workload.surges.factor.high=4").workload.surges.factor.low == 1.5
    assert changed("workload.tenants.everyone.weight=2").workload.tenants["everyone"].weight == 2.0
    assert list(changed("workload.tenants={a: {}, b: {}}").workload.tenants) == ["a", "b"]
    assert changed("assign.levels.1=0.5").assign.levels[:2] == ("sustainable", 0.5)
    assert {changed("reward.*=0").reward.wear, changed("reward.*=0").reward.thermal} == {0.0}


def test_objects_of_python_are_read_as_what_they_hold(tmp_path):
    day = datetime.date(2027, 6, 21)
    for value in (np.float32(6), np.int64(6), np.array(6.0), 6):
        assert STARTER.replace({"episode.hours": value}).episode.hours == 6.0
    for value in (np.datetime64("2027-06-21"), day, datetime.datetime(2027, 6, 21), "2027-06-21"):
        assert STARTER.replace({"start.epoch": value}).start.epoch == datetime.datetime(2027, 6, 21)
    thermal = STARTER.replace({"hardware.odcsat.thermal.c_kj_k": np.array([1, 2, 3])}).hardware["odcsat"].thermal
    assert thermal.c_kj_k == (1.0, 2.0, 3.0)
    assert STARTER.replace({"name": Path("mine")}).name == "mine"


def test_a_model_replaces_a_block():
    network = Network(ground={"sites": "polar"})
    assert STARTER.replace({"network": network}).network == network
    battery = STARTER.hardware["odcsat"].battery.model_copy(update={"floor": 0.1})
    assert isinstance(battery, Battery)
    assert STARTER.replace({"hardware.*.battery": battery}).hardware["odcsat"].battery == battery


HOLDS_ITSELF: dict = {}
HOLDS_ITSELF["earth"] = HOLDS_ITSELF
LOOP: list = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ("a=1", "overrides = a=1: must be a mapping of dotted paths to values"),
        ({3: 1}, "overrides: key 3: must be a dotted path"),
        ({"episode.hours": np.bool_(True)}, "episode.hours = true: must be a valid number"),
        ({"episode.hours": "6"}, "episode.hours = '6': must be a valid number"),
        ({"start.epoch": np.datetime64("NaT")}, "start.epoch = NaT: must be a date in ISO 8601"),
        ({"workload.classes.batch.width": {1: 0.5, "1": 0.5}}, "workload.classes.batch.width.1: given twice"),
        ({"earth": HOLDS_ITSELF}, "earth.earth: unknown key"),
        ({"events": LOOP}, "events: nested deeper than 32 levels"),
        ({"randomise": HOLDS_ITSELF}, "randomise"),
        ({"name": "x" * 1000 + "\n"}, None),
        ({"assign.k": 10**5000}, "assign.k = an integer of 16610 bits: must be <= 256"),
    ],
)
def test_objects_that_cannot_be_read_are_told_in_one_line(overrides, line):
    if line is None:
        assert STARTER.replace(overrides).name == "x" * 1000 + "\n"
        return
    with pytest.raises(ScenarioError) as caught:
        STARTER.replace(overrides)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_the_same_is_said_of_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    for text, line in [
        ("workload: {rate_scale: 1,15}", "workload.15: unknown key; known: "),
        ("hardwar: null", "hardwar: unknown key; did you mean hardware?"),
        ("workload: {regionz: null}", "workload.regionz: unknown key; did you mean regions?"),
        ("dispatch:", "dispatch: has no value; write null to remove it or to leave it out"),
        ("shells:\n-", "shells.0: has no value; "),
        (
            "workload: {rate_scale: 1}\nworkload: {regions: null}",
            "not readable as YAML: workload: given twice, in lines",
        ),
        ("start: {year: null, epoch: 202703200000}", "start.epoch = 202703200000: must be a date in ISO 8601"),
        ("start: {epoch: '202703200000'}", "start.epoch = '202703200000': must be a date in ISO 8601"),
        ("base: 3", "base = 3: must be the name of a scenario or the path of a .yaml file"),
    ]:
        base = "" if text.startswith("base") else "base: starter12\nname: mine\n"
        path.write_text(base + text)
        with pytest.raises(ScenarioError) as caught:
            Scenario.load(path)
        told = str(caught.value).removeprefix(f"{path}: ")
        assert told.startswith(line) and "\n" not in told and len(told) < 200


@pytest.mark.parametrize(("text", "hours"), [("10:30", 10.5), ("10:30:00", 10.5), ("06:00:36", 6.01), ("0:00", 0.0)])
def test_hours_may_be_written_as_times(text, hours):
    """Catches 10:30 read in base 60, or refused."""
    plane = "{pattern: sun_synchronous, local_time_h: " + text + ", planes: 3}"
    assert changed(f"shells.0.orbit={plane}").shells[0].orbit.local_time_h == hours
    cluster = changed("shells.0.orbit={pattern: cluster, local_time_h: " + text + "}")
    assert cluster.shells[0].orbit.local_time_h == hours
    event = "{what: surge, hours: 1, factor: 2, at: " + text + "}"
    assert changed(f"events=[{event}]").events[0].at == hours
    assert changed(f"workload.profile.daily.1={text}").workload.profile.daily[1] == hours
    offset = f"workload.regions.x={{utc_offset_h: -{text}, share: 1}}"
    assert changed(offset).workload.regions["x"].utc_offset_h == -hours


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("25:00", "shells.0.orbit.local_time_h = 25.0: must be < 24"),
        ("24", "shells.0.orbit.local_time_h = 24: must be < 24"),
        ("noon", "shells.0.orbit.local_time_h = noon: must be a number of hours, or a time such as 10:30"),
        ("10:60", "shells.0.orbit.local_time_h = 10:60: must be a number of hours, or a time such as 10:30"),
        ("true", "shells.0.orbit.local_time_h = true: must be a valid number"),
        ("[10:30, 1, 30]", "shells.0.orbit.local_time_h.2 = 30: must be < 24"),
    ],
)
def test_what_is_no_hour_of_the_day(value, line):
    with pytest.raises(ScenarioError) as caught:
        changed("shells.0.orbit={pattern: sun_synchronous, planes: 3, local_time_h: " + value + "}")
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize(
    ("overrides", "refused"),
    [
        ({"start.epoch": "2027-03-22", "start": {"year": 2028}}, "start.epoch: must not be given together with year"),
        ({"start": {"epoch": "2027-03-22"}, "start.year": 2028}, "start.epoch: must not be given together with year"),
        (
            {"workload": {"load": 1.1}, "workload.rate_scale": 2.0},
            "workload.load: must not be given together with rate_scale",
        ),
        (
            {"shells.*.orbit.tle": "a.tle", "shells.0.orbit.messages": [{"EPOCH": "x"}]},
            "shells.0.orbit.file: must not be given together with messages",
        ),
    ],
)
def test_overrides_that_exclude_each_other_are_refused(overrides, refused):
    """Catches: the first of two overrides has no effect, and nothing says so."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.load("starter12", overrides)
    assert str(caught.value) == refused


def test_an_override_may_replace_an_earlier_one_or_remove_a_rival():
    changed = Scenario.load("starter12", {"start.year": 2030, "start": {"year": 2031}, "workload.load": 1.1})
    assert changed.start.year == 2031 and changed.workload.load == 1.1
    removed = Scenario.load("starter12", {"workload.load": None, "workload.rate_scale": 2.0})
    assert (removed.workload.load, removed.workload.rate_scale) == (None, 2.0)
