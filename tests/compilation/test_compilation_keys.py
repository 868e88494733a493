"""Keys of compiled code cover all that is compiled, and an edit makes only those kernels stale that it concerns."""

import shutil

import pytest

from odc_gym import sources
from odc_gym.compilation import keys
from odc_gym.compilation.keys import COMPILED_PARTS, ROOT, compiled_sources, kernel_key, package_kernels, sources_key

CORE = {"decide", "settle", "integrate_temperature", "initial_replicas"}
NAMES = {kernel.function for kernel in package_kernels()}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the package whose keys are asked for."""
    folder = tmp_path / "odc_gym"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("agents", "configs", "__pycache__", "prebuilt"))
    monkeypatch.setattr(keys, "ROOT", folder)
    monkeypatch.setattr(keys.compiled_sources, "__defaults__", (folder,))
    monkeypatch.setattr(sources, "_ROOT", folder)
    return folder


def keys_now():
    """Keys of all kernels by name, and that of all sources."""
    sources_key.cache_clear()
    found = {kernel.function: kernel_key(kernel.file) for kernel in package_kernels()}
    assert found.keys() == NAMES
    return found | {"all": sources_key()}


@pytest.mark.parametrize(
    ("edited", "stale"),
    [
        ("core/jobs/dispatch.py", {"decide", "all"}),
        ("interface/rewards.py", {"decide", "all"}),
        ("core/decision.py", {"decide", "all"}),
        ("core/spacecraft/step.py", {"decide", "settle", "all"}),
        ("physics/thermal.py", {"decide", "settle", "initial_replicas", "all"}),
        ("core/serving/slo_model.py", {"decide", "initial_replicas", "all"}),
        ("core/spacecraft/array_temperature.py", {"integrate_temperature", "all"}),
        ("constants.py", {*CORE, "all"}),
        ("compilation/emission.py", {*NAMES, "all"}),
        ("compilation/array_types.py", {*NAMES, "all"}),
        ("compilation/building.py", set()),
        ("errors.py", set()),
        ("simulator/simulator.py", set()),
    ],
)
def test_an_edit_makes_only_those_kernels_stale_that_it_concerns(copy, edited, stale):
    """Catches stale kernels, which simulate an older version, and minutes of compilation for nothing."""
    before = keys_now()
    with (copy / edited).open("a") as file:
        file.write("# edited\n")
    after = keys_now()
    asked = {*NAMES, "all"} if edited.startswith("compilation/") else {*CORE, "all"}
    assert {name for name in asked if after[name] != before[name]} == stale


def test_keys_do_not_depend_on_the_place(copy, monkeypatch):
    """Catches a second clone, or a wheel, that compiles everything again."""
    there = keys_now()
    monkeypatch.undo()
    assert keys_now() == there


def test_all_that_kernels_import_is_in_the_key_of_all_sources():
    """Catches a compiled module outside the folders whose sources make the key."""
    pending, reached = [kernel.module for kernel in package_kernels()], set()
    while pending:
        path = sources._module_path(pending.pop())
        if path is not None and path not in reached:
            reached.add(path)
            if path.parent.name != "compilation":  # it compiles kernels, and is not compiled
                pending += sources._imported_names(path.read_bytes())
    own = {path for path in reached if path.parent.name != "compilation" and path.name != "__init__.py"}
    assert len(own) > 30 and own <= set(compiled_sources())
    assert {ROOT / "compilation" / f"{name}.py" for name in keys.COMPILERS} <= set(compiled_sources())


def test_every_kernel_of_the_package_is_found():
    """Catches a kernel that `odc-gym warm` forgets: one in another folder, or decorated in another way."""
    files = [path for path in ROOT.rglob("*.py") if "\n@kernel\n" in path.read_text(encoding="utf-8")]
    assert {kernel.file for kernel in package_kernels()} == set(files)


def test_folders_within_folders_are_in_the_key(tmp_path):
    """Catches a search that stops at the first level: files would leave the key when they move down."""
    for part in COMPILED_PARTS:
        file = tmp_path / part if part.endswith(".py") else tmp_path / part / "below" / "further" / "kernel.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert len(compiled_sources(tmp_path)) == len(COMPILED_PARTS)
    assert any(path.parts[-2] == "further" for path in compiled_sources(tmp_path))
