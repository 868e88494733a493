import shutil
from pathlib import Path

import pytest

from odc_gym import sources
from odc_gym.sources import source_digest, versions

ROOT = Path(__file__).parents[1]
WORKER = "odc_gym.evaluation.worker"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in place of odc_gym: a imports b and, in a function, d.inner; c stands alone."""
    files = {
        "__init__.py": "",
        "a.py": "from odc_gym.b import thing\n\ndef later():\n    from odc_gym.d import inner\n",
        "b.py": "import numpy\nimport odc_gym.a\nthing = 1\n",
        "c.py": "",
        "d/__init__.py": "",
        "d/inner.py": "x = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sources, "_ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("edited", "changes"),
    [("a.py", True), ("b.py", True), ("d/__init__.py", True), ("d/inner.py", True), ("c.py", False)],
)
def test_a_digest_follows_imports(package, edited, changes):
    before = source_digest("odc_gym.a")
    with (package / edited).open("a") as file:
        file.write("# edited\n")
    assert (source_digest("odc_gym.a") != before) is changes


def test_files_are_followed_and_told_by_name_not_by_place(package, tmp_path):
    (tmp_path / "one").mkdir()
    mine, moved = tmp_path / "mine.py", tmp_path / "one" / "mine.py"
    mine.write_text("from odc_gym.c import nothing\n")
    shutil.copy(mine, moved)
    before = source_digest(mine)
    assert source_digest(moved) == before
    (package / "c.py").write_text("nothing = 0\n")
    assert source_digest(mine) != before


@pytest.mark.parametrize(
    ("edited", "changes"),
    [
        ("compilation/emission.py", True),
        ("physics/battery.py", True),
        ("core/jobs/dispatch.py", True),
        ("interface/rewards.py", True),
        ("orbits/eclipse.py", True),
        ("workload/generator.py", True),
        ("scenario/hardware.py", True),
        ("simulator/metrics.py", True),
        ("evaluation/report.py", False),
        ("training/run.py", False),
        ("cli/compare.py", False),
    ],
)
def test_what_plays_an_episode_is_all_that_its_result_comes_from(tmp_path, monkeypatch, edited, changes):
    before = source_digest(WORKER)
    copy = tmp_path / "odc_gym"
    shutil.copytree(ROOT / "odc_gym", copy, ignore=shutil.ignore_patterns("agents", "configs", "__pycache__"))
    monkeypatch.setattr(sources, "_ROOT", copy)
    assert source_digest(WORKER) == before
    with (copy / edited).open("a") as file:
        file.write("# edited\n")
    assert (source_digest(WORKER) != before) is changes


def test_versions_name_what_is_not_installed():
    assert versions("numpy", "no-such-package").keys() == {"numpy", "no-such-package"}
    assert versions("no-such-package") == {"no-such-package": "not installed"}
