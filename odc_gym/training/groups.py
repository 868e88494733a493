"""Groups of environments that play the same episodes, so that rewards can be compared within a group.

Rewards depend far more on the arriving jobs than on the actions, and no value function can predict arrivals.
Environments of a group face the same arrivals, so the difference to the mean of the others results from the actions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from odc_gym.seeds import TRAINING_EPISODES


class GroupRewards(VecEnvWrapper):
    """Wrapper that subtracts from each reward the mean reward of the others in its group at the same step.

    The rewards of the others do not depend on an environment's own actions. The expected policy gradient therefore
    stays the same, and only its variance falls. The method is a control variate: the leave-one-out baseline of Kool et
    al. 2019, dependent on the arrivals as in Mao et al. 2019. Infos keep the original rewards.
    """

    def __init__(self, venv: VecEnv, group: int) -> None:
        """Wrap a batch; each `group` successive environments are a group.

        Args:
            venv: batch of environments.
            group: size of a group, at least 2; it divides the number of environments.
        """
        super().__init__(venv)
        self._group = group

    def reset(self) -> Any:
        """Begin an episode in every environment; return observations (B, N), or blocks (B, ...)."""
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step all environments; return rewards (B,) relative to the group."""
        observations, rewards, dones, infos = self.venv.step_wait()
        groups = rewards.reshape(-1, self._group)
        # reward - (sum - reward) / (group - 1)
        relative = (groups - groups.mean(1, keepdims=True)) * (self._group / (self._group - 1))
        return observations, relative.reshape(-1), dones, infos


def training_seeds(seed: int, n_envs: int, group: int) -> list[int]:
    """Draw the first episodes of all environments, equal within groups, B entries.

    They are drawn at random because with seed + i, runs of successive seeds would share nearly all their episodes.
    """
    episodes = np.random.default_rng(seed).choice(TRAINING_EPISODES, n_envs // group, replace=False)
    return [int(episode) for episode in np.repeat(episodes, group)]
