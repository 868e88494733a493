"""Search for the machine code of a kernel: in the package, in the cache, or by compiling it now.

- A wheel contains the libraries for each processor in `prebuilt`, and the key of the sources that they are made of.
- The cache holds object files by the key of each kernel's own sources, so that an edit makes only those kernels stale
  that it concerns. It also holds the linked libraries by the key of all sources, which is found quickly.
- A kernel that is in neither is compiled into the cache by one process, while others wait for it.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from odc_gym.compilation.building import Target, locked, object_files, say
from odc_gym.compilation.keys import KernelPlace, kernel_key, package_kernels, sources_key
from odc_gym.compilation.loading import SUFFIX, entry_at, entry_in_library, entry_in_object, linked
from odc_gym.compilation.modes import JIT_MODE
from odc_gym.compilation.processors import this_processor
from odc_gym.compilation.trusted_files import cache_folders, prepare_folder, read_trusted, write_trusted
from odc_gym.errors import OdcGymError

PREBUILT = Path(__file__).parent / "prebuilt"
KEY_FILE = "sources.key"
OBJECTS = "objects"  # folder of the cache
Entry = Callable[[int], Any]
_not_kept: dict[Target, bytes] = {}  # object files of this process for which there was no place


class Warmed(NamedTuple):
    """Result of `warm`."""

    kernels: tuple[str, ...]  # all kernels
    built: tuple[str, ...]  # those that were compiled now
    processor: str
    folder: Path
    elapsed_s: float


def entry_of(function: Callable[..., None]) -> Entry:
    """Return the compiled form of a kernel's function; it is compiled now if its machine code is nowhere.

    Raises:
        OdcGymError: the kernel must be compiled, and cannot be.
    """
    if JIT_MODE:
        from odc_gym.compilation.emission import address_in_process

        return entry_at(address_in_process(function))
    place = KernelPlace(function.__module__, function.__name__, Path(inspect.getfile(function)))
    target = Target(place, this_processor())
    return _prebuilt(target) or _linked_before(target) or _built(target)


def warm() -> Warmed:
    """Build the libraries of all kernels of the package that are missing.

    Raises:
        OdcGymError: a kernel must be compiled, and cannot be, or no cache folder can be written.
    """
    begun, targets = time.monotonic(), _package_targets()
    missing = [target for target in targets if not (_prebuilt(target) or _linked_before(target))]
    built = [target.place.function for target in missing if _object_before(target) is None]
    if missing:
        folder, refusals = _writable_folder()
        if folder is None:
            raise OdcGymError(f"compiled code cannot be kept: {refusals}; name another folder by ODC_GYM_CACHE")
        _built(missing[0])
    kernels = tuple(target.place.function for target in targets)
    return Warmed(kernels, tuple(built), this_processor(), _folder_of(targets[0]), time.monotonic() - begun)


def _folder_of(target: Target) -> Path:
    """Return the folder that holds the library of a kernel, or its object file where nothing links it."""
    if _prebuilt(target):
        return PREBUILT
    for folder in cache_folders():
        if any(read_trusted(path) for path in (_library_in(folder, target), _object_in(folder, target))):
            return folder
    raise OdcGymError("compiled code cannot be kept; name another folder by ODC_GYM_CACHE")


def library_name(target: Target) -> str:
    """Return the name of the library of a kernel, in its folder."""
    return f"{target.place.function}-{target.processor}{SUFFIX}"


def prebuilt_key() -> str:
    """Return the key of the sources of the libraries in this package; "" if it contains none."""
    try:
        return (PREBUILT / KEY_FILE).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _package_targets() -> list[Target]:
    return [Target(place, this_processor()) for place in package_kernels()]


def _is_of_package(target: Target) -> bool:
    """Return whether a kernel belongs to the package; tests have kernels of their own."""
    return target.place.module.startswith("odc_gym.")


def _library_in(folder: Path, target: Target) -> Path:
    """Return the path of a library in a cache folder."""
    key = sources_key() if _is_of_package(target) else kernel_key(target.place.file)
    return folder / key / library_name(target)


def _object_in(folder: Path, target: Target) -> Path:
    """Return the path of an object file in a cache folder."""
    return folder / OBJECTS / f"{target.place.function}-{target.processor}-{kernel_key(target.place.file)}.o"


def _prebuilt(target: Target) -> Entry | None:
    """Return a kernel of the libraries in the package, unless they are of other sources than these."""
    if not _is_of_package(target) or prebuilt_key() != sources_key():
        return None
    return entry_in_library(PREBUILT / library_name(target), target.place.function)


def _linked_before(target: Target) -> Entry | None:
    """Return a kernel of a library in the cache."""
    for folder in cache_folders():
        path = _library_in(folder, target)
        if read_trusted(path) is not None and (entry := entry_in_library(path, target.place.function)):
            return entry
    return None


def _object_before(target: Target) -> bytes | None:
    """Return the object file of a kernel that this process compiled, or that is in the cache."""
    contents = (read_trusted(_object_in(folder, target)) for folder in cache_folders())
    return _not_kept.get(target) or next(filter(None, contents), None)


def _built(target: Target) -> Entry:
    """Return a kernel whose library is linked now, from an object file that is compiled if it is missing."""
    together = _package_targets() if _is_of_package(target) else [target]
    folder, refusals = _writable_folder()
    if folder is None:
        if target not in _not_kept:
            say(f"compiled code is not kept, so each process compiles anew. {refusals}")
        return entry_in_object(_objects(together, None)[target], target.place.function)
    with locked(folder):
        if entry := _linked_before(target):  # another process was faster
            return entry
        objects = _objects(together, folder)
        for each in together:
            if (library := linked(objects[each])) is not None:
                with suppress(OSError):  # a full disk: the next process links again
                    write_trusted(_library_in(folder, each), library)
    return _linked_before(target) or entry_in_object(objects[target], target.place.function)


def _objects(together: Sequence[Target], folder: Path | None) -> dict[Target, bytes]:
    """Return the object files of kernels, from the cache or compiled now.

    Args:
        together: the kernels.
        folder: cache folder that keeps the new files, which this process has locked; None keeps none.
    """
    found = {target: content for target in together if (content := _object_before(target)) is not None}
    stale = [target for target in together if target not in found]
    if not stale:
        return found
    for_all, begun = folder is not None, time.monotonic()
    say("compiling the simulation core, once for each version; this takes about a minute", for_all)
    compiled = object_files(stale)
    refusal = _keep(compiled, folder) if folder is not None else ""
    if folder is None or refusal:
        _not_kept.update(compiled)
    end = f"; not kept in {folder}: {refusal}" if refusal else f"; kept in {folder}" if folder is not None else ""
    say(f"compiled in {time.monotonic() - begun:.0f} s{end}", for_all)
    return found | compiled


def _keep(objects: dict[Target, bytes], folder: Path) -> str:
    """Write object files to a cache folder, and return why one cannot be written, or ""."""
    for target, content in objects.items():
        try:
            write_trusted(_object_in(folder, target), content)
        except OSError as error:  # a full disk
            return error.strerror or str(error)
    return ""


def _writable_folder() -> tuple[Path | None, str]:
    """Return the first cache folder that can be written, or None and the reasons why none can."""
    refusals = []
    for folder in cache_folders():
        try:
            prepare_folder(folder)
            with open(folder / ".lock", "ab"):
                return folder, ""
        except OSError as error:
            refusals.append(f"{folder}: {error.strerror or error}")
    return None, "; ".join(refusals) or "there is neither a home nor a temporary folder"
