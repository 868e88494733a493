"""Libraries of all kernels for all processors, which a wheel contains: its users need neither Numba nor a linker."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from odc_gym.compilation.building import Target, object_files
from odc_gym.compilation.keys import package_kernels, sources_key
from odc_gym.compilation.libraries import KEY_FILE, library_name
from odc_gym.compilation.loading import linked, linker
from odc_gym.compilation.processors import processors
from odc_gym.errors import OdcGymError

NO_LINKER = "the wheel needs a C compiler that links its libraries: install gcc or clang, or name one by CC"


def prebuild(folder: Path) -> None:
    """Build the libraries into a folder, `prebuilt` of a package, with the key of their sources.

    Raises:
        OdcGymError: Numba or a linker is missing, or fails.
    """
    if linker() is None:
        raise OdcGymError(NO_LINKER)
    targets = [Target(place, processor) for place in package_kernels() for processor in processors()]
    objects = object_files(targets)
    folder.mkdir(parents=True, exist_ok=True)
    for target, content in objects.items():
        if (library := linked(content)) is None:
            raise OdcGymError(NO_LINKER)
        (folder / library_name(target)).write_bytes(library)
    (folder / KEY_FILE).write_text(f"{sources_key()}\n", encoding="ascii")


def platform_tag() -> str | None:
    """Return the platform tag of a wheel with these libraries, or None for the tag of this computer.

    On Linux they name no other library and no version of a symbol, so any glibc of the tag runs them.
    """
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        return f"manylinux_2_17_{platform.machine()}"
    return None
