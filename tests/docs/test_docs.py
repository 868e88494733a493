"""Documents: generated pages equal the output of their generator, and everything that pages name exists."""

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

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
FILE = re.compile(
    r"`((?:odc_gym|agents|configs|tests|benchmarks|docs|examples|simulation|physics|interface|orbits|workload)/[\w./-]+)`"
)
COMMAND = re.compile(r"odc-gym ([a-z]+(?: (?:list|show|check|diff|new|schema|info|fetch))?)([^`\n]*)")


def load(name):
    """Load a program of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = load("pages")
CODE = [page for page in pages.PAGES if any(block.is_run(slow=True) for block in pages.blocks(page))]
SLOW = [page for page in CODE if any(block.slow for block in pages.blocks(page))]


@pytest.fixture(scope="module")
def generate():
    return load("generate")


def test_the_page_of_the_environment_is_what_its_tables_say(generate):
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page(), "run `make docs`"


def test_the_page_of_fields_is_what_the_models_say(generate):
    assert generate.FIELDS.read_text(encoding="utf-8") == generate.fields_page(), "run `make docs`"


def test_the_table_of_scenarios_is_what_their_files_say(generate):
    assert generate.SCENARIOS.read_text(encoding="utf-8") == generate.scenarios(), "run `make docs`"


def test_the_module_list_is_what_the_modules_say(generate):
    assert generate.ARCHITECTURE.read_text(encoding="utf-8") == generate.architecture(), "run `make docs`"


def test_the_readme_has_the_text_of_the_start_page(generate):
    """Catches: a fact that was corrected on one of the two pages only."""
    assert generate.README.read_text(encoding="utf-8") == generate.readme(), "run `make docs`"


def test_a_shared_part_points_at_the_same_pages_from_the_readme(generate, tmp_path, monkeypatch):
    """Catches: links of the start page, which lies in docs/, copied into the README as they are."""
    index, readme = tmp_path / "index.md", tmp_path / "README.md"
    shared = "<!-- shared: x -->\n{}\n<!-- end of shared: x -->\n"
    index.write_text(shared.format("[a](b.md#c) ![d](figures/e.png) [f](../LICENSE) [g](https://h) [i](#j)"))
    readme.write_text("before\n" + shared.format("old") + "after\n")
    monkeypatch.setattr(generate, "INDEX", index)
    monkeypatch.setattr(generate, "README", readme)
    new = "[a](docs/b.md#c) ![d](docs/figures/e.png) [f](LICENSE) [g](https://h) [i](#j)"
    assert generate.readme() == "before\n" + shared.format(new) + "after\n"


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


def test_named_fields_of_the_scenario_exist(generate):
    for page in PAGES:
        if page == generate.FIELDS:  # generated from the models, with blocks that starter12 lacks
            continue
        for path in re.findall(
            r"`((?:episode|hardware|dispatch|reward|workload|shells)\.[\w.*]+)`", page.read_text("utf-8")
        ):
            node = Scenario.load("starter12").model_dump()
            for key in path.split("."):
                node = next(iter(node.values())) if key == "*" else node[key]


NOT_RUN = {
    ("README.md", "make train     # train, compare with the heuristics on test episodes, write a report"),
    ("README.md", "make warm                   # set up .venv and compile the simulation core, once"),
    (
        "results.md",
        "python benchmarks/values.py --agents "
        "zero,governor,sun-aware,gang-aware,orbit-balanced,coolest-first,least-slack,full-clock -e 20",
    ),
    ("randomisation.md", "odc-gym compare --scenario starter12 --agents zero,runs/ppo-1"),
    (
        "randomisation.md",
        "odc-gym compare --scenario starter12,starter12-randomised --agents "
        "zero,sun-aware,gang-aware,PPO=runs/s0+runs/s1+runs/s2 --baseline zero --episodes 100",
    ),
    ("randomisation.md", "odc-gym train --config configs/train/ppo-randomised.yaml"),
    ("README.md", "odc-gym compare --agents zero,runs/ppo-1"),
    ("reinforcement-learning.md", "odc-gym train --config configs/train/ppo.yaml --seed 1"),
    ("reinforcement-learning.md", "odc-gym compare --agents zero,gang-aware,runs/ppo-1"),
    ("learnability.md", "for s in 0 1 2; do odc-gym train --seed $s --output runs/s$s; done"),
    ("examples.md", "python examples/plot_a_day.py"),
    ("make-a-video.md", "pip install 'odc-gym[render]'        # pygame-ce, pillow, imageio-ffmpeg"),
    (
        "results.md",
        "odc-gym compare --scenario all --agents all --baseline full-clock --episodes 20 --store runs/store "
        "--markdown presets.md",
    ),
    (
        "results.md",
        "odc-gym compare --scenario starter12 --agents all --baseline full-clock --episodes 20 "
        "--trace conv_first30min.csv",
    ),
    ("traces.md", "odc-gym trace fetch azure-llm-2023-conv"),
    (
        "traces.md",
        "odc-gym trace info jobs.csv                        # statistics of the file, beside those of the generator "
        "fitted to it",
    ),
    ("performance.md", "make bench                                    # a few minutes"),
    ("CONTRIBUTING.md", "make check     # format, lint, types, tests: what a change must pass"),
}
"""Blocks of commands that the tests leave out, by page and first line."""


@pytest.mark.parametrize("page", CODE, ids=lambda page: page.name)
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(page, tmp_path):
    assert pages.differences(page, pages.run(page, tmp_path, slow=False)) == []


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW, ids=lambda page: page.name)
def test_the_slow_code_of_a_page_runs_too(page, tmp_path):
    assert pages.differences(page, pages.run(page, tmp_path)) == []


def test_what_is_not_run_is_known():
    written = [page for page in pages.PAGES if page.name != "benchmark.md"]  # a program writes its commands, of hours
    left_out = {
        (page.name, block.code.splitlines()[0]) for page in written for block in pages.blocks(page) if block.not_run
    }
    assert left_out == NOT_RUN


def test_commands_are_marked_as_commands():
    command = re.compile(r"^(\$ |odc-gym |make |git |pip |python )", re.MULTILINE)
    found = [
        (page.name, b.line)
        for page in pages.PAGES
        for b in pages.blocks(page)
        if not b.language and command.search(b.code)
    ]
    assert found == []


PAGE = """
<!-- in tests: 20 -> 2 -->
```python
x = 20
print(x)
```

```text
2
```

```yaml
# a/b.yaml
x: 1
```

<!-- file: jobs.csv -->
```csv
b
```

```csv
c
```

```bash
cat a/b.yaml jobs.csv
```

```text
...
x: 1
b
```

```bash
odc-gym scenario show nowhere
```

```text
error: scenario = nowhere: must be one of ...
```

<!-- not run: why -->
```bash
exit 1
```

```python
print(x + 1)
```
"""


@pytest.fixture
def page_errors(tmp_path):
    """Return a function that writes a page, runs it, and returns its errors."""

    def run_page(text):
        page = tmp_path / "page.md"
        page.write_text(text)
        (tmp_path / "folder").mkdir()
        try:
            return pages.differences(page, pages.run(page, tmp_path / "folder"))
        except pages.PageError as error:
            return [str(error)]

    return run_page


def test_a_page_runs_as_its_readers_would_run_it(page_errors):
    assert page_errors(PAGE) == []


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("\n2\n", "\n3\n", "page.md:9: the block above it now prints\n2\n"),  # an output that changed
        ("x: 1\nb\n", "x: 1\n", "page.md:31: the block above it now prints"),  # one that goes on
        ("jobs.csv\n```\n\n", "none\n```\n\n", "page.md:27: exit code 1"),  # a command that fails
        ("nowhere\n```", "starter12\n```", "page.md:37: exit code 0"),  # one that should be refused
        ("x + 1", "x + y", "page.md:50: the block fails"),  # code that fails, with the line of the page
        ("20 ->", "30 ->", "page.md:4: what the tests shorten is not in the block"),
        ("```python\nx", "```pyton\nx", "page.md:4: language pyton"),
        ("# a/b.yaml\n", "", "page.md:13: a yaml block begins with the name of its file"),
        ("```yaml\n# a/b.yaml", "```diff\n+nothing", "page.md:13: the diff no longer applies"),
    ],
)
def test_what_a_page_gets_wrong_is_told_with_its_line(page_errors, was, becomes, told):
    assert PAGE.count(was) == 1
    (wrong,) = page_errors(PAGE.replace(was, becomes))
    assert told in wrong


def test_outputs_that_changed_are_written_into_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("\n2\n", "\nold\nlines\n"))
    (tmp_path / "folder").mkdir()
    pages.write(page, pages.run(page, tmp_path / "folder"))
    assert page.read_text() == PAGE
