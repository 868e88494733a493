"""Keys of compiled code: hashes of the sources that it is made of, wherever they lie."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from odc_gym.sources import reached_sources

ROOT = Path(__file__).parents[1]
COMPILERS = (
    "arguments",
    "array_types",
    "decorators",
    "emission",
    "kernel",
    "numba_prefetching",
    "numba_reference",
    "pipelines",
    "prefetching",
    "reference",
)
"""Modules of this folder that decide what a kernel's machine code is."""
COMPILED_PARTS = (
    "constants.py",
    "physics",
    "core",
    "interface",
    "orbits/kernels.py",
    *(f"compilation/{name}.py" for name in COMPILERS),
)
"""Files and folders of the package that contain compiled code, or are imported by it."""


class KernelPlace(NamedTuple):
    """Place of a kernel: its module, the name of its function there, and the file."""

    module: str
    function: str
    file: Path


def compiled_sources(root: Path = ROOT) -> list[Path]:
    """Return the files that contain compiled code, including those in nested folders, in a fixed order."""
    found: list[Path] = []
    for part in COMPILED_PARTS:
        found += sorted((root / part).rglob("*.py")) if (root / part).is_dir() else [root / part]
    return found


def package_kernels() -> list[KernelPlace]:
    """Return all kernels of the package."""
    found = []
    for path in compiled_sources():
        module = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        functions = re.findall(r"^@kernel\ndef (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        found += [KernelPlace(module, function, path) for function in functions]
    return found


@cache
def sources_key() -> str:
    """Return a hash of all compiled sources of the package; it takes a few milliseconds."""
    return _digest(compiled_sources())


def kernel_key(source: Path) -> str:
    """Return a hash of the sources that the kernels of a file are made of; it takes a tenth of a second.

    Args:
        source: file of the kernels.
    """
    compiled = {*compiled_sources(), source}
    own = {path for path in reached_sources(source).values() if path in compiled}
    return _digest(sorted({*own, *(ROOT / "compilation" / f"{name}.py" for name in COMPILERS)}))


def _digest(files: list[Path]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
