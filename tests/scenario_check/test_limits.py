"""Sentences about the limits of a fleet."""

import re

import pytest

from odc_gym.scenario import Scenario
from odc_gym.scenario.files import names
from odc_gym.scenario_check.limits import Limits, limit_sentences
from odc_gym.tables.fleet.fleet_model import FleetModel


@pytest.mark.parametrize(
    ("energy", "heat", "sentence"),
    [
        (77.3, 84.5, "Energy binds: 70 of 96 accelerators sustained; heat is next."),
        (90.0, 80.0, "Heat binds: 70 of 96 accelerators sustained; energy is next."),
        (77.3, 96.0, "Energy binds: 70 of 96 accelerators sustained; heat suffices."),
        (96.0, 84.8, "Heat binds: 70 of 96 accelerators sustained; energy suffices."),
        (96.0, 96.0, "Accelerators bind: 70 of 96 sustained; energy and heat suffice."),
    ],
)
def test_the_sentence_names_what_binds_and_what_is_next(energy, heat, sentence):
    """Catches a limit that is called next although all accelerators run within it."""
    assert Limits("fleet", 96.0, energy, heat, 70.0, True).sentence == sentence


def test_accelerators_of_another_speed_are_reference_accelerators():
    limits = Limits("edge", 2.256, 1.853, 2.256, 1.586, False)
    assert limits.sentence == "Energy binds: 1.59 of 2.26 reference accelerators sustained; heat suffices."
    assert limits.line == "- edge: Energy binds: 1.59 of 2.26 sustained; heat suffices."


@pytest.mark.parametrize("name", [name for name in names(large=False) if name != "ai1-shells"])
def test_every_preset_has_a_sentence_that_fits_a_line(name):
    fleet = FleetModel(Scenario.load(name))
    binds, offered = limit_sentences(fleet)
    told, slots = map(float, re.findall(r"[\d.]+(?= of | (?:reference )?accelerators)", binds))
    assert " binds: " in binds and len(binds) <= 80
    assert told == pytest.approx(fleet.sustainable, rel=0.005) and told < slots
    assert offered.startswith("Offered work: ") and len(offered) <= 80


def test_several_shells_have_a_line_each_that_adds_up():
    fleet = FleetModel(Scenario.load("ai1-shells"))
    _, *shells, _ = limit_sentences(fleet)
    assert [line.split(":")[0] for line in shells] == ["- dawn-dusk-600", "- inclined-650", "- dawn-dusk-1400"]
    assert max(map(len, shells)) <= 80 and sum(fleet.sustainable_by_shell) == pytest.approx(fleet.sustainable)
