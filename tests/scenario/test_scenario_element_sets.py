"""Scenarios whose satellites come from element sets: files, their start, and the load that they sustain."""

import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from element_sets import EPOCH, as_csv, as_xml, message, two_lines

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import parse_overrides
from odc_gym.tables.fleet.fleet_model import FleetModel

SETS = [("ALPHA", *two_lines("90001")), ("BETA", *two_lines("90002", epoch=EPOCH + timedelta(hours=3), anomaly=90.0))]
TEXT = "\r\n".join(line for each in SETS for line in each)
NEWEST = EPOCH + timedelta(hours=3)
CASES = Path(__file__).parents[3] / "shared" / "cases" / "yaml"
STARTER = Scenario.load("starter12")


@pytest.fixture
def load(tmp_path):
    """Load a scenario that is based on another, with text that follows, beside a file of element sets."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "alpha.tle").write_text(TEXT, newline="")

    def load_some(text, base="starter12", **overrides):
        path = folder / "my.yaml"
        path.write_text(f"base: {base}\nname: my\ndescription: mine\n{text}")
        return Scenario.load(path, overrides or None)

    load_some.folder = folder
    return load_some


def orbit(text):
    return f"shells: [{{hardware: odcsat, orbit: {text}}}]\n"


ALPHA = orbit("{tle: alpha.tle}")


@pytest.mark.parametrize(
    "text",
    [
        "{tle: alpha.tle}",
        "{omm: alpha.tle}",  # the content decides
        "{pattern: tle, file: alpha.tle}",
        "{pattern: tle, tle: alpha.tle}",
        "{pattern: omm, file: alpha.tle}",
        f"{{pattern: tle, lines: {json.dumps(SETS)}}}",
        f"{{tle: {json.dumps(SETS)}}}",
        f"{{tle: {json.dumps(TEXT)}}}",
        f"{{pattern: tle, lines: {json.dumps(TEXT)}}}",
    ],
)
def test_spellings_are_equal(load, text):
    scenario = load(orbit(text))
    assert scenario == load(ALPHA) and scenario.digest() == load(ALPHA).digest()
    assert [each.name for each in scenario.shells[0].orbit.sets] == ["ALPHA", "BETA"]
    assert scenario.start.first == NEWEST and scenario.start.year is None


@pytest.mark.parametrize("served", [json.dumps, as_xml, as_csv])
def test_messages_start_at_their_epoch_too(load, served):
    (load.folder / "mine.omm").write_text(served([message(123456789), message(2, anomaly=90.0)]))
    scenario = load(orbit("{omm: mine.omm}"))
    assert scenario.start.first == EPOCH and scenario.shells[0].orbit.total == 2
    assert scenario == load(orbit("{pattern: tle, file: mine.omm}"))


@pytest.mark.parametrize("case", ["tle_3le", "tle_block"])
def test_shared_cases(case):
    path = CASES / f"{case}.yaml"
    if not path.exists():
        pytest.skip("no shared cases")
    assert Scenario.load(path).start.first == EPOCH


@pytest.mark.parametrize("text", [ALPHA, orbit("{omm: mine.json}")])
def test_a_scenario_holds_its_elements(load, tmp_path, text):
    """Catches: the scenario of a training run needs a file that has moved."""
    (load.folder / "mine.json").write_text(json.dumps([message(123456789)]))
    scenario = load(text)
    copy = tmp_path / "copy.yaml"
    copy.write_text(yaml.safe_dump(scenario.model_dump(mode="json"), sort_keys=False))
    for path in (load.folder / "alpha.tle", load.folder / "mine.json"):
        path.unlink()
    for again in (Scenario.load(copy), pickle.loads(pickle.dumps(scenario)), scenario.replace({"episode.hours": 24})):
        assert again == scenario and again.digest() == scenario.digest()
    assert ".tle" not in copy.read_text() and "json" not in copy.read_text()


def test_a_file_is_found_beside_the_scenario_or_by_its_absolute_path(load, monkeypatch):
    beside = load(ALPHA)
    assert load(orbit(f"{{tle: {load.folder / 'alpha.tle'}}}")) == beside
    (load.folder / "mid.yaml").write_text(f"base: starter12\nname: mid\ndescription: middle\n{ALPHA}")
    assert load("", base="mid.yaml").shells == beside.shells  # beside the file that names it
    monkeypatch.chdir(load.folder)
    override = parse_overrides(["shells=[{hardware: odcsat, orbit: {tle: alpha.tle}}]"])
    assert STARTER.replace(override).shells == beside.shells


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", NEWEST),
        ("start: null\n", NEWEST),
        ("start: {days: 3}\n", NEWEST),
        ("start: {epoch: 2027-03-22T06:00:00}\n", datetime(2027, 3, 22, 6, tzinfo=UTC)),
    ],
)
def test_elements_bring_their_epoch_unless_the_file_gives_a_start(load, text, start):
    """Catches: episodes begin on days of the base's year, for which the elements are too old."""
    assert load(ALPHA + text).start.first == start


def test_overrides_bring_their_epoch_unless_they_give_a_start():
    sets = {"shells.0.orbit": {"pattern": "tle", "lines": SETS}}
    mine = STARTER.replace(sets)
    assert mine.start.first == NEWEST and mine.replace({"episode.hours": 6}).start == mine.start
    assert STARTER.replace(sets | {"start": {"epoch": EPOCH}}).start.first == EPOCH
    newer = [two_lines("90001", epoch=EPOCH + timedelta(days=100))]
    assert mine.replace({"shells.0.orbit.lines": newer}).start.first == EPOCH + timedelta(days=100)


def test_year_and_epoch_replace_each_other_in_layers(load):
    """Catches: a start that differs in kind from that of the base must also remove the base's."""
    fixed = load("start: {epoch: 2027-03-22T06:00:00}\n")
    assert (fixed.start.year, fixed.start.first) == (None, datetime(2027, 3, 22, 6, tzinfo=UTC))
    assert STARTER.replace({"start.epoch": "2027-03-22T06:00:00"}).start == fixed.start
    assert fixed.replace({"start.days": 3}).replace({"start.year": 2028}).start.model_dump(exclude_none=True) == {
        "year": 2028
    }
    with pytest.raises(ScenarioError, match="start: give either year or epoch"):
        STARTER.replace({"start": {"epoch": "2027-03-22T06:00:00", "year": 2027}})
    with pytest.raises(ScenarioError, match=r"start\.epoch: must not be given together with year"):
        STARTER.replace({"start.epoch": "2027-03-22T06:00:00", "start.year": 2027})


def test_an_override_replaces_the_orbit_by_element_sets(load, monkeypatch):
    monkeypatch.chdir(load.folder)
    alpha = load(ALPHA)
    assert STARTER.replace({"shells.0.orbit.tle": "alpha.tle"}).shells == alpha.shells
    other = [message(5, epoch=NEWEST)]
    for field, value in (("omm", other), ("messages", other), ("tle", "alpha.tle"), ("file", "alpha.tle")):
        changed = STARTER.replace({"shells.0.orbit.omm": [message(6)]}).replace({f"shells.*.orbit.{field}": value})
        assert changed.shells[0].orbit.sets[0].number == (5 if value is other else 90001)
        assert changed.start.first == NEWEST


def test_without_elements_a_start_must_be_given(tmp_path):
    data = STARTER.model_dump(mode="json")
    for start in ({}, {"days": 3}):
        with pytest.raises(ScenarioError, match=r"^start: give either year or epoch"):
            Scenario.validated(data | {"start": start})
    del data["start"]
    with pytest.raises(ScenarioError, match=r"^start: give either year or epoch"):
        Scenario.validated(data)


def test_start_days_draw_a_minute(load):
    scenario = load(ALPHA + "start: {days: 2.5}\n")
    fleet = FleetModel(scenario)
    starts = [fleet.start_of(seed) for seed in range(200)]
    assert NEWEST <= min(starts) < NEWEST + timedelta(hours=2)
    assert NEWEST + timedelta(hours=58) < max(starts) < NEWEST + timedelta(hours=60)
    assert fleet.year_starts()[-1] < NEWEST + timedelta(days=2.5)
    fixed = FleetModel(load(ALPHA))
    assert {fixed.start_of(seed) for seed in range(9)} == {NEWEST} == set(fixed.year_starts())


OLD = [SETS[0], ("GAMMA", *two_lines("90003", epoch=EPOCH - timedelta(days=20), anomaly=3.0))]
DECAYING = [SETS[0], ("GAMMA", *two_lines("90003", motion=15.79, drag=" 50000-2"))]
REFUSED = [
    ({"start": {"year": 2027}}, SETS, "shells.0.orbit: tle 1, satellite 90001 ALPHA: epoch = 2027-03-20: 28"),
    ({"start": {"epoch": EPOCH + timedelta(days=14)}}, SETS, "shells.0.orbit: tle 1, satellite 90001 ALPHA: epoch ="),
    ({"start": {"days": 13}}, SETS, "shells.0.orbit: tle 1, satellite 90001 ALPHA: epoch = 2027-03-20: 14.4 d"),
    ({"episode.hours": 24 * 14}, SETS, "shells.0.orbit: tle 1, satellite 90001 ALPHA: epoch = 2027-03-20: 14.4 d"),
    ({}, OLD, "shells.0.orbit: tle 2, satellite 90003 GAMMA: epoch = 2027-02-28: 21.2 days from the "),
    ({"episode.hours": 240}, DECAYING, "shells.0.orbit: tle 2, satellite 90003 GAMMA on 2027-03-30: perigee = "),
    ({"start": {"year": 2027}, "shells.0.orbit.allow_old": True}, DECAYING, "shells.0.orbit: tle 2, sat"),
    ({}, [SETS[0], SETS[0]], "shells.0.orbit: tle 2, satellite 90001 ALPHA: is listed already, as tle 1, satellite"),
    ({"start": {"epoch": "1965-01-01"}}, SETS, "start: epoch = 1965-01-01: must be in the years 1973 to 2052"),
    ({"start": {"year": 2027, "days": 3}}, SETS, "start: days = 3: must not be given together with year"),
    ({"start": {"year": 2027, "epoch": EPOCH}}, SETS, "start: give either year or epoch"),
    ({"shells.0.orbit.lines": []}, SETS, "shells.0.orbit: must hold one of file, lines and messages"),
    ({"shells.0.orbit.lines.0.1": "1 90001"}, SETS, "shells.0.orbit.lines: tle 1, satellite 90001 ALPHA, line 1, "),
    ({"shells.0.orbit.tle": "no.tle"}, SETS, "shells.0.orbit: file = no.tle: not readable: No such file"),
    ({"shells.0.orbit.file": "no.tle"}, SETS, "shells.0.orbit: file = no.tle: not readable: No such file"),
    ({"shells.0.orbit.lines": "one\ntwo"}, SETS, "shells.0.orbit.lines = one two: tle 1, line 1: 'one': must be"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "sets", "line"), REFUSED)
def test_what_cannot_be_simulated_is_told_in_one_line(overrides, sets, line):
    """Catches: a scenario loads, and its episodes fail when they are reset."""
    with pytest.raises(ScenarioError) as caught:
        data = STARTER.model_dump() | {"start": {}}
        data["shells"] = [{"hardware": "odcsat", "orbit": {"tle": sets}}]
        changed = {path: value for path, value in overrides.items() if path != "start"}
        data["start"] = overrides.get("start", {})
        data["episode"] |= {"hours": overrides.get("episode.hours", 24.0)}
        data["shells"][0]["orbit"] |= {"allow_old": "shells.0.orbit.allow_old" in overrides}
        Scenario.validated(data).replace(changed)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value), caught.value


def test_a_satellite_of_two_shells_is_refused(load):
    two = "shells: [{hardware: odcsat, orbit: {tle: alpha.tle}}, {hardware: odcsat, orbit: {tle: alpha.tle}}]\n"
    with pytest.raises(ScenarioError, match="satellite 90001 ALPHA: is listed already"):
        load(two)


def test_a_missing_file_is_named_as_the_scenario_finds_it(load):
    with pytest.raises(ScenarioError, match=r"shells\.0\.orbit: file = .*mine.no\.tle: not readable: No such file"):
        load(orbit("{tle: no.tle}"))


@pytest.mark.parametrize("value", ["5", "[5]", "{a: 1}", "null", "[]", "''"])
@pytest.mark.parametrize("key", ["tle", "omm", "file", "lines", "messages"])
def test_values_of_another_type_are_refused_in_one_line(load, key, value):
    with pytest.raises(ScenarioError) as caught:
        load(orbit(f"{{pattern: tle, {key}: {value}}}"))
    assert "shells.0.orbit" in str(caught.value) and "\n" not in str(caught.value)


LOADS = [
    ("starter18", "workload: {load: 1.1}\n", 1.1, 1.0),  # replaces the base's rate_scale
    ("starter12", "workload: {rate_scale: 2.0}\n", None, 2.0),
]


@pytest.mark.parametrize(("base", "text", "wanted", "rate_scale"), LOADS)
def test_load_and_rate_scale_replace_each_other_in_layers(load, base, text, wanted, rate_scale):
    workload = load(text, base=base).workload
    assert (workload.load, workload.rate_scale) == (wanted, rate_scale)


def test_load_and_rate_scale_of_one_layer_exclude_each_other(load):
    mine = STARTER.replace({"workload.load": 1.1})
    assert mine.replace({"workload.rate_scale": 2.0}).workload.load is None
    assert mine.replace({"workload.rate_scale": 2.0}).replace({"workload.load": 1.3}).workload.rate_scale == 1.0
    line = "workload: load = 1.1: must not be given together with rate_scale = 2"
    with pytest.raises(ScenarioError, match=line):
        STARTER.replace({"workload": {"load": 1.1, "rate_scale": 2.0}})
    for first, second in (("load", "rate_scale"), ("rate_scale", "load")):
        with pytest.raises(ScenarioError, match=rf"workload\.{first}: must not be given together with {second}"):
            STARTER.replace({f"workload.{first}": 1.1, f"workload.{second}": 2.0})
    with pytest.raises(ScenarioError, match=line):
        load("workload: {load: 1.1, rate_scale: 2.0}\n")
    with pytest.raises(ScenarioError, match=r"workload\.load = 0: must be > 0"):
        STARTER.replace({"workload.load": 0})
    with pytest.raises(ScenarioError, match=r"randomise.workload.rate_scale.low = 0.5: .*load = 1.1"):
        mine.replace({"randomise": {"workload.rate_scale": {"low": 0.5, "high": 0.9}}})


def test_dated_events_need_a_start_that_is_not_drawn(load):
    event = "events: [{what: surge, at: 2027-03-20T18:00, hours: 2, factor: 2}]\n"
    assert load(ALPHA + event).events[0].begin_s(NEWEST) == 3 * 3600
    with pytest.raises(ScenarioError, match=r"events\.0\.at = 2027-03-20 18:00.*: a date needs start\.epoch"):
        load(ALPHA + event + "start: {days: 2}\n")
