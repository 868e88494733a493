"""Report of a scenario's design: every row has a name of its own, and the start of the episodes is shown."""

import pytest
from element_sets import two_lines

from odc_gym.scenario import Scenario
from odc_gym.scenario_check.design_report import design_report

ONE = {"hardware": "odcsat", "orbit": {"tle": [two_lines("90001")]}}
TWO = {"hardware": "odcsat", "orbit": {"tle": [two_lines("90002", motion=14.72, inclination=97.98)]}}


def test_rows_of_two_shells_with_the_same_hardware_differ():
    """Catches: the rows of one shell replace those of the other in the JSON file, since their names are equal."""
    rows = design_report(Scenario.load("starter12", {"shells": [ONE, TWO]}))
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    value = {row.name: row.value for row in rows}
    assert value["shell 0: period"] < value["shell 1: period"]


@pytest.mark.parametrize(
    ("overrides", "kind", "note"),
    [
        ({}, "random", "from 2027-01-01 00:00 UTC on, over 365 days"),
        ({"start.epoch": "2027-06-21"}, "fixed", "from 2027-06-21 00:00 UTC"),
        (
            {"shells": [ONE]},
            "fixed",
            "from 2027-03-20 12:00 UTC; 1 element sets of 2027-03-20 12:00 to 2027-03-20 12:00",
        ),
        ({"shells": [ONE], "start.days": 2}, "random", "from 2027-03-20 12:00 UTC on, over 2 days; 1 element sets of "),
    ],
)
def test_the_start_of_episodes_is_shown(overrides, kind, note):
    row = next(row for row in design_report(Scenario.load("starter12", overrides)) if row.name == "start of episodes")
    assert row.value == kind and row.note.startswith(note)
