"""Mutation tests: one number, sign or term is changed at a time, and the tests that fail are recorded.

`make mutations` copies the package and its tests and makes one change at a time in the copy. It runs the tests that
should detect the change, and writes docs/mutations.json, which `make validate` turns into a table. It resumes where it
stopped: results for the same sources are kept.
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
RESULTS = ROOT / "docs" / "mutations.json"
COPIED = ("odc_gym", "agents", "configs", "tests", "pyproject.toml")
COMPILED = ("physics", "core", "interface")  # packages whose change requires a new compilation of the core
FAILED_TEST = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*?\])?(?: - .*)?$", re.MULTILINE)
TIMEOUT_S = 1800


def tests_of(mutant: Mutant) -> list[str]:
    """Return the tests of a mutant, with one entry for each file that matches a pattern."""
    found = []
    for pattern in mutant.tests:
        path, colons, test = pattern.partition("::")
        found += [f"{file.relative_to(ROOT)}{colons}{test}" for file in sorted(ROOT.glob(path))]
    return found


def digest(mutant: Mutant) -> str:
    """Hash all that a result depends on: the package, the tests that run, and the change."""
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
        SystemExit: the file does not contain the text exactly once.
    """
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.was) != 1:
        raise SystemExit(f"error: {mutant.name}: {mutant.was!r} stands {text.count(mutant.was)} times in {mutant.file}")
    path.write_text(text.replace(mutant.was, mutant.becomes), encoding="utf-8")


def failures(folder: Path, mutant: Mutant) -> list[str]:
    """Run the tests of a mutant in a copy; return those that fail, without their parameters.

    Small tests of compiled packages run without compilation, which is faster than to compile the core anew.
    """
    changes_core = mutant.file.split("/")[1] in COMPILED
    plays_episodes = any(test.startswith(("tests/core", "tests/properties")) for test in mutant.tests)
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    if changes_core and not plays_episodes:
        environment["NUMBA_DISABLE_JIT"] = "1"
    elif changes_core:
        environment["ODC_GYM_CACHE"] = str(folder / "cache")
    options = ("-n0", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", "--timeout=0")
    command = [sys.executable, "-m", "pytest", *options, *tests_of(mutant)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode not in (0, 1):
        raise SystemExit(f"error: {mutant.name}: pytest ends with {done.returncode}: {done.stdout[-400:]}")
    return sorted(set(FAILED_TEST.findall(done.stdout)))


def failing_tests(mutant: Mutant) -> list[str]:
    """Copy the package, apply a mutant, and return the tests that fail."""
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
    """Test all mutants without a current result, or those of given names again."""
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    known = {mutant.name: known[mutant.name] for mutant in MUTANTS if mutant.name in known}
    chosen = set(names)
    for mutant in MUTANTS:
        sources = digest(mutant)
        if mutant.name not in chosen and (chosen or known.get(mutant.name, {}).get("sources") == sources):
            continue
        caught = failing_tests(mutant)
        print(f"{mutant.name}: {len(caught)} of its tests fail: {', '.join(caught) or 'NOT CAUGHT'}", flush=True)
        known[mutant.name] = {"file": mutant.file, "caught_by": caught, "sources": sources}
        write_document(RESULTS, {m.name: known[m.name] for m in MUTANTS if m.name in known})
    missed = [name for name, result in known.items() if not result["caught_by"]]
    if missed:
        print(f"error: no test notices: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Record the tests that detect changes of physics, network and work.")
    parser.add_argument(
        "names", nargs="*", help="mutants to test again; without names, all mutants without a current result"
    )
    raise SystemExit(main(parser.parse_args().names))
