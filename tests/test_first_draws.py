import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.first_draws import first_uniforms
from odc_gym.seeds import SEED_LIMIT, random_stream

SEEDS = st.integers(0, SEED_LIMIT - 1) | st.sampled_from([0, 1, 2**32 - 1, 2**32, SEED_LIMIT - 1])


@given(SEEDS, st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3), st.integers(1, 20), st.integers(1, 5))
def test_first_draws_are_those_of_the_streams(seed, purposes, objects, count):
    """Catches: any word, shift or carry of the hash or of the generator that differs from NumPy's."""
    found = first_uniforms(seed, purposes, objects, count)
    streams = [[random_stream(seed, purpose, i).random(count) for i in range(objects)] for purpose in purposes]
    assert np.array_equal(found, np.array(streams))


def test_objects_beyond_sixteen_bits_and_no_objects():
    found = first_uniforms(7, [301], 70_000, 2)[0]
    for i in (65_535, 65_536, 69_999):
        assert np.array_equal(found[i], random_stream(7, 301, i).random(2))
    assert first_uniforms(7, [301, 302], 0, 2).shape == (2, 0, 2)
