import shutil

import pytest

from odc_gym.agents import scheduler_identity, scheduler_names
from odc_gym.errors import SchedulerError

MINE = """
from odc_gym.agents import scheduler

@scheduler("mine")
class Mine:
    '''Does nothing.'''
    def __init__(self, view): pass
    def reset(self, view, mask, seeds): pass
    def act(self, view):
        return view.layout.zeros(view.num_envs)
"""


def test_every_scheduler_has_its_own():
    identities = [scheduler_identity(name) for name in scheduler_names()]
    assert len(set(identities)) == len(identities)
    assert identities == [scheduler_identity(name) for name in scheduler_names()]


def test_numbers_of_the_rule_count():
    assert scheduler_identity("fixed-clock(0.7)") != scheduler_identity("fixed-clock(0.8)")


def test_the_source_of_a_users_file_counts_and_its_folder_does_not(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    (tmp_path / "there").mkdir()
    before = scheduler_identity(path)
    assert scheduler_identity(shutil.copy(path, tmp_path / "there")) == before
    path.write_text(MINE + "# edited\n")
    assert scheduler_identity(path) != before


def test_the_model_that_flies_counts_and_nothing_else_of_a_run(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("{}")
    (run / "model.zip").write_bytes(b"last")
    last = scheduler_identity(run)
    (run / "best_model.zip").write_bytes(b"best")
    best = scheduler_identity(run)
    assert best != last
    (run / "model.zip").write_bytes(b"trained further")
    (run / "evaluations.csv").write_text("1")
    assert scheduler_identity(run) == best == scheduler_identity(shutil.copytree(run, tmp_path / "moved"))


def test_unknown_schedulers_have_none():
    with pytest.raises(SchedulerError, match="scheduler = nobody: must be one of"):
        scheduler_identity("nobody")
