"""Search for compiled code: what is found is not compiled again, what is missing or damaged is; messages tell it."""

import errno
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from small_kernels import double

from odc_gym.compilation import building, libraries, loading
from odc_gym.compilation.building import Target
from odc_gym.compilation.kernel import Kernel
from odc_gym.compilation.keys import ROOT, KernelPlace, package_kernels, sources_key
from odc_gym.compilation.libraries import entry_of, library_name, warm
from odc_gym.compilation.modes import JIT_MODE, PYTHON_MODE
from odc_gym.compilation.processors import this_processor
from odc_gym.errors import OdcGymError

pytestmark = pytest.mark.skipif(PYTHON_MODE or JIT_MODE, reason="there are no libraries in these modes")
COMPILING, COMPILED = "odc-gym: compiling the simulation core", "odc-gym: compiled in "
TARGET = Target(KernelPlace("small_kernels", "double", ROOT.parent / "tests" / "rigs" / "small_kernels.py"), "")


@pytest.fixture(scope="module")
def content():
    """The object file of a small kernel."""
    target = TARGET._replace(processor=this_processor())
    return building.object_files([target])[target]


@pytest.fixture
def compilations(monkeypatch, content):
    """List of the targets that are compiled; the object file is ready, so that tests are quick."""
    done = []

    def compiled(targets):
        done.extend(targets)
        return dict.fromkeys(targets, content)

    monkeypatch.setattr(libraries, "object_files", compiled)
    monkeypatch.setattr(libraries, "_not_kept", {})
    return done


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Cache folders, which a test may change."""
    chosen = [tmp_path / "first"]
    monkeypatch.setattr(libraries, "cache_folders", lambda: chosen)
    return chosen


@pytest.fixture
def no_linker(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)


def works():
    """Whether the kernel of a new search does what it should."""
    values = np.array([1.5, -2.0])
    Kernel(double.function)(values)
    return values.tolist() == [3.0, -4.0]


def kept(folder):
    """Files of a cache folder by suffix."""
    return {path.suffix: path for path in folder.rglob("double*")}


def test_what_is_compiled_once_is_found(compilations, folders):
    assert works() and works() and len(compilations) == 1
    assert kept(folders[0]).keys() == {".so", ".o"}


@pytest.mark.parametrize(("damaged", "compiled"), [((".so",), 1), ((".o",), 1), ((".so", ".o"), 2)])
def test_damaged_files_are_replaced(compilations, folders, damaged, compiled):
    """Catches a crash in a damaged library, and a compilation where an object file only needs to be linked."""
    assert works()
    for suffix in damaged:
        file = kept(folders[0])[suffix]
        content = file.read_bytes()
        file.unlink()  # this process has mapped the library
        file.write_bytes(content[:-1])
    assert works() and works() and len(compilations) == compiled


def test_a_library_that_another_user_could_have_written_is_not_loaded(compilations, folders):
    assert works()
    for file in kept(folders[0]).values():
        file.chmod(0o666)
    assert works() and len(compilations) == 2


def test_the_next_folder_is_used_if_the_first_cannot_be(compilations, folders, tmp_path):
    folders[0].mkdir()
    folders[0].chmod(0o777)
    folders.append(tmp_path / "second")
    assert works() and works() and len(compilations) == 1
    assert list(folders[0].iterdir()) == [] and kept(folders[1]).keys() == {".so", ".o"}


def test_a_second_kernel_in_another_file_is_another(compilations, folders, tmp_path, monkeypatch):
    """Catches a kernel that is taken for one of the same name."""
    assert works()
    other = tmp_path / "small_kernels.py"
    shutil.copy(TARGET.place.file, other)
    other.write_text(other.read_text() + "# edited\n")
    monkeypatch.setattr(libraries.inspect, "getfile", lambda function: str(other))
    entry_of(double.function)
    assert len(compilations) == 2


def test_without_a_linker_llvm_loads_the_object_file(compilations, folders, no_linker):
    assert works() and works() and len(compilations) == 1
    assert kept(folders[0]).keys() == {".o"}


def test_a_linker_that_fails_is_as_good_as_none(compilations, folders, monkeypatch):
    for chosen in ("false", "/none/such --flag"):
        monkeypatch.setenv("CC", chosen)
        assert works()
    assert len(compilations) == 1 and kept(folders[0]).keys() == {".o"}


def test_without_a_linker_and_llvm_an_error_says_what_to_install(compilations, folders, no_linker, monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    with pytest.raises(OdcGymError, match=r"needs a C compiler .* pip install 'odc-gym\[compile\]'$"):
        works()


def test_without_numba_an_error_says_what_to_install(folders, monkeypatch):
    monkeypatch.setattr(building.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OdcGymError, match=r"Numba, which compiles it, is missing: pip install 'odc-gym\[compile\]'$"):
        works()


def test_a_full_disk_costs_the_cache_only(compilations, folders, monkeypatch, capsys):
    """Catches an error after a minute of compilation, and a second one in the same process."""

    def full(*paths):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    assert works() and works() and len(compilations) == 1 and kept(folders[0]) == {}
    begin, end = capsys.readouterr().err.splitlines()
    assert begin.startswith(COMPILING) and end.endswith(f" s; not kept in {folders[0]}: No space left on device")


def test_without_any_folder_kernels_work_from_memory(compilations, folders, capsys):
    folders.clear()
    assert works() and works() and len(compilations) == 1
    said, begin, end = capsys.readouterr().err.splitlines()
    assert said.startswith("odc-gym: compiled code is not kept") and "neither a home nor a temporary folder" in said
    assert begin.startswith(COMPILING) and end.startswith(COMPILED)


def test_a_compilation_is_announced_and_what_is_found_is_not(compilations, folders, capsys):
    works()
    begin, end = capsys.readouterr().err.splitlines()
    assert begin.startswith(COMPILING) and end.startswith(COMPILED) and end.endswith(f" s; kept in {folders[0]}")
    works()
    assert capsys.readouterr().err == ""


def test_warm_says_what_it_built(monkeypatch, folders, content, capsys):
    """Catches a name of a kernel that is wrong after an edit of one: only its object file is missing."""
    names = [kernel.function for kernel in package_kernels()]
    built = []

    def compiled(targets):
        built.extend(targets)
        return dict.fromkeys(targets, content)

    monkeypatch.setattr(libraries, "object_files", compiled)
    monkeypatch.setattr(libraries, "entry_in_library", lambda path, name: path.exists() or None)
    first = warm()
    assert list(first.built) == list(first.kernels) == names and first.folder == folders[0]
    assert [target.place.function for target in built] == names
    assert warm().built == ()
    (stale,) = folders[0].rglob("settle*.o")
    stale.unlink()
    for library in folders[0].rglob("*.so"):
        library.unlink()
    assert warm().built == ("settle",)


def test_warm_refuses_to_compile_for_nothing(folders, monkeypatch):
    folders.clear()
    monkeypatch.setattr(libraries, "object_files", pytest.fail)
    with pytest.raises(OdcGymError, match=r"^compiled code cannot be kept: .*; name another folder by ODC_GYM_CACHE$"):
        warm()


@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm of the binutils")
def test_libraries_export_their_kernel_and_need_nothing(tmp_path):
    """Catches symbols of Numba or Python, libraries of this computer, and functions whose bits differ between them."""
    folder = warm().folder
    for kernel in package_kernels():
        found = folder / sources_key() / library_name(Target(kernel, this_processor()))
        library = shutil.copy(found, tmp_path)
        listed = subprocess.run(["nm", "-D", library], capture_output=True, text=True, check=True).stdout
        kinds = [line.split()[-2:] for line in listed.splitlines()]
        assert [name for kind, name in kinds if kind not in "Uw"] == [f"odc_gym_{kernel.function}"]
        assert {name for kind, name in kinds if kind in "Uw"} <= {"memset", "memcpy", "memmove"}
        assert b"libc.so" not in found.read_bytes()


STEP = """
import sys
import gymnasium as gym
env = gym.make("odc_gym:ODCSat-v0")
env.reset(seed=0)
env.step(env.action_space.sample())
batch = gym.make_vec("odc_gym:ODCSat-v0", num_envs=2)
batch.reset(seed=0)
batch.step(batch.action_space.sample())
print([name for name in ("numba", "llvmlite") if name in sys.modules])
"""


def test_a_step_imports_no_numba():
    warm()
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", STEP], cwd=ROOT.parent, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_entries_of_libraries_that_do_not_load_are_none(tmp_path):
    (tmp_path / "empty.so").touch()
    assert loading.entry_in_library(tmp_path / "empty.so", "double") is None
    assert loading.entry_in_library(tmp_path / "none.so", "double") is None


def test_an_object_file_without_the_kernel_is_refused():
    """Catches a call of address 0, which ends the process."""
    pytest.importorskip("llvmlite")
    place = KernelPlace(double.function.__module__, double.function.__name__, ROOT)
    (content,) = building.object_files([Target(place, this_processor())]).values()
    with pytest.raises(OdcGymError, match="has no kernel absent"):
        loading.entry_in_object(content, "absent")
