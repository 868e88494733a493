"""Repetition of a recorded episode: the recorded actions in a new environment, which must give the same rewards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import gymnasium
import numpy as np

from odc_gym.envs.env import ODCSatEnv
from odc_gym.errors import RecordingError
from odc_gym.recording.recording import Recording
from odc_gym.recording.schema import TERM_NAMES

ENVIRONMENT = "odc_gym:ODCSat-v0"
SAME = 1e-9  # points


def repeated_steps(recording: Recording, **settings: Any) -> Iterator[tuple[ODCSatEnv, Any]]:
    """Play the actions of a recording again.

    Args:
        recording: recording of an episode without a trace.
        settings: further arguments of `ODCSatEnv`, as `observation_mode`.

    Yields:
        The environment, and its observation after the reset and after each decision.

    Raises:
        RecordingError: the episode replayed a trace, which recordings do not hold, or a reward differs from the
            recorded one: the recording was made by another version, or was changed.
    """
    header = recording.header
    if header["has_trace"]:
        raise RecordingError("the episode replayed a trace, so that the recording alone cannot repeat it")
    made = gymnasium.make(ENVIRONMENT, scenario=header["scenario"], action_mode=header["action_mode"], **settings)
    env = cast(ODCSatEnv, made.unwrapped)
    rewards = np.sum([recording[f"reward/{name}"] for name in TERM_NAMES], axis=0).tolist()
    observation, _ = env.reset(seed=header["seed"])
    yield env, observation
    for k, action in enumerate(recording["action"]):
        observation, reward, *_ = env.step(action.astype(np.int64) if header["action_mode"] == "assign" else action)
        if abs(reward - rewards[k]) > SAME:
            found = f"decision {k}: reward {reward:.9g}, recorded {rewards[k]:.9g}"
            raise RecordingError(f"{found}: another version made the recording, or it was changed")
        yield env, observation
