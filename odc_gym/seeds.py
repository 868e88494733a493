"""Which episode an environment plays next, and how seeds become episodes: the one place for it.

`reset(seed=n)` plays episode n of the scenario's world and seeds the environment's own generator with n; a reset
without a seed, and an automatic one, plays an episode that this generator draws from the training range.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import ArgumentError

TRAINING_EPISODES = 10_000
"""Training episodes are 0 to one below this."""
VALIDATION_FROM = 20_000
"""Episodes between the training range and this number are kept for tests; validation begins here."""

_MASK_64 = (1 << 64) - 1


def is_test_episode(seed: int) -> bool:
    """Whether an episode lies in the range 10 000 to 19 999 that is kept for tests."""
    return TRAINING_EPISODES <= seed < VALIDATION_FROM


def environment_seeds(seed: int | Sequence[int | None] | None, num_envs: int) -> list[int | None]:
    """The seed of each environment of a batch, B entries.

    Args:
        seed: n gives environment i the seed n + i; a sequence gives each its own; None, alone or in it, gives no seed.
        num_envs: B.

    Raises:
        ArgumentError: a sequence of another length, or a seed that is no integer of at least 0.
    """
    if seed is None:
        return [None] * num_envs
    if isinstance(seed, Sequence | np.ndarray):
        if len(seed) != num_envs:
            raise ArgumentError(f"seed: must be an integer or {num_envs} of them, one an environment, got {len(seed)}")
        return [None if entry is None else _checked(entry) for entry in seed]
    first = _checked(seed)
    return [first + i for i in range(num_envs)]


def _checked(seed: int) -> int:
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if number < 0:
        raise ArgumentError(f"seed = {seed!r}: must be an integer >= 0")
    return number


def random_stream(seed: int, *purpose: int) -> np.random.Generator:
    """The random stream of episode `seed` for one purpose, which no other purpose shifts.

    Args:
        seed: of the episode.
        purpose: its number, and numbers of what the stream is for, such as a satellite or the hash of a name.
    """
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=purpose))


class EpisodeStream:
    """The next episode of each environment of a batch, from one generator an environment."""

    def __init__(self, num_envs: int) -> None:
        """A stream for B environments, unseeded until `next` is given seeds."""
        self.generators: list[np.random.Generator] = [np.random.default_rng() for _ in range(num_envs)]

    def next(self, seeds: Iterable[int | None], rows: Iterable[int] | None = None) -> list[int]:
        """The episodes that environments play next.

        Args:
            seeds: one a row: n plays episode n and seeds the row's generator; None draws a training episode.
            rows: environments that begin an episode; all if None.

        Returns:
            One episode number a row.
        """
        chosen = range(len(self.generators)) if rows is None else rows
        return [self._one(int(row), seed) for row, seed in zip(chosen, seeds, strict=True)]

    def draw(self, rows: Iterable[int]) -> list[int]:
        """A training episode for each row, drawn by the row's own generator."""
        return [self._one(int(row), None) for row in rows]

    def _one(self, row: int, seed: int | None) -> int:
        if seed is None:
            return int(self.generators[row].integers(TRAINING_EPISODES))
        self.generators[row] = np.random.default_rng(seed)
        return seed

    def get_state(self) -> dict[str, NDArray[np.uint64]]:
        """The generators' state as arrays: `pcg64` (B, 6), words of state, increment and the cached half draw."""
        return {"pcg64": np.array([_words(g) for g in self.generators], np.uint64).reshape(len(self.generators), 6)}

    def set_state(self, state: Mapping[str, NDArray[np.uint64]]) -> None:
        """Go on exactly where `get_state` was called.

        Raises:
            ArgumentError: the state is of a batch of another size.
        """
        words, num_envs = state["pcg64"], len(self.generators)
        if words.shape != (num_envs, 6):
            raise ArgumentError(f"state.pcg64: must be of {num_envs} environments, got {words.shape[0]}")
        self.generators = [_generator([int(w) for w in row]) for row in words]


def _words(generator: np.random.Generator) -> list[int]:
    state = generator.bit_generator.state
    words = []
    for number in (state["state"]["state"], state["state"]["inc"]):
        words += [number >> 64, number & _MASK_64]
    return [*words, state["has_uint32"], state["uinteger"]]


def _generator(words: list[int]) -> np.random.Generator:
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": words[0] << 64 | words[1], "inc": words[2] << 64 | words[3]},
        "has_uint32": words[4],
        "uinteger": words[5],
    }
    return np.random.Generator(bits)
