"""Commands of `odc-gym scenario` that write files: `new` and `schema`."""

import json

import pytest

from odc_gym import cli
from odc_gym.scenario import Scenario


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder: exit code, and the last line that it prints."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            cli.main(["scenario", *arguments])
        out, err = capsys.readouterr()
        return exit_.value.code, out + err

    return call


def test_a_new_file_loads_and_is_kept(run, tmp_path):
    assert run("new", "mine") == (0, "wrote mine.yaml; `odc-gym scenario check mine.yaml` checks it\n")
    assert Scenario.load(tmp_path / "mine.yaml").name == "mine"
    (tmp_path / "mine.yaml").write_text("edited")
    assert run("new", "mine") == (2, "error: mine.yaml: exists; add --force to replace it\n")
    assert (tmp_path / "mine.yaml").read_text() == "edited"
    assert run("new", "mine", "--force")[0] == 0 and list(tmp_path.iterdir()) == [tmp_path / "mine.yaml"]


def test_a_base_of_ones_own_is_found_from_the_new_file(run, tmp_path):
    """Catches: a relative base that is read from the folder of the command."""
    (tmp_path / "fleets").mkdir()
    assert run("new", "mine", "--base", "storm")[0] == 0
    assert run("new", "other", "--base", "mine.yaml", "--output", "fleets/other.yaml")[0] == 0
    assert "base: ../mine.yaml\n" in (tmp_path / "fleets" / "other.yaml").read_text()
    assert Scenario.load(tmp_path / "fleets" / "other.yaml").events == Scenario.load("storm").events


def test_a_schema_beside_the_file_is_named_in_it(run, tmp_path):
    code, out = run("schema")
    assert code == 0 and json.loads(out)["title"] == "odc-gym scenario"
    assert run("schema", "--output", "odc-gym.schema.json") == (0, "")
    assert json.loads((tmp_path / "odc-gym.schema.json").read_text()) == json.loads(out)
    assert run("schema", "--output", "odc-gym.schema.json")[0] == 2
    assert run("new", "mine")[0] == 0
    assert (tmp_path / "mine.yaml").read_text().startswith("# yaml-language-server: $schema=odc-gym.schema.json\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mine.yaml",), "NAME = mine.yaml: must consist of letters, digits, - and _; --output names the file"),
        (("starter12",), "NAME = starter12: is the name of a scenario of the package; choose another"),
        (("mine", "--output", "mine.txt"), "--output = mine.txt: must end with .yaml or .yml"),
        (("mine", "--output", "none/mine.yaml"), "none/mine.yaml: must be a file in an existing folder"),
        (("mine", "--base", "nope"), "scenario = nope: must be one of"),
    ],
)
def test_wrong_arguments_write_nothing(run, tmp_path, arguments, message):
    code, text = run("new", *arguments)
    assert code == 2 and text.startswith(f"error: {message}") and text.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
