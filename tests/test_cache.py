"""Kernels on disk: damaged or untrusted files are compiled anew, and messages tell what happens."""

import errno
import fcntl
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest
from odc_gym._cache import ROOT, KernelCache, cache_folders, read_trusted, write_trusted

from odc_gym import _cache

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
COMPILING = "odc-gym: compiling the simulation core"
CONTENT = b"compiled code"


def doubled(x):
    return 2 * x


@pytest.fixture(autouse=True)
def new_process(monkeypatch):
    """Messages as in a process that has not yet printed any."""
    monkeypatch.setattr(_cache, "_said", set())
    _cache._is_speaker.cache_clear()


def load(*folders, function=doubled):
    """Call a kernel as a new process does; return how often it was compiled."""
    kernel = numba.njit(function)
    kernel._cache = KernelCache(function, folders)
    assert kernel(21) == function(21)
    return sum(kernel.stats.cache_misses.values())


def kept_file(folder):
    """The only file of a folder."""
    (file,) = folder.iterdir()
    return file


DAMAGES = {
    "empty": lambda content: b"",
    "cut in the hash": lambda content: content[:5],
    "cut": lambda content: content[: len(content) // 2],
    "one bit": lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
    "foreign": lambda content: b"not ours",
    "an index of Numba": lambda content: pickle.dumps("0.61.0") + pickle.dumps(({}, {})),
    "whole, of another library": lambda content: _cache._hash(pickle.dumps(("x",))) + pickle.dumps(("x",)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_compiled_anew_and_replaced(tmp_path, damage):
    """Catches an EOFError or UnpicklingError at every start, and compiling at every start."""
    folder = tmp_path / "new" / "key"
    assert load(folder) == 1 and load(folder) == 0
    file = kept_file(folder)
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    assert load(folder) == 1
    assert load(folder) == 0 and kept_file(folder) == file


def test_a_folder_in_the_place_of_a_file_is_survived(tmp_path, capsys):
    assert load(tmp_path / "key") == 1
    file = kept_file(tmp_path / "key")
    file.unlink()
    file.mkdir()
    assert load(tmp_path / "key") == 1
    assert "compiled code is not kept" in capsys.readouterr().err


def test_folders_and_files_are_made_for_one_user(tmp_path):
    """Catches a folder that others may write to for an instant, because its mode came after its name."""
    before = os.umask(0)
    try:
        write_trusted(tmp_path / "key" / "file", CONTENT)
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "key" / "file").stat().st_mode & 0o777 == 0o600
    assert read_trusted(tmp_path / "key" / "file") == CONTENT


def anyone_writes_to_folder(folder):
    folder.chmod(0o777)


def group_writes_to_folder(folder):
    folder.chmod(0o770)


def folder_is_a_link(folder):
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))


def folder_of_another_user(folder):
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    os.chown(folder, 12345, 12345)


@pytest.mark.parametrize(
    "spoil", [anyone_writes_to_folder, group_writes_to_folder, folder_is_a_link, folder_of_another_user]
)
def test_a_folder_that_another_user_could_fill_is_neither_read_nor_written(tmp_path, capsys, spoil):
    """Catches unpickling of what another user left in a folder whose name can be predicted."""
    folder, second = tmp_path / "key", tmp_path / "second"
    load(folder)
    spoil(folder)
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert read_trusted(kept_file(folder)) is None
    assert load(folder, second) == 1 and load(folder, second) == 0  # the next folder is used
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    capsys.readouterr()
    _cache._said.clear()
    assert load(folder) == 1
    line = capsys.readouterr().err.splitlines()[1]
    assert line.startswith("odc-gym: compiled code is not kept") and str(folder) in line


def file_is_writable(file):
    file.chmod(0o666)


def file_is_a_link(file):
    file.rename(file.parent.with_name("planted"))
    file.symlink_to(file.parent.with_name("planted"))


def file_of_another_user(file):
    folder_of_another_user(file)


def file_is_a_pipe(file):
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("spoil", [file_is_writable, file_is_a_link, file_of_another_user, file_is_a_pipe])
def test_a_file_that_another_user_could_have_written_is_replaced(tmp_path, spoil):
    file = tmp_path / "key" / "file"
    write_trusted(file, CONTENT)
    spoil(file)
    assert read_trusted(file) is None
    write_trusted(file, CONTENT)
    assert read_trusted(file) == CONTENT and not file.is_symlink()


def test_a_full_disk_costs_the_cache_only(tmp_path, monkeypatch, capsys):
    """Catches an error after minutes of compiling, and a file that is left half."""

    def full(*paths):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    assert load(tmp_path / "key") == 1 and load(tmp_path / "key") == 1
    assert list((tmp_path / "key").iterdir()) == []
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and lines[0].startswith(COMPILING)
    assert lines[1].endswith(f"each process compiles anew. {tmp_path / 'key'}: No space left on device")


def test_without_any_folder_the_kernel_is_compiled(capsys):
    assert load() == 1
    assert "neither a home nor a temporary folder" in capsys.readouterr().err


LARGE = np.ones(500_000)  # Numba refers to it by its address


def test_addresses_of_this_process_are_not_kept(tmp_path):
    """Catches a kernel that reads foreign memory in the next process."""
    folder = tmp_path / "key"
    assert load(folder, function=lambda k: LARGE[k]) == 1 and not folder.exists()


def test_many_processes_may_write_at_once(tmp_path):
    """Catches a file that a reader sees half written."""
    file, content = tmp_path / "key" / "file", os.urandom(1_000_000)
    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(write_trusted, file, content) for _ in range(32)]
        reads = [pool.submit(read_trusted, file) for _ in range(64)]
    assert all(write.exception() is None for write in writes)
    assert {read.result() for read in reads} <= {None, content} and read_trusted(file) == content
    assert kept_file(file.parent) == file


def test_a_compilation_is_announced_although_another_kernel_is_in_the_cache(tmp_path, capsys, monkeypatch):
    """Catches silence for minutes, because a short kernel had left a file before."""
    load(tmp_path / "key")
    _cache._said.clear()
    capsys.readouterr()
    assert load(tmp_path / "key") == 0 and capsys.readouterr().err == ""
    monkeypatch.setattr(_cache, "LONG_S", 0.0)
    assert load(tmp_path / "key", function=lambda x: 3 * x) == 1
    begin, end = capsys.readouterr().err.splitlines()
    assert begin.startswith(COMPILING)
    assert "compiled test_cache." in end and f" s; kept in {tmp_path / 'key'}" in end
    assert load(tmp_path / "key", function=lambda x: 4 * x) == 1
    assert COMPILING not in capsys.readouterr().err  # once in a process


def test_of_several_workers_one_announces(tmp_path, capsys, monkeypatch):
    """Catches one message for each worker process of a vector environment."""
    monkeypatch.setattr(_cache.multiprocessing, "parent_process", object)
    with open(_cache.__file__, "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        load(tmp_path / "key")
        assert capsys.readouterr().err == ""
    _cache._is_speaker.cache_clear()
    _cache._said.clear()
    load(tmp_path / "second")
    assert capsys.readouterr().err.startswith(COMPILING)


def test_folders_by_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("ODC_GYM_CACHE", "")
    user, temporary = cache_folders("key")
    assert user.parent == tmp_path / "odc-gym" and str(os.geteuid()) in temporary.name
    assert cache_folders("other key")[0] != user
    monkeypatch.setenv("ODC_GYM_CACHE", str(tmp_path / "mine"))
    assert cache_folders("key") == [tmp_path / "mine" / user.name]


def test_without_a_home_the_temporary_folder_is_left(monkeypatch):
    """Catches a crash at import in a container whose user has no name."""

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("ODC_GYM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert len(cache_folders("key")) == 1

    def no_temporary_folder():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(_cache.tempfile, "gettempdir", no_temporary_folder)
    assert cache_folders("key") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("chosen", [{}, {"ODC_GYM_CACHE": "chosen"}])
def test_a_user_without_name_and_home_imports_the_core(chosen):
    script = """
import os, pwd, sys, odc_gym._jit  # libraries may lie in a folder of root's alone
for name in [name for name in sys.modules if name.startswith("odc_gym")]:
    del sys.modules[name]
os.setgid(12345)
os.setuid(12345)
import odc_gym._jit
print(odc_gym._jit.FOLDERS)
"""
    environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "ODC_GYM_CACHE")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment | chosen, cwd=ROOT.parent, capture_output=True, text=True
    )
    if "Permission denied" in done.stderr:
        pytest.skip("the package lies in a folder of root's alone")
    assert done.returncode == 0, done.stderr
    assert ("/chosen/" if chosen else "odc-gym-12345-") in done.stdout
