"""Compilation in child processes: its errors, its messages, and several processes that need the same kernel at once."""

import fcntl
import io
import os
import subprocess
import sys
import threading
import time

import pytest

from odc_gym.compilation import building
from odc_gym.compilation.building import Target, locked, object_files, say
from odc_gym.compilation.keys import ROOT, KernelPlace
from odc_gym.compilation.modes import JIT_MODE, PYTHON_MODE
from odc_gym.compilation.processors import processors
from odc_gym.errors import OdcGymError

pytestmark = pytest.mark.skipif(PYTHON_MODE or JIT_MODE, reason="there are no libraries in these modes")
RIGS = ROOT.parent / "tests" / "rigs"


def target(function, processor=None):
    return Target(KernelPlace("small_kernels", function, RIGS / "small_kernels.py"), processor or processors()[-1])


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("terminal", [False, True])
def test_kernels_are_compiled_for_all_processors_and_terminals_see_the_time(monkeypatch, terminal):
    """Catches object files that are taken for those of another kernel, and a minute without a sign of life."""
    shown = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    targets = [target(name, processor) for name in ("double", "combine") for processor in processors()]
    found = object_files(targets)
    assert found.keys() == set(targets)
    for each, content in found.items():
        assert f"odc_gym_{each.place.function}".encode() in content
    assert shown.getvalue().startswith("\rodc-gym: 0 s") if terminal else shown.getvalue() == ""
    assert shown.getvalue().endswith("\r") is terminal


def test_a_kernel_that_allocates_is_refused_in_one_line():
    with pytest.raises(OdcGymError, match=r"^the simulation core cannot be compiled: .*Error: .*") as refused:
        object_files([target("allocate")])
    assert "\n" not in str(refused.value)


def test_an_interruption_ends_the_compilers(monkeypatch):
    """Catches compilers that go on after Ctrl-C."""
    children = []
    started = building._child
    monkeypatch.setattr(building, "_child", lambda group: children.append(started(group)) or children[-1])

    def interrupted(child):
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "_output", interrupted)
    with pytest.raises(KeyboardInterrupt):
        object_files([target("double"), target("double", processors()[0])])
    assert children and all(child.returncode for child in children)


def test_settings_of_numba_and_files_of_the_current_folder_do_not_reach_the_compiler(monkeypatch, tmp_path):
    """Catches slow code that is kept, and a file of the user that is taken for a module of the standard library."""
    (tmp_path / "pickle.py").write_text("raise SystemExit('mine')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_OPT", "no number")
    assert object_files([target("double")])


SEARCH = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from small_kernels import double
values = np.ones(3)
double(values)
assert values.tolist() == [2.0] * 3
"""


def test_four_processes_at_once_compile_once(tmp_path):
    """Catches four compilers beside each other, and a process that loads half of a library."""
    settings = {"ODC_GYM_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT.parent)}
    command = [sys.executable, "-W", "ignore", "-c", SEARCH, str(RIGS)]
    started = [
        subprocess.Popen(command, env=os.environ | settings, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, said
    assert sum("compiling the simulation core" in lines for lines in said) == 1, said


def test_waiting_for_another_process_is_announced(tmp_path, monkeypatch, capsys):
    """Catches a minute of silence, and a message for each short wait."""
    monkeypatch.setattr(building, "LONG_WAIT_S", 0.15)
    entered = threading.Event()

    def wait():
        with locked(tmp_path):
            entered.set()

    with open(tmp_path / ".lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.1)
        before = capsys.readouterr().err
        time.sleep(0.4)
        assert not entered.is_set()
    waiting.join(timeout=10)
    assert entered.is_set() and before == ""
    assert capsys.readouterr().err == "odc-gym: waiting for another process, which compiles the simulation core\n"


def test_a_file_system_without_locks_is_survived(tmp_path, monkeypatch):
    def refused(*arguments):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refused)
    with locked(tmp_path):
        pass


def test_workers_are_silent_unless_they_compile_for_all(monkeypatch, capsys):
    """Catches one message for each worker process of a vector environment, and a minute of silence from all."""
    say("of the main process")
    monkeypatch.setattr(building.multiprocessing, "parent_process", object)
    say("of a worker")
    say("of the one that compiles", for_all=True)
    assert capsys.readouterr().err == "odc-gym: of the main process\nodc-gym: of the one that compiles\n"
