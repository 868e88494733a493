"""Counter-based random numbers: a hash replaces a generator, so that no state is kept between draws.

Words are 32-bit integers in signed 64-bit arithmetic that never overflows. The bits are therefore the same compiled,
uncompiled, on arrays, and on every machine.
"""

from odc_gym.compilation.decorators import inline

WORD = 0xFFFFFFFF
GOLDEN = 0x9E3779B9  # keeps zeros from hashing to zero
BYTE_PAIR = 0x00FF00FF
MEAN_OF_BYTES = 12 * 127.5
INVERSE_DEVIATION = 1.0 / 65535.0**0.5  # of 12 bytes, each of variance (256^2 - 1) / 12


@inline
def mixed(word: int) -> int:
    """Return a permutation of 32-bit words in which every input bit affects every output bit.

    Source: C. Wellons, "Prospecting for hash functions" (2018), the two-round function of lowest bias as of 2022.
    """
    word ^= word >> 16
    word = (word * 0x21F0AAAD) & WORD
    word ^= word >> 15
    word = (word * 0x735A2D97) & WORD
    return word ^ (word >> 15)


@inline
def joined(key: int, counter: int) -> int:
    """Return a new 32-bit key from a key and a counter of up to 63 bits; it is not symmetric in the two."""
    low = mixed(((key + GOLDEN) & WORD) ^ (counter & WORD))
    return mixed(((low + GOLDEN) & WORD) ^ (counter >> 32))


@inline
def byte_pairs(word: int) -> int:
    """Return the sums of two bytes each of a word, in its two halves."""
    return (word & BYTE_PAIR) + ((word >> 8) & BYTE_PAIR)


@inline
def standard_normal(key: int) -> float:
    """Return a draw of mean 0 and variance 1 for a key: the sum of twelve uniform bytes, nearly normal and within 6.

    Source: central limit theorem; the kurtosis of the sum is 2.9, its steps are 1/256.
    """
    halves = byte_pairs(joined(key, 1)) + byte_pairs(joined(key, 2)) + byte_pairs(joined(key, 3))
    return ((halves & 0xFFFF) + (halves >> 16) - MEAN_OF_BYTES) * INVERSE_DEVIATION
