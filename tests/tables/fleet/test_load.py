"""The field `workload.load`: offered work over the sustainable output, whatever fleet and mix."""

import pytest
from element_sets import two_lines

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.scenario_check.design_report import design_report
from odc_gym.tables.episode.tables import build_episode
from odc_gym.tables.episode.variation import vary
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.tables.fleet.plans import offered_by_class

LINES = [two_lines(f"{90001 + k}", node=120.0 * k, anomaly=40.0 * k) for k in range(3)]
SCENARIOS = {
    "starter12": {},
    "starter18": {},  # has a rate_scale of its own
    "one satellite": {"shells.0.orbit.total": 1, "shells.0.orbit.planes": 1, "shells.0.orbit.phasing": 0},
    "element sets": {"shells.0.orbit.tle": LINES},
    "small array": {"hardware.*.solar.area_m2": 25.0, "workload.classes.batch.jobs_per_h": 80.0},
}


def offered(fleet):
    return offered_by_class(fleet.scenario.workload, fleet.scenario.class_names).sum()


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("load", [0.6, 1.1])
def test_the_check_prints_the_load_that_was_asked_for(name, load):
    """Catches: one's own constellation idles, or drowns in the work of another fleet."""
    base = name if name in ("starter12", "starter18") else "starter12"
    scenario = Scenario.load(base, SCENARIOS[name] | {"workload.load": load})
    rows = {row.name: row.value for row in design_report(scenario)}
    assert rows["load against all together"] == pytest.approx(load, rel=1e-12)
    assert rows["load against all together"] * rows["sustainable"] == pytest.approx(
        sum(value for row, value in rows.items() if row.startswith("offered "))
    )


def test_episodes_offer_that_load():
    fleet = FleetModel(Scenario.load("starter12", {"workload.load": 0.9, "episode.hours": 96}))
    factors = [build_episode(fleet, seed).load_factor for seed in range(4)]
    assert sum(factors) / 4 == pytest.approx(0.9, abs=0.12)


def test_a_load_is_the_rate_scale_that_gives_it():
    scaled = FleetModel(Scenario.load("starter18"))
    asked = Scenario.load("starter18", {"workload.load": offered(scaled) / scaled.sustainable})
    fleet = FleetModel(asked)
    assert fleet.scenario.workload.rate_scale == pytest.approx(scaled.scenario.workload.rate_scale)
    assert (fleet.sustainable, fleet.reference_value) == (scaled.sustainable, scaled.reference_value)
    assert asked.workload.rate_scale == 1.0  # the scenario itself is not changed


def test_a_random_load_scales_each_episode():
    scenario = Scenario.load("starter12", {"workload.load": 1.0})
    fleet = FleetModel(scenario.replace({"randomise": {"workload.load": {"low": 0.7, "high": 1.4}}}))
    for seed in range(5):
        drawn = vary(fleet, seed)
        assert offered(drawn) / fleet.sustainable == pytest.approx(float(drawn.drawn["workload.load"]))
    assert offered(fleet) / fleet.sustainable == pytest.approx(1.0)


def test_random_rates_vary_about_the_load():
    draws = {"workload.classes.batch.jobs_per_h": {"low": 1.0, "high": 60.0}}
    fleet = FleetModel(Scenario.load("starter12", {"workload.load": 1.0, "randomise": draws}))
    loads = {round(offered(vary(fleet, seed)) / fleet.sustainable, 3) for seed in range(5)}
    assert len(loads) == 5


def test_a_load_needs_work():
    with pytest.raises(ScenarioError, match=r"workload\.load = 1\.1: needs a class that offers work, all rates are 0"):
        FleetModel(
            Scenario.load(
                "starter12",
                {
                    "workload.load": 1.1,
                    "workload.classes.finetuning.jobs_per_h": 0,
                    "workload.classes.batch.jobs_per_h": 0,
                    "workload.classes.interactive.output_tokens_per_min": 0,
                },
            )
        )
