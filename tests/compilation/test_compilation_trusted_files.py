"""Files of compiled code in a cache: those that are damaged, or that another user could have written, are not used."""

import errno
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odc_gym.compilation import trusted_files
from odc_gym.compilation.keys import ROOT
from odc_gym.compilation.trusted_files import cache_folders, prepare_folder, read_trusted, write_trusted

CONTENT = bytes(range(256)) * 8

DAMAGES = {
    "empty": lambda content: b"",
    "cut in the hash": lambda content: content[:5],
    "cut": lambda content: content[: len(content) // 2],
    "one byte short": lambda content: content[:-1],
    "one byte more": lambda content: content + b"x",
    "one bit": lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
    "one bit of the hash": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "foreign": lambda content: b"not ours" * 100,
    "a pickle": lambda content: pickle.dumps(({}, {})),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_not_used_and_replaced(tmp_path, damage):
    """Catches a crash in a library that is cut, and compiling at every start."""
    file = tmp_path / "new" / "key" / "file"
    write_trusted(file, CONTENT)
    assert read_trusted(file) == CONTENT
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert read_trusted(file) is None
    write_trusted(file, CONTENT)
    assert read_trusted(file) == CONTENT and list(file.parent.iterdir()) == [file]


def test_what_is_absent_is_not_read(tmp_path):
    assert read_trusted(tmp_path / "file") is None and read_trusted(tmp_path / "none" / "file") is None


def test_a_folder_in_the_place_of_a_file_is_survived(tmp_path):
    (tmp_path / "key" / "file").mkdir(parents=True, mode=0o700)
    assert read_trusted(tmp_path / "key" / "file") is None
    with pytest.raises(OSError):
        write_trusted(tmp_path / "key" / "file", CONTENT)
    assert [path.name for path in (tmp_path / "key").iterdir()] == ["file"]


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
def test_a_folder_that_another_user_could_fill_is_neither_read_nor_written(tmp_path, spoil):
    """Catches running what another user left in a folder whose name can be predicted."""
    file = tmp_path / "key" / "file"
    write_trusted(file, CONTENT)
    spoil(file.parent)
    assert read_trusted(file) is None
    for refused in (lambda: write_trusted(file, b"new"), lambda: prepare_folder(file.parent)):
        with pytest.raises(PermissionError):
            refused()
    assert file.read_bytes()[: len(CONTENT)] == CONTENT and len(list(file.parent.iterdir())) == 1


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


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    def full(*paths):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_trusted(tmp_path / "key" / "file", CONTENT)
    assert list((tmp_path / "key").iterdir()) == []


def test_many_processes_may_write_at_once(tmp_path):
    """Catches a file that a reader sees half written."""
    file, content = tmp_path / "key" / "file", os.urandom(1_000_000)
    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(write_trusted, file, content) for _ in range(32)]
        reads = [pool.submit(read_trusted, file) for _ in range(64)]
    assert all(write.exception() is None for write in writes)
    assert {read.result() for read in reads} <= {None, content} and read_trusted(file) == content
    assert list(file.parent.iterdir()) == [file]


def test_folders_by_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("ODC_GYM_CACHE", "")
    user, temporary = cache_folders()
    assert user == tmp_path / "odc-gym" and temporary.name == f"odc-gym-{os.geteuid()}"
    monkeypatch.setenv("ODC_GYM_CACHE", str(tmp_path / "mine"))
    assert cache_folders() == [tmp_path / "mine"]


def test_without_a_home_the_temporary_folder_is_left(monkeypatch):
    """Catches a crash in a container whose user has no name."""

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("ODC_GYM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert len(cache_folders()) == 1

    def no_temporary_folder():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(trusted_files.tempfile, "gettempdir", no_temporary_folder)
    assert cache_folders() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("chosen", [{}, {"ODC_GYM_CACHE": "chosen"}])
def test_a_user_without_name_and_home_has_folders(chosen):
    """Catches a crash in a container whose user is a number."""
    script = """
import os
from odc_gym.compilation.trusted_files import cache_folders
os.setgid(12345)
os.setuid(12345)
print(cache_folders())
"""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "ODC_GYM_CACHE")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=kept | chosen, cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("/chosen" if chosen else "odc-gym-12345") in done.stdout
