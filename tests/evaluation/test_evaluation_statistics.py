import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from odc_gym.evaluation import statistics
from odc_gym.evaluation.statistics import (
    estimate,
    expanded_percentile,
    interquartile_mean,
    mean,
    paired_difference,
    probability_of_improvement,
    worst_tenth_mean,
)

SCORES = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e3, 1e3))


@given(SCORES)
def test_interquartile_mean_is_scipys_trimmed_mean(scores):
    assert interquartile_mean(scores) == pytest.approx(scipy.stats.trim_mean(scores, 0.25), rel=1e-12, abs=1e-9)


def test_worst_tenth_of_the_first_integers():
    rng = np.random.default_rng(0)
    assert worst_tenth_mean(rng.permutation(100.0 * np.ones(1))) == 100.0
    assert worst_tenth_mean(rng.permutation(np.arange(100.0))) == 4.5  # 0..9
    assert worst_tenth_mean(rng.permutation(np.arange(11.0))) == 0.5  # two of eleven


@given(SCORES)
def test_figures_are_ordered(scores):
    assert scores.min() - 1e-9 <= worst_tenth_mean(scores) <= interquartile_mean(scores) + 1e-9
    assert worst_tenth_mean(scores) <= mean(scores) + 1e-9


@pytest.mark.parametrize("statistic", [mean, interquartile_mean, worst_tenth_mean])
def test_interval_against_scipy_bootstrap(statistic):
    scores = np.random.default_rng(1).gamma(2.0, 10.0, 400)
    ours = estimate(scores, statistic)
    theirs = scipy.stats.bootstrap(
        (scores,),
        lambda x, axis=-1: statistic(np.moveaxis(x, axis, -1)),
        n_resamples=statistics.RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(7),
    )
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.value == pytest.approx(float(statistic(scores)), rel=1e-12)
    # resampling noise of a 2.5 % point and the widening for n = 400
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.05 * width)


@pytest.mark.parametrize("count", [5, 20, 100])
def test_interval_of_normal_means_is_students(count):
    rng = np.random.default_rng(2)
    ours, theirs = 0.0, 0.0
    for _ in range(20):
        scores = rng.normal(50.0, 5.0, count)
        interval = estimate(scores)
        low, high = scipy.stats.t.interval(0.95, count - 1, loc=scores.mean(), scale=scipy.stats.sem(scores))
        ours, theirs = ours + interval.high - interval.low, theirs + high - low
    assert ours == pytest.approx(theirs, rel=0.12)  # the plain percentile interval is 34 % too narrow at 5


def test_interval_covers_the_truth_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 1000)
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(500):
        interval = estimate(rng.exponential(1.0, 12))  # skewed, few
        hits += interval.low <= 1.0 <= interval.high
    assert 0.89 <= hits / 500 <= 0.98


def test_paired_interval_forgets_what_episodes_share():
    rng = np.random.default_rng(4)
    fleet = rng.normal(0.0, 20.0, 50)  # hard and easy episodes
    a, b = fleet + rng.normal(1.0, 0.5, 50), fleet + rng.normal(0.0, 0.5, 50)
    difference = paired_difference(a, b)
    low, high = scipy.stats.t.interval(0.95, 49, loc=(a - b).mean(), scale=scipy.stats.sem(a - b))
    assert difference.value == pytest.approx((a - b).mean())
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=0.05)
    assert difference.excludes_zero
    assert paired_difference(b, a).high < 0 and paired_difference(b, a).excludes_zero
    assert not paired_difference(a, a).excludes_zero
    assert estimate(a).high - estimate(a).low > 5 * (difference.high - difference.low)


def test_difference_of_equal_runs_is_that_of_one_run():
    rng = np.random.default_rng(5)
    a, b = rng.normal(1.0, 1.0, 30), rng.normal(0.0, 1.0, 30)
    assert paired_difference(np.stack([a, a, a]), b).value == pytest.approx(paired_difference(a, b).value)


def test_training_runs_widen_the_interval():
    # runs differ by a closed-form variance that episodes alone cannot see: sd of the mean of R runs = sigma / sqrt(R)
    rng = np.random.default_rng(6)
    run_effect = rng.normal(0.0, 3.0, (10, 1))
    scores = run_effect + rng.normal(0.0, 0.1, (10, 40))
    interval = paired_difference(scores, np.zeros(40))
    student = scipy.stats.t.interval(0.95, 9, loc=scores.mean(), scale=scipy.stats.sem(scores.mean(axis=1)))
    assert (interval.low, interval.high) == pytest.approx(student, abs=0.15 * (student[1] - student[0]))
    assert estimate(scores).high - estimate(scores).low == pytest.approx(interval.high - interval.low, rel=0.1)


def test_probability_of_improvement_is_mann_whitneys_averaged_over_episodes():
    rng = np.random.default_rng(7)
    a, b = rng.integers(0, 5, (4, 8)).astype(float), rng.integers(0, 5, (3, 8)).astype(float)
    wins = [scipy.stats.mannwhitneyu(a[:, n], b[:, n], method="asymptotic").statistic / 12 for n in range(8)]
    assert probability_of_improvement(a, b).value == pytest.approx(np.mean(wins))


@settings(max_examples=10, deadline=None)
@given(arrays(np.float64, 12, elements=st.floats(-10, 10)), arrays(np.float64, 12, elements=st.floats(-10, 10)))
def test_improvement_either_way_adds_up_to_one(a, b):
    forth, back = probability_of_improvement(a, b), probability_of_improvement(b, a)
    assert forth.value + back.value == pytest.approx(1.0)
    assert 0.0 <= forth.low <= forth.value <= forth.high <= 1.0


def test_equal_scores_give_equal_intervals():
    scores = np.random.default_rng(8).normal(size=25)
    assert estimate(scores) == estimate(scores.tolist())


def test_one_episode_leaves_the_interval_open():
    alone = paired_difference([3.0], [1.0])
    assert alone.value == 2.0 and math.isnan(alone.low) and math.isnan(alone.high) and not alone.excludes_zero
    assert all(math.isnan(end) for end in expanded_percentile(np.ones(9), 1))


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [[[[1.0]]]]])
def test_bad_scores_are_refused(bad):
    with pytest.raises(ValueError, match="scores must be finite"):
        estimate(bad)


def test_pairs_need_the_same_episodes():
    with pytest.raises(ValueError, match=r"same episodes and scenarios, got \[\(2, 1\), \(3, 1\)\]"):
        paired_difference([1.0, 2.0, 3.0], [1.0, 2.0])
