"""Which episodes are for training, for choosing, and for the final report."""

from __future__ import annotations

from dataclasses import dataclass

from odc_gym.errors import OdcGymError
from odc_gym.seeds import TRAINING_EPISODES, VALIDATION_FROM


@dataclass(frozen=True)
class Suite:
    """A range of episode seeds with one purpose; `last` is inclusive, None means open."""

    name: str
    first: int
    last: int | None

    def __contains__(self, seed: object) -> bool:
        return isinstance(seed, int) and seed >= self.first and (self.last is None or seed <= self.last)

    def __str__(self) -> str:
        return f"{self.first} and above" if self.last is None else f"{self.first}-{self.last}"


TRAINING = Suite("training", 0, TRAINING_EPISODES - 1)
"""Episodes that a scheduler may learn from."""
TEST = Suite("test", TRAINING_EPISODES, TRAINING_EPISODES + 99)
"""Episodes for the final report, never for a choice."""
VALIDATION = Suite("validation", VALIDATION_FROM, None)
"""Episodes for choices: checkpoints, parameters of rules, margins of scenarios."""
SUITES = (TRAINING, TEST, VALIDATION)


def episodes(first_seed: int, count: int) -> tuple[Suite, tuple[int, ...]]:
    """The suite and the seeds of `count` consecutive episodes.

    Raises:
        OdcGymError: no episodes, or seeds that do not lie within one suite.
    """
    if count < 1:
        raise OdcGymError(f"episodes = {count}: must be >= 1")
    last = first_seed + count - 1
    for suite in SUITES:
        if first_seed in suite and last in suite:
            return suite, tuple(range(first_seed, last + 1))
    known = ", ".join(f"{suite.name} {suite}" for suite in SUITES)
    raise OdcGymError(f"episodes {first_seed}-{last}: must lie within one suite of seeds ({known})")
