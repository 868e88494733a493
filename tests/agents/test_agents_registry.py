import importlib
import pickle
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import odc_gym.agents
from odc_gym.agents import (
    base,
    make_scheduler,
    number,
    scheduler,
    scheduler_descriptions,
    scheduler_factory,
    scheduler_names,
    split_names,
)
from odc_gym.agents._parameters import read_parameters
from odc_gym.agents.fixed_clock import FixedClock
from odc_gym.agents.zero import Zero
from odc_gym.errors import SchedulerError
from odc_gym.scenario import Scenario

VIEW = SimpleNamespace(observation={}, layout=None)
FOLDER = Path(odc_gym.agents.__file__).parent


def test_every_file_of_the_folder_registers_one_scheduler():
    files = {path.stem.replace("_", "-") for path in FOLDER.glob("[a-z]*.py")} - {"base", "resolver"}
    assert set(scheduler_names()) == files
    assert {"random", "idle", "zero", "full-clock", "governor", "sun-aware"} <= files


def test_every_rule_is_stated_in_a_line_and_in_a_few_sentences():
    width = max(map(len, scheduler_names()))
    for name, described in scheduler_descriptions().items():
        assert len(re.findall(r"[.](?: |$)", described.rule)) in (2, 3, 4), (name, described.rule)
        assert len(described.summary) + width + 2 <= 80 and described.rule.startswith("Scheduler that "), name


def test_names_are_taken_once():
    with pytest.raises(SchedulerError, match="two schedulers are called zero"):
        scheduler("zero")(Zero)


@pytest.mark.parametrize(
    "env",
    [
        VIEW,
        SimpleNamespace(view=VIEW),
        SimpleNamespace(unwrapped=SimpleNamespace(view=VIEW)),
    ],
    ids=["view", "simulator", "wrapped"],
)
def test_a_scheduler_is_made_for_anything_that_has_a_view(env):
    assert isinstance(make_scheduler("zero", env), Zero)


def test_what_has_no_view_is_refused():
    with pytest.raises(SchedulerError, match="env = int: must be an environment of odc_gym, a Simulator or a View"):
        make_scheduler("zero", 3)


def test_unknown_names_are_refused_with_the_known_ones():
    for make in (scheduler_factory, lambda name: make_scheduler(name, VIEW)):
        with pytest.raises(SchedulerError) as refused:
            make("sunaware")
        message = str(refused.value)
        assert message.startswith("scheduler = sunaware: must be one of clairvoyant, coolest-first, ")
        assert message.endswith("or a training run's folder; did you mean sun-aware?") and "\n" not in message


@pytest.mark.parametrize(
    ("source", "message"),
    [("x = 1\nclass Mine\n", "line 2: expected ':'"), ("import absent_module\n", "No module named 'absent_module'")],
)
def test_a_file_that_does_not_load_is_refused_in_one_line(tmp_path, source, message):
    """Catches a traceback through the package for a mistake in the user's file."""
    mine = tmp_path / "mine.py"
    mine.write_text(source)
    with pytest.raises(SchedulerError, match=re.escape(f"scheduler = {mine}: {message}")):
        scheduler_factory(mine)


def test_a_missing_file_or_run_is_told_its_closest_neighbour(tmp_path):
    (tmp_path / "mine.py").touch()
    (tmp_path / "ppo-1").mkdir()
    for absent, meant in (("mien.py", "mine.py"), ("ppo1", "ppo-1")):
        with pytest.raises(SchedulerError, match=rf"; did you mean {re.escape(str(tmp_path / meant))}\?$"):
            scheduler_factory(tmp_path / absent)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(SchedulerError, match=r"has config\.yaml and best_model\.zip or model\.zip"):
        scheduler_factory(tmp_path)


OWN = """
from dataclasses import dataclass
from odc_gym.agents import scheduler

@scheduler("mine")
@dataclass
class Mine:
    view: object

    def reset(self, view, mask, seeds): ...
    def act(self, view): return view.layout.zeros(view.num_envs)
"""


def test_a_scheduler_may_be_a_file_of_the_user(tmp_path):
    for name in ("Mine", "Amended"):
        (tmp_path / "mine.py").write_text("from __future__ import annotations\n" + OWN.replace("Mine", name))
        factory = pickle.loads(pickle.dumps(scheduler_factory(tmp_path / "mine.py")))
        assert type(factory(VIEW)).__name__ == name
    assert "mine" not in scheduler_names()


def test_a_file_takes_parameters_as_a_name_does(tmp_path):
    text = OWN.replace('("mine")', '("mine", FixedClockParameters)').replace(
        "object", "object\n    numbers: object = None"
    )
    (tmp_path / "mine.py").write_text("from odc_gym.agents.fixed_clock import FixedClockParameters\n" + text)
    assert scheduler_factory(f"{tmp_path}/mine.py(0.5)")(VIEW).numbers.clock == 0.5
    with pytest.raises(SchedulerError, match="speed is no parameter"):
        scheduler_factory(f"{tmp_path}/mine.py(speed=0.5)")


def test_a_file_that_was_imported_may_be_named_too(tmp_path, monkeypatch):
    (tmp_path / "mine_imported.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(base._ENTRIES, "mine", None)  # so that it is taken out again
    del base._ENTRIES["mine"]
    imported = importlib.import_module("mine_imported").Mine
    assert isinstance(make_scheduler("mine", VIEW), imported)
    assert not isinstance(make_scheduler(tmp_path / "mine_imported.py", VIEW), imported)
    assert isinstance(make_scheduler("mine", VIEW), imported)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "mine.py: no such file"),
        ("x = 1", 'mine.py: must have one class under @scheduler("name"), has none'),
        (OWN + OWN.replace('"mine"', '"ours"'), "has mine, ours"),
        (OWN.replace('"mine"', '"zero"'), "two schedulers are called zero"),
    ],
)
def test_a_file_that_is_no_scheduler_is_refused(tmp_path, text, told):
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    before = scheduler_names()
    with pytest.raises(SchedulerError, match=re.escape(told)):
        scheduler_factory(tmp_path / "mine.py")
    assert scheduler_names() == before


def test_a_run_is_loaded_by_training_only_when_asked_for(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").touch()
    (tmp_path / "model.zip").touch()
    seen = []
    stand_in = ModuleType("odc_gym.training.policy_scheduler")
    stand_in.load_policy_scheduler = lambda folder, view: seen.append((folder, view)) or "loaded"
    monkeypatch.setitem(sys.modules, "odc_gym.training.policy_scheduler", stand_in)
    factory = scheduler_factory(str(tmp_path))
    assert seen == []
    assert factory(VIEW) == "loaded" and seen == [(tmp_path, VIEW)]


def test_factories_travel_between_processes():
    assert isinstance(pickle.loads(pickle.dumps(scheduler_factory("zero")))(VIEW), Zero)


def test_schedulers_import_no_training():
    """The resolver alone imports it, in the function that loads a trained policy."""
    for path in FOLDER.glob("*.py"):
        indent = "" if path.stem == "resolver" else r"\s*"
        imported = re.search(
            rf"^{indent}(from|import) .*(training|torch|stable_baselines3)", path.read_text(), re.MULTILINE
        )
        assert not imported, path


def test_random_does_not_hide_the_standard_library():
    assert importlib.import_module("random").__file__ != str(FOLDER / "random.py")


@dataclass(frozen=True)
class Bands:
    """Two numbers that a name may set, and one that it may not."""

    heat_k: float = number(10.0, 1.0, 20.0)
    charge: float = number(0.5, -1.0, 1.0)
    fixed: float = 3.0


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("rule", None),
        ("rule(12)", Bands(12.0)),
        ("rule(1e1, charge = -.5)", Bands(10.0, -0.5)),
        ("rule(charge=1,heat_k=2)", Bands(2.0, 1.0)),
        ("rule(12, 0.25)", Bands(12.0, 0.25)),
    ],
)
def test_a_name_sets_parameters_by_place_or_by_name(name, read):
    assert read_parameters(name, Bands) == read


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("rule(0.5)", "heat_k = 0.5: must be a number from 1 to 20"),
        ("rule(charge=warm)", "charge = warm: must be a number from -1 to 1"),
        ("rule(charge=nan)", "charge = nan: must be a number from -1 to 1"),
        ("rule()", "heat_k = : must be a number from 1 to 20"),
        ("rule(heat_k=__import__('os'))", "heat_k = __import__('os'): must be a number from 1 to 20"),
        ("rule(fixed=3)", "fixed is no parameter; must be one of heat_k, charge"),
        ("rule(12, heat_k=12)", "heat_k is set twice"),
        ("rule(1, 1, 1)", "too many values; the parameters are heat_k, charge"),
    ],
)
def test_parameters_that_do_not_fit_are_one_line(name, line):
    with pytest.raises(SchedulerError) as refused:
        read_parameters(name, Bands)
    assert str(refused.value) == f"scheduler = {name}: {line}"


def test_wrong_parameters_are_refused_before_anything_is_simulated():
    for name, line in (("zero(1)", "zero has no parameters"), ("fixed-clock(2)", "must be a number from 0 to 1")):
        with pytest.raises(SchedulerError, match=line):
            scheduler_factory(name)
    for name in ("fixed-clock(0.5", "nobody(1)"):
        with pytest.raises(SchedulerError, match="must be one of"):
            scheduler_factory(name)


def test_a_factory_carries_its_parameters_between_processes():
    made = pickle.loads(pickle.dumps(scheduler_factory("fixed-clock(0.6)")))(VIEW)
    assert isinstance(made, FixedClock) and made.parameters.clock == 0.6
    assert make_scheduler("fixed-clock", VIEW).parameters == type(made.parameters)()


def test_parameters_are_listed_with_default_and_range():
    listed = scheduler_descriptions()
    assert listed["governor"].parameters == (
        "heat_band_k = 10 (0.1 to 100): room to the junction limit over which the clock falls [K]",
        "charge_band_frac = 0.65 (0.01 to 1): charge above the floor over which the clock falls",
    )
    assert listed["zero"].parameters == () and set(listed) == set(scheduler_names())


def test_sources_are_no_part_of_the_rule():
    described = scheduler_descriptions()["sunlit-first"]
    assert described.source.startswith("after Phoenix") and "Phoenix" not in described.rule + described.controls


def test_names_are_split_outside_parentheses():
    assert split_names("zero, a(1,b=2) ,runs/x") == ["zero", "a(1,b=2)", "runs/x"]
    assert split_names("g=a(b=1)+c", "=") == ["g", "a(b=1)+c"]
    assert split_names("a(1e+3)+c", "+") == ["a(1e+3)", "c"]
    assert split_names("a(1,b") == ["a(1,b"] and split_names("a),b") == ["a)", "b"] and split_names("") == [""]


def test_an_environment_without_what_a_scheduler_requires_is_refused():
    scenario = Scenario.load("starter12")
    fits = SimpleNamespace(observation={}, layout=None, scenario=scenario.replace({"dispatch.order": "edf"}))
    assert isinstance(make_scheduler("earliest-deadline", fits), Zero)
    with pytest.raises(SchedulerError, match=r"needs an environment with overrides={'dispatch\.order': 'edf'}"):
        make_scheduler("earliest-deadline", SimpleNamespace(observation={}, layout=None, scenario=scenario))
