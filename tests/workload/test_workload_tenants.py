"""Tenants and outcomes of jobs: shares, prices and early ends, none of which shifts another draw."""

from datetime import UTC, datetime

import numpy as np
import pytest

from odc_gym.core.layout.work import CANCELLED, FAILED, GUARANTEED, SPOT, STANDARD
from odc_gym.errors import ScenarioError
from odc_gym.scenario import TIERS, Scenario
from odc_gym.workload import draw_jobs, mean_price, offered_rate
from odc_gym.workload.traces import Outcome

DAY = 86400.0
START = datetime(2027, 3, 1, 5, 17, tzinfo=UTC)
NAMES = ("finetuning", "batch", "interactive")
THREE = {
    "lab": {"share": 2, "weight": 1, "tier": "standard"},
    "press": {"share": 1, "weight": 3, "tier": "guaranteed"},
    "night": {"share": 1, "tier": "spot"},
}


def drawn(scenario, seed=3, after=10 * DAY):
    return draw_jobs(scenario.workload, NAMES, seed, START, 2 * DAY, after, 8)


@pytest.fixture(scope="module")
def several(starter12):
    return starter12.replace({"workload.tenants": THREE})


@pytest.fixture(scope="module")
def failing(starter12):
    ends = {"failed_frac": 0.4, "failed_after": 0.1, "cancelled_frac": 0.2, "cancelled_after": 0.7}
    return starter12.replace({f"workload.classes.finetuning.{name}": value for name, value in ends.items()})


def test_numbers_of_the_compiled_code_are_those_of_the_tables():
    assert [TIERS.index(tier) for tier in ("spot", "standard", "guaranteed")] == [SPOT, STANDARD, GUARANTEED]
    assert (Outcome.FAILED, Outcome.CANCELLED) == (FAILED, CANCELLED)


def test_tenants_get_their_shares_and_nothing_else_changes(starter12, several):
    plain, jobs = drawn(starter12), drawn(several)
    for column in ("arrival_s", "deadline_s", "work_s", "estimate_s", "width"):
        assert np.array_equal(plain[column], jobs[column])
    share = np.bincount(jobs["tenant"], minlength=3) / len(jobs)
    assert share == pytest.approx([0.5, 0.25, 0.25], abs=4 * np.sqrt(0.25 / len(jobs)))
    price = np.array([1.0, 1.5, 0.4])
    assert np.array_equal(jobs["price"], price[jobs["tenant"]])
    assert np.array_equal(jobs["tier"], np.array([STANDARD, GUARANTEED, SPOT])[jobs["tenant"]])
    assert mean_price(several.workload) == pytest.approx((2 * 1.0 + 1.5 + 0.4) / 4)
    assert (plain["tenant"] == 0).all() and (plain["price"] == 1.0).all()


def test_a_longer_episode_begins_like_a_shorter_one(several, failing):
    for scenario in (several, failing):
        short, long = drawn(scenario, after=2 * DAY), drawn(scenario, after=5 * DAY)
        assert np.array_equal(long[: len(short)], short)


def test_early_ends_have_their_shares_and_their_means(starter12, failing):
    """Catches a share of the work in place of a share of the jobs, and estimates that reveal the outcome."""
    plain, jobs = (drawn(s, after=120 * DAY) for s in (starter12, failing))
    plain, jobs = plain[plain["class_id"] == 0], jobs[jobs["class_id"] == 0]
    assert np.array_equal(plain["estimate_s"], jobs["estimate_s"])
    assert np.array_equal(plain["deadline_s"], jobs["deadline_s"])
    done = jobs["work_s"] / plain["work_s"]
    for outcome, share, mean in ((Outcome.FAILED, 0.4, 0.1), (Outcome.CANCELLED, 0.2, 0.7)):
        those = jobs["outcome"] == outcome
        assert those.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / len(jobs)))
        assert done[those].mean() == pytest.approx(mean, abs=4 * done[those].std() / np.sqrt(those.sum()))
        assert (done[those] <= 1.0).all()
    assert (done[jobs["outcome"] == Outcome.UNKNOWN] == 1.0).all()
    classes = (s.workload.classes["finetuning"] for s in (failing, starter12))
    mine, whole = (offered_rate(c) for c in classes)
    assert mine / whole == pytest.approx(1 - 0.4 * 0.9 - 0.2 * 0.3)
    # most of the work of a class is in few jobs, which fail like the others
    assert jobs["work_s"].sum() / plain["work_s"].sum() == pytest.approx(mine / whole, abs=0.06)


def test_more_jobs_cannot_end_early_than_there_are(starter12):
    path = "workload.classes.batch"
    with pytest.raises(ScenarioError, match="failed_frac"):
        starter12.replace({f"{path}.failed_frac": 0.7, f"{path}.cancelled_frac": 0.4})
    assert Scenario.load("starter12").workload.classes["batch"].failed_frac == 0.0
