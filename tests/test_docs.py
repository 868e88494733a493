"""The documents: written ones equal what their generator writes, and what they name exists."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odc_gym.cli import app
from odc_gym.scenario import Scenario

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
FILE = re.compile(
    r"`((?:odc_gym|agents|configs|tests|benchmarks|docs|simulation|physics|interface|orbits|workload)/[\w./-]+)`"
)
COMMAND = re.compile(r"odc-gym ([a-z]+(?: (?:list|show|check))?)([^`\n]*)")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_environment_is_what_its_tables_say(generate):
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page(), "run `make docs`"


def test_the_house_is_what_the_modules_say(generate):
    assert generate.HOUSE.read_text(encoding="utf-8") == generate.architecture(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_exist(page):
    text = page.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    # a file of the package may be named from the package's folder
    missing += [
        name for name in FILE.findall(text) if not (ROOT / name).exists() and not (ROOT / "odc_gym" / name).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page):
    for command, rest in set(COMMAND.findall(page.read_text(encoding="utf-8"))):
        shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert shown.exit_code == 0, command
        unknown = [option for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest) if option not in shown.output]
        assert unknown == [], command


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {t for page in PAGES for t in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M)}
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.M)} == set()


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize(
    ("says", "line"),
    [
        ("exit 127", "does not run; give another, as in: make PYTHON=python3.12"),
        (
            'case "$2" in *version_info*) exec {python} -c "import sys; sys.version_info = (3, 10); $2";; esac',
            "needs Python 3.11",
        ),
        ('case "$2" in *ensurepip*) exit 1;; esac', "has no venv; install it"),
    ],
)
def test_make_tells_in_one_line_why_it_cannot_begin(tmp_path, says, line):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n{says.replace("{python}", sys.executable)}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    command = ("make", "--no-print-directory", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}", "train")
    outer = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "VENV"}  # these tests may run under make themselves
    env = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)
    told = [text for text in done.stderr.splitlines() if not text.startswith("make: ***")]
    assert done.returncode != 0 and len(told) == 1 and told[0].startswith("error: ") and line in told[0]
    assert not (tmp_path / "venv").exists()


def test_named_fields_of_the_scenario_exist():
    for page in PAGES:
        for path in re.findall(
            r"`((?:episode|hardware|dispatch|reward|workload|shells)\.[\w.*]+)`", page.read_text("utf-8")
        ):
            node = Scenario.load("starter12").model_dump()
            for key in path.split("."):
                node = next(iter(node.values())) if key == "*" else node[key]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_run(page, tmp_path):
    for k, code in enumerate(PYTHON.findall(page.read_text(encoding="utf-8"))):
        script = tmp_path / f"example_{k}.py"
        script.write_text(code)
        done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
