"""The scripts of examples/: each runs by itself in an empty folder, and its first lines say what readers see."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LONGEST = 60  # lines
LEAVES = {"plot_a_day": "day.png", "own_trace": "jobs.csv", "ppo": "ppo.zip"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    """Catches: a name, an option or a KPI that the package renamed and the script has kept."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", str(path), "--quick"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout and "nan" not in done.stdout
    left = {LEAVES[path.stem]} if path.stem in LEAVES else set()
    assert {file.name for file in tmp_path.iterdir()} == left


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_readers_see(path):
    """Catches: a script that grows into a program, and one without its command."""
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= LONGEST
    assert "\nYou see " in docstring and f"python examples/{path.name} [--quick]" in docstring


def test_the_page_lists_every_example():
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES if f"`examples/{path.name}`" not in page] == []
