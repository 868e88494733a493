"""Synthetic jobs: rates, burstiness, profile and marginals against closed forms; independence of streams."""

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from odc_gym.scenario import Burst, JobClass, Profile, Region, Scenario
from odc_gym.workload import JOB, draw_jobs, offered_rate
from odc_gym.workload.arrivals.factors import hourly_factors
from odc_gym.workload.arrivals.profile import daily_profile, second_of_day
from odc_gym.workload.streams import Purpose, class_stream

START = datetime(2027, 3, 4, 5, 17, tzinfo=UTC)
HOUR = 3600.0
NAMES = ("finetuning", "batch", "interactive")


@pytest.fixture(scope="module")
def starter():
    return Scenario.load("starter12").workload


@pytest.fixture(scope="module")
def many(starter):
    """Return 60 episodes of starter12 over 10 days each: about 390,000 jobs, 600 class-days."""
    return [draw(starter, seed, before=0, after=240 * HOUR) for seed in range(60)]


def draw(workload, seed, names=NAMES, before=48 * HOUR, after=24 * HOUR, start=START, widest=8):
    return draw_jobs(workload, names, seed, start, before, after, widest)


def flat(workload, **changes):
    """Return the workload without daily profile and bursts."""
    calm = Burst(hour_variance=0, ten_minute_variance=0, ar=0, demand_noise=0)
    update = {"profile": workload.profile.model_copy(update={"amplitude": 0.0}), "burst": calm} | changes
    return workload.model_copy(update=update)


def of_class(tables, kind):
    return [jobs[jobs["class_id"] == kind] for jobs in tables]


def test_rows_are_sorted_inside_the_window_and_consistent(starter):
    jobs = draw(starter, 3)
    assert jobs.dtype == JOB
    assert np.all(np.diff(jobs["arrival_s"]) >= 0)
    assert jobs["arrival_s"].min() >= -48 * HOUR
    assert jobs["arrival_s"].max() < 24 * HOUR
    assert set(jobs["class_id"]) == {0, 1}
    assert np.all(jobs["work_s"] == jobs["duration_s"] * jobs["width"])
    assert np.all(jobs["expiry_s"] - jobs["deadline_s"] == jobs["deadline_s"] - jobs["arrival_s"])
    assert np.all(jobs["deadline_s"] > jobs["arrival_s"])
    assert np.all(jobs["duration_s"] > 0)
    assert np.all(jobs["estimate_s"] > 0)


@pytest.mark.parametrize(("kind", "name"), [(0, "finetuning"), (1, "batch")])
def test_mean_rate_and_load_are_the_scenarios(starter, many, kind, name):
    job_class = starter.classes[name]
    tables = of_class(many, kind)
    counts = np.array([t.size / 240 for t in tables])
    loads = np.array([t["work_s"].sum() / 3600 / 240 for t in tables])
    assert abs(counts.mean() - job_class.jobs_per_h) < 4 * stats.sem(counts)
    assert abs(loads.mean() - offered_rate(job_class)) < 4 * stats.sem(loads)
    assert stats.sem(loads) < 0.02 * offered_rate(
        job_class
    )  # the sample is large enough for the two lines above to fail


def test_rate_scale_multiplies_the_rate(starter):
    doubled = starter.model_copy(update={"rate_scale": 2.0})
    few = [draw(starter, seed, after=96 * HOUR).size for seed in range(20)]
    more = [draw(doubled, seed, after=96 * HOUR).size for seed in range(20)]
    assert np.sum(more) / np.sum(few) == pytest.approx(2, rel=0.03)  # about 1 % of scatter: same bursts, new counts
    assert draw(starter.model_copy(update={"rate_scale": 0.0}), 0).size == 0


def test_without_profile_and_bursts_arrivals_are_poisson(starter):
    counts = np.concatenate([bin_counts(draw(flat(starter), seed, NAMES[:2]), 0, 600) for seed in range(40)])
    dispersion = counts.var(ddof=1) / counts.mean()
    assert abs(dispersion - 1) < 4 * math.sqrt(2 / (counts.size - 1))  # variance of the index for a Poisson
    times = np.concatenate([draw(flat(starter), seed)["arrival_s"] for seed in range(10)])
    assert stats.kstest((times + 48 * HOUR) / (72 * HOUR), "uniform").pvalue > 1e-4


def bin_counts(jobs, kind, width_s, before=48 * HOUR, after=24 * HOUR):
    arrival = jobs["arrival_s"][jobs["class_id"] == kind]
    return np.histogram(arrival, np.arange(-before, after + 1, width_s))[0]


def test_dispersion_of_ten_minute_and_hourly_counts(starter):
    # without a profile: Var N = m + m^2 ((1 + vh)(1 + vt) - 1) in a bin. In an hour the six ten-minute factors
    # average out: m + m^2 ((1 + vh)(1 + vt / 6) - 1)
    burst = starter.burst
    bursty = flat(starter, burst=burst)
    counts = [bin_counts(draw(bursty, seed, before=0, after=240 * HOUR), 1, 600, 0, 240 * HOUR) for seed in range(100)]
    tens = np.concatenate(counts)
    hours = np.concatenate([c.reshape(-1, 6).sum(1) for c in counts])
    for data, mean, var in ((tens, 17.1 / 6, burst.ten_minute_variance), (hours, 17.1, burst.ten_minute_variance / 6)):
        expected = 1 + mean * ((1 + burst.hour_variance) * (1 + var) - 1)
        assert data.var() / data.mean() == pytest.approx(expected, rel=0.04)
        assert data.var() / data.mean() > 1.5


@pytest.mark.parametrize("regions", [{"asia"}, {"americas", "emea", "asia"}])
def test_profile_of_the_day_shows_in_arrivals(starter, regions):
    regions = {name: region for name, region in starter.regions.items() if name in regions}
    workload = flat(starter, profile=starter.profile, regions=regions, rate_scale=10.0)
    jobs = [draw(workload, seed, before=0, after=240 * HOUR)["arrival_s"] for seed in range(10)]
    hour = (second_of_day(START) + np.concatenate(jobs)) / HOUR % 24
    observed = np.histogram(hour, np.arange(25))[0] / hour.size * 24
    expected = np.zeros(24)
    for region in regions.values():  # an independent implementation from the definition
        h = np.arange(24) + 0.5 + region.utc_offset_h
        wave = 0.677 * np.cos(2 * np.pi * (h - 17.0) / 24) + 0.159 * np.cos(4 * np.pi * (h - 0.3) / 24)
        expected += region.share / sum(r.share for r in regions.values()) * np.maximum(0.15, 1 + 0.5 * wave)
    # Poisson leaves sqrt(24 / 650,000) = 0.6 % in a bin, the finite bin 0.3 %
    np.testing.assert_allclose(observed, expected, atol=0.025)
    assert np.ptp(expected) > 0.1


@given(
    amplitude=st.floats(0, 3),
    floor=st.floats(0, 1),
    offsets=st.lists(st.floats(-12, 14), min_size=1, max_size=4),
)
def test_profile_has_mean_one_and_no_negative_rate(amplitude, floor, offsets):
    profile = Profile(amplitude=amplitude, floor=floor, daily=(0.677, 17.0), half_daily=(0.159, 0.3))
    regions = [Region(utc_offset_h=o, share=1.0 + i) for i, o in enumerate(offsets)]
    rate = daily_profile(profile, regions, np.arange(0, 24, 0.01))
    assert rate.min() >= 0
    assert rate.mean() == pytest.approx(1, abs=2e-3)
    np.testing.assert_allclose(rate, daily_profile(profile, regions, np.arange(0, 24, 0.01) - 48), atol=1e-9)


def test_profile_of_one_region_peaks_at_its_local_afternoon():
    profile = Profile(amplitude=1, floor=0, daily=(0.677, 17.0), half_daily=(0.0, 0.0))
    hours = np.arange(0, 24, 0.25)
    rate = daily_profile(profile, [Region(utc_offset_h=8, share=0.2)], hours)
    assert hours[np.argmax(rate)] == 9.0  # 17 h at UTC+8
    assert rate.max() == pytest.approx(1.677)


@pytest.mark.parametrize("variance", [0.02, 0.1, 2.0])
@pytest.mark.parametrize("ar", [0.0, 0.65, 0.9])
def test_hourly_factors_are_gamma_with_memory(variance, ar):
    burst = Burst(hour_variance=variance, ten_minute_variance=0, ar=ar, demand_noise=0)
    n = 40_000
    factors = hourly_factors(burst, class_stream(7, Purpose.HOURS, "x"), n)
    spacing = 1 + math.ceil(8 / -math.log(ar)) if ar else 1  # nearly independent at this distance
    sample = factors[::spacing]
    assert stats.kstest(sample, stats.gamma(1 / variance, scale=variance).cdf).pvalue > 1e-4
    normal = stats.norm.ppf(stats.gamma(1 / variance, scale=variance).cdf(factors))
    assert np.corrcoef(normal[1:], normal[:-1])[0, 1] == pytest.approx(ar, abs=0.02)


def test_durations_are_lognormal_up_to_the_cut(starter, many):
    law = starter.classes["finetuning"].duration_h
    hours = np.concatenate([t["duration_s"] for t in of_class(many, 0)]) / HOUR
    z = math.log(law.cut / law.median) / law.sigma
    whole = hours[hours < law.cut]
    truncated = stats.truncnorm(-np.inf, z)
    assert stats.kstest(np.log(whole / law.median) / law.sigma, truncated.cdf).pvalue > 1e-4
    beyond = stats.norm.sf(z)
    assert abs((hours == law.cut).mean() - beyond) < 4 * math.sqrt(beyond / hours.size)
    assert hours.max() == law.cut


def test_widths_follow_their_probabilities(starter, many):
    for kind, name in ((0, "finetuning"), (1, "batch")):
        width = np.concatenate([t["width"] for t in of_class(many, kind)])
        law = starter.classes[name].width
        observed = [int(np.sum(width == w)) for w in law]
        assert sum(observed) == width.size
        assert stats.chisquare(observed, [p * width.size for p in law.values()]).pvalue > 1e-4


def test_order_of_widths_in_the_file_does_not_matter(starter):
    job_class = starter.classes["finetuning"]
    turned = job_class.model_copy(update={"width": dict(reversed(job_class.width.items()))})
    other = starter.model_copy(update={"classes": starter.classes | {"finetuning": turned}})
    assert np.array_equal(draw(other, 5), draw(starter, 5))


def test_slack_is_uniform_between_its_bounds(starter, many):
    finetuning, batch = (np.concatenate(of_class(many, k)) for k in (0, 1))
    ratio = (finetuning["deadline_s"] - finetuning["arrival_s"]) / finetuning["duration_s"]
    hours = (batch["deadline_s"] - batch["arrival_s"]) / HOUR
    for values, low, high in ((ratio[finetuning["duration_s"] > 100], 2, 10), (hours, 4, 24)):
        assert low - 1e-4 <= values.min() < low * 1.01
        assert high * 0.99 < values.max() <= high + 1e-4
        assert stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-4


def test_estimates_are_lognormal_with_mean_one(starter, many):
    jobs = np.concatenate(many)
    error = jobs["estimate_s"] / jobs["work_s"]
    assert abs(error.mean() - 1) < 4 * stats.sem(error)
    assert np.log(error).std() == pytest.approx(starter.estimate_sigma, rel=0.01)
    assert abs(np.corrcoef(np.log(error), np.log(jobs["work_s"]))[0, 1]) < 0.01
    exact = draw(starter.model_copy(update={"estimate_sigma": 0.0}), 1)
    assert np.array_equal(exact["estimate_s"], exact["work_s"])


def test_same_seed_same_bits_and_another_seed_another_world(starter):
    first = draw(starter, 11)
    draw(starter, 12)
    np.random.default_rng(0).random(10)
    assert first.tobytes() == draw(starter, 11).tobytes()
    assert first.tobytes() != draw(starter, 12).tobytes()


def test_adding_or_changing_a_class_leaves_the_others(starter):
    both = draw(starter, 4)
    for kind, name in enumerate(NAMES[:2]):
        alone = draw(starter.model_copy(update={"classes": {name: starter.classes[name]}}), 4, (name,))
        expected = both[both["class_id"] == kind].copy()
        expected["class_id"] = 0
        assert np.array_equal(alone, expected)
    busier = starter.classes["batch"].model_copy(update={"jobs_per_h": 40.0})
    changed = draw(starter.model_copy(update={"classes": starter.classes | {"batch": busier}}), 4)
    assert np.array_equal(changed[changed["class_id"] == 0], both[both["class_id"] == 0])


@pytest.mark.parametrize("after_h", [0.05, 3.3, 71.0])
def test_a_longer_episode_begins_like_a_shorter_one(starter, after_h):
    long, short = draw(starter, 9, after=72 * HOUR), draw(starter, 9, after=after_h * HOUR)
    assert np.array_equal(long[long["arrival_s"] < after_h * HOUR], short)


def test_classes_are_independent(starter, many):
    del starter
    a, b = (
        np.concatenate([bin_counts(t, k, 3600, 0, 240 * HOUR) - 0.0 for t in many]).reshape(len(many), 10, 24)
        for k in (0, 1)
    )
    a, b = (x - x.mean((0, 1)) for x in (a, b))  # without their common profile
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / math.sqrt(a.size / 4)


def test_start_is_read_in_utc(starter):
    east = START.astimezone(timezone(timedelta(hours=9)))
    assert np.array_equal(draw(starter, 2, start=east), draw(starter, 2))
    assert np.array_equal(draw(starter, 2, start=START.replace(tzinfo=None)), draw(starter, 2))
    assert second_of_day(east) == 5 * 3600 + 17 * 60


def test_history_that_is_no_whole_hour_is_cut_to_length(starter):
    jobs = draw(starter, 6, before=1000.0, after=5000.0)
    assert jobs["arrival_s"].min() >= -1000
    assert jobs["arrival_s"].max() < 5000
    assert draw(starter, 6, before=0.0, after=0.0).size == 0


def test_jobs_wider_than_the_widest_satellite_are_split(starter):
    whole, split = draw(starter, 8), draw(starter, 8, widest=3)
    assert split["width"].max() == 3
    assert split["work_s"].sum() == whole["work_s"].sum()
    assert split["estimate_s"].sum() == pytest.approx(whole["estimate_s"].sum())
    first = whole[np.argmax(whole["width"] == 8)]
    parts = split[split["arrival_s"] == first["arrival_s"]]
    assert parts["width"].tolist() == [3, 3, 2]
    for column in ("deadline_s", "expiry_s", "duration_s", "class_id"):
        assert np.all(parts[column] == first[column])


def test_constant_durations_and_widths(starter):
    plain = starter.classes["batch"].model_dump() | {
        "duration_h": {"median": 0.5, "sigma": 0, "cut": 4},
        "width": {2: 1.0},
    }
    workload = starter.model_copy(update={"classes": {"batch": JobClass.model_validate(plain)}})
    jobs = draw(workload, 1, ("batch",))
    assert np.all(jobs["duration_s"] == 1800)
    assert np.all(jobs["width"] == 2)
