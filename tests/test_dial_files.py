"""Files of dials: roles of classes, the way from a role vector to the dials of a scenario, and what is refused."""

import numpy as np
import pytest
import yaml

from odc_gym import dial_files
from odc_gym.dial_files import (
    FLEET_DIALS,
    GROUPS,
    NAMES,
    dial_file,
    dials_of,
    names,
    read_dials,
    roles_of,
    text_of,
    without,
)
from odc_gym.envs.vector import build_simulator
from odc_gym.errors import SchedulerError
from odc_gym.interface.dials import DIALS
from odc_gym.scenario import Scenario


def test_roles_follow_the_widest_job_and_the_kind():
    """Catches: roles in another order than the class axis, and a width that counts against the wrong satellite."""
    assert dict(zip(Scenario.load("starter12").class_names, roles_of(Scenario.load("starter12")), strict=True)) == {
        "finetuning": "wide", "batch": "narrow", "interactive": "service"
    }  # fmt: skip
    larger = Scenario.load("starter12", {"hardware.*.accelerators.count": 16})
    assert "wide" not in roles_of(larger)


def test_dials_carry_the_values_of_their_role():
    """Catches: class dials that are given to another class or another dial."""
    scenario = Scenario.load("starter12")
    vector = np.linspace(-1, 1, len(NAMES))
    by_name = dict(zip(NAMES, vector, strict=True))
    layout = build_simulator(1, scenario).dials
    roles = dict(zip(scenario.class_names, roles_of(scenario), strict=True))
    for name, value in zip(layout.names, dials_of(vector, roles_of(scenario)), strict=True):
        _, *middle, dial = name.split(".")
        assert value == by_name[f"{roles[middle[0]] if middle else 'fleet'}.{dial}"], name


def test_each_dial_is_in_one_group():
    members = [dial for group in GROUPS.values() for dial in group]
    assert sorted(members) == sorted(dial.name for dial in DIALS)
    ones = np.ones(len(NAMES))
    for group, members in GROUPS.items():
        zeros = {name.partition(".")[2] for name, v in zip(NAMES, without(ones, group), strict=True) if v == 0.0}
        assert zeros == set(members)


def test_a_file_is_read_as_it_was_written(tmp_path):
    vector = np.random.default_rng(0).uniform(-1, 1, len(NAMES)).round(3)
    path = tmp_path / "mine.yaml"
    path.write_text(text_of(dial_file(vector, command="odc-gym tune starter12")), encoding="utf-8")
    assert np.array_equal(read_dials(path).vector, vector)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"fleet": {"brightness": 0.5}}, "fleet.brightness: unknown dial; must be one of kept"),
        ({"wide": {"packing": 1.5}}, "wide.packing = 1.5"),
        ({"scales": "0"}, "scales = 0: this version has"),
        ({"nurrow": {}}, "nurrow"),
    ],
)
def test_bad_files_are_one_line(change, text, tmp_path):
    path = tmp_path / "bad.yaml"
    data = yaml.safe_load(text_of(dial_file(np.zeros(len(NAMES)))))
    path.write_text(yaml.safe_dump(data | change), encoding="utf-8")
    with pytest.raises(SchedulerError) as caught:
        read_dials(path)
    assert text in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(SchedulerError, match=r"must be the path of a \.yaml file, or one of"):
        read_dials("nothing")


def test_the_files_of_the_package_are_of_this_version():
    """Catches: a change of the dials without new files."""
    for name in names():
        assert read_dials(name).vector.any(), name
    assert len(FLEET_DIALS) > 10


def test_a_scenario_without_a_file_takes_that_of_its_base(monkeypatch):
    """Catches: `eclipse-season` that plays the dials for all, though its base's base has a file."""
    monkeypatch.setattr(dial_files, "names", lambda: ["all", "starter12", "storm"])
    found = [dial_files.family(name) for name in ("storm", "eclipse-season", "threebody12", "a user's")]
    assert found == ["storm", "starter12", "all", "all"]
