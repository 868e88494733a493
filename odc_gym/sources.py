"""Sources: hashes of the package's own source code, where equal hashes mean equal code."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = "odc_gym"
_ROOT = Path(__file__).parent


def source_digest(*modules: str | Path) -> str:
    """Return a hash of the source of modules and of all that they import from the package, directly or not.

    Args:
        modules: full names of modules of the package, as in `odc_gym.agents.zero`, or files. Imports by a name that is
            known only at run time are not followed.
    """
    reached = {name: path.read_bytes() for name, path in reached_sources(*modules).items()}
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(reached):
        digest.update(f"{name} {len(reached[name])}\n".encode() + reached[name])
    return digest.hexdigest()


def reached_sources(*modules: str | Path) -> dict[str, Path]:
    """Return the files of modules and of all that they import from the package, by name; see `source_digest`."""
    reached: dict[str, Path] = {}
    pending = list(modules)
    while pending:
        module = pending.pop()
        name, path = (module.name, module) if isinstance(module, Path) else (module, _module_path(module))
        if path is not None and name not in reached:
            reached[name] = path
            pending += _imported_names(path.read_bytes())
    return reached


def versions(*packages: str) -> dict[str, str]:
    """Return the installed versions of other packages by name."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def _imported_names(source: bytes) -> list[str]:
    """Return the full names that source code imports from the package, in functions too.

    Some of them are names inside modules, not modules.
    """
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in found if name.split(".")[0] == PACKAGE]


def _module_path(module: str) -> Path | None:
    """Return the file of a module of the package, or None if the name is not a module."""
    base = _ROOT.joinpath(*module.split(".")[1:])
    files = (base.with_suffix(".py"), base / "__init__.py") if base != _ROOT else (base / "__init__.py",)
    return next((path for path in files if path.is_file()), None)
