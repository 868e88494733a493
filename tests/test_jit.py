"""The key of the compiled cache covers all code that is compiled: a stale kernel would simulate an older version."""

from odc_gym._cache import COMPILED_PARTS, ROOT, compiled_sources

from odc_gym.sources import reached_sources


def entry_points():
    """Modules with functions that Python calls compiled."""
    return [
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        for path in ROOT.rglob("*.py")
        if "\n@kernel\n" in path.read_text(encoding="utf-8")
    ]


def test_all_that_entry_points_import_is_in_the_key():
    """Catches a compiled module outside the folders whose sources make the key; the cache itself compiles nothing."""
    assert entry_points()
    assert set(reached_sources(*entry_points()).values()) - {ROOT / "_cache.py"} <= set(compiled_sources())


def test_folders_within_folders_are_in_the_key(tmp_path):
    """Catches a search that stops at the first level: files would leave the key when they move down."""
    for part in COMPILED_PARTS:
        file = tmp_path / part if part.endswith(".py") else tmp_path / part / "below" / "further" / "kernel.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert len(compiled_sources(tmp_path)) == len(COMPILED_PARTS)
    assert any(path.parts[-2] == "further" for path in compiled_sources(tmp_path))
