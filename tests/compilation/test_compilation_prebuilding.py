"""Libraries in a wheel: all kernels for all processors, which are used as long as the sources are theirs."""

import pytest

from odc_gym.compilation import libraries, prebuilding
from odc_gym.compilation.building import Target
from odc_gym.compilation.keys import package_kernels, sources_key
from odc_gym.compilation.processors import processors, this_processor
from odc_gym.errors import OdcGymError


@pytest.fixture
def prebuilt(tmp_path, monkeypatch):
    """Folder of libraries whose content is their name."""
    monkeypatch.setattr(prebuilding, "object_files", lambda targets: {t: repr(t).encode() for t in targets})
    monkeypatch.setattr(prebuilding, "linked", lambda content: content)
    monkeypatch.setattr(prebuilding, "linker", lambda: ["cc"])
    monkeypatch.setattr(libraries, "entry_in_library", lambda path, name: path.read_bytes() if path.exists() else None)
    prebuilding.prebuild(tmp_path / "odc_gym" / "prebuilt")
    return tmp_path / "odc_gym" / "prebuilt"


def test_all_kernels_for_all_processors_are_built_with_their_key(prebuilt):
    targets = [Target(kernel, processor) for kernel in package_kernels() for processor in processors()]
    assert len(targets) == len({libraries.library_name(target) for target in targets}) >= 4 * len(processors())
    assert {path.name for path in prebuilt.iterdir()} == {*map(libraries.library_name, targets), libraries.KEY_FILE}
    assert (prebuilt / libraries.KEY_FILE).read_text().strip() == sources_key()


def test_libraries_of_the_package_come_before_the_cache(prebuilt, monkeypatch):
    """Catches a wheel that compiles, or that loads libraries of another user's cache."""
    monkeypatch.setattr(libraries, "PREBUILT", prebuilt)
    monkeypatch.setattr(libraries, "cache_folders", pytest.fail)
    warmed = libraries.warm()
    assert warmed.folder == prebuilt and warmed.built == () and warmed.processor == this_processor()


def test_libraries_of_other_sources_are_not_used(prebuilt, monkeypatch):
    """Catches an edit in an installed package that has no effect."""
    monkeypatch.setattr(libraries, "PREBUILT", prebuilt)
    target = Target(package_kernels()[0], this_processor())
    assert libraries._prebuilt(target)
    (prebuilt / libraries.KEY_FILE).write_text("0" * 16)
    assert libraries._prebuilt(target) is None


@pytest.mark.parametrize("missing", ["linker", "linked"])
def test_without_a_linker_nothing_is_built(tmp_path, monkeypatch, missing):
    monkeypatch.setattr(prebuilding, "object_files", lambda targets: dict.fromkeys(targets, b""))
    monkeypatch.setattr(prebuilding, missing, lambda *arguments: None)
    with pytest.raises(OdcGymError, match=r"^the wheel needs a C compiler that links its libraries"):
        prebuilding.prebuild(tmp_path / "prebuilt")
    assert not list(tmp_path.rglob("*.so")) + list(tmp_path.rglob("*.key"))
