"""The built package, offline: what it holds, and that it works without Numba, away from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from odc_gym.compilation.keys import package_kernels
from odc_gym.compilation.processors import processors, this_processor

ROOT = Path(__file__).parents[1]
PARTS = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "odc_gym", "agents", "configs")
PAGES = (
    "odc_gym/pages/**/*.html",
    "odc_gym/pages/**/*.css",
    "odc_gym/pages/replay/*.js",
    "odc_gym/pages/replay/licences/*.txt",
)
PREBUILT = "odc_gym/compilation/prebuilt"
NOT_FOR_USERS = ("numba", "llvmlite", "odc_gym", "__editable__")  # beginnings of names of packages

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the build of a wheel takes minutes

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
from importlib.util import find_spec
assert find_spec("numba") is None and find_spec("llvmlite") is None
from odc_gym.core.decision import decide
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


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The interpreter of a new environment with the wheel and its dependencies; it has no Numba."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    python = environment / "bin" / "python"
    install = (sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "-q", wheel)
    run(*install, cwd=environment)
    packages = packages_of(python)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(NOT_FOR_USERS) and not (packages / entry.name).exists():
            (packages / entry.name).symlink_to(entry)
    return python


def packages_of(python):
    return Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd="/").strip())


@pytest.fixture
def bare(tmp_path):
    """Variables of a user without a home, and a folder for temporary files that shows what is kept."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "home").touch()  # no folder: root writes to read-only folders, too
    return {"HOME": str(tmp_path / "home" / "none"), "TMPDIR": str(tmp_path / "temporary"), "ODC_GYM_CACHE": ""}


def libraries():
    """Paths in the wheel of the libraries that it must contain, and of their key."""
    names = {f"{place.function}-{processor}.so" for place in package_kernels() for processor in processors()}
    return {f"{PREBUILT}/{name}" for name in {*names, "sources.key"}}


def test_the_wheel_holds_every_source_the_schedulers_the_configurations_and_the_compiled_core(wheel):
    expected = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("odc_gym/**/*.py", "odc_gym/agents/*.py", "odc_gym/configs/**/*.yaml", *PAGES)
        for path in ROOT.glob(pattern)
    }
    assert {"odc_gym/envs/env.py", "odc_gym/agents/zero.py", "odc_gym/configs/scenarios/starter12.yaml"} <= expected
    data = {"odc_gym/py.typed", "odc_gym/tables/fleet/queueing_tables.npz"}
    data |= {"odc_gym/rendering/land.npz", "odc_gym/rendering/land-LICENSE"}
    data |= {f"odc_gym/configs/policies/{path.name}" for path in (ROOT / "configs" / "policies").glob("*.npz")}
    assert wheel_names(wheel) == expected | libraries() | data
    assert len(libraries()) >= 4 * len(processors()) + 1


def test_the_wheel_fits_all_versions_of_python_on_this_platform(wheel):
    """Catches a wheel for one version of Python, and one that installs on computers whose processor it lacks."""
    python, binary_interface, platform = wheel.stem.split("-")[-3:]
    assert (python, binary_interface) == ("py3", "none") and platform != "any"


UNCOMPILED = """
import sys
from setuptools.build_meta import build_wheel
from odc_gym.compilation import prebuilding
prebuilding.prebuild = lambda folder: None
build_wheel(sys.argv[1])
"""


def test_the_sdist_builds_the_same_wheel(wheel, sdist, tmp_path):
    """Compares all but the compiled libraries, which take minutes."""
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # from Python 3.11.4 on
    with tarfile.open(sdist) as archive:
        assert not [name for name in archive.getnames() if name.endswith((".so", ".key"))]
        archive.extractall(tmp_path, **safely)
    (unpacked,) = tmp_path.iterdir()
    run(sys.executable, "-c", UNCOMPILED, tmp_path, cwd=unpacked)
    (again,) = tmp_path.glob("*.whl")
    assert again.name == wheel.name and wheel_names(again) == wheel_names(wheel) - libraries()


def test_the_first_step_needs_neither_numba_nor_a_cache(installed, bare, tmp_path):
    """Catches libraries whose key does not fit the installed sources: they would be compiled anew, or not at all."""
    for place in run(installed, "-c", USE, cwd=tmp_path, **bare).split():
        assert Path(place).is_relative_to(packages_of(installed).resolve())
    assert list((tmp_path / "temporary").iterdir()) == []
    ready = run(installed.with_name("odc-gym"), "warm", cwd=tmp_path, **bare)
    assert ready.startswith(f"ready: {len(package_kernels())} kernels for ") and PREBUILT in ready


def test_an_edited_package_says_how_to_compile(installed, bare, tmp_path):
    """Catches kernels of other sources than those that lie beside them, and a traceback from a missing Numba."""
    core = packages_of(installed) / "odc_gym" / "core" / "decision.py"
    before = core.read_text(encoding="utf-8")
    try:
        core.write_text(before + "# edited\n", encoding="utf-8")
        command = [installed.with_name("odc-gym"), "warm"]
        done = subprocess.run(command, env=os.environ | bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    finally:
        core.write_text(before, encoding="utf-8")
    assert done.returncode == 2 and "pip install 'odc-gym[compile]'" in done.stderr.splitlines()[-1], done.stderr


def test_all_processors_give_the_same_bits(installed, bare, tmp_path):
    """Catches fused operations, which round once where others round twice."""
    script = f"""
import json, sys
sys.path.insert(0, {str(ROOT / "tests" / "rigs")!r})
from rollout_hashes import hashes
print(json.dumps(hashes(6, ["starter12:bids:flat", "serving:assign:dict", "storm:bids:flat"])))
"""
    found = {
        processor: run(installed, "-c", script, cwd=tmp_path, ODC_GYM_PROCESSOR=processor, **bare)
        for processor in processors()
        if processor in (this_processor(), processors()[-1])
    }
    assert len(set(found.values())) == 1, found


def test_the_command_line_works_in_the_new_environment(installed, bare, tmp_path):
    compare = (installed.with_name("odc-gym"), "compare", "--episodes", "2", "--agents", "zero,random")
    table = run(*compare, "--set", "episode.hours=2", "--json", "report.json", cwd=tmp_path, **bare)
    assert "zero" in table and "random" in table and (tmp_path / "report.json").is_file()


def test_without_a_linker_the_wheel_is_not_built(source, tmp_path):
    """Catches a wheel without libraries, whose users would need Numba, and minutes of compilation before the error."""
    script = f"from setuptools.build_meta import build_wheel; build_wheel({str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=source, env=os.environ | {"PATH": str(tmp_path), "CC": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0 and "error: the wheel needs a C compiler" in done.stderr
