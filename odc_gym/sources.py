"""Hashes of the package's own source: equal hashes mean equal code."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = "odc_gym"
_ROOT = Path(__file__).parent


def source_digest(*modules: str | Path) -> str:
    """Hash of the source of modules and of all that they import from the package, directly or not.

    Args:
        modules: full names of the package's, as in `odc_gym.agents.zero`, or files. What a module imports by a name
            that is only known when it runs is not followed.
    """
    reached = {name: path.read_bytes() for name, path in reached_sources(*modules).items()}
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(reached):
        digest.update(f"{name} {len(reached[name])}\n".encode() + reached[name])
    return digest.hexdigest()


def reached_sources(*modules: str | Path) -> dict[str, Path]:
    """Files of modules and of all that they import from the package, directly or not, by name; see `source_digest`."""
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
    """Installed versions of other packages by name."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def _imported_names(source: bytes) -> list[str]:
    """Full names that source imports from the package, in functions too; some are names in modules, not modules."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in found if name.split(".")[0] == PACKAGE]


def _module_path(module: str) -> Path | None:
    """File of a module of the package; None of a name that is none."""
    base = _ROOT.joinpath(*module.split(".")[1:])
    files = (base.with_suffix(".py"), base / "__init__.py") if base != _ROOT else (base / "__init__.py",)
    return next((path for path in files if path.is_file()), None)
