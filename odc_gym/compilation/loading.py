"""Linking of object files to shared libraries, and loading of both.

The C interface of a kernel is `int odc_gym_<name>(int64_t *, void **, int64_t table)`. It returns 0, the first two
arguments are places that stay unused, and `table` is the address of the table of `arguments`.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from odc_gym.errors import OdcGymError

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
# Linux: kernels call nothing but `memset`, which every process has, so they need no start-up code and name no library
OPTIONS = ["-dynamiclib"] if sys.platform == "darwin" else ["-shared", "-nostdlib", "-s"]
_ENTRY_TYPE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
_unused_result, _unused_exception = ctypes.c_int64(), ctypes.c_void_p()
_result, _exception = ctypes.addressof(_unused_result), ctypes.addressof(_unused_exception)
_keep: list[Any] = []  # owners of the code in use


def linker() -> list[str] | None:
    """Return the command that links libraries: `CC`, or the first C compiler or linker that is installed."""
    if chosen := shlex.split(os.environ.get("CC", "")):
        return chosen
    found = next(filter(shutil.which, ("cc", "gcc", "clang", "ld")), None)
    return None if found is None else [found]


def linked(content: bytes) -> bytes | None:
    """Return the shared library of an object file, or None if nothing links it."""
    command = linker()
    if command is None:
        return None
    try:
        with tempfile.TemporaryDirectory() as folder:
            path, library = Path(folder) / "kernel.o", Path(folder) / f"kernel{SUFFIX}"
            path.write_bytes(content)
            done = subprocess.run([*command, *OPTIONS, "-o", library, path], capture_output=True, check=False)
            return library.read_bytes() if done.returncode == 0 else None
    except OSError:
        return None


def entry_in_library(path: Path, name: str) -> Callable[[int], Any] | None:
    """Return a kernel of a shared library as a function of the address of its table.

    None means that the library does not load here, for example from a file system that forbids it.
    """
    try:
        function = getattr(ctypes.CDLL(str(path)), f"odc_gym_{name}")
    except (OSError, AttributeError):
        return None
    function.argtypes, function.restype = _ENTRY_TYPE._argtypes_, ctypes.c_int
    return partial(function, _result, _exception)


def entry_in_object(content: bytes, name: str) -> Callable[[int], Any]:
    """Return a kernel of an object file, which LLVM loads: for computers without a linker.

    Raises:
        OdcGymError: llvmlite, a part of Numba, is not installed, or the object file has no such kernel.
    """
    try:
        import llvmlite.binding as llvm
    except ImportError as error:
        raise OdcGymError(
            "the compiled core needs a C compiler that links it, or llvmlite, which comes with Numba: "
            "pip install 'odc-gym[compile]'"
        ) from error
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(content))
    engine.finalize_object()
    address = engine.get_function_address(f"odc_gym_{name}")
    if address == 0:  # a call of it would end the process
        raise OdcGymError(f"the object file has no kernel {name}")
    _keep.append(engine)
    return entry_at(address)


def entry_at(address: int) -> Callable[[int], Any]:
    """Return a kernel whose machine code lies at an address as a function of the address of its table."""
    return partial(_ENTRY_TYPE(address), _result, _exception)
