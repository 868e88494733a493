"""Cache of compiled kernels on disk, and the messages about compilation.

A kernel is one file: a hash, then the pickled result of Numba. Unpickling runs code, so a file is read only if its hash
fits and if no other user could have written it. A file that does not pass is replaced after compiling anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import pickle
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

ROOT = Path(__file__).parent
COMPILED_PARTS = ("_jit.py", "_reference.py", "constants.py", "physics", "core", "interface")
"""Files and folders of the package that contain compiled code or are imported by it."""
HASH_BYTES = 16
LONG_S = 2.0  # a compilation that takes longer is reported with its time


def compiled_sources(root: Path = ROOT) -> list[Path]:
    """Return the files that contain compiled code, including those in nested folders, in a fixed order."""
    found: list[Path] = []
    for part in COMPILED_PARTS:
        found += sorted((root / part).rglob("*.py")) if (root / part).is_dir() else [root / part]
    return found


def cache_folders(*settings: object) -> list[Path]:
    """Return the folders that may hold compiled kernels, the preferred one first.

    Their name is a hash of the compiled sources and of the settings of the compiler. Numba alone would not notice edits
    in imported files.
    """
    sources = hashlib.blake2b(repr(settings).encode(), digest_size=8)
    for source in compiled_sources():
        sources.update(source.read_bytes())
    name = sources.hexdigest()
    if chosen := os.environ.get("ODC_GYM_CACHE"):
        return [Path(chosen).absolute() / name]
    folders = []
    with suppress(RuntimeError):  # the user has neither HOME nor an entry in the list of users
        caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
        folders.append((caches if caches.is_absolute() else Path.home() / ".cache") / "odc-gym" / name)
    with suppress(OSError):  # no folder for temporary files is writable
        folders.append(Path(tempfile.gettempdir()) / f"odc-gym-{os.geteuid()}-{name}")
    return folders


class KernelCache(_Cache):
    """Cache of one kernel, in the place of Numba's own."""

    def __init__(self, function: Callable[..., Any], folders: Sequence[Path]) -> None:
        """Use the given folders, the preferred one first; nothing is written before a kernel is compiled."""
        self._name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        code = function.__code__
        # tests compile kernels of their own, which the name of the folder does not cover
        self._source = _hash(Path(code.co_filename).read_bytes()), code.co_firstlineno
        self._folders = folders
        self._started_s = 0.0

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel for a signature, or None, which makes Numba compile it."""
        target_context.refresh()
        file = self._file_name(sig, target_context.codegen())
        for folder in self._folders:
            if (data := read_trusted(folder / file)) is not None:
                # a whole file of ours that does not load comes from an environment of other libraries
                with suppress(Exception):
                    return CompileResult._rebuild(target_context, *pickle.loads(data))
        _say("begin", "compiling the simulation core, once for each version; this takes a few minutes")
        self._started_s = time.monotonic()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write a kernel that was just compiled to the first folder that takes it, unless it holds addresses."""
        if data.library.has_dynamic_globals:
            return
        elapsed_s = time.monotonic() - self._started_s
        kept = self._keep(self._file_name(sig, data.codegen), dumps(data._reduce()))
        if elapsed_s >= LONG_S:
            where = f"; kept in {kept}" if kept else ""
            _say(self._name, f"compiled {self._name} in {elapsed_s:.0f} s{where}")

    def _keep(self, file: str, content: bytes) -> Path | None:
        """Write a file to the first folder that takes it, and return this folder; print why none does."""
        failures = []
        for folder in self._folders:
            try:
                write_trusted(folder / file, content)
            except OSError as error:
                failures.append(f"{folder}: {error.strerror or error}")
            else:
                return folder
        why = "; ".join(failures) or "there is neither a home nor a temporary folder"
        _say("not kept", f"compiled code is not kept, so each process compiles anew. {why}")
        return None

    @property
    def cache_path(self) -> str | None:
        """Preferred folder."""
        return str(self._folders[0]) if self._folders else None

    def enable(self) -> None:
        """Do nothing: the cache is always used."""

    def disable(self) -> None:
        """Do nothing: the cache is always used."""

    def flush(self) -> None:
        """Do nothing: a change of the sources selects other folders."""

    def _file_name(self, sig: Any, codegen: Any) -> str:
        """Return the file of a signature on this processor and this version of Python."""
        key = repr((self._source, str(sig), codegen.magic_tuple(), sys.implementation.cache_tag)).encode()
        return f"{self._name}-{hashlib.blake2b(key, digest_size=8).hexdigest()}"


def read_trusted(file: Path) -> bytes | None:
    """Return the content of a file that `write_trusted` wrote; None if it is absent, damaged or not trusted."""
    try:
        if _distrust(file.parent.lstat(), stat.S_ISDIR):
            return None
        with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            if _distrust(os.fstat(opened.fileno()), stat.S_ISREG):
                return None
            found = opened.read()
    except OSError:
        return None
    content = found[HASH_BYTES:]
    return content if found[:HASH_BYTES] == _hash(content) else None


def write_trusted(file: Path, content: bytes) -> None:
    """Write a file with its hash into a folder that is made for this user alone; readers see it whole or not at all.

    Raises:
        OSError: the folder or the file cannot be written, or other users can write to the folder.
    """
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        file.parent.mkdir(mode=0o700)
    if reason := _distrust(file.parent.lstat(), stat.S_ISDIR):
        raise PermissionError(0, reason)
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=file.parent)  # readable by this user alone
    try:
        with open(descriptor, "wb") as opened:
            opened.write(_hash(content) + content)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=HASH_BYTES).digest()


def _distrust(status: os.stat_result, is_kind: Callable[[int], bool]) -> str:
    """Return why another user could have written a folder or file, or "" if none could."""
    if not is_kind(status.st_mode):
        return "it is a link or of another kind"
    if status.st_uid not in (0, os.geteuid()):
        return "it belongs to another user"
    return "other users can write to it" if status.st_mode & 0o022 else ""


_said: set[str] = set()


def _say(subject: str, line: str) -> None:
    """Print a line on stderr, once in a process for each subject, and in one of several worker processes."""
    if subject not in _said and (multiprocessing.parent_process() is None or _is_speaker()):
        print(f"odc-gym: {line}", file=sys.stderr, flush=True)
    _said.add(subject)


@cache
def _is_speaker() -> bool:
    """Return whether this worker process is the first to ask for a lock that lasts as long as the process."""
    descriptor = os.open(__file__, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True
