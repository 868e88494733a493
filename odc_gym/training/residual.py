"""Policies on top of a rule: a policy of the mode `bids` that adds its actions to those of constant dials.

Source: Silver et al. 2018, "Residual Policy Learning".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


class OnDials(VecEnvWrapper):
    """Wrapper of a batch of the mode `bids` that adds the actions of constant dials to those of the learner."""

    def __init__(self, venv: VecEnv, view: View, dials: NDArray[np.float64]) -> None:
        """Wrap a batch.

        Args:
            venv: batch of environments.
            view: view of the batch.
            dials: constant dials, (D,).
        """
        super().__init__(venv)
        self._view, self._dials = view, dials

    def reset(self) -> Any:
        """Begin an episode in every environment; return observations (B, N)."""
        return self.venv.reset()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Start a step with the sums of both actions, (B, A)."""
        self.venv.step_async(added_to_dials(self._view, self._dials, actions))

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """End the step."""
        return self.venv.step_wait()


def added_to_dials(view: View, dials: NDArray[np.float64], actions: NDArray[Any]) -> NDArray[np.float64]:
    """Return actions (B, A) of the mode `bids` plus those that dials (D,) stand for now, clipped to [-1, 1]."""
    return np.asarray(np.clip(view.actions_of_dials(dials) + actions, -1.0, 1.0))
