"""Template of new files: it loads as it stands, and with each of its commented lines."""

import re

import pytest
import yaml
from json_schema import is_valid

from odc_gym.scenario import Scenario
from odc_gym.scenario.files import names
from odc_gym.scenario.schema import file_schema
from odc_gym.scenario.template import new_file
from odc_gym.scenario.yaml_text import parse

COMMENTED = re.compile(r"^( *)# (\w+: )", re.MULTILINE)


def loaded(text, base):
    """Return the scenario of a text, read onto its base as a file would be."""
    data = parse(text)
    assert data["base"] == base
    return Scenario.load(data)


@pytest.mark.parametrize("base", names())
def test_a_new_file_is_its_base_until_it_is_changed(base):
    """Catches: a block of comments alone, which YAML reads as null, and a value that merging changes."""
    scenario = Scenario.load(base)
    mine = loaded(new_file("mine", base, scenario), base)
    assert mine.name == "mine"
    assert mine.model_copy(update={"name": base, "description": scenario.description}) == scenario


def commented_lines(text):
    """Return the matches of all lines that hold a field as a comment."""
    return [match for match in COMMENTED.finditer(text) if match.start() > text.index("\nbase:")]


@pytest.mark.parametrize("base", ["starter12", "edge-earth"])
def test_every_commented_line_is_valid(base):
    text = new_file("mine", base, Scenario.load(base))
    places = commented_lines(text)
    assert len(places) > 30
    for match in places:
        line = match[0].replace("# ", "", 1)
        assert loaded(text[: match.start()] + line + text[match.end() :], base).name == "mine", match[0]


@pytest.mark.parametrize("base", names())
def test_all_commented_lines_are_valid_together(base):
    """Catches: an example that the base does not allow, such as an event of a satellite that it lacks."""
    text = new_file("mine", base, Scenario.load(base))
    body = text.index("\nbase:")
    everything = text[:body] + COMMENTED.sub(r"\1\2", text[body:])
    assert loaded(everything, base).name == "mine" and commented_lines(everything) == []
    assert {"events", "randomise", "sensing"} <= set(yaml.load(everything, yaml.BaseLoader))


def test_lines_have_meaning_unit_range_and_default():
    text = new_file("mine", "starter12", Scenario.load("starter12"))
    assert re.search(r"^      capacity_wh: 10000 +# capacity when new \[Wh\]; > 0$", text, re.MULTILINE)
    assert re.search(r"^  hours: 24 +# .* \[h\]; > 0, <= 744; default 24$", text, re.MULTILINE)
    lines = text.partition("\nshells:")[2].splitlines()
    assert all("# " in line for line in lines if re.match(r" *(# )?[\w-]+: \S", line))


def test_editors_find_a_schema_beside_the_file():
    text = new_file("mine", "starter12", Scenario.load("starter12"), schema=True)
    assert text.startswith("# yaml-language-server: $schema=odc-gym.schema.json\n")
    assert is_valid(yaml.safe_load(text), file_schema())


def test_names_that_yaml_would_read_otherwise_stay_text():
    text = new_file("1e3", "starter12", Scenario.load("starter12"))
    assert loaded(text, "starter12").name == "1e3"
