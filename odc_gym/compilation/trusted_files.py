"""Files of compiled code in a cache folder, which no other user could have written.

A file is its content, then a hash of it: a library can be loaded with the hash behind it. Loading a library runs it, so
a file is used only if the hash fits, and if file and folder belong to this user or to root alone.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

HASH_BYTES = 16


def cache_folders() -> list[Path]:
    """Return the folders that may hold compiled code, the preferred one first.

    `ODC_GYM_CACHE` names the only one. Otherwise they are the cache folder of the user, and one for temporary files.
    """
    if chosen := os.environ.get("ODC_GYM_CACHE"):
        return [Path(chosen).absolute()]
    folders = []
    with suppress(RuntimeError):  # the user has neither HOME nor an entry in the list of users
        caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
        folders.append((caches if caches.is_absolute() else Path.home() / ".cache") / "odc-gym")
    with suppress(OSError):  # no folder for temporary files is writable
        user = os.geteuid() if hasattr(os, "geteuid") else os.getlogin()
        folders.append(Path(tempfile.gettempdir()) / f"odc-gym-{user}")
    return folders


def read_trusted(file: Path) -> bytes | None:
    """Return the content of a file that `write_trusted` wrote; None if it is absent, damaged or not trusted."""
    try:
        if _distrust(file.parent.lstat(), stat.S_ISDIR):
            return None
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(file, flags), "rb") as opened:
            if _distrust(os.fstat(opened.fileno()), stat.S_ISREG):
                return None
            found = opened.read()
    except OSError:
        return None
    content = found[:-HASH_BYTES]
    return content if found[-HASH_BYTES:] == _hash(content) else None


def write_trusted(file: Path, content: bytes) -> None:
    """Write a file with its hash into a folder that is made for this user alone; readers see it whole or not at all.

    Raises:
        OSError: the folder or the file cannot be written, or other users can write to the folder.
    """
    prepare_folder(file.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=file.parent)  # readable by this user alone
    try:
        with open(descriptor, "wb") as opened:
            opened.write(content + _hash(content))
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def prepare_folder(folder: Path) -> None:
    """Make a folder for this user alone, if it is missing.

    Raises:
        OSError: the folder cannot be made, or other users can write to it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if reason := _distrust(folder.lstat(), stat.S_ISDIR):
        raise PermissionError(0, reason)


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=HASH_BYTES).digest()


def _distrust(status: os.stat_result, is_kind: Callable[[int], bool]) -> str:
    """Return why another user could have written a folder or file, or "" if none could."""
    if not is_kind(status.st_mode):
        return "it is a link or of another kind"
    if not hasattr(os, "geteuid"):  # Windows keeps users apart by other means
        return ""
    if status.st_uid not in (0, os.geteuid()):
        return "it belongs to another user"
    return "other users can write to it" if status.st_mode & 0o022 else ""
