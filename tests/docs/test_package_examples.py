"""Every package says in its docstring how it is used, with an example that runs."""

import ast
import doctest
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    str(path.parent.relative_to(ROOT)): path
    for folder in ("odc_gym", "agents")
    for path in sorted((ROOT / folder).rglob("__init__.py"))
}
SLOW = {"odc_gym/training"}  # trains a policy


def example_of(docstring):
    """The lines that are indented, which are Python code or a doctest."""
    return textwrap.dedent("\n".join(re.findall(r"^(?: {4}.*|)$", docstring, re.MULTILINE))).strip()


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in PACKAGES])
def test_the_example_of_a_package_runs(name, tmp_path, monkeypatch):
    """Catches a name, a signature or a printed value that the docstring has kept and the code has not."""
    monkeypatch.chdir(tmp_path)
    text = ast.get_docstring(ast.parse(PACKAGES[name].read_text("utf-8")))
    paragraph, example = text.split("\n\n")[0], example_of(text)
    assert paragraph.endswith(".") and example
    if ">>>" not in example:
        try:
            exec(compile(example, name, "exec"), {"__name__": "example"})
        except SystemExit as done:  # a command
            assert done.code == 0
        return
    case = doctest.DocTestParser().get_doctest(example + "\n", {}, name, name, 0)
    assert case.examples and doctest.DocTestRunner().run(case).failed == 0
