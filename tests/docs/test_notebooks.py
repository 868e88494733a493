"""The notebooks of docs/notebooks: they run, print what they show, and become pages of the site."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_docs import load

ROOT = Path(__file__).parents[2]
notebook_pages = load("notebook_pages")


def run(notebook):
    """Return the message of the runner, empty if the notebook prints what it shows."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", str(ROOT / "docs" / "notebook_pages.py"), str(notebook)]
    return subprocess.run(command, env=environment, capture_output=True, text=True).stderr


@pytest.mark.parametrize("notebook", notebook_pages.NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_it_shows(notebook):
    """Catches: outputs of an earlier version, and code that no longer runs."""
    assert run(notebook) == ""


@pytest.fixture
def small(tmp_path):
    """A notebook with an output that it does not print."""
    stored = {"output_type": "stream", "name": "stdout", "text": ["3\n"]}
    cells = [
        {"cell_type": "markdown", "source": ["# Title"]},
        {"cell_type": "code", "source": ["print(1 + 1)\n", "'last'"], "outputs": [stored]},
    ]
    path = tmp_path / "small.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))
    return path


def test_an_output_that_changed_is_found_and_written(small):
    assert run(small) == "small.ipynb: prints other text; run `python docs/notebook_pages.py --write`, and read it\n"
    notebook_pages.write(small, notebook_pages.run(small))
    assert run(small) == ""


def test_a_page_has_the_cells_the_outputs_and_the_figures(small):
    """Catches: a figure or an output that the site does not show."""
    content = json.loads(small.read_text())
    picture = {"output_type": "display_data", "data": {"image/png": "UE5H"}}
    content["cells"][1]["outputs"].append(picture)
    small.write_text(json.dumps(content))
    text, pictures = notebook_pages.to_markdown(small)
    assert text.startswith(
        "# Title\n\n[This page as a notebook](small.ipynb)\n\n```python\nprint(1 + 1)\n'last'\n```\n"
    )
    assert "```text\n3\n```" in text and text.endswith("(small-1.png)\n")
    assert pictures == {"small-1.png": b"PNG"}
