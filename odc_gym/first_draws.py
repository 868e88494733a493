"""First uniform numbers of many random streams at once, the same as those of the streams themselves.

A stream of `odc_gym.seeds.random_stream` takes 20 us to make. Where thousands of satellites have one each, and most of
them need one or two numbers, making the streams would take most of a reset. Here NumPy's arithmetic on arrays does what
`SeedSequence` and `PCG64` do for one stream.

Sources: O'Neill, PCG: a family of simple fast space-efficient statistically good algorithms for random number
generation, HMC-CS-2014-0905 (2014), for PCG64, which is XSL-RR 128/64; O'Neill, Developing a seed_seq alternative
(2015), for the hash of `SeedSequence`. NumPy's compatibility policy (NEP 19) keeps both streams as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

MASK_32 = 0xFFFFFFFF
POOL = 4  # words of 32 bits
# constants of the hash
INIT_A, MULT_A, INIT_B, MULT_B = 0x43B0D7E5, 0x931E8875, 0x8B51F9DD, 0x58F38DED
MIX_LEFT, MIX_RIGHT, SHIFT = 0xCA01F9DD, 0x4973F715, 16
# multiplier of PCG64, upper and lower half
STEP_HIGH, STEP_LOW = np.uint64(2549297995355413924), np.uint64(4865540595714422341)
U32, LOW_32 = np.uint64(32), np.uint64(MASK_32)

Words = np.ndarray  # (N,) uint64


def first_uniforms(seed: int, purposes: Sequence[int], objects: int, count: int) -> np.ndarray:
    """Return the first numbers of the streams of objects 0 to N - 1 for each purpose, (purposes, N, count).

    Row [k, i] equals `random_stream(seed, purposes[k], i).random(count)`.

    Args:
        seed: seed of the episode, 0 to 2^63 - 1.
        purposes: numbers of the purposes, below 2^32.
        objects: number of objects N.
        count: numbers of each stream.
    """
    keys = np.array(purposes, np.uint64).repeat(objects), np.tile(np.arange(objects, dtype=np.uint64), len(purposes))
    first, second, third, fourth = _seed_words(seed, *keys)
    # twice the number of the stream plus 1; the first state is a step from the seed plus the increment
    increment = (third << np.uint64(1)) | (fourth >> np.uint64(63)), (fourth << np.uint64(1)) | np.uint64(1)
    state = _step(_sum((first, second), increment), increment)
    drawn = np.empty((keys[0].size, count))
    for k in range(count):
        state = _step(state, increment)
        drawn[:, k] = (_output(*state) >> np.uint64(11)) * 2.0**-53
    return drawn.reshape(len(purposes), objects, count)


def _seed_words(seed: int, *keys: Words) -> list[Words]:
    """Return the four words of 64 bits that seed the generator of each key.

    The hash of the seed is the same for all, and is computed with integers.
    """
    constant = INIT_A

    def hashed(word: Any) -> Any:
        nonlocal constant
        word = word ^ constant
        constant = constant * MULT_A & MASK_32
        word = word * constant & MASK_32
        return word ^ (word >> SHIFT)

    def mixed(into: Any, word: Any) -> Any:
        found = (MIX_LEFT * into - MIX_RIGHT * word) & MASK_32
        return found ^ (found >> SHIFT)

    pool: list[Any] = [hashed(word) for word in (seed & MASK_32, seed >> 32, 0, 0)]
    for source in range(POOL):
        for target in range(POOL):
            if source != target:
                pool[target] = mixed(pool[target], hashed(pool[source]))
    for key in keys:
        pool = [mixed(into, hashed(key)) for into in pool]
    return _generated(pool)


def _generated(pool: list[Words]) -> list[Words]:
    """Return four words of 64 bits from a mixed pool."""
    constant, halves = INIT_B, []
    for k in range(2 * POOL):
        word = pool[k % POOL] ^ np.uint64(constant)
        constant = constant * MULT_B & MASK_32
        word = word * np.uint64(constant) & LOW_32
        halves.append(word ^ (word >> np.uint64(SHIFT)))
    return [low | (high << U32) for low, high in zip(halves[::2], halves[1::2], strict=True)]


def _sum(a: tuple[Words, Words], b: tuple[Words, Words]) -> tuple[Words, Words]:
    """Return the sum of numbers of 128 bits, upper and lower half."""
    low = a[1] + b[1]
    return a[0] + b[0] + (low < a[1]), low


def _step(state: tuple[Words, Words], increment: tuple[Words, Words]) -> tuple[Words, Words]:
    """Return the state of PCG64 after a step: state x multiplier + increment, modulo 2^128."""
    high, low = state
    a0, a1, b0, b1 = low & LOW_32, low >> U32, STEP_LOW & LOW_32, STEP_LOW >> U32
    middle = ((a0 * b0) >> U32) + (a0 * b1 & LOW_32) + (a1 * b0 & LOW_32)
    carried = a1 * b1 + (a0 * b1 >> U32) + (a1 * b0 >> U32) + (middle >> U32)
    return _sum((carried + high * STEP_LOW + low * STEP_HIGH, low * STEP_LOW), increment)


def _output(high: Words, low: Words) -> Words:
    """Return the random words of a state: both halves combined, and rotated by the upper six bits."""
    word, turn = high ^ low, high >> np.uint64(58)
    return np.asarray((word >> turn) | (word << ((np.uint64(64) - turn) & np.uint64(63))))
