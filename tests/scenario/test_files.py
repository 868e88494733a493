"""Scenario files with a base: inherited values, replaced values, and errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.scenario.changes import merge
from odc_gym.scenario.places import Place
from odc_gym.scenario.yaml_text import dump, parse

STARTER = Scenario.load("starter12")


@pytest.fixture
def write(tmp_path):
    """Write YAML files into one folder, and return the path of the last."""

    def files(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path / f"{list(texts)[-1]}.yaml"

    return files


def test_a_file_holds_only_what_differs(write):
    mine = Scenario.load(write(mine="base: starter12\nname: mine\nhardware: {odcsat: {battery: {capacity_wh: 9000}}}"))
    assert mine == STARTER.replace({"name": "mine", "hardware.odcsat.battery.capacity_wh": 9000})


def test_bases_have_bases_and_paths_are_relative_to_the_file(write, tmp_path):
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "top.yaml"
    write(middle="base: starter12\nname: middle\nepisode: {hours: 6}\nearth: {albedo: 0.2}")
    path.write_text("base: ../middle.yaml\nname: top\nearth: {albedo: 0.25}")
    assert Scenario.load(path) == STARTER.replace({"name": "top", "episode.hours": 6, "earth.albedo": 0.25})


def test_lists_replace_and_null_takes_a_key_away(write):
    """A list that merged with the base's would leave two shells; a null that stayed would be an unknown class."""
    text = """
    base: starter12
    name: mine
    shells: [{hardware: odcsat, orbit: {pattern: cluster, altitude_km: 650, local_time_h: 18, total: 4}}]
    start: {year: null, epoch: 2027-06-21}
    workload: {classes: {batch: null, finetuning: {width: {8: null, 4: 0.3}}}}
    """
    mine = Scenario.load(write(mine=text))
    assert [shell.orbit.pattern for shell in mine.shells] == ["cluster"]
    assert mine.start.year is None and mine.start.epoch.day == 21
    assert mine.class_names == ("finetuning", "interactive")
    assert mine.workload.classes["finetuning"].width == {1: 0.5, 2: 0.2, 4: 0.3}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("base: starter13", "base = starter13: must be one of "),
        ("base: absent.yaml", "base = absent.yaml: must be one of "),
        ("base: [starter12]", "base = ['starter12']: must be the name of a scenario or the path of a .yaml file"),
        ("base: mine.yaml", "base = mine.yaml: must not be based on the file itself"),
        ("base: starter12", "name: is missing"),
        ("base: starter12\nname: mine\nepisode: {hous: 6}", "episode.hous: unknown key; did you mean hours?"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_the_file(write, text, line):
    path = write(mine=text)
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    assert str(caught.value).startswith(f"{path}: {line}") and "\n" not in str(caught.value)


def test_a_circle_of_bases_is_told_with_the_file_that_closes_it(write, tmp_path):
    path = write(two="base: one.yaml", one="base: two.yaml")
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    assert str(caught.value) == f"{tmp_path / 'two.yaml'}: base = one.yaml: must not be based on the file itself"


def test_a_malformed_base_is_named_not_the_file_on_top(write, tmp_path):
    path = write(below="a: [", top="base: below.yaml\nname: top")
    with pytest.raises(ScenarioError, match="not readable as YAML") as caught:
        Scenario.load(path)
    assert str(caught.value).startswith(f"{tmp_path / 'below.yaml'}: ")


def test_what_is_shown_needs_no_base(write, tmp_path):
    """`scenario show` prints the merged result: saved, it is the same scenario."""
    text = dump(Scenario.load("starter24").model_dump(mode="json"))
    assert "base" not in parse(text)
    assert Scenario.load(write(copy=text)) == Scenario.load("starter24")


plain = st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3))


@given(plain, plain)
def test_a_merge_holds_all_changes_and_keeps_the_rest(base, changes):
    """Merging twice changes nothing more, and no change is lost: catches a merge that stops at some depth."""
    once = merge(base, changes, Place())
    assert merge(once, changes, Place()) == once
    assert merge(merge(base, {}, Place()), {}, Place()) == (base if isinstance(base, dict) else {})

    def paths(node, at=()):
        if isinstance(node, dict):
            return {p: v for k, inner in node.items() for p, v in paths(inner, (*at, k)).items()} or {at: {}}
        return {at: node}

    held = paths(once)
    assert all(held.get(path) == value for path, value in paths(changes).items() if value != {})
