"""Fitted arrivals on held-out segments of public traces; needs the samples beside the checkout."""

from pathlib import Path

import numpy as np
import pytest

from odc_gym.trace_fits.cox import fit_cox
from odc_gym.trace_fits.generator import FittedGenerator
from odc_gym.trace_fits.holdout import DISPERSION_BOUND, KS_BOUND, PEAK_BOUND, arrival_checks
from odc_gym.trace_fits.mmpp import fit_mmpp
from odc_gym.trace_fits.segment import split_segments
from odc_gym.trace_fits.sizes import fit_law
from odc_gym.trace_fits.statistics import ks_distance
from odc_gym.workload import read_trace
from odc_gym.workload.sizes import law_quantiles

SAMPLES = Path(__file__).parents[2].parent / "shared" / "traces"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples of public traces")


@needs_samples
@pytest.mark.parametrize("how", ["0.6", "alternate"])
def test_a_cox_process_fitted_to_philly_describes_the_other_part(how):
    trace = read_trace(SAMPLES / "philly_2017" / "philly_jobs_sep_nov.csv").jobs["finetuning"]
    first, later = split_segments(trace, how)
    generator = FittedGenerator(first.rate_per_h, fit_cox(first, fit_cron=True), None, {})
    found = arrival_checks(generator, first, later, (600.0, 3600.0))
    assert [c.bound for c in found] == [DISPERSION_BOUND, DISPERSION_BOUND, PEAK_BOUND]
    assert all(c.holds for c in found), found
    assert generator.arrivals.cron.period_s == 600  # of virtual cluster 11cb48: one job every ten minutes
    assert generator.rate_per_h * generator.arrivals.cron.share == pytest.approx(6, rel=0.5)


@needs_samples
@pytest.mark.parametrize("name", ["code", "conv"])
def test_an_mmpp_fitted_to_azure_describes_the_minutes_between(name):
    trace = read_trace(SAMPLES / "azure_llm_2023" / f"{name}_first30min.csv").requests["interactive"]
    first, later = split_segments(trace, "alternate")
    generator = FittedGenerator(first.rate_per_h, fit_mmpp(first), None, {})
    assert all(c.holds for c in arrival_checks(generator, first, later, (10.0, 60.0)))


@needs_samples
def test_a_law_of_twelve_numbers_follows_the_prompts_of_conversations():
    trace = read_trace(SAMPLES / "azure_llm_2023" / "conv_first30min.csv").requests["interactive"]
    first, later = (segment.sizes["input_tokens"] for segment in split_segments(trace, "alternate"))
    value = np.rint(law_quantiles(fit_law(first), (np.arange(8192) + 0.5) / 8192))
    ours = first._replace(value=value, frequency=np.ones(8192), mass=value)
    for by_mass in (False, True):
        assert ks_distance(ours, later, by_mass) < KS_BOUND
