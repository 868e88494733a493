"""Seeds: the choice of the next episode of an environment, and the random streams of an episode.

`reset(seed=n)` plays episode n of the scenario, and seeds the environment's own generator with n. A reset without a
seed, or an automatic reset, plays an episode that this generator draws from the training range.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import ArgumentError
from odc_gym.saved_state import saved_array

TRAINING_EPISODES = 10_000
"""Number of training episodes: 0 to 9999."""
VALIDATION_FROM = 20_000
"""First validation episode. Episodes from the training range up to this number are reserved for tests."""

SEED_LIMIT = 1 << 63
"""Upper bound of seeds, exclusive: the tables of episodes hold them as 64-bit integers with a sign."""

_MASK_64 = (1 << 64) - 1
_LONGEST_TEXT = 60  # characters of a value in a message


def is_test_episode(seed: int) -> bool:
    """Return whether an episode is in the range 10 000 to 19 999, which is reserved for tests."""
    return TRAINING_EPISODES <= seed < VALIDATION_FROM


def environment_seeds(seed: int | Sequence[int | None] | None, num_envs: int) -> list[int | None]:
    """Return the seed of each environment of a batch, B entries.

    Args:
        seed: an integer n gives environment i the seed n + i. A sequence gives each environment its own seed. None,
            alone or in a sequence, gives no seed.
        num_envs: number of environments B.

    Raises:
        ArgumentError: a sequence has another length, or a seed is not allowed, see `checked_seed`.
    """
    if seed is None:
        return [None] * num_envs
    if _is_sequence(seed):
        if len(seed) != num_envs:
            raise ArgumentError(
                f"seed: must be an integer or a sequence of {num_envs}, one for each environment, got {len(seed)}"
            )
        return [None if entry is None else checked_seed(entry, f"seed[{i}]") for i, entry in enumerate(seed)]
    first = checked_seed(seed)
    if first + num_envs > SEED_LIMIT:
        raise ArgumentError(f"seed = {first}: must be <= 2**63 - {num_envs}, because environment i has seed + i")
    return [first + i for i in range(num_envs)]


def checked_seed(seed: Any, field: str = "seed") -> int:
    """Return a seed as a Python integer.

    Args:
        seed: Python or NumPy integer of at least 0 and less than 2**63; no bool and no float.
        field: name of the argument in the message.

    Raises:
        ArgumentError: the seed is something else.
    """
    try:
        number = -1 if isinstance(seed, bool | np.bool_) else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < SEED_LIMIT:
        raise ArgumentError(f"{field} = {_one_line(seed)}: must be an integer >= 0 and < 2**63")
    return number


def _is_sequence(seed: Any) -> TypeGuard[Sequence[Any]]:
    """Return whether a seed is a sequence of seeds, as a list or an array (B,) is and a text is not."""
    if isinstance(seed, np.ndarray):
        return seed.ndim > 0
    return isinstance(seed, Sequence) and not isinstance(seed, str | bytes | bytearray)


def _one_line(value: Any) -> str:
    """Return a value for a message, in one line of bounded length."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integers of thousands of digits
        text = f"an integer of {value.bit_length()} bits"
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def random_stream(seed: int, *purpose: int) -> np.random.Generator:
    """Return the random stream of episode `seed` for one purpose, independent of all other purposes.

    Args:
        seed: seed of the episode.
        purpose: number of the purpose, followed by numbers of its object, such as a satellite or the hash of a name.
    """
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=purpose))


class EpisodeStream:
    """Stream of episodes for each environment of a batch, from one generator for each environment."""

    def __init__(self, num_envs: int) -> None:
        """Create a stream for B environments, unseeded until `next` is given seeds."""
        self.generators: list[np.random.Generator] = [np.random.default_rng() for _ in range(num_envs)]

    def next(self, seeds: Iterable[int | None], rows: Iterable[int] | None = None) -> list[int]:
        """Return the episodes that environments play next.

        Args:
            seeds: one entry for each row. An integer n plays episode n and seeds the row's generator; None draws a
                training episode.
            rows: environments that begin an episode; all if None.

        Returns:
            One episode number for each row.
        """
        chosen = range(len(self.generators)) if rows is None else rows
        return [self._next_episode(int(row), seed) for row, seed in zip(chosen, seeds, strict=True)]

    def draw(self, rows: Iterable[int]) -> list[int]:
        """Draw a training episode for each row, by the row's own generator."""
        return [self._next_episode(int(row), None) for row in rows]

    def peek(self) -> list[int]:
        """Return the training episodes that `draw` would return for each row; nothing is drawn."""
        return [int(copy.deepcopy(generator).integers(TRAINING_EPISODES)) for generator in self.generators]

    def _next_episode(self, row: int, seed: int | None) -> int:
        if seed is None:
            return int(self.generators[row].integers(TRAINING_EPISODES))
        self.generators[row] = np.random.default_rng(seed)
        return seed

    def get_state(self) -> dict[str, NDArray[np.uint64]]:
        """Return the state of the generators as arrays.

        `pcg64` (B, 6) holds the words of state and increment, and the cached half draw.
        """
        return {
            "pcg64": np.array([_state_words(g) for g in self.generators], np.uint64).reshape(len(self.generators), 6)
        }

    def set_state(self, state: Mapping[str, NDArray[np.uint64]]) -> None:
        """Restore the state that `get_state` returned.

        Raises:
            ArgumentError: the state has no generators, or those of a batch of another size.
        """
        self.generators = self.restored(state).generators

    def restored(self, state: Mapping[str, NDArray[np.uint64]], rows: Sequence[int] | None = None) -> EpisodeStream:
        """Return a stream of the same environments with the state that `get_state` returned.

        Args:
            state: generators by name.
            rows: environments that it belongs to, all if None; the others keep their generators.

        Raises:
            ArgumentError: as `set_state`.
        """
        words = saved_array(state, "pcg64", np.uint64, [None, 6])
        chosen = range(len(self.generators)) if rows is None else rows
        if len(words) != len(chosen):
            raise ArgumentError(f"state.pcg64: must be of {len(chosen)} environments, got {len(words)}")
        stream = copy.copy(self)
        stream.generators = list(self.generators)
        for row, numbers in zip(chosen, words.tolist(), strict=True):
            stream.generators[row] = _restore_generator(numbers)
        return stream

    def repeated(self, row: int, count: int) -> EpisodeStream:
        """Return a stream of `count` environments that all draw what environment `row` would draw next."""
        words = _state_words(self.generators[row])
        stream = copy.copy(self)
        stream.generators = [_restore_generator(words) for _ in range(count)]
        return stream


def _state_words(generator: np.random.Generator) -> list[int]:
    state = generator.bit_generator.state
    words = []
    for number in (state["state"]["state"], state["state"]["inc"]):
        words += [number >> 64, number & _MASK_64]
    return [*words, state["has_uint32"], state["uinteger"]]


def _restore_generator(words: list[int]) -> np.random.Generator:
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": words[0] << 64 | words[1], "inc": words[2] << 64 | words[3]},
        "has_uint32": words[4],
        "uinteger": words[5],
    }
    return np.random.Generator(bits)
