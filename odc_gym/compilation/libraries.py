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

from odc_gym.compilation.building import locked, object_files, say
from odc_gym.compilation.keys import KernelPlace, kernel_key, package_kernels, sources_key
from odc_gym.compilation.loading import SUFFIX, entry_at, entry_in_library, entry_in_object, linked
from odc_gym.compilation.modes import JIT_MODE
from odc_gym.compilation.processors import this_processor
from odc_gym.compilation.trusted_files import cache_folders, prepare_folder, read_trusted, write_trusted

PREBUILT = Path(__file__).parent / "prebuilt"
KEY_FILE = "sources.key"
OBJECTS = "objects"  # folder of the cache
Entry = Callable[[int], Any]


class Wanted(NamedTuple):
    """Kernel whose machine code is searched, and the processor that runs it."""

    place: KernelPlace
    processor: str

    @property
    def is_ours(self) -> bool:
        """Whether the kernel belongs to the package; tests have kernels of their own."""
        return self.place.module.startswith("odc_gym.")

    @property
    def library(self) -> str:
        """Name of the library of the kernel, in its folder."""
        return f"{self.place.function}-{self.processor}{SUFFIX}"

    @property
    def library_folder(self) -> str:
        """Name of the folder of the cache that holds the library."""
        return sources_key() if self.is_ours else kernel_key(self.place.file)

    @property
    def object_file(self) -> str:
        """Name of the object file of the kernel."""
        return f"{self.place.function}-{self.processor}-{kernel_key(self.place.file)}.o"


def entry_of(function: Callable[..., None]) -> Entry:
    """Return the compiled form of a kernel's function; it is compiled now if its machine code is nowhere.

    Raises:
        OdcGymError: the kernel must be compiled, and cannot be.
    """
    if JIT_MODE:
        from odc_gym.compilation.emission import address_in_process

        return entry_at(address_in_process(function))
    place = KernelPlace(function.__module__, function.__name__, Path(inspect.getfile(function)))
    return _entry(Wanted(place, this_processor()))


def warm() -> float:
    """Provide the machine code of all kernels of the package, and return the seconds that it took."""
    begun = time.monotonic()
    for wanted in _all_wanted():
        _entry(wanted)
    return time.monotonic() - begun


def prebuilt_key() -> str:
    """Return the key of the sources of the libraries in this package; "" if it contains none."""
    try:
        return (PREBUILT / KEY_FILE).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _all_wanted() -> list[Wanted]:
    return [Wanted(place, this_processor()) for place in package_kernels()]


def _entry(wanted: Wanted) -> Entry:
    return _prebuilt(wanted) or _linked_before(wanted) or _built(wanted)


def _prebuilt(wanted: Wanted) -> Entry | None:
    """Return a kernel of the libraries in the package, unless they are of other sources than these."""
    if not wanted.is_ours or prebuilt_key() != sources_key():
        return None
    return entry_in_library(PREBUILT / wanted.library, wanted.place.function)


def _linked_before(wanted: Wanted) -> Entry | None:
    """Return a kernel of a library in the cache."""
    for folder in cache_folders():
        path = folder / wanted.library_folder / wanted.library
        if read_trusted(path) is not None and (entry := entry_in_library(path, wanted.place.function)):
            return entry
    return None


def _built(wanted: Wanted) -> Entry:
    """Return a kernel whose library is linked now, from an object file that is compiled if it is missing."""
    together = _all_wanted() if wanted.is_ours else [wanted]
    folder, refusals = _writable_folder()
    if folder is None:
        say(f"compiled code is not kept, so each process compiles anew. {refusals}")
        return entry_in_object(_objects(together, None)[wanted], wanted.place.function)
    with locked(folder):
        if entry := _linked_before(wanted):  # another process was faster
            return entry
        objects = _objects(together, folder)
        for each in together:
            if (library := linked(objects[each])) is not None:
                with suppress(OSError):  # a full disk: the next process links again
                    write_trusted(folder / each.library_folder / each.library, library)
    return _linked_before(wanted) or entry_in_object(objects[wanted], wanted.place.function)


def _objects(together: Sequence[Wanted], folder: Path | None) -> dict[Wanted, bytes]:
    """Return the object files of kernels, from the cache or compiled now."""
    found: dict[Wanted, bytes] = {}
    for wanted in together:
        contents = (read_trusted(cache / OBJECTS / wanted.object_file) for cache in cache_folders())
        if (content := next(filter(None, contents), None)) is not None:
            found[wanted] = content
    stale = [wanted for wanted in together if wanted not in found]
    if not stale:
        return found
    say("compiling the simulation core, once for each version; this takes about a minute")
    begun = time.monotonic()
    compiled = object_files([wanted.place for wanted in stale], stale[0].processor)
    for wanted in stale:
        found[wanted] = compiled[wanted.place]
        with suppress(OSError):
            if folder is not None:
                write_trusted(folder / OBJECTS / wanted.object_file, found[wanted])
    kept = f"; kept in {folder}" if folder is not None else ""
    say(f"compiled in {time.monotonic() - begun:.0f} s{kept}")
    return found


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
