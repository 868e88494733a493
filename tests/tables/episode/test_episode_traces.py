"""Traces in the simulator: their tables are equal in any batch, and the load factor counts their work."""

import numpy as np
import pytest

from odc_gym.errors import TraceError
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.episode.tables import build_episode
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.workload import Trace, read_trace

SEEDS = (20_000, 20_001, 20_002)


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """Write a trace: a busy and a quiet quarter of an hour of requests, and two days of wide batch jobs."""
    folder = tmp_path_factory.mktemp("traces")
    requests, jobs = folder / "requests.csv", folder / "jobs.csv"
    busy = [f"{k / 2},{300 + k % 90},{400 + k % 40}\n" for k in range(1800)]
    quiet = [f"{900 + 4 * k},{300 + k % 90},{400 + k % 40}\n" for k in range(225)]
    requests.write_text("".join(["arrival_s,input_tokens,output_tokens\n", *busy, *quiet]))
    wide = [f"{400 * k},3600,7,batch\n" for k in range(432)]
    jobs.write_text("".join(["arrival_s,duration_s,accelerators,class\n", *wide]))
    return Trace("made.csv", jobs=read_trace(jobs).jobs, requests=read_trace(requests).requests)


def test_tables_of_a_trace_are_the_same_in_any_batch(starter12, trace):
    batch = Simulator(starter12, 3, trace, episode_hours=2)
    batch.reset(SEEDS)
    alone = Simulator(starter12, 1, trace, episode_hours=2)
    for row, seed in reversed(list(enumerate(SEEDS))):
        alone.reset([seed])
        assert np.array_equal(alone.tables.demand[0], batch.tables.demand[row])
        jobs = min(alone.jobs.shape[1], batch.jobs.shape[1])
        assert alone.jobs[0, :jobs].tobytes() == batch.jobs[row, :jobs].tobytes()
        assert alone.load_factor[0] == batch.load_factor[row]
        assert np.array_equal(alone.observation[0], batch.observation[row])


def test_only_the_classes_of_the_trace_are_replaced_and_the_load_factor_counts_them(starter12, trace):
    plain, replayed = FleetModel(starter12), FleetModel(starter12, trace)
    for seed in SEEDS:
        before, after = build_episode(plain, seed), build_episode(replayed, seed)
        kinds = {name: k for k, name in enumerate(starter12.class_names)}
        same = [t.jobs[t.jobs["class_id"] == kinds["finetuning"]] for t in (before, after)]
        assert same[0].tobytes() == same[1].tobytes()
        batch = after.jobs[after.jobs["class_id"] == kinds["batch"]]
        assert set(batch["width"]) == {7} and set(batch["duration_s"]) == {3600.0}
        demand = after.demand[:, 0, kinds["interactive"]]
        assert demand.max() > 1.3 * demand.mean()  # busy quarters
        # the same episode without the service's tokens
        tokens_h = demand[replayed.clock.warm_up :].sum() * 10.6e-3 / 3600
        jobs_only = build_episode(FleetModel(starter12, Trace("made.csv", jobs=trace.jobs)), seed)
        synthetic = jobs_only.demand[replayed.clock.warm_up :, 0, kinds["interactive"]].sum() * 10.6e-3 / 3600
        hours = 24 * replayed.sustainable
        assert after.load_factor - jobs_only.load_factor == pytest.approx((tokens_h - synthetic) / hours, abs=1e-9)
        assert np.array_equal(after.census["arrival_s"], jobs_only.census["arrival_s"])


def test_each_part_says_that_it_repeats_by_its_own_history(starter12, trace):
    assert FleetModel(starter12).trace_note() is None
    note = FleetModel(starter12, trace).trace_note()
    assert note.split("; ") == [
        "made.csv: covers 2 days where an episode needs 4 days, so it repeats",
        "made.csv: covers 29.9 min where an episode needs 25.7 h, so it repeats from an instant that the seed chooses",
    ]


def test_a_class_that_the_scenario_lacks_is_told_at_once(starter12, tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("arrival_s,duration_s,accelerators,class\n0,60,1,batch\n0,60,1,training\n")
    with pytest.raises(TraceError) as caught:
        Simulator(starter12, 1, path)
    assert str(caught.value) == f"{path}:3: replaces the job class 'training', but the scenario has finetuning, batch"
