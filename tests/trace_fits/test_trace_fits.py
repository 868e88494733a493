"""Fits recover the drawn process within sampling error; segments, distances and fields of scenarios."""

import itertools
import json
from datetime import UTC, datetime

import numpy as np
import pytest
import yaml
from scipy import stats

from odc_gym import cli
from odc_gym.errors import TraceError
from odc_gym.scenario import Burst, CoxArrivals, Scenario
from odc_gym.scenario.sizes import mean_of
from odc_gym.trace_fits.clients import fit_clients
from odc_gym.trace_fits.cox import fit_cox
from odc_gym.trace_fits.generator import FittedGenerator, draw_arrival_segment, draw_segment, fit_arrivals
from odc_gym.trace_fits.minimax import minimise_max_error
from odc_gym.trace_fits.mmpp import empty_window_share, fit_mmpp
from odc_gym.trace_fits.segment import (
    SizeSample,
    TraceSegment,
    segment_of,
    split_alternating,
    split_at_fraction,
    split_wide_jobs,
)
from odc_gym.trace_fits.sizes import fit_law, fit_width_correlation, fit_widths
from odc_gym.trace_fits.statistics import dispersion, hours_of_day, ks_distance, peak_to_trough, quantiles
from odc_gym.workload import draw_jobs, offered_rate, read_trace
from odc_gym.workload.arrivals.mmpp import dispersion as expected_dispersion
from odc_gym.workload.sizes import law_quantiles

DAY, HOUR = 86400.0, 3600.0
COX = CoxArrivals.model_validate(
    {
        "kind": "cox",
        "profile": {"amplitude": 1, "floor": 0.05, "daily": [0.5, 15], "half_daily": [0.1, 3]},
        "burst": {"hour_variance": 0.8, "ten_minute_variance": 0.6, "ar": 0.6},
        "weekend": 0.5,
        "array_mean": 1.5,
        "cron": {"share": 0.15, "period_s": 600},
    }
)


def counted(counts, window_s, daily=True, weekday=None, clients=None, cv=1.0):
    return TraceSegment(np.asarray(counts, float), window_s, 0.0, weekday, daily, np.empty(0), {}, clients, cv)


def simulated(arrivals, rate_per_h, days, window_s=60.0, seed=0, weekday=0):
    like = counted(np.zeros(round(days * DAY / window_s)), window_s, weekday=weekday)
    return draw_segment(FittedGenerator(rate_per_h, arrivals, None, {}), like, {}, seed)


def sample(value, mass=None):
    value = np.asarray(value, float)
    return SizeSample(value, np.ones(value.size), value if mass is None else mass)


def test_a_cox_process_is_found_again():
    found = [fit_cox(simulated(COX, 40, 70, seed=seed), fit_cron=True) for seed in range(6)]

    def mean(get):
        values = [get(fitted) for fitted in found]
        return np.mean(values), stats.sem(values)

    wanted = (
        (lambda f: f.profile.daily[0], 0.5, 0.03), (lambda f: f.profile.daily[1], 15.0, 0.3),
        (lambda f: f.weekend, 0.5, 0.02),
        (lambda f: f.burst.hour_variance, 0.8, 0.08), (lambda f: f.burst.ten_minute_variance, 0.6, 0.1),
        (lambda f: f.burst.ar, 0.6, 0.08), (lambda f: f.array_mean, 1.5, 0.1),
        (lambda f: f.cron.share, 0.15, 0.02), (lambda f: f.cron.period_s, 600.0, 0.0),
    )  # fmt: skip
    for get, true, bias in wanted:  # moment fits have a small bias, beside the standard error of six draws
        middle, error = mean(get)
        assert abs(middle - true) <= bias + 3 * error, (middle, error, true)


def test_without_cron_none_is_found_and_noise_is_no_profile():
    calm = COX.model_copy(update={"cron": None, "profile": None, "burst": None, "weekend": 1.0, "array_mean": 1.0})
    fitted = fit_cox(simulated(calm, 40, 60), fit_cron=True)
    assert fitted.cron is None
    assert fitted.profile.daily[0] < 0.06  # 40 an hour for 60 days leave a standard error of 0.6 % of an amplitude
    assert fitted.burst.hour_variance < 0.02
    assert fitted.array_mean < 1.05


def test_an_mmpp_has_the_dispersion_and_the_silence_of_its_part():
    rng = np.random.default_rng(3)
    on = np.repeat(rng.random(360) < 0.4, 5)
    segment = counted(rng.poisson(np.where(on, 12, 0.02)), 1.0, daily=False)
    fitted = fit_mmpp(segment)
    for window_s in (2.0, 10.0, 60.0):
        ours = expected_dispersion(fitted, segment.counts.mean(), np.array([window_s]))[0]
        assert ours == pytest.approx(dispersion(segment.counts_per_window(window_s)), rel=0.15)
    assert empty_window_share(fitted, segment.counts.mean(), np.array([1.0]))[0] == pytest.approx(
        (segment.counts == 0).mean(), abs=0.06
    )


def test_clients_keep_the_scatter_of_their_sum():
    rng = np.random.default_rng(1)
    share = np.array([6, 3, 2]) / 11
    factor = rng.gamma(4, 0.25, (3, 144 * 30))
    clients = rng.poisson(2000 * share[:, None] * factor).astype(float)
    segment = counted(np.repeat(clients.sum(0) / 10, 10), 60.0, clients=clients)
    fitted = fit_clients(segment)
    assert fitted.number == 3
    assert fitted.zipf == pytest.approx(1.0, abs=0.05)
    assert fitted.rate_variance == pytest.approx(0.25, rel=4 * np.sqrt(2 / clients.shape[1]) + 0.02)
    assert fitted.ar < 0.05


LAWS = {
    "two modes": np.concatenate(
        [stats.lognorm(0.1, scale=100).rvs(2000, 0), stats.lognorm(0.4, scale=3000).rvs(1000, 1)]
    ),
    "a heavy tail": np.minimum(stats.pareto(0.9).rvs(4000, random_state=2) * 50, 1e6),
    "one value for many": np.concatenate([np.full(1500, 7.0), stats.lognorm(1.0, scale=60).rvs(3000, 3)]),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws_are_close_by_number_and_by_mass(name):
    seen = sample(LAWS[name])
    law = fit_law(seen)
    value = law_quantiles(law, (np.arange(20_000) + 0.5) / 20_000)
    step = 0.35 if name == "one value for many" else 0.0  # half of an atom, which no smooth distribution follows
    assert ks_distance(sample(value), seen) < 0.05 + step / 2
    # a few values hold the mass of the heavy tail, so its distribution has a large standard error
    assert ks_distance(sample(value), seen, by_mass=True) < (0.12 if name == "a heavy tail" else 0.06)
    assert mean_of(law) == pytest.approx(seen.value.mean(), rel=0.05)
    assert (3 * len(law.lognormals) if hasattr(law, "cut") else 2 * len(law) - 2) <= 12


def test_the_least_largest_error_of_a_line_is_that_of_chebyshev():
    at = np.linspace(0, 1, 2001)

    def errors(x):
        gap = x[0] + x[1] * at - np.exp(at)
        return np.append(gap, -gap)

    slope = np.e - 1  # slope of the chord; the error at both ends equals that where exp has this slope
    level = (1 + slope * (1 - np.log(slope))) / 2
    line, largest = minimise_max_error(errors, np.array([0.0, 0.0]))
    assert line == pytest.approx([level, slope], abs=1e-4)
    assert largest == pytest.approx(1 - level, abs=1e-5)


def test_laws_of_tokens_are_right_where_draws_are_rounded():
    """Catches a fit to the midpoints of steps: it would draw zeros, and move half of each number to its neighbours."""
    rng = np.random.default_rng(0)
    seen = sample(np.append(rng.choice([1, 2, 3], 3000, p=[0.4, 0.25, 0.35]), np.rint(rng.lognormal(5, 0.7, 2000))))
    value = np.rint(law_quantiles(fit_law(seen, whole=True), (np.arange(20_000) + 0.5) / 20_000))
    assert (value == 0).mean() < 0.02
    for by_mass in (False, True):
        assert ks_distance(sample(value), seen, by_mass) < 0.03


def test_a_clock_that_stops_now_and_then_counts_as_scatter():
    """Catches cron arrivals that are subtracted as if cron never paused: draws then have a third of the scatter."""
    rng = np.random.default_rng(4)
    minute = np.arange(60 * 1440)
    on = (minute % 10 == 0) & (minute // 1440 % 4 != 3)
    segment = counted(rng.poisson(0.02, minute.size) + on, 60.0, weekday=0)
    arrivals = fit_arrivals(segment, "cox", fit_cron=True)
    assert arrivals.cron.period_s == 600
    draws = [draw_arrival_segment(segment.rate_per_h, arrivals, segment, seed) for seed in range(20)]
    ours = np.median([dispersion(d.counts_per_window(HOUR)) for d in draws])
    assert ours == pytest.approx(dispersion(segment.counts_per_window(HOUR)), rel=0.2)


def test_draws_of_a_short_part_are_as_bursty_as_it_is():
    """Moments alone underestimate few and long bursts: draws of the same length have fewer still."""
    slow = COX.model_copy(update={"burst": Burst(hour_variance=5, ten_minute_variance=0, ar=0.97), "cron": None})
    ratios = []
    for seed in range(5):
        segment = simulated(slow, 60, 6, seed=seed)
        both = fit_cox(segment, False), fit_arrivals(segment, "cox", fit_cron=False)
        seen = dispersion(segment.counts_per_window(HOUR))
        draws = [[draw_arrival_segment(segment.rate_per_h, a, segment, k) for k in range(20)] for a in both]
        ratios.append([np.median([dispersion(d.counts_per_window(HOUR)) for d in each]) / seen for each in draws])
    plain, tuned = np.median(np.abs(np.log(ratios)), axis=0)
    assert tuned < 0.2 and plain > 2 * tuned, (tuned, plain)


def test_widths_go_with_run_times_as_far_as_the_mean_work_asks():
    normal = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 40_000)
    width = np.where(normal[:, 1] > 1.5, 8.0, 1.0)
    duration = np.exp(1.5 * normal[:, 0])
    mass = duration * width
    assert fit_widths(sample(width, mass)) == pytest.approx({1: 0.9332, 8: 0.0668}, abs=0.005)
    assert fit_width_correlation(sample(duration, mass), sample(width, mass)) == pytest.approx(0.7, abs=0.05)


def test_distance_is_that_of_scipy_and_weights_count():
    a, b = np.random.default_rng(0).exponential(size=300), np.random.default_rng(1).exponential(size=200)
    assert ks_distance(sample(a), sample(b)) == pytest.approx(stats.ks_2samp(a, b).statistic)
    # 1, 1, 4 against 1, 4 by mass: at 1 the shares are 2/6 and 1/5
    assert ks_distance(sample([1, 1, 4]), sample([1, 4]), by_mass=True) == pytest.approx(2 / 6 - 1 / 5)
    assert ks_distance(SizeSample(np.array([1.0]), np.array([2.0]), np.array([1.0])), sample([1, 1])) == 0
    np.testing.assert_array_equal(quantiles(sample([1, 2, 3, 10]), share=(0.25, 0.5, 0.8)), [1, 2, 10])


def test_shape_of_the_day_counts_every_hour_by_what_is_covered():
    counts = np.tile(np.where(np.arange(1440) // 60 == 9, 4, 1), 3)[: 2 * 1440 + 600]
    segment = counted(counts, 60.0)
    assert hours_of_day(segment)[9] == pytest.approx(4 / (27 / 24))
    assert peak_to_trough(segment) == 4


@pytest.fixture
def jobs_file(tmp_path):
    rng = np.random.default_rng(5)
    lines = ["arrival_s,duration_s,accelerators"]
    for day, hour in itertools.product(range(12), range(24)):
        n = rng.poisson(30 + 20 * np.cos((hour - 15) / 24 * 2 * np.pi)) if 2 <= day < 10 else int(hour == 3)
        for second in rng.random(n) * 3600:
            width = rng.choice([1, 4, 16], p=[0.8, 0.15, 0.05])
            lines.append(f"{day * DAY + hour * HOUR + second:.3f},{rng.lognormal(6, 1.5):.2f},{width}")
    (tmp_path / "jobs.csv").write_text("\n".join(lines))
    return tmp_path / "jobs.csv"


def test_parts_leave_the_dead_ends_of_a_trace_away(jobs_file):
    trace = read_trace(jobs_file).jobs["finetuning"]
    first, later = split_at_fraction(trace, 0.5)
    assert (first.begin_s, first.span_s, later.begin_s, later.span_s) == (2 * DAY, 4 * DAY, 6 * DAY, 4 * DAY)
    odd, even = split_alternating(trace)
    assert odd.span_s == even.span_s == 4 * DAY
    assert odd.counts.sum() + even.counts.sum() == first.counts.sum() + later.counts.sum() == trace.submit_s.size - 4
    assert odd.sizes["work_s"].mass.size == odd.counts.sum()
    pieces, each = split_wide_jobs(first, 8)
    assert pieces.sizes["width"].value.max() == 8
    assert each == pytest.approx((first.counts.sum() + (first.sizes["width"].value == 16).sum()) / first.counts.sum())
    assert (pieces.sizes["work_s"].frequency * pieces.sizes["work_s"].mass).sum() == pytest.approx(
        first.sizes["work_s"].mass.sum()
    )


def test_three_days_are_parted_by_days_which_keep_their_hours(tmp_path):
    """Catches a split by minutes, whose joined segments have no hours of day."""
    busy = [f"{day * DAY + 9 * HOUR + 10 * k},60,1" for day in range(3) for k in range(200)]
    calm = [f"{HOUR * k},60,1" for k in range(72)]
    (tmp_path / "short.csv").write_text("\n".join(["arrival_s,duration_s,accelerators", *busy, *calm]))
    odd, even = split_alternating(read_trace(tmp_path / "short.csv").jobs["finetuning"])
    assert (odd.span_s, even.span_s) == (2 * DAY, DAY)
    assert hours_of_day(odd).argmax() == hours_of_day(even).argmax() == 9


def test_a_part_without_arrivals_is_refused(jobs_file):
    trace = read_trace(jobs_file).jobs["finetuning"]
    with pytest.raises(TraceError, match="2 arrivals in 172800 s: must be at least 50"):
        segment_of(trace, 0.0, 2 * DAY)


def test_info_tells_fits_tests_and_writes_a_scenario_that_offers_the_load_of_the_file(jobs_file, tmp_path, capsys):
    scenario_file, data_file = tmp_path / "fitted.yaml", tmp_path / "info.json"
    with pytest.raises(SystemExit) as done:
        cli.main(["trace", "info", str(jobs_file), "--yaml", str(scenario_file), "--json", str(data_file)])
    assert done.value.code == 0 and "dispersion at 3600 s" in capsys.readouterr().out
    told = json.loads(data_file.read_text())["classes"]["finetuning"]
    assert told["parameters"] == {"arrivals": 10, "duration_h": 12, "width": 3}  # no cron was found
    assert told["figures"]["KS of duration_s"]["generator"] < 0.05
    assert told["figures"]["dispersion at 3600 s"]["trace"] == pytest.approx(
        told["figures"]["dispersion at 3600 s"]["generator"], rel=0.5
    )
    scenario = Scenario.load(scenario_file)
    fitted = scenario.workload.classes["finetuning"]
    trace = read_trace(jobs_file).jobs["finetuning"]
    alive = segment_of(trace, 2 * DAY, 10 * DAY)
    load = alive.sizes["work_s"].mass.sum() / alive.span_s
    assert max(fitted.width) == 8
    assert offered_rate(fitted) == pytest.approx(load, rel=0.03)
    start = datetime(2027, 3, 4, 5, 17, tzinfo=UTC)
    loads = [
        draw_jobs(scenario.workload, ("finetuning",), seed, start, 0.0, 28 * DAY, 8)["work_s"].sum() / (28 * DAY)
        for seed in range(12)
    ]
    assert np.mean(loads) == pytest.approx(offered_rate(fitted), abs=4 * stats.sem(loads))
    assert stats.sem(loads) < 0.03 * offered_rate(fitted)
    base = Scenario.load("starter12")
    args = (7, start, 0.0, DAY, 8)
    others = [draw_jobs(s.workload, ("finetuning", "batch"), *args) for s in (base, scenario)]
    batch = [jobs[jobs["class_id"] == 1] for jobs in others]
    np.testing.assert_array_equal(*batch)  # the streams of other classes are unchanged
    assert yaml.safe_load(scenario_file.read_text())["workload"]["classes"]["finetuning"]["duration_h"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "2"], "--split 2: must be a fraction between 0 and 1, or alternate"),
        (["--split", "half"], "--split half: must be"),
        (["--model", "arima"], "--model arima: must be one of cox, mmpp, clients"),
        (
            ["--model", "clients"],
            "--model clients: must be fitted to a day or more of requests whose clients are known",
        ),
    ],
)
def test_info_refuses_in_one_line(jobs_file, capsys, options, message):
    with pytest.raises(SystemExit) as done:
        cli.main(["trace", "info", str(jobs_file), *options])
    err = capsys.readouterr().err
    assert done.value.code == 2 and message in err and err.count("\n") == 1
