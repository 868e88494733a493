import numpy as np
import pytest

from odc_gym.core.jobs.census import Ageing, Placing, place_census, place_gang, place_replicas
from odc_gym.core.layout.work import RUN, RUNNING, SCALARS, WAITING
from odc_gym.workload import JOB

CLASSES, SATELLITES, LANES, BEGIN_S = 2, 5, 8, -600.0


def placing_of(jobs, free, fits):
    lanes = np.append(free, np.full(LANES - SATELLITES, 99.0))  # padding lanes must never be chosen
    arrays = (np.zeros((3, len(jobs)), np.int32), np.zeros(1, SCALARS), lanes, np.zeros((CLASSES, LANES)))
    return Placing(jobs, np.zeros(len(jobs), RUN), *arrays, np.full((3, LANES), -1.0), fits)


def ageing_of(count, saved=0.5):
    rules = np.array([[3600.0, 7200.0], [0.0, 0.0], [30.0, 30.0]])
    return Ageing(np.full(count, saved), *rules, np.array([0.5, 0.8]), 1e-7, BEGIN_S)


def random_jobs(rng, count):
    jobs = np.zeros(count, JOB)
    jobs["class_id"], jobs["width"] = rng.integers(0, CLASSES, count), rng.integers(1, 5, count)
    jobs["total_accelerators"], jobs["num_satellites"] = jobs["width"], 1
    jobs["arrival_s"], jobs["work_s"] = np.sort(rng.uniform(-86400.0, BEGIN_S, count)), rng.uniform(1e3, 1e6, count)
    jobs["model"] = rng.integers(0, 3, count)
    return jobs


@pytest.mark.parametrize("number", range(20))
def test_jobs_go_to_the_satellite_with_the_most_free_accelerators(number):
    """Catches: ties that go elsewhere than to the first, too little memory or room, and jobs that are lost."""
    rng = np.random.default_rng(number)
    jobs, free = random_jobs(rng, 30), rng.integers(0, 12, SATELLITES).astype(float)
    fits = rng.random((CLASSES, SATELLITES)) < 0.8
    placing, left = placing_of(jobs, free, fits), free.copy()
    place_census(placing, ageing_of(len(jobs)), 0, np.array([0, len(jobs)]))
    running, waiting = [], []
    for row, job in enumerate(jobs):
        order = np.argsort(-np.where(fits[job["class_id"]], left, -1.0), kind="stable")
        order = [s for s in order if fits[job["class_id"], s] and left[s] >= job["width"]]
        (running if order else waiting).append(row)
        if order:
            left[order[0]] -= job["width"]
            assert placing.run["host"][row] == placing.run["state_at"][row] == order[0]
            assert placing.cached_models[job["model"], order[0]] == (job["model"] > 0)
    counts = placing.scalars[0]
    assert placing.lists[1, : counts["running"]].tolist() == running
    assert placing.lists[0, : counts["waiting"]].tolist() == waiting
    assert (placing.run["status"][running] == RUNNING).all() and (placing.run["status"][waiting] == WAITING).all()
    assert placing.free[:SATELLITES].tolist() == left.tolist()
    assert placing.held.sum() == jobs["width"][running].sum()


def test_placed_jobs_have_run_since_their_arrival():
    """Catches: work of one accelerator for that of all, and jobs that would have ended before the episode."""
    jobs = random_jobs(np.random.default_rng(1), 2)
    jobs["class_id"], jobs["width"], jobs["total_accelerators"] = 1, 4, 4
    jobs["arrival_s"], jobs["work_s"] = BEGIN_S - 1000.0, [1e6, 100.0]
    placing = placing_of(jobs, np.full(SATELLITES, 8.0), np.ones((CLASSES, SATELLITES), np.bool_))
    place_census(placing, ageing_of(2, saved=0.25), 0, np.array([0, 2]))
    done = placing.run["checkpointed_s"] + placing.run["uncheckpointed_s"]
    assert done == pytest.approx([1000.0 * 0.8 * 4, 99.9])
    assert placing.run["uncheckpointed_s"] == pytest.approx(0.25 * done)
    assert (placing.run["started_s"] == jobs["arrival_s"]).all()


def test_the_census_stops_at_a_gang_and_skips_its_further_rows():
    jobs = random_jobs(np.random.default_rng(2), 5)
    jobs["num_satellites"] = [1, 2, 0, 1, 2]
    jobs["width"][1:3] = 3
    placing = placing_of(jobs, np.full(SATELLITES, 8.0), np.ones((CLASSES, SATELLITES), np.bool_))
    ageing, rows = ageing_of(5), np.array([0, 5])
    place_census(placing, ageing, 0, rows)
    assert rows.tolist() == [1, 5]
    place_gang(placing, ageing, 0, 1, np.array([4, 2]))
    rows[0] = 2
    place_census(placing, ageing, 0, rows)
    assert rows.tolist() == [4, 5]
    place_gang(placing, ageing, 0, 4, np.zeros(0, np.int64))
    assert placing.run["host"][1:3].tolist() == [4, 2] and placing.free[4] == placing.free[2] == 5.0
    assert placing.lists[1, :3].tolist() == [0, 1, 3] and placing.lists[0, 0] == 4


def test_replicas_are_placed_until_one_fits_nowhere():
    jobs = random_jobs(np.random.default_rng(3), 6)
    jobs["width"] = 4
    placing = placing_of(jobs, np.array([4.0, 9.0, 0.0, 3.0, 0.0]), np.ones((CLASSES, SATELLITES), np.bool_))
    place_replicas(placing, 1, 6, BEGIN_S)
    assert placing.lists[1, : placing.scalars[0]["running"]].tolist() == [1, 2, 3]
    assert placing.run["host"][1:4].tolist() == [1, 1, 0] and (placing.run["status"][4:] == 0).all()
