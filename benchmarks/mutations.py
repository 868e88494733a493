"""What the tests notice: one number, sign or term is changed at a time, and the tests that fail are told.

`make mutations` copies the package and its tests, makes one change after the other in the copy, runs the tests that
should notice, and writes docs/mutations.json, of which `make validate` makes a table. It goes on where it stopped: what
was found with the same sources is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mutants import MUTANTS, Mutant

from odc_gym.evaluation import write_document

ROOT = Path(__file__).parents[1]
FOUND = ROOT / "docs" / "mutations.json"
COPIED = ("odc_gym", "agents", "configs", "tests", "pyproject.toml")
COMPILED = ("physics", "core", "interface")  # packages whose change compiles the core anew
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*?\])?(?: - .*)?$", re.MULTILINE)
LIMIT_S = 1800


def tests_of(mutant: Mutant) -> list[str]:
    """The tests of a mutant, files that match a pattern one by one."""
    found = []
    for pattern in mutant.tests:
        path, colons, test = pattern.partition("::")
        found += [f"{file.relative_to(ROOT)}{colons}{test}" for file in sorted(ROOT.glob(path))]
    return found


def digest(mutant: Mutant) -> str:
    """Hash of all that a result depends on: the package, the tests that run, and the change."""
    state = hashlib.blake2b(repr(mutant).encode(), digest_size=12)
    sources = set((ROOT / "odc_gym").rglob("*.py"))
    for path in (ROOT / test.partition("::")[0] for test in tests_of(mutant)):
        sources |= {path} if path.is_file() else set(path.rglob("*.py"))
    for path in sorted(sources):
        state.update(path.read_bytes())
    return state.hexdigest()


def mutate(folder: Path, mutant: Mutant) -> None:
    """Make the change in a copy.

    Raises:
        SystemExit: the text is not there once.
    """
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.was) != 1:
        raise SystemExit(f"error: {mutant.name}: {mutant.was!r} stands {text.count(mutant.was)} times in {mutant.file}")
    path.write_text(text.replace(mutant.was, mutant.becomes), encoding="utf-8")


def failures(folder: Path, mutant: Mutant) -> list[str]:
    """The tests of a mutant that fail in a copy, without their parameters.

    Small tests of compiled packages run uncompiled: that is faster than to compile the core anew.
    """
    core = mutant.file.split("/")[1] in COMPILED
    episodes = any(test.startswith(("tests/core", "tests/properties")) for test in mutant.tests)
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    if core and not episodes:
        environment["NUMBA_DISABLE_JIT"] = "1"
    elif core:
        environment["ODC_GYM_CACHE"] = str(folder / "cache")
    options = ("-n0", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", "--timeout=0")
    command = [sys.executable, "-m", "pytest", *options, *tests_of(mutant)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode not in (0, 1):
        raise SystemExit(f"error: {mutant.name}: pytest ends with {done.returncode}: {done.stdout[-400:]}")
    return sorted(set(FAILED.findall(done.stdout)))


def play(mutant: Mutant) -> list[str]:
    """Copy, change, test."""
    with tempfile.TemporaryDirectory(prefix="odc-gym-mutant-") as name:
        folder = Path(name)
        for part in COPIED:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, folder / part)
        mutate(folder, mutant)
        return failures(folder, mutant)


def main(names: Iterable[str]) -> int:
    """Play all mutants that are not known yet, or those of given names anew."""
    known: dict[str, Any] = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.is_file() else {}
    known = {mutant.name: known[mutant.name] for mutant in MUTANTS if mutant.name in known}
    chosen = set(names)
    for mutant in MUTANTS:
        sources = digest(mutant)
        if mutant.name not in chosen and (chosen or known.get(mutant.name, {}).get("sources") == sources):
            continue
        caught = play(mutant)
        print(f"{mutant.name}: {len(caught)} of its tests fail: {', '.join(caught) or 'NOT CAUGHT'}", flush=True)
        known[mutant.name] = {"file": mutant.file, "caught_by": caught, "sources": sources}
        write_document(FOUND, {m.name: known[m.name] for m in MUTANTS if m.name in known})
    missed = [name for name, result in known.items() if not result["caught_by"]]
    if missed:
        print(f"error: no test notices: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What the tests notice of changes of the physics.")
    parser.add_argument("names", nargs="*", help="mutants to play anew; all that are not known without")
    raise SystemExit(main(parser.parse_args().names))
