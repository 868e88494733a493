"""Offered loads and the job table against closed forms and SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from odc_gym.scenario import Duration, Scenario
from odc_gym.workload import JOB, offered_rate
from odc_gym.workload.jobs import mean_duration_h, mean_width

NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)


def test_starter12_offers_the_load_it_states():
    rates = {name: offered_rate(c) for name, c in Scenario.load("starter12").workload.classes.items()}
    assert rates["finetuning"] == pytest.approx(40.5, rel=0.005)
    assert rates["batch"] == pytest.approx(16.2, rel=0.005)
    assert rates["interactive"] == pytest.approx(24.3, rel=0.005)
    assert sum(rates.values()) == pytest.approx(81.0, rel=0.005)


@given(median=st.floats(0.01, 100), sigma=st.floats(0.05, 2.5), cut_over_median=st.floats(0.05, 50))
def test_mean_duration_is_the_integral_over_the_draws(median, sigma, cut_over_median):
    # quadrature of min(median exp(sigma z), cut) over a standard normal z, split at the kink and cut at 14 sigma
    kink = float(np.clip(math.log(cut_over_median) / sigma, -14, 14))
    expected = 0.0
    for low, high in ((-14.0, kink), (kink, 14.0)):
        z = low + (high - low) * (NODES + 1) / 2
        drawn = np.minimum(median * np.exp(sigma * z), median * cut_over_median)
        expected += float(np.sum(WEIGHTS * drawn * stats.norm.pdf(z))) * (high - low) / 2
    law = Duration(median=median, sigma=sigma, cut=median * cut_over_median)
    assert mean_duration_h(law) == pytest.approx(expected, rel=1e-9)


def test_mean_duration_without_spread_is_the_median_or_the_cut():
    assert mean_duration_h(Duration(median=2, sigma=0, cut=5)) == 2
    assert mean_duration_h(Duration(median=9, sigma=0, cut=5)) == 5


def test_mean_width():
    assert mean_width({1: 0.5, 2: 0.2, 4: 0.15, 8: 0.15}) == pytest.approx(2.7)


def test_job_columns_are_aligned():
    assert JOB.isalignedstruct
    assert all(JOB.fields[name][1] % JOB.fields[name][0].itemsize == 0 for name in JOB.names)
