"""The built package, offline: what it holds, and that it works in a new environment away from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "odc_gym", "agents", "configs")

pytestmark = pytest.mark.slow

USE = """
import pathlib, sys
import gymnasium as gym
env = gym.make("odc_gym:ODCSat-v0")
observation, _ = env.reset(seed=10_000)
observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
assert observation in env.observation_space and not terminated and not truncated, info
import odc_gym, odc_gym.agents
from odc_gym.training.config import load
assert load("ppo").algo == "ppo"
print(pathlib.Path(odc_gym.__file__).resolve(), pathlib.Path(odc_gym.agents.__file__).resolve(), sep="\\n")
"""


def run(*command, cwd, **environment):
    """Standard output of a command that sees no package by an environment variable."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=kept | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(source, folder):
    """The wheel of a source tree."""
    run(
        *(sys.executable, "-m", "pip", "wheel", source, "--no-deps", "--no-build-isolation", "--no-index", "-q"),
        *("-w", folder),
        cwd=source,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def wheel_names(wheel):
    return {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("odc_gym/")}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what is packed: building in the checkout would leave files there, and find older ones."""
    folder = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    return build(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(source, wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    script = f"from setuptools.build_meta import build_sdist; build_sdist({str(folder)!r})"
    run(sys.executable, "-c", script, cwd=source)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def test_the_wheel_holds_every_source_the_schedulers_and_the_configurations(wheel):
    expected = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("odc_gym/**/*.py", "odc_gym/agents/*.py", "odc_gym/configs/**/*.yaml")
        for path in ROOT.glob(pattern)
    }
    assert {"odc_gym/envs/env.py", "odc_gym/agents/zero.py", "odc_gym/configs/scenarios/starter12.yaml"} <= expected
    assert wheel_names(wheel) == expected | {"odc_gym/py.typed"}


def test_the_sdist_builds_the_same_wheel(wheel, sdist, tmp_path):
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # from Python 3.11.4 on
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, **safely)
    (unpacked,) = tmp_path.iterdir()
    assert wheel_names(build(unpacked, tmp_path / "again")) == wheel_names(wheel)


def test_the_wheel_works_in_a_new_environment_away_from_the_checkout(wheel, tmp_path):
    environment, elsewhere = tmp_path / "environment", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=elsewhere)
    python = environment / "bin" / "python"
    install = (sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "-q", wheel)
    run(*install, cwd=elsewhere)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=elsewhere).strip())
    # dependencies come from this environment; a path file is read after the environment's own packages, and links of
    # editable installs behind it are not followed
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    cache = str(tmp_path / "cache")
    for place in run(python, "-c", USE, cwd=elsewhere, ODC_GYM_CACHE=cache).split():
        assert Path(place).is_relative_to(packages.resolve())
    compare = (environment / "bin" / "odc-gym", "compare", "--episodes", "2", "--agents", "zero,random")
    table = run(*compare, "--set", "episode.hours=2", "--json", "report.json", cwd=elsewhere, ODC_GYM_CACHE=cache)
    assert "zero" in table and "random" in table and (elsewhere / "report.json").is_file()
