import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.physics.angles import remainder


@given(
    st.lists(st.floats(-800.0, 1200.0, allow_subnormal=False), max_size=20), st.sampled_from([360.0, 2 * np.pi, 1.0])
)
def test_remainder_has_the_bits_of_the_division(values, period):
    """Catches: a shortcut that rounds otherwise, and one that is taken beyond its range."""
    x = np.array(values)
    for scaled in (x, x * period / 1300.0):
        assert np.array_equal(remainder(scaled, period).view(np.int64), np.remainder(scaled, period).view(np.int64))


@pytest.mark.parametrize("period", [360.0, 2 * np.pi])
def test_remainder_at_the_ends_of_the_shortcut(period):
    near = [np.nextafter(k * period, k * period + side) for k in (-1, 0, 1, 2) for side in (-1, 1)]
    for x in (np.array([v]) for v in [*near, -period, 0.0, -0.0, period, 2 * period]):
        assert np.array_equal(remainder(x, period).view(np.int64), np.remainder(x, period).view(np.int64))
