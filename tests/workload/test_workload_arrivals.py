"""Arrivals against closed forms: dispersion, empty windows and rates of each process, and independent streams."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Arrivals, Burst, Region, Scenario
from odc_gym.workload.arrivals import draw_arrivals, fluid_approximation
from odc_gym.workload.arrivals.clients import weibull_shape, zipf_shares
from odc_gym.workload.arrivals.mmpp import dispersion, stationary
from odc_gym.workload.streams import Period

MONDAY = datetime(2027, 3, 1, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0
FLAT = {"amplitude": 0, "floor": 0, "daily": [0, 0], "half_daily": [0, 0]}
CALM = {"hour_variance": 0, "ten_minute_variance": 0, "ar": 0}
MMPP = {"kind": "mmpp", "rates": [0, 1, 8], "switch_per_s": [[0, 0.01, 0.004], [0.02, 0, 0.01], [0.05, 0.05, 0]]}
CLIENTS = {"kind": "clients", "number": 6, "zipf": 1, "gap_cv": 2.5, "rate_variance": 0, "ar": 0, "profile": FLAT}


def shape(**fields):
    return TypeAdapter(Arrivals).validate_python(fields)


def cox(**fields):
    return shape(kind="cox", **({"profile": FLAT, "burst": CALM} | fields))


@pytest.fixture(scope="module")
def workload():
    starter = Scenario.load("starter12").workload
    return starter.model_copy(update={"regions": {"here": Region(utc_offset_h=0, share=1)}})


def times(workload, arrivals, per_h, seed=0, after=10 * DAY, before=0.0, name="batch"):
    time_s = np.sort(draw_arrivals(arrivals, name, per_h, Period(workload, seed, MONDAY, before, after)))
    return time_s[(time_s >= -before) & (time_s < after)]


def counts(time_s, window_s, after=10 * DAY):
    return np.histogram(time_s, np.arange(0, after + 1, window_s))[0]


def index(values):
    return values.var(ddof=1) / values.mean()


def test_arrays_of_geometric_size_scatter_as_they_must(workload):
    # arrays of mean size m have a second moment over mean of 2 m - 1; the rate is unchanged
    seen = counts(times(workload, cox(array_mean=4), 600, after=40 * DAY), HOUR, 40 * DAY)
    assert seen.mean() == pytest.approx(600, abs=4 * math.sqrt(7 * 600 / seen.size))
    assert index(seen) == pytest.approx(7, rel=4 * math.sqrt(2 / seen.size))


def test_gamma_factors_scatter_counts_of_ten_minutes_and_of_hours(workload):
    # Var N = m + m^2 ((1 + vh)(1 + vt) - 1) in ten minutes, with vt / 6 in an hour
    burst = Burst(hour_variance=0.5, ten_minute_variance=0.8, ar=0)
    many = [counts(times(workload, cox(burst=burst), 60, seed), 600) for seed in range(40)]
    tens = np.concatenate(many)
    assert index(tens) == pytest.approx(1 + 10 * (1.5 * 1.8 - 1), rel=0.06)
    assert index(tens.reshape(-1, 6).sum(1)) == pytest.approx(1 + 60 * (1.5 * (1 + 0.8 / 6) - 1), rel=0.06)


def test_cron_comes_at_its_ticks_and_no_more_often_than_its_share(workload):
    time_s = times(workload, cox(cron={"share": 0.5, "period_s": 900, "jitter_s": 3}), 5)
    at_tick = time_s % 900 < 3
    assert at_tick.sum() / 240 == pytest.approx(2.5, abs=4 * math.sqrt(960 * 0.625 * 0.375) / 240)
    assert (~at_tick).sum() / 240 == pytest.approx(2.5 * 897 / 900, abs=4 * math.sqrt(600) / 240)
    alone = times(workload, cox(cron={"share": 1, "period_s": 900}), 12)  # three arrivals at every tick, and no others
    assert set(counts(alone, 900)) == {3}


def test_weekends_are_local_and_leave_the_mean_of_a_week(workload):
    tokyo = workload.model_copy(update={"regions": {"tokyo": Region(utc_offset_h=9, share=1)}})
    time_s = np.concatenate([times(tokyo, cox(weekend=0.25), 200, seed, after=7 * DAY) for seed in range(20)])
    hours = counts(time_s, HOUR, 7 * DAY) / 20
    assert hours.mean() == pytest.approx(200, abs=4 * math.sqrt(200 / 20 / 168))
    free = np.zeros(168, bool)
    free[5 * 24 - 9 : 7 * 24 - 9] = True  # the local Saturday begins nine hours before that of UTC
    expected = 200 * 7 / 5.5
    assert hours[~free].mean() == pytest.approx(expected, rel=4 / math.sqrt(expected * 120 * 20))
    assert hours[free].mean() == pytest.approx(expected / 4, rel=4 / math.sqrt(expected / 4 * 48 * 20))


def test_mmpp_dispersion_is_that_of_simulated_counts(workload):
    arrivals = shape(**MMPP)
    seen = np.concatenate([counts(times(workload, arrivals, 900, seed), 10) for seed in range(4)])
    for each in (1, 6, 60):
        ours = dispersion(arrivals, 0.25, np.array([10.0 * each]))[0]
        # blocks of a day are independent, so their indices give the standard error of the mean
        days = [index(day.reshape(-1, each).sum(1)) for day in seen.reshape(-1, 8640)]
        assert ours == pytest.approx(np.mean(days), abs=4 * stats.sem(days) + 0.01 * ours)


def test_mmpp_of_equal_rates_is_poisson_and_of_two_states_has_the_textbook_limit():
    even = shape(kind="mmpp", rates=[3, 3], switch_per_s=[[0, 1], [2, 0]])
    np.testing.assert_allclose(dispersion(even, 5.0, np.array([1.0, 100.0])), 1, rtol=1e-9)
    # Fischer and Meier-Hellstern (1993), for t to infinity: 1 + 2 (l1 - l2)^2 r1 r2 / ((r1 + r2)^2 (l1 r2 + l2 r1))
    two = shape(kind="mmpp", rates=[10, 1], switch_per_s=[[0, 0.5], [0.1, 0]])
    mean = (10 * 0.1 + 1 * 0.5) / 0.6
    limit = 1 + 2 * 81 * 0.05 / (0.36 * (10 * 0.1 + 1 * 0.5))
    assert dispersion(two, mean, np.array([1e7]))[0] == pytest.approx(limit, rel=1e-5)
    np.testing.assert_allclose(stationary(two), [1 / 6, 5 / 6])


@pytest.mark.parametrize("gaps", ["gamma", "weibull"])
def test_clients_renew_with_the_variation_of_their_gaps(workload, gaps):
    # counts of a renewal process over long windows have variance over mean cv^2, and so has the sum of clients
    arrivals = shape(**CLIENTS | {"gaps": gaps})
    seen = np.concatenate([counts(times(workload, arrivals, 3000, seed), 6 * HOUR) for seed in range(10)])
    assert seen.mean() == pytest.approx(18000, abs=4 * 2.5 * math.sqrt(18000 / seen.size))
    assert index(seen) == pytest.approx(6.25, rel=4 * math.sqrt(2 / seen.size))


def test_weibull_shape_and_shares_of_clients():
    for cv in (0.5, 1.0, 3.0):
        law = stats.weibull_min(weibull_shape(cv))
        assert law.std() / law.mean() == pytest.approx(cv, rel=1e-9)
    np.testing.assert_allclose(zipf_shares(3, 1.0), np.array([6, 3, 2]) / 11)


SHAPES = [
    shape(kind="cox", array_mean=2, cron={"share": 0.2, "period_s": 600}, weekend=0.5),
    shape(**MMPP),
    shape(**CLIENTS | {"rate_variance": 0.4, "ar": 0.6}),
]


@pytest.mark.parametrize("arrivals", SHAPES, ids=lambda arrivals: arrivals.kind)
def test_longer_episodes_begin_like_shorter_ones_and_names_have_streams_of_their_own(workload, arrivals):
    day = times(workload, arrivals, 40, after=DAY, before=6 * HOUR)
    week = times(workload, arrivals, 40, after=7 * DAY, before=6 * HOUR)
    np.testing.assert_array_equal(day, week[week < DAY])
    assert not np.array_equal(day, times(workload, arrivals, 40, after=DAY, before=6 * HOUR, name="finetuning"))
    np.testing.assert_array_equal(day * 1024 % 1, 0)


@pytest.mark.parametrize("arrivals", SHAPES, ids=lambda arrivals: arrivals.kind)
def test_as_a_flow_the_mean_and_the_random_rate_are_the_same(workload, arrivals):
    edge_s = np.arange(0, 20 * DAY + 1, HOUR)
    expected, scatter = fluid_approximation(arrivals, "batch", Period(workload, 1, MONDAY, 0.0, 20 * DAY), edge_s)
    drawn = counts(times(workload, arrivals, 2000, 1, after=20 * DAY), HOUR, 20 * DAY)
    regular = 0.2 if arrivals.kind == "cox" else 0.0  # the fluid approximation ignores cron
    given = 2000 * (expected * (1 - regular) + regular)
    off = (drawn - given) / np.sqrt(scatter * np.maximum(given, 1))
    assert abs(off.mean()) < 0.3
    assert np.std(off) < 1.3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (MMPP | {"rates": [0, 0, 0]}, "rates must not all be 0"),
        (MMPP | {"switch_per_s": [[0, 1], [1, 0]]}, "switch_per_s must have 3 rows of 3 numbers"),
        (MMPP | {"switch_per_s": [[0, 1, 0], [1, 0, 0], [0, 0, 9]]}, "must have a rate > 0 out of every state"),
        (CLIENTS | {"number": 0}, "arrivals.number = 0: must be >= 1"),
        ({"kind": "poisson"}, "arrivals.kind = poisson: must be one of 'cox', 'mmpp', 'clients'"),
        ({"kind": "cox", "weekends": 1}, "arrivals.weekends: unknown key; did you mean weekend?"),
    ],
)
def test_errors_are_one_line_with_the_field(fields, message):
    with pytest.raises(ScenarioError, match=r"workload\.classes\.batch\.arrivals") as caught:
        Scenario.load("starter12", {"workload.classes.batch.arrivals": fields})
    assert message in str(caught.value) and "\n" not in str(caught.value)
