import importlib
import pickle
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import odc_gym.agents
from odc_gym.agents import make_scheduler, scheduler, scheduler_factory, scheduler_names, scheduler_rules
from odc_gym.agents.zero import Zero
from odc_gym.errors import SchedulerError

VIEW = SimpleNamespace(observation={}, layout=None)
FOLDER = Path(odc_gym.agents.__file__).parent


def test_every_file_of_the_folder_registers_one_scheduler():
    files = {path.stem.replace("_", "-") for path in FOLDER.glob("[a-z]*.py")} - {"base"}
    assert set(scheduler_names()) == files
    assert {"random", "idle", "zero", "full-clock", "governor", "sun-aware"} <= files


def test_every_rule_is_stated_in_two_sentences():
    for name, rule in scheduler_rules().items():
        assert len(re.findall(r"[.](?: |$)", rule)) in (2, 3), (name, rule)


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
        assert message.startswith("scheduler = sunaware: must be one of full-clock, gang-aware, ")
        assert message.endswith("a Python file, or a training run's folder") and "\n" not in message


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
    (tmp_path / "mine.py").write_text("from __future__ import annotations\n" + OWN)
    for _ in range(2):  # a file is read once
        factory = pickle.loads(pickle.dumps(scheduler_factory(tmp_path / "mine.py")))
        assert type(factory(VIEW)).__name__ == "Mine"
    assert "mine" not in scheduler_names()


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


def test_agents_import_no_training():
    for path in FOLDER.glob("*.py"):
        assert not re.search(
            r"^\s*(from|import) .*(training|torch|stable_baselines3)", path.read_text(), re.MULTILINE
        ), path


def test_random_does_not_hide_the_standard_library():
    assert importlib.import_module("random").__file__ != str(FOLDER / "random.py")
