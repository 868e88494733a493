"""Suites of episodes: training, test and validation seeds."""

from __future__ import annotations

from dataclasses import dataclass

from odc_gym.errors import OdcGymError
from odc_gym.seeds import TRAINING_EPISODES, VALIDATION_FROM


@dataclass(frozen=True)
class Suite:
    """Range of episode seeds with one purpose. `last` is inclusive; None means that the range is open."""

    name: str
    first: int
    last: int | None

    def __contains__(self, seed: object) -> bool:
        return isinstance(seed, int) and seed >= self.first and (self.last is None or seed <= self.last)

    def __str__(self) -> str:
        return f"{self.first} and above" if self.last is None else f"{self.first}-{self.last}"


TRAINING = Suite("training", 0, TRAINING_EPISODES - 1)
"""Episodes on which a scheduler may be trained."""
TEST = Suite("test", TRAINING_EPISODES, TRAINING_EPISODES + 99)
"""Episodes of final reports. They must not guide any choice."""
VALIDATION = Suite("validation", VALIDATION_FROM, None)
"""Episodes for choices of checkpoints, parameters of rules, and margins of scenarios."""
SUITES = (TRAINING, TEST, VALIDATION)


def episodes(first_seed: int, count: int) -> tuple[Suite, tuple[int, ...]]:
    """Return the suite and the seeds of `count` consecutive episodes.

    Raises:
        OdcGymError: `count` is below 1, or the seeds do not lie within one suite.
    """
    if count < 1:
        raise OdcGymError(f"episodes = {count}: must be >= 1")
    last = first_seed + count - 1
    for suite in SUITES:
        if first_seed in suite and last in suite:
            return suite, tuple(range(first_seed, last + 1))
    known = ", ".join(f"{suite.name} {suite}" for suite in SUITES)
    raise OdcGymError(f"episodes {first_seed}-{last}: must lie within one suite of seeds ({known})")
