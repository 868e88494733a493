from functools import partial
from types import SimpleNamespace

import fake_simulator
import numpy as np
import pytest
from fake_simulator import Constant, score_of

from odc_gym.agents import scheduler_factory, scheduler_identity
from odc_gym.errors import OdcGymError, SchedulerError, TraceError
from odc_gym.evaluation import Store, evaluate, evaluate_all, runner
from odc_gym.scenario import Scenario

SCENARIO = SimpleNamespace(name="fake")


@pytest.fixture
def fake(monkeypatch):
    return fake_simulator.install(monkeypatch)


def test_scores_terms_and_metrics_in_closed_form(fake):
    schedulers = {"half": partial(Constant, level=0.5), "none": partial(Constant, level=0.0)}
    seeds = [10_000, 10_003, 10_001, 10_002, 10_009, 10_007]
    result = evaluate(SCENARIO, schedulers, seeds, workers=1)
    assert list(result.results) == ["half", "none"] and result.seeds.tolist() == seeds
    for name, level in (("half", 0.5), ("none", 0.0)):
        played = result.results[name]
        assert played.score == pytest.approx([score_of(seed, level) for seed in seeds])
        assert played.terms["compute"] == pytest.approx([seed / 200 for seed in seeds])
        assert played.terms["thermal"] == pytest.approx([15 * level] * 6)
        assert played.metrics["decisions"].tolist() == [5.0] * 6
    assert result.load.tolist() == [1.0 + seed % 3 for seed in seeds]
    assert np.isnan(result.results["none"].metrics["wait_p50_s"]).tolist() == [False, True, True, False, True, True]


def test_simulators_and_schedulers_are_built_once_for_each_batch_size(fake):
    built = []

    def factory(view):
        built.append(Constant(view, 0.0))
        return built[-1]

    evaluate(SCENARIO, {"a": factory}, range(10), trace="jobs.csv", workers=1)
    assert fake == [(runner.BATCH, "jobs.csv"), (2, "jobs.csv")]
    assert [scheduler.resets for scheduler in built] == [[[0, 1, 2, 3], [4, 5, 6, 7]], [[8, 9]]]


class Demanding:
    """Factory of a constant scheduler that requires an order of the queue."""

    def __init__(self, level, order):
        self.level, self.requires = level, {"overrides": {"order": order}} if order else {}

    def __call__(self, view):
        return Constant(view, self.level)


def test_schedulers_share_the_simulator_that_they_require(fake):
    asked = []
    fleet = SimpleNamespace(name="fake", replace=lambda overrides: asked.append(overrides) or tuple(overrides.items()))
    demanding = {
        "a": Demanding(0.1, "edf"),
        "b": Demanding(0.2, None),
        "c": Demanding(0.3, "fcfs"),
        "d": Demanding(0.4, "edf"),
    }
    result = evaluate(fleet, demanding, range(4), workers=1)
    assert len(fake) == 3 and asked == [{"order": "edf"}, {"order": "fcfs"}, {"order": "edf"}]
    assert list(result.results) == list("abcd")
    for name, factory in demanding.items():
        assert result.results[name].score == pytest.approx([score_of(seed, factory.level) for seed in range(4)])


def test_progress_counts_episodes_of_all_schedulers(fake):
    told = []
    schedulers = {name: partial(Constant, level=0.0) for name in "ab"}
    evaluate(SCENARIO, schedulers, range(5), workers=1, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 10), (4, 10), (8, 10), (9, 10), (10, 10)]


@pytest.mark.parametrize(
    ("schedulers", "seeds", "workers", "message"),
    [
        ({}, [1], 1, "schedulers: name at least one"),
        ({"a": partial(Constant, level=0.0)}, [], 1, "seeds: must be at least one"),
        ({"a": partial(Constant, level=0.0)}, [1, 1], 1, "seeds: must be at least one episode, each only once"),
        ({"a": partial(Constant, level=0.0)}, [1], 0, "workers = 0: must be a whole number >= 1"),
        ({"a": partial(Constant, level=0.0)}, [1], 2.5, "workers = 2.5: must be a whole number >= 1"),
        ({"a": partial(Constant, level=0.0)}, [1], "4", "workers = '4': must be a whole number >= 1"),
    ],
)
def test_bad_input_is_refused(fake, schedulers, seeds, workers, message):
    with pytest.raises(OdcGymError, match=message):
        evaluate(SCENARIO, schedulers, seeds, workers=workers)


class Particular(Constant):
    """Constant scheduler that can operate some scenarios alone."""

    def __init__(self, view, level, fits):
        if view.scenario.name not in fits:
            raise SchedulerError(f"made for {fits}, not {view.scenario.name}")
        super().__init__(view, level)


SCENARIOS = [SimpleNamespace(name="one"), SimpleNamespace(name="two")]


def test_a_scheduler_that_cannot_operate_a_scenario_is_absent_there_and_its_group_too(fake):
    schedulers = {"any": partial(Constant, level=0.0), "r1": partial(Particular, level=0.5, fits="one")}
    groups = {"ppo": ("r1",), "pair": ("any", "r1")}
    one, two = evaluate_all(SCENARIOS, schedulers, range(6), workers=1, groups=groups)
    assert one.compared == ("ppo", "pair") and one.names == ("any", "r1", "ppo", "pair") and one.absent == {}
    assert two.names == ("any",) and two.absent == dict.fromkeys(("r1", "ppo", "pair"), "made for one, not two")
    assert (
        one.results["any"].score.tolist() == two.results["any"].score.tolist() == [score_of(s, 0.0) for s in range(6)]
    )


def test_required_schedulers_and_those_that_fit_nowhere_are_errors_before_anything_is_played(fake):
    played = []

    class Watched(Constant):
        def reset(self, view, mask, seeds):
            played.append(seeds)

    schedulers = {"any": partial(Watched, level=0.0), "r1": partial(Particular, level=0.5, fits="two")}
    with pytest.raises(SchedulerError, match="one: made for two, not one"):
        evaluate_all(SCENARIOS, schedulers, range(6), workers=1, required=["r1"])
    with pytest.raises(SchedulerError, match="made for two, not fake"):
        evaluate(SCENARIO, schedulers, range(6), workers=1)
    assert played == []
    schedulers["r1"] = partial(Particular, level=0.5, fits="three")
    with pytest.raises(SchedulerError, match="made for three, not one"):
        evaluate_all(SCENARIOS, schedulers, range(6), workers=1)


def test_scenarios_of_one_name_are_refused(fake):
    with pytest.raises(OdcGymError, match="each with its own name, one comes twice"):
        evaluate_all([SCENARIOS[0], *SCENARIOS], {"a": partial(Constant, level=0.0)}, [1])


def test_memory_of_other_scenarios_is_freed(fake):
    evaluate_all(SCENARIOS, {"a": partial(Constant, level=0.0)}, range(8), trace="jobs.csv", workers=1)
    assert fake == [(runner.BATCH, "jobs.csv")] * 2  # once a scenario, though each has two batches


def test_neither_processes_nor_batches_nor_a_store_change_results(monkeypatch, tmp_path):
    scenario = Scenario.load("starter12", {"episode.hours": 1})
    schedulers = {name: scheduler_factory(name) for name in ("random", "sun-aware")}
    seeds = range(20_000, 20_006)
    here = evaluate(scenario, schedulers, seeds, workers=1)
    kept = Store(tmp_path, {name: scheduler_identity(name) for name in schedulers})
    evaluate(scenario, schedulers, seeds[1:3], workers=1, store=kept)
    spread = evaluate(scenario, schedulers, seeds, workers=2, store=kept)
    read = evaluate(scenario, schedulers, seeds, workers=2, store=kept)
    monkeypatch.setattr(runner, "BATCH", 3)
    other = evaluate(scenario, schedulers, seeds, workers=1)
    for name in schedulers:
        for result in (spread, read, other):
            assert (result.results[name].score == here.results[name].score).all()
            for metric, values in here.results[name].metrics.items():
                assert np.array_equal(result.results[name].metrics[metric], values, equal_nan=True), metric
    assert (here.load == spread.load).all() and (here.load > 0).all()


def test_every_scheduler_faces_the_same_load():
    scenario = Scenario.load("starter12", {"episode.hours": 1})
    result = evaluate(
        scenario, {name: scheduler_factory(name) for name in ("idle", "full-clock")}, [20_000, 20_001], workers=1
    )
    assert (result.results["idle"].metrics["load_factor"] == result.results["full-clock"].metrics["load_factor"]).all()


def test_a_fault_in_a_process_reaches_the_caller():
    scenario = Scenario.load("starter12", {"episode.hours": 1})
    with pytest.raises(TraceError):
        evaluate(scenario, {"zero": scheduler_factory("zero")}, range(20_000, 20_005), trace=__file__, workers=2)
