"""Surges: their statistics, their effect on arrivals and demand, and unchanged other draws."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from odc_gym.scenario import Scenario, Surges
from odc_gym.workload import RateWindow, draw_demand, draw_jobs, draw_surges, mean_rate_factor
from odc_gym.workload.surges import max_rate_factor

STARTER = Scenario.load("starter12")
NAMES = STARTER.class_names
START = datetime(2027, 3, 4, 5, 17, tzinfo=UTC)
HOUR_S, DAY_S = 3600.0, 86400.0
OFTEN = Surges.model_validate(
    {"per_week": 20.0, "factor": {"low": 2.0, "high": 4.0}, "hours": {"low": 1.0, "high": 3.0}}
)
THREE = (RateWindow(6 * HOUR_S, 9 * HOUR_S, 3.0),)


def jobs_of(seed, surges=(), workload=STARTER.workload):
    return draw_jobs(workload, NAMES, seed, START, 48 * HOUR_S, DAY_S, 8, None, surges)


def demand_of(seed, surges=()):
    service, c = STARTER.workload.classes["interactive"], list(NAMES).index("interactive")
    return draw_demand(service, c, STARTER.workload, seed, START, 5700.0, DAY_S, 60.0, surges)


def test_surges_are_poisson_with_even_factors_and_lengths():
    found = [draw_surges(OFTEN, seed, 48 * HOUR_S, DAY_S) for seed in range(400)]
    counts = np.array([len(windows) for windows in found])
    expected = 20.0 * (72.0 + 3.0) / (7 * 24.0)
    assert abs(counts.mean() - expected) < 4.0 * np.sqrt(expected / 400)
    assert abs(counts.var(ddof=1) / counts.mean() - 1.0) < 4.0 * np.sqrt(2 / 400)
    every = [window for windows in found for window in windows]
    hours = np.array([(w.end_s - w.begin_s) / HOUR_S for w in every])
    assert stats.kstest([w.factor for w in every], stats.uniform(2.0, 2.0).cdf).pvalue > 1e-4
    assert stats.kstest(hours, stats.uniform(1.0, 2.0).cdf).pvalue > 1e-4
    assert stats.kstest([w.begin_s for w in every], stats.uniform(-51 * HOUR_S, 75 * HOUR_S).cdf).pvalue > 1e-4
    assert draw_surges(Surges(), 3, 0.0, DAY_S) == ()


def test_longer_episodes_begin_like_shorter_ones():
    long, short = (draw_surges(OFTEN, 5, 48 * HOUR_S, after) for after in (10 * DAY_S, DAY_S))
    assert long[: len(short)] == short and len(long) > len(short) > 3


@given(st.floats(-5, 5), st.floats(0.1, 4), st.floats(0, 5), st.floats(0.1, 2))
def test_factors_are_means_over_the_intervals(begin, hours, factor, length):
    """Compared with a sum over fine steps. Catches windows that are shifted, or rounded to whole intervals."""
    surges = (RateWindow(begin, begin + hours, factor),)
    begin = np.arange(-6.0, 12.0, length)
    fine = np.linspace(0.0, 1.0, 401)[:-1] * length + length / 800
    at = begin[:, None] + fine
    instant = np.ones(at.shape)
    for w in surges:
        instant *= np.where((at >= w.begin_s) & (at < w.end_s), w.factor, 1.0)
    assert mean_rate_factor(surges, "batch", begin, length) == pytest.approx(instant.mean(1), abs=0.01)


def test_factors_multiply_and_keep_to_their_classes():
    windows = (RateWindow(0.0, 10.0, 2.0), RateWindow(5.0, 10.0, 3.0, ("batch",)))
    at = np.array([-1.0, 0.0, 6.0, 10.0])
    assert mean_rate_factor(windows, "batch", at, 1e-3).tolist() == [1.0, 2.0, 6.0, 1.0]
    assert mean_rate_factor(windows, "finetuning", at, 1e-3).tolist() == [1.0, 2.0, 2.0, 1.0]
    assert max_rate_factor(windows, "batch") == 6.0 and max_rate_factor((RateWindow(0, 1, 0.1),), "batch") == 1.0


def test_a_surge_adds_jobs_in_its_time_and_leaves_all_others():
    """All jobs without the surge still arrive, and its hours have three times their mean number."""
    more, usual = 0, 0
    for seed in range(60):
        calm, busy = jobs_of(seed), jobs_of(seed, THREE)
        known = set(calm.tolist())
        assert known <= set(busy.tolist())
        added = np.array([job for job in busy.tolist() if job not in known], busy.dtype)
        assert ((added["arrival_s"] >= 6 * HOUR_S) & (added["arrival_s"] < 9 * HOUR_S)).all()
        more += added.size
        usual += ((calm["arrival_s"] >= 6 * HOUR_S) & (calm["arrival_s"] < 9 * HOUR_S)).sum()
    assert more / usual == pytest.approx(2.0, rel=0.1)  # bursts of both leave a few per cent of scatter
    assert usual > 2000


def test_a_lull_takes_jobs_away():
    lull = (RateWindow(6 * HOUR_S, 12 * HOUR_S, 0.25, ("batch",)),)
    kept = known = 0
    for seed in range(30):
        calm, quiet = jobs_of(seed), jobs_of(seed, lull)
        assert set(quiet.tolist()) <= set(calm.tolist())
        batch = list(NAMES).index("batch")
        for table in (calm, quiet):
            inside = (
                (table["arrival_s"] >= 6 * HOUR_S) & (table["arrival_s"] < 12 * HOUR_S) & (table["class_id"] == batch)
            )
            if table is calm:
                known += inside.sum()
            else:
                kept += inside.sum()
        assert (quiet["class_id"] != batch).sum() == (calm["class_id"] != batch).sum()
    assert kept / known == pytest.approx(0.25, abs=4.0 * np.sqrt(0.25 * 0.75 / known))


def test_demand_is_multiplied_in_a_surge_and_as_before_outside():
    calm, busy = demand_of(5), demand_of(5, THREE)
    at = np.arange(calm.size) * 60.0 - 5700.0
    inside = (at >= 6 * HOUR_S) & (at < 9 * HOUR_S)
    assert busy[inside] == pytest.approx(3.0 * calm[inside], rel=1e-3)
    assert np.array_equal(busy[~inside], calm[~inside])
    assert np.array_equal(demand_of(5, (RateWindow(0.0, DAY_S, 9.0, ("batch",)),)), calm)


def test_extra_jobs_are_like_the_others():
    """Catches a second process with other widths and durations, or a copy of the first process."""
    week = (RateWindow(-48 * HOUR_S, DAY_S, 2.0),)
    calm, busy = (np.concatenate([jobs_of(seed, surges) for seed in range(20)]) for surges in ((), week))
    known = set(calm.tolist())
    added = np.array([job for job in busy.tolist() if job not in known], busy.dtype)
    assert added.size == pytest.approx(calm.size, rel=0.1)
    for kind in (0, 1):
        a, b = (table[table["class_id"] == kind] for table in (calm, added))
        assert stats.ks_2samp(a["duration_s"], b["duration_s"]).pvalue > 1e-4
        assert stats.chi2_contingency([np.bincount(t["width"], minlength=9)[[1, 2, 4]] for t in (a, b)]).pvalue > 1e-4
