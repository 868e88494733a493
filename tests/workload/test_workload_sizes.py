"""Distributions of sizes against numerical integrals and draws, and jobs and tokens drawn from them."""

from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import integrate, stats

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.scenario.sizes import Law, mean_of
from odc_gym.workload import draw_demand, draw_jobs, offered_rate
from odc_gym.workload.sizes import law_quantiles, token_moments

START = datetime(2027, 3, 4, 5, 17, tzinfo=UTC)
DAY = 86400.0
KNOTS = [[0, 0.01], [0.5, 0.3], [0.5001, 2.0], [0.99, 2.0], [1, 300]]
MIXTURE = {"lognormals": [[1, 0.2, 0.3], [3, 1.0, 2.0]], "cut": 200.0}
JOBS = {
    "workload.classes.finetuning.duration_h": None,
    "workload.classes.finetuning.sizes": {"duration_h": KNOTS, "width_correlation": 0.6},
    "workload.classes.finetuning.width": {1: 0.8, 2: 0.1, 4: None, 8: 0.1},
}
REQUESTS = {
    "workload.classes.interactive.arrivals": {"kind": "mmpp", "rates": [1, 6], "switch_per_s": [[0, 0.01], [0.02, 0]]},
    "workload.classes.interactive.sizes": {
        "input_tokens": MIXTURE | {"cut": 4000.0},
        "output_tokens": [[0, 5], [0.5, 100], [1, 900]],
    },
}


def law(data):
    return TypeAdapter(Law).validate_python(data)


@pytest.mark.parametrize("power", [1, 2])
def test_moments_are_the_integrals_of_the_quantile_function(power):
    share = (np.arange(2_000_000) + 0.5) / 2_000_000
    for data in (KNOTS, MIXTURE):
        numeric = float((law_quantiles(law(data), share) ** power).mean())
        assert mean_of(law(data), power) == pytest.approx(numeric, rel=2e-3)


def test_a_mixture_has_the_distribution_of_its_parts_and_its_limit():
    value = np.array([0.1, 0.2, 0.5, 1.0, 7.0, 100.0])
    parts = 0.25 * stats.lognorm(0.3, scale=0.2).cdf(value) + 0.75 * stats.lognorm(2.0, scale=1.0).cdf(value)
    np.testing.assert_allclose(law_quantiles(law(MIXTURE), parts), value, rtol=2e-3)
    assert law_quantiles(law(MIXTURE), np.array([0.99999]))[0] == pytest.approx(200.0)


def test_jobs_offer_the_work_that_is_said_and_keep_both_laws():
    scenario = Scenario.load("starter12", JOBS | {"workload.rate_scale": 4.0})
    jobs = np.concatenate(
        [draw_jobs(scenario.workload, ("finetuning",), seed, START, 0.0, 20 * DAY, 8) for seed in range(20)]
    )
    n, work_h = jobs.size, jobs["work_s"] / 3600
    said = offered_rate(scenario.workload.classes["finetuning"]) / scenario.workload.classes["finetuning"].jobs_per_h
    assert work_h.mean() == pytest.approx(said, abs=4 * stats.sem(work_h))
    assert stats.sem(work_h) < 0.04 * said  # the sample is large enough for the line above to fail
    assert [(jobs["width"] == w).mean() for w in (1, 2, 8)] == pytest.approx([0.8, 0.1, 0.1], abs=2 / np.sqrt(n))
    short = jobs["duration_s"] / 3600 <= 0.3
    assert short.mean() == pytest.approx(0.5, abs=2 / np.sqrt(n))
    # a Gaussian copula: P(wide and long) by a bivariate normal integral
    both = stats.multivariate_normal(cov=[[1, 0.6], [0.6, 1]]).cdf([0, stats.norm.ppf(0.9)])
    assert (short & (jobs["width"] < 8)).mean() == pytest.approx(both, abs=2 / np.sqrt(n))


def test_tokens_of_requests_have_the_mean_of_the_class_and_the_variance_of_a_random_sum():
    scenario = Scenario.load("starter12", REQUESTS)
    service = scenario.workload.classes["interactive"]
    index = scenario.class_names.index("interactive")
    minutes = np.concatenate(
        [draw_demand(service, index, scenario.workload, s, START, 0.0, 4 * DAY, 60.0) for s in range(8)]
    )
    hours = minutes.reshape(-1, 60).mean(1)  # sojourns are minutes: hours are nearly independent
    assert hours.mean() == pytest.approx(service.output_tokens_per_min, abs=5 * stats.sem(hours))
    assert stats.sem(hours) < 0.02 * service.output_tokens_per_min
    mean, variance = token_moments(service, service.sizes)
    weight = 0.8 / 10.6, (10.6 - 0.8 * 5.474) / 10.6
    by_hand = sum(w * mean_of(law_) for w, law_ in zip(weight, dict(service.sizes).values(), strict=True))
    assert mean == pytest.approx(by_hand)
    # variance of a minute's tokens: n (v + m^2) of the random sum, and that of the rate, integrated here by hand
    n = service.output_tokens_per_min / mean
    q, share = 0.03, np.array([2 / 3, 1 / 3])
    rate = np.array([1, 6]) / (share @ [1, 6])
    spread = float(share @ rate**2) - 1
    of_rate = integrate.quad(lambda u: 2 * (60 - u) * spread * np.exp(-q * u), 0, 60)[0] / 3600
    assert minutes.var() == pytest.approx(n * (variance + mean**2) + (n * mean) ** 2 * of_rate, rel=0.05)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "finetuning",
            {"sizes": {"duration_h": KNOTS}, "duration_h": {"median": 1, "sigma": 1, "cut": 2}},
            "give either duration_h or sizes",
        ),
        ("finetuning.duration_h", None, "give either duration_h or sizes"),
        (
            "interactive.sizes",
            REQUESTS["workload.classes.interactive.sizes"],
            "give both arrivals and sizes, or neither",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(path, value, message):
    with pytest.raises(ScenarioError, match=message):
        Scenario.load("starter12", {f"workload.classes.{path}": value})


@pytest.mark.parametrize(
    ("knots", "message"),
    [
        ([[0.1, 1], [1, 2]], "must begin at share 0 and end at share 1"),
        ([[0, 1], [0.5, 3], [0.5, 4], [1, 5]], "shares must rise"),
        ([[0, 2], [1, 1]], "values must not fall"),
        ([[0, 0], [1, 1]], "must be > 0"),
        ({"lognormals": [], "cut": 1}, "must have at least 1 entry"),
    ],
)
def test_bad_laws_are_one_line_with_the_field(knots, message):
    changes = JOBS | {"workload.classes.finetuning.sizes": {"duration_h": knots}}
    with pytest.raises(ScenarioError, match=r"workload\.classes\.finetuning\.sizes\.duration_h") as caught:
        Scenario.load("starter12", changes)
    assert message in str(caught.value) and "\n" not in str(caught.value)
