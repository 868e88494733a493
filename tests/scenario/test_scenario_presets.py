"""Every scenario of the package: its scarcity, and an episode of zero actions."""

import pytest
from regimes import FLEETS, REGIMES

from odc_gym.scenario import Scenario
from odc_gym.scenario.files import FOLDER, names
from odc_gym.scenario_check import design_report as closures

LIKE_STARTER = ("starter12", "starter18", "starter24")


@pytest.mark.parametrize("name", FLEETS)
def test_every_fleet_is_scarce(name):
    """With slack all schedulers tie: more work than can be held, in each shell energy or heat short of full power."""
    rows = closures.design_report(Scenario.load(name))
    value = {row.name: row.value for row in rows}
    assert 1.05 <= value["load against all together"] <= 1.2
    assert value["load against slots"] < 1.0
    for array in (row for row in rows if row.name.endswith("array over its need")):
        radiator = value[array.name.replace("array", "radiator")]
        assert 0.6 <= min(array.value, radiator) <= 0.9
        if name in LIKE_STARTER:  # both limits bind, at one beta angle or another
            assert 0.65 <= array.value <= 0.8 and 0.75 <= radiator <= 0.9
    assert "soft depth cannot be kept" not in " ".join(value)


@pytest.mark.parametrize("name", REGIMES)
def test_a_regime_is_what_its_name_says(name):
    """Load and limit of `scenario check`: catches a size that another change of the model has made wrong."""
    value = {row.name: row.value for row in closures.design_report(Scenario.load(name))}
    load, binds = REGIMES[name]
    assert value["load against all together"] == pytest.approx(load, abs=0.01)
    assert value["binds most"] == binds
    assert (value["longest eclipse"] == 0.0) == (name == "dawn-dusk")
    if binds == "heat" and name != "pretraining-cluster":  # and energy is no limit beside it, in no season
        assert value["array over its need"] > 1.0 and value["load against energy"] < 1.0
    assert "soft depth cannot be kept" not in " ".join(value)


@pytest.mark.parametrize("name", LIKE_STARTER[1:])
def test_larger_fleets_of_the_starter_are_as_loaded_as_the_starter(name):
    load = [
        {row.name: row.value for row in closures.design_report(Scenario.load(n))}["load against all together"]
        for n in (name, "starter12")
    ]
    assert load[0] == pytest.approx(load[1], rel=2e-3)


@pytest.mark.parametrize("name", names())
def test_every_file_says_what_its_work_is_and_where_its_numbers_come_from(name):
    text = (FOLDER / f"{name}.yaml").read_text()
    assert "# WORK: " in text.partition("\nname:")[0]
    assert all(tag in text for tag in ("[E]", "[C]")) or "base:" in text


@pytest.mark.parametrize("name", names())
def test_the_first_line_of_a_file_is_its_description(name):
    """`scenario list` shows it in one line of 120 columns, beside the longest name."""
    first = (FOLDER / f"{name}.yaml").read_text().partition("\n")[0]
    description = Scenario.load(name).description
    assert first.rstrip(".") == f"# {description}".rstrip(".") and len(description) <= 92


@pytest.mark.parametrize("name", names())
def test_speed_is_that_of_the_peak_rate(name):
    """A speed of its own for each kind of accelerator: catches a new kind that counts as an H200."""
    for hardware in Scenario.load(name).hardware.values():
        a = hardware.accelerators
        assert a.speed == pytest.approx(a.bf16_tflops / 989, rel=2e-3)
