import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.physics.mathematics import LN_2, bounded_exp, clip

finite = st.floats(-1e6, 1e6)


@given(st.floats(-4.0, 4.0))
def test_exponential_is_that_of_libm(x):
    """Catches a wrong coefficient or a squaring too many or too few."""
    assert bounded_exp(x) == pytest.approx(math.exp(x), rel=2e-9, abs=0.0)


def test_exponential_on_a_grid_stays_below_its_error_and_rises():
    """Catches an error that a few random points miss, and a polynomial that turns at the ends."""
    x = np.linspace(-4.0, 4.0, 20_001)
    y = np.array([bounded_exp(v) for v in x])
    assert np.abs(y / np.exp(x) - 1.0).max() < 2e-9
    assert (np.diff(y) > 0.0).all()


@pytest.mark.parametrize("x", [4.0, 4.1, 40.0, 1e300, math.inf])
def test_exponential_is_bounded_and_stays_finite(x):
    """Catches leakage that runs to infinity when a temperature does."""
    assert bounded_exp(x) == bounded_exp(4.0)
    assert bounded_exp(-x) == bounded_exp(-4.0)


def test_doubling_is_exact_to_the_error_of_the_exponential():
    assert bounded_exp(LN_2) == pytest.approx(2.0, rel=2e-9)
    assert bounded_exp(0.0) == 1.0


@given(finite, finite, finite)
def test_clip_holds_between(x, a, b):
    low, high = min(a, b), max(a, b)
    assert clip(x, low, high) == float(np.clip(x, low, high))
