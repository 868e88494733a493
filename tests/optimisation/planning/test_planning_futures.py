"""Sampled futures: the past stays, the future is that of another episode, and hidden columns are drawn anew."""

import numpy as np
import pytest

from odc_gym.core.layout.records import JOB
from odc_gym.core.layout.state import IN_SERVICE, LOST, OUT
from odc_gym.core.layout.work import DONE, RUN, RUNNING, WAITING
from odc_gym.optimisation.planning import futures
from odc_gym.optimisation.planning.futures import (
    Present,
    future_condition,
    future_demand,
    hide_true_readings,
    known_jobs,
    other_episodes,
)
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator
from odc_gym.workload import planning_demand


def present_of(estimate_s, done_s, work_s, status=RUNNING):
    jobs, run = np.zeros(len(estimate_s), JOB), np.zeros(len(estimate_s), RUN)
    jobs["estimate_s"], jobs["work_s"], jobs["total_accelerators"] = estimate_s, work_s, 2
    run["checkpointed_s"], run["status"] = done_s, status
    return Present(0, 0.0, jobs, run, np.zeros((0, 1)), np.zeros(1))


def test_true_work_is_drawn_from_the_estimate_alone():
    """Catches a plan that sees how long the jobs will really take."""
    estimate_s, done_s = np.full(2000, 1000.0), np.full(2000, 900.0)
    drawn = [
        known_jobs(present_of(estimate_s, done_s, work_s), 0.3, np.random.default_rng(0))["work_s"]
        for work_s in (950.0, 50_000.0)
    ]
    assert (drawn[0] == drawn[1]).all() and (drawn[0] > 900.0).all()
    fresh = known_jobs(present_of(estimate_s, 0.0, 1.0), 0.3, np.random.default_rng(0))["work_s"]
    assert np.median(fresh) == pytest.approx(1000.0, rel=0.03)
    assert np.log(fresh).std() == pytest.approx(0.3, rel=0.06)


def test_jobs_that_have_ended_keep_their_work_and_replicas_have_none():
    """Catches results on their way whose held-back value would be paid for work that was never done."""
    ended = known_jobs(present_of([1000.0], [1234.0], [1234.0], DONE), 0.3, np.random.default_rng(0))
    replica = known_jobs(present_of([np.inf], [0.0], [np.inf]), 0.3, np.random.default_rng(0))
    member = known_jobs(present_of([0.0], [0.0], [0.0], WAITING), 0.3, np.random.default_rng(0))
    assert ended["work_s"] == 1234.0 and replica["work_s"] == np.inf and member["work_s"] == 0.0


@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_an_overdue_job_has_some_work_left(sigma):
    """Catches a draw of less work than was done, after which a job would run on with negative work."""
    jobs = known_jobs(present_of([1000.0], [9000.0], [9500.0]), sigma, np.random.default_rng(0))
    assert 9000.0 < jobs["work_s"][0] < 10_000.0 and jobs["duration_s"][0] == jobs["work_s"][0] / 2


def test_demand_goes_on_at_the_present_level_and_returns_to_the_other():
    """Catches a jump of demand at the present, and planning demand that does not know the last minutes."""
    past, other = np.full((120, 1), 300.0), np.full((1000, 1), 100.0)
    ahead = future_demand(past, other, 120, 0.65, 60.0)
    assert ahead.shape == (880, 2, 1)
    assert ahead[0, 0, 0] == pytest.approx(300.0) and ahead[-1, 0, 0] == pytest.approx(100.0, rel=0.01)
    assert ahead[60, 0, 0] == pytest.approx(100.0 * 3.0**0.65)
    whole = planning_demand(np.concatenate([past, ahead[:, 0]])[:, 0])[120:]
    assert ahead[:, 1, 0] == pytest.approx(whole)


def test_present_outages_go_on_and_those_of_the_other_episode_begin_anew():
    """Catches a lost satellite that comes back, and one in service that a plan takes for lost."""
    other = np.full((10, 5), IN_SERVICE, np.uint8)
    other[:4, 1] = OUT  # out there since before: here in service until it fails again
    other[7:9, 1] = OUT
    other[:, 2] = LOST
    now = np.array([OUT, IN_SERVICE, IN_SERVICE, LOST, IN_SERVICE])
    ahead = future_condition(now, other, 3)
    assert ahead[:, 0].tolist() == [OUT] * 3 + [IN_SERVICE] * 7
    assert ahead[:, 1].tolist() == [IN_SERVICE] * 7 + [OUT] * 2 + [IN_SERVICE]
    assert (ahead[:, 2] == IN_SERVICE).all() and (ahead[:, 3] == LOST).all() and (ahead[:, 4] == IN_SERVICE).all()


def test_no_episode_is_its_own_future():
    """Catches a training episode that is planned with its true future."""
    assert other_episodes(1, 4) == [0, 2, 3, 4] and other_episodes(20_000, 3) == [0, 1, 2]
    assert futures.TRAINING_EPISODES <= 10_000


def test_branches_begin_with_what_telemetry_shows():
    """Catches plans that read true charge and temperatures past noisy sensors."""
    noisy = {"shells.0.orbit.total": 3, "episode.hours": 1, "sensing.charge_sigma": 0.1, "sensing.delay_s": 300}
    source = Simulator(Scenario.load("starter12", noisy))
    source.reset([3])
    source.step(source.bids.zeros(1))
    branch = source.sibling(2)
    branch.continue_from(source)
    hide_true_readings(branch, np.arange(2), source, 0)
    shown, true = source.view.observation["charge_frac"][0], source.sat.charge_frac[0, :3]
    assert (shown != true).all() and (branch.sat.charge_frac[:, :3] == shown).all()
    assert (branch.mutable.past[:, :, 0, :3] == shown).all()
