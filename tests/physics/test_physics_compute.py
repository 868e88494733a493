import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.physics.compute import class_clock, clock_of_dynamic, dynamic_frac, idle_power_w, speed_frac
from odc_gym.physics.solar import array_power_w

LAW = (0.11, 0.70, 0.55)  # static share, lowest voltage, clock at which it begins to rise: a data-centre GPU
# the law worked by hand, to two digits; what was measured is in tests/validation/test_compute_clocks.py
SWEEP = [(1.0, 1.00), (0.9, 0.81), (0.8, 0.64), (0.7, 0.51), (0.6, 0.40), (0.5, 0.33), (0.4, 0.28)]

shares = st.floats(0.0, 0.9)
volts = st.floats(0.4, 1.0)
knees = st.floats(0.0, 0.95)


@pytest.mark.parametrize("clock, power", SWEEP)
def test_power_is_that_worked_by_hand(clock, power):
    """Catches a voltage that is not squared (0.86 at 0.9), or that goes on falling below its floor (0.26 at 0.4)."""
    assert dynamic_frac(clock, *LAW) == pytest.approx(power, abs=0.011)


@given(shares, volts, knees)
def test_power_at_full_clock_is_one(static, v0, x_v):
    assert dynamic_frac(1.0, static, v0, x_v) == pytest.approx(1.0, rel=1e-12)


@given(st.floats(0.05, 0.99), st.floats(0.0, 1.0), shares, st.floats(0.6, 1.0), st.floats(0.4, 0.95))
def test_clock_is_the_inverse_of_power(x_min, u, static, v0, x_v):
    """Catches Newton's method stopped too early or on the wrong branch: clocks would miss the sustainable power."""
    x = x_min + u * (1.0 - x_min)
    found = clock_of_dynamic(dynamic_frac(x, static, v0, x_v), x_min, static, v0, x_v)
    assert found == pytest.approx(x, abs=1e-8)


@given(st.floats(-10.0, 1e6), st.floats(0.05, 0.99), shares, volts, knees)
def test_clock_stays_in_its_range(target, x_min, static, v0, x_v):
    """Catches an inverse that extrapolates: idle satellites ask it for an enormous power."""
    x = clock_of_dynamic(target, x_min, static, v0, x_v)
    assert x_min <= x <= 1.0
    if target >= 1.0:
        assert x == pytest.approx(1.0, abs=1e-9)


@given(st.floats(-10.0, 0.0), st.floats(0.05, 0.99))
def test_clock_is_the_lowest_where_none_fits(below, x_min):
    assert clock_of_dynamic(dynamic_frac(x_min, *LAW) + below, x_min, *LAW) == pytest.approx(x_min, abs=1e-9)


@given(st.floats(0.05, 1.0), st.floats(0.0, 1.0))
def test_speed_is_full_at_full_clock_and_between_its_two_ends(x, kappa):
    """Time per unit of work is kappa / x + 1 - kappa: catches kappa taken for the memory-bound share."""
    assert speed_frac(1.0, kappa) == pytest.approx(1.0, rel=1e-12)
    assert 1.0 / speed_frac(x, kappa) == pytest.approx(kappa / x + 1.0 - kappa, rel=1e-12)
    assert x - 1e-12 <= speed_frac(x, kappa) <= 1.0 + 1e-12
    assert speed_frac(x, 1.0) == pytest.approx(x)
    assert speed_frac(x, 0.0) == pytest.approx(1.0)


@given(st.floats(0.05, 0.95), st.floats(0.0, 1.0))
def test_request_ends_are_lowest_sustainable_and_full(x_min, u):
    sustainable = x_min + u * (1.0 - x_min)
    assert class_clock(-1.0, sustainable, x_min) == pytest.approx(x_min)
    assert class_clock(0.0, sustainable, x_min) == sustainable
    assert class_clock(1.0, sustainable, x_min) == pytest.approx(1.0)
    clocks = np.array([class_clock(r, sustainable, x_min) for r in np.linspace(-1.0, 1.0, 41)])
    assert (np.diff(clocks) >= 0.0).all()
    assert np.diff(clocks[:21]) == pytest.approx((sustainable - x_min) / 20.0, abs=1e-12)  # linear on either side
    assert np.diff(clocks[20:]) == pytest.approx((1.0 - sustainable) / 20.0, abs=1e-12)


def test_idle_power_counts_awake_and_gated_chips():
    assert idle_power_w(600.0, 5.0, 8.0, 75.0, 10.0) == 600.0 + 5 * 75.0 + 3 * 10.0


def test_array_power_is_flux_times_light():
    assert array_power_w(0.25, 1.03, 8000.0) == pytest.approx(0.25 * 1.03 * 8000.0)
    assert array_power_w(0.0, 1.0, 8000.0) == 0.0
