"""Service demand against closed forms, and the demand that an autoscaler plans with."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from odc_gym.scenario import Burst, Scenario
from odc_gym.workload import draw_demand, planning_demand
from odc_gym.workload.arrivals.profile import daily_profile, second_of_day

START = datetime(2027, 3, 4, 5, 17, tzinfo=UTC)
HOUR = 3600.0


@pytest.fixture(scope="module")
def starter():
    return Scenario.load("starter12").workload


def draw(workload, seed, before=0.0, after=24 * HOUR, step=60.0, index=2):
    return draw_demand(workload.classes["interactive"], index, workload, seed, START, before, after, step)


def calm(workload, **changes):
    burst = {"hour_variance": 0.0, "ten_minute_variance": 0.0, "ar": 0.0, "demand_noise": 0.0} | changes
    return workload.model_copy(update={"burst": Burst(**burst)})


def test_mean_over_whole_days_is_the_scenarios(starter):
    means = np.array([draw(starter, seed).mean() for seed in range(300)])
    assert abs(means.mean() - 137800) < 4 * means.std() / np.sqrt(means.size)
    assert means.std() < 0.2 * 137800
    halved = starter.model_copy(update={"rate_scale": 0.5})
    assert draw(halved, 3).sum() == pytest.approx(draw(starter, 3).sum() / 2, rel=1e-6)


def test_without_bursts_demand_is_the_profile(starter):
    tokens = draw(calm(starter), 1, before=3 * HOUR)
    utc_h = (second_of_day(START) - 3 * HOUR + 60 * (np.arange(tokens.size) + 0.5)) / HOUR
    expected = 137800 * daily_profile(starter.profile, list(starter.regions.values()), utc_h)
    np.testing.assert_allclose(tokens, expected, atol=1e-3)


def test_noise_is_white_with_its_standard_deviation(starter):
    bare = draw(calm(starter), 1, after=240 * HOUR)
    ratio = draw(calm(starter, demand_noise=0.2), 1, after=240 * HOUR) / bare
    assert ratio.mean() == pytest.approx(1, abs=4 * 0.2 / np.sqrt(ratio.size))
    assert ratio.std() == pytest.approx(0.2, rel=0.04)
    assert abs(np.corrcoef(ratio[1:], ratio[:-1])[0, 1]) < 4 / np.sqrt(ratio.size)


def test_slow_factor_has_its_variance_at_full_hours_and_runs_linearly(starter):
    bare = draw(calm(starter), 1, after=24 * HOUR)
    slow = np.array([draw(calm(starter, hour_variance=0.3, ar=0.65), seed) / bare for seed in range(400)])
    assert slow[:, ::60].var() == pytest.approx(0.3, rel=0.1)
    assert slow[:, 30::60].var() == pytest.approx(
        0.3 * (1 + 0.65) / 2, rel=0.1
    )  # mean of two factors with a correlation of about ar
    np.testing.assert_allclose(np.diff(slow[:, 1:58], 2, axis=1), 0, atol=1e-6)


@pytest.mark.parametrize("step", [10.0, 20.0, 45.0])
def test_the_step_only_cuts_the_same_demand_differently(starter, step):
    minute, other = draw(starter, 5, before=1800, after=1800), draw(starter, 5, before=1800, after=1800, step=step)
    assert other.size == round(3600 / step)
    at = np.arange(0, 3601, 180)
    total = np.concatenate([[0], np.cumsum(minute)])[at // 60]
    np.testing.assert_allclose(np.concatenate([[0], np.cumsum(other)])[(at / step).astype(int)], total, rtol=1e-12)


def test_demand_is_never_negative_even_in_storms(starter):
    stormy = calm(starter, hour_variance=5.0, ar=0.9, demand_noise=2.0)
    assert all(draw(stormy, seed, step=45.0).min() >= 0 for seed in range(5))
    assert draw(starter.model_copy(update={"rate_scale": 0.0}), 1).max() == 0


def test_streams(starter):
    assert draw(starter, 7).tobytes() == draw(starter, 7).tobytes()
    assert not np.array_equal(draw(starter, 7), draw(starter, 8))
    assert np.array_equal(draw(starter, 7, after=7.35 * HOUR), draw(starter, 7)[: 7 * 60 + 21])
    alone = starter.model_copy(update={"classes": {"interactive": starter.classes["interactive"]}})
    assert np.array_equal(draw(alone, 7, index=0), draw(starter, 7))


def test_planning_demand_by_hand():
    tokens = np.array([4.0, 0, 2, 0, 0, 0])
    np.testing.assert_allclose(planning_demand(tokens, 300.0), [4, 2, 2, 2 / 3, 2 / 3, 0])


@given(hnp.arrays(float, st.integers(1, 60), elements=st.floats(0, 1e6)), st.integers(0, 59))
def test_planning_demand_looks_only_back_and_is_never_below_now(tokens, cut):
    planned = planning_demand(tokens)
    assert planned.shape == tokens.shape
    assert np.all(planned >= tokens)
    window = [tokens[max(0, t - 14) : t + 1].mean() for t in range(tokens.size)]
    np.testing.assert_allclose(planned, np.maximum(tokens, window), atol=1e-6)
    np.testing.assert_array_equal(planning_demand(tokens[: cut + 1]), planned[: cut + 1])
