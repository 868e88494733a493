"""Groups of environments that play the same episodes, so that rewards can be compared instead of guessed.

How much there is to earn depends far more on the jobs that happen to arrive than on what the scheduler does, and no
value function can foresee arrivals. Environments of a group face the same arrivals, so what one earns beyond the mean
of the others is its own doing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from odc_gym.seeds import TRAINING_EPISODES


class GroupRewards(VecEnvWrapper):
    """Subtracts from each reward the mean of the other rewards of its group, at the same moment of the same episode.

    The others' rewards do not depend on an environment's own actions, so the expected policy gradient stays the same
    and only its variance falls (control variate; leave-one-out baseline of Kool et al. 2019, made to depend on the
    arrivals as in Mao et al. 2019). Infos keep the rewards as they were earned.
    """

    def __init__(self, venv: VecEnv, group: int) -> None:
        """Compare within each `group` neighbouring environments; `group` divides their number and is at least 2."""
        super().__init__(venv)
        self._group = group

    def reset(self) -> Any:
        """Begin an episode in every environment; observations (B, N), or blocks (B, ...)."""
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step; rewards (B,) are relative to the group."""
        observations, rewards, dones, infos = self.venv.step_wait()
        groups = rewards.reshape(-1, self._group)
        # reward - (sum - reward) / (group - 1)
        relative = (groups - groups.mean(1, keepdims=True)) * (self._group / (self._group - 1))
        return observations, relative.reshape(-1), dones, infos


def training_seeds(seed: int, n_envs: int, group: int) -> list[int]:
    """First episodes of all environments, equal within groups, B entries.

    Drawn apart: with seed + i, runs of neighbouring seeds would share nearly all their episodes.
    """
    apart = np.random.default_rng(seed).choice(TRAINING_EPISODES, n_envs // group, replace=False)
    return [int(episode) for episode in np.repeat(apart, group)]
