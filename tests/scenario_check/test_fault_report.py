"""Expected disturbances of a scenario, compared with the tables of many episodes."""

import numpy as np
import pytest

from odc_gym.faults.outages import draw_availability
from odc_gym.scenario import Scenario
from odc_gym.scenario_check.fault_report import added_frac, fault_report
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.workload import draw_surges, mean_rate_factor

DAY_S = 86400.0


@pytest.fixture(scope="module")
def storm():
    return FleetModel(Scenario.load("storm"))


def test_a_calm_scenario_has_none(starter12):
    assert fault_report(FleetModel(starter12)) == []


def test_outages_and_weather_are_those_of_the_tables(storm):
    """Catches a rate of the fleet given as that of a satellite, and minutes taken for hours."""
    value = {row.name: row for row in fault_report(storm)}
    calm = storm.scenario.replace({"events": []})
    at_s = np.arange(0.0, 10 * DAY_S, 300.0)
    tables = [draw_availability(calm, seed, 12, at_s) for seed in range(40)]
    for name, up in (
        ("satellites out", [t.satellite_up for t in tables]),
        ("optical terminals out", [t.link_up for t in tables]),
        ("bad weather", [t.site_up for t in tables]),
    ):
        assert value[name].value == pytest.approx(1.0 - np.mean(up), rel=0.1)
    begun = sum(int((np.diff(t.satellite_up.astype(int), axis=0) == -1).sum()) for t in tables) / 400.0
    assert float(value["satellites out"].note.split("; ")[1].split()[0]) == pytest.approx(begun, rel=0.12)


def test_what_surges_add_is_what_they_add(storm):
    surges = storm.scenario.workload.surges
    at = np.arange(0.0, 20 * DAY_S, 600.0)
    factor = [
        mean_rate_factor(draw_surges(surges, seed, 0.0, 20 * DAY_S), "batch", at, 600.0).mean() for seed in range(200)
    ]
    overlap = added_frac(surges) ** 2  # surges at once multiply
    assert np.mean(factor) - 1.0 == pytest.approx(added_frac(surges) + 0.5 * overlap, rel=0.06)


def test_a_script_is_told_by_its_hours(storm):
    told = [(row.name, row.value, row.note) for row in fault_report(storm) if row.name.startswith("event")]
    assert told[1] == ("event 03:00", "satellite-outage", "shell 0, plane 1, hours 2.0")
    assert told[2] == ("event 06:00", "satellite-loss", "satellites 7")
    assert len(told) == 4
