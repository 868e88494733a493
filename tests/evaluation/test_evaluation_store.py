import json
import os
from functools import partial
from types import SimpleNamespace

import fake_simulator
import numpy as np
import pytest
from fake_simulator import Constant

from odc_gym.errors import OdcGymError
from odc_gym.evaluation import Store, evaluate, evaluate_all, store
from odc_gym.evaluation.results import TABLES, SchedulerResult

SEEDS = range(10_000, 10_010)
IDENTITIES = {"half": "half 1", "none": "none 1"}


def fleet(name="fake", digest="w1"):
    return SimpleNamespace(name=name, digest=lambda: digest)


@pytest.fixture(autouse=True)
def played(monkeypatch):
    """Record the batches that schedulers play, as (level, seeds)."""
    fake_simulator.install(monkeypatch)
    seen = []
    reset = Constant.reset
    monkeypatch.setattr(
        Constant,
        "reset",
        lambda self, view, mask, seeds: (seen.append((self.level, seeds.tolist())), reset(self, view, mask, seeds))[1],
    )
    return seen


def constants(**changed):
    return {"half": partial(Constant, level=0.5), "none": partial(Constant, level=0.0)} | changed


def compare(folder, seeds=SEEDS, scenario=None, identities=None, schedulers=None, **arguments):
    kept = None if folder is None else Store(folder, identities or IDENTITIES)
    return evaluate(scenario or fleet(), schedulers or constants(), seeds, workers=1, store=kept, **arguments)


def same(a, b):
    """Return whether two comparisons have the same bits."""
    for name in a.results:
        ours, theirs = a.results[name], b.results[name]
        assert (ours.score == theirs.score).all()
        for table in TABLES:
            left, right = getattr(ours, table), getattr(theirs, table)
            assert list(left) == list(right)
            for key in left:
                assert left[key].dtype == right[key].dtype and np.array_equal(left[key], right[key], equal_nan=True)
    return a.results.keys() == b.results.keys() and (a.load == b.load).all()


def test_what_is_kept_is_not_played_again_and_has_the_same_bits(tmp_path, played):
    fresh = compare(None)
    first = compare(tmp_path / "store")
    played.clear()
    again = compare(tmp_path / "store")
    assert played == [] and same(first, fresh) and same(again, fresh)


def test_only_what_is_missing_is_played(tmp_path, played):
    compare(tmp_path, seeds=SEEDS[:8], schedulers={"none": constants()["none"]}, identities={"none": "none 1"})
    played.clear()
    assert same(compare(tmp_path), compare(None))
    mine = played[:4]
    assert mine == [(0.5, [*SEEDS[:4]]), (0.5, [*SEEDS[4:8]]), (0.5, [*SEEDS[8:]]), (0.0, [*SEEDS[8:]])]


class Interrupted(Constant):
    """Scheduler that is interrupted in its third batch."""

    def act(self, view):
        if len(self.resets) == 2:
            raise KeyboardInterrupt
        return super().act(view)


def test_an_interrupted_comparison_loses_the_batch_in_flight_only(tmp_path, played):
    with pytest.raises(KeyboardInterrupt):
        compare(tmp_path, schedulers=constants(none=partial(Interrupted, level=0.0)))
    assert len(played) == 4
    played.clear()
    resumed = compare(tmp_path)
    assert played == [(0.0, [*SEEDS[4:8]]), (0.5, [*SEEDS[8:]]), (0.0, [*SEEDS[8:]])]
    assert same(resumed, compare(None))


@pytest.mark.parametrize(
    ("change", "replayed"),
    [
        ({}, 0),
        ({"scenario": fleet(digest="w2")}, 6),
        ({"identities": {"half": "half 1", "none": "none 2"}}, 3),
        ({"trace": "a.csv"}, 6),
        ({"seeds": range(10_004, 10_014)}, 4),  # batches other than before: 10004 to 10011 hold two new episodes
    ],
)
def test_a_change_is_played_anew(tmp_path, played, monkeypatch, change, replayed):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("1")
    compare(tmp_path / "store")
    played.clear()
    compare(tmp_path / "store", **change)
    assert len(played) == replayed


def test_a_changed_trace_of_the_same_name_is_played_anew(tmp_path, played):
    trace = tmp_path / "a.csv"
    for text, replayed in (("1", 6), ("1", 0), ("2", 6)):
        trace.write_text(text)
        played.clear()
        compare(tmp_path / "store", trace=trace)
        assert len(played) == replayed


def test_options_of_a_trace_are_part_of_its_identity(tmp_path, played):
    """Catches results of a scaled trace that are taken for those of the same file as recorded."""
    trace = tmp_path / "a.csv"
    trace.write_text("1")
    sources = (trace, {"path": str(trace), "as_is": True}, {"path": str(trace), "format": "jobs"})
    for source, replayed in ((sources[0], 6), (sources[1], 6), (sources[2], 6), (sources[1], 0)):
        played.clear()
        compare(tmp_path / "store", trace=source)
        assert len(played) == replayed


def test_several_traces_and_folders_are_known_by_all_that_they_hold(tmp_path, played):
    one, folder = tmp_path / "a.csv", tmp_path / "clients"
    folder.mkdir()
    one.write_text("1")
    (folder / "chunk-1-trace.csv").write_text("1")
    compare(tmp_path / "store", trace=[one, folder])
    for file, replayed in ((one, 6), (folder / "chunk-1-trace.csv", 6), (folder / "chunk-2-trace.csv", 6), (None, 0)):
        if file is not None:
            file.write_text("2")
        played.clear()
        compare(tmp_path / "store", trace=[one, folder])
        assert len(played) == replayed


@pytest.mark.parametrize("what", ["source_digest", "versions"])
def test_changed_code_or_libraries_are_played_anew(tmp_path, played, monkeypatch, what):
    compare(tmp_path)
    played.clear()
    monkeypatch.setattr(store, what, lambda *names: "other")
    compare(tmp_path)
    assert len(played) == 6


def test_schedulers_without_identity_are_not_kept(tmp_path, played):
    compare(tmp_path, identities={"half": "half 1"})
    played.clear()
    compare(tmp_path, identities={"half": "half 1"})
    assert {level for level, _ in played} == {0.0}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"key": {}}', '{"key": 1, "score": 3}'])
def test_a_file_that_is_not_an_episode_is_played_again_and_replaced(tmp_path, played, text):
    whole = compare(tmp_path)
    path = next(tmp_path.rglob("none-*/10001.json"))
    good = path.read_text()
    path.write_text(text)
    played.clear()
    assert same(compare(tmp_path), whole)
    assert played == [(0.0, [*SEEDS[:4]])] and path.read_text() == good


def test_an_episode_of_another_key_is_not_taken(tmp_path, played):
    compare(tmp_path)
    path = next(tmp_path.rglob("none-*/10001.json"))
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"key": data["key"] | {"episode": 10_002}}))
    played.clear()
    compare(tmp_path)
    assert played == [(0.0, [*SEEDS[:4]])]


def test_an_episode_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    entry = Store(tmp_path, {"none": "none 1"}).entries(fleet(), None)["none"]
    result = SchedulerResult(np.array([0.1 + 0.2]), {"compute": np.array([np.nan])}, {"x": np.array([1e-300])})

    def torn(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", torn)
    with pytest.raises(KeyboardInterrupt):
        entry.write([10_000], result)
    assert entry.read([10_000]) is None and not [*tmp_path.rglob("*.part")]
    monkeypatch.undo()
    entry.write([10_000], result)
    kept = entry.read([10_000])
    assert kept.score[0] == 0.1 + 0.2 and np.isnan(kept.terms["compute"][0]) and kept.metrics["x"][0] == 1e-300
    assert entry.read([10_000, 10_001]) is None


def test_episodes_of_an_earlier_format_are_played_again(tmp_path, played):
    """Catches a store whose older episodes lack the waterfall and the energy flow, and are taken without them."""
    compare(tmp_path, seeds=SEEDS[:4])
    for path in tmp_path.rglob("*.json"):
        data = json.loads(path.read_text())
        del data["waterfall"], data["energy"]
        path.write_text(json.dumps(data))
    played.clear()
    again = compare(tmp_path, seeds=SEEDS[:4])
    assert len(played) == 2
    assert all(again.results[name].waterfall["nameplate"].tolist() == [*SEEDS[:4]] for name in IDENTITIES)


def test_names_are_no_paths(tmp_path):
    entry = Store(tmp_path, {"../runs/a b": "x"}).entries(fleet("../up"), None)["../runs/a b"]
    assert entry.folder.parent.parent == tmp_path and entry.folder.name.startswith("a-b-")


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OdcGymError, match="file: must be a folder"):
        Store(tmp_path / "file", {})


def test_progress_counts_what_is_kept_as_done(tmp_path):
    compare(tmp_path, seeds=SEEDS[:8])
    told = []
    compare(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(16, 20), (18, 20), (20, 20)]


def test_scenarios_have_their_own_entries(tmp_path, played):
    scenarios = [fleet("one", "w1"), fleet("two", "w2")]
    kept = Store(tmp_path, IDENTITIES)
    evaluate_all(scenarios[:1], constants(), SEEDS, workers=1, store=kept)
    played.clear()
    evaluate_all(scenarios, constants(), SEEDS, workers=1, store=kept)
    assert len(played) == 6
