"""Hashes in place of random generators: their distribution, their independence, and the same bits in any form."""

import numpy as np
import pytest
from scipy import stats

from odc_gym.physics.counters import WORD, joined, mixed, standard_normal

DRAWS = 200_000


def plain(function):
    """Return the Python function behind a compiled one, which also takes arrays."""
    return getattr(function, "py_func", function)


@pytest.fixture(scope="module")
def keys():
    """Return keys as the simulator makes them: a chain of a purpose, an episode, a step and a satellite."""
    return np.array([joined(joined(joined(7, 20_000 + k // 2000), k // 20 % 100), k % 20) for k in range(DRAWS)])


@pytest.fixture(scope="module")
def normals(keys):
    return np.array([standard_normal(k) for k in keys.tolist()])


def test_the_hash_is_a_permutation():
    """Inverse by hand, multiplications undone modulo 2^32: catches constants that are even, or a lost bit."""

    def unshift(word, by):
        out = word
        for _ in range(32 // by + 1):
            out = word ^ (out >> by)
        return out

    for word in np.random.default_rng(0).integers(0, 1 << 32, 1000).tolist():
        x = unshift(mixed(word), 15)
        x = unshift((x * pow(0x735A2D97, -1, 1 << 32)) & WORD, 15)
        assert unshift((x * pow(0x21F0AAAD, -1, 1 << 32)) & WORD, 16) == word


def test_every_input_bit_moves_half_of_the_output(keys):
    """Catches a shift or product that keeps neighbours alike."""
    for counter in (0, 1, 1234):
        base = joined(99, counter)
        flips = [bin(base ^ joined(99, counter ^ (1 << bit))).count("1") for bit in range(62)]
        assert min(flips) >= 6 and max(flips) <= 26 and np.mean(flips) == pytest.approx(16.0, abs=1.5)
    assert len(np.unique(keys)) > 0.999 * DRAWS


def test_keys_are_uniform_words(keys):
    assert stats.kstest(keys / 2.0**32, "uniform").pvalue > 0.01
    for byte in range(4):
        counts = np.bincount(keys >> (8 * byte) & 0xFF, minlength=256)
        assert stats.chisquare(counts).pvalue > 0.001


def test_order_and_every_counter_count():
    assert joined(joined(1, 2), 3) != joined(joined(1, 3), 2)
    assert joined(2, 1) != joined(1, 2)
    assert joined(1, 5) != joined(1, 5 + (1 << 32)) != joined(1, 5 + (1 << 33))


def test_moments_and_tails_are_those_of_a_normal(normals):
    """Catches a byte that is lost or counted twice, which moves the variance by a twelfth or more."""
    bound = 5.0 / DRAWS**0.5
    assert abs(normals.mean()) < bound
    assert normals.var() == pytest.approx(1.0, abs=bound * 2**0.5)
    assert abs(stats.skew(normals)) < bound * 6**0.5
    assert stats.kurtosis(normals) == pytest.approx(-0.1, abs=bound * 24**0.5)  # -6/5 over twelve uniform bytes
    for level in (1.0, 2.0, 3.0):
        share = (np.abs(normals) > level).mean()
        expected = 2.0 * stats.norm.sf(level)
        assert share == pytest.approx(expected, abs=5 * (expected / DRAWS) ** 0.5 + 0.0006), level
    assert 4.0 < np.abs(normals).max() < 6.0


def test_neighbours_do_not_follow_each_other(normals):
    """By satellite, by step and by episode, one apart."""
    for apart in (1, 20, 2000):
        assert abs(np.corrcoef(normals[apart:], normals[:-apart])[0, 1]) < 5.0 / DRAWS**0.5


def test_same_bits_compiled_in_python_and_in_numpy():
    """The bits are equal in all three forms, as documented: catches an overflow of 64-bit words in any of them."""
    words = np.random.default_rng(1).integers(0, 1 << 32, 500)
    compiled = [mixed(w) for w in words.tolist()]
    with np.errstate(all="raise"):
        assert [plain(mixed)(w) for w in words.tolist()] == compiled
        assert plain(mixed)(words.copy()).tolist() == compiled
