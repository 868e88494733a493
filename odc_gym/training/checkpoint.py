"""Checkpoints of learner, random generators and environments, from which a run continues bit for bit.

A checkpoint is saved between rollouts, when the rollout buffer is empty. It is a folder of three files. The folder is
written under another name and renamed when it is complete, so a run killed at any moment leaves only complete ones.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from odc_gym.envs.sb3 import ODCSatVecEnv
from odc_gym.errors import OdcGymError, RunError
from odc_gym.training.policies import HeldNoisePolicy

LEARNER, ARRAYS, STATE = "learner.pt", "arrays.npz", "state.json"
_UNFINISHED = ".unfinished"
_BLOCK_PREFIX = "last_observation/"

Arrays = dict[str, NDArray[Any]]


def save(folder: Path, model: OnPolicyAlgorithm, callbacks: dict[str, Any], keep: int) -> Path:
    """Write a checkpoint between two rollouts.

    Args:
        folder: the run's folder of checkpoints.
        model: the learner, with its environments.
        callbacks: states of the callbacks, as JSON data.
        keep: number of the latest checkpoints to keep.

    Returns:
        The checkpoint's folder.
    """
    final = folder / f"{model.num_timesteps:012d}"
    if final.exists():  # the run resumed from this checkpoint, so its state is the same
        return final
    unfinished = folder / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    torch.save(
        {
            "policy": model.policy.state_dict(),
            "optimizer": model.policy.optimizer.state_dict(),
            "generator": torch.get_rng_state(),
        },
        unfinished / LEARNER,
    )
    np.savez(unfinished / ARRAYS, allow_pickle=False, **_arrays(model))
    state = _counters(model) | {
        "callbacks": callbacks,
        "digests": {name: _digest(unfinished / name) for name in (LEARNER, ARRAYS)},
    }
    (unfinished / STATE).write_text(json.dumps(state), encoding="utf-8")
    for name in (LEARNER, ARRAYS, STATE):
        _flush(unfinished / name)
    os.replace(unfinished, final)
    for old in complete_checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def complete_checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints of a folder, oldest first."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir())


def restore(checkpoint: Path, model: OnPolicyAlgorithm) -> dict[str, Any]:
    """Restore the state of a checkpoint in a freshly built learner and its environments.

    Returns:
        The states of the callbacks.

    Raises:
        RunError: a file is missing, damaged, or of another configuration.
    """
    state = _state(checkpoint)
    try:
        learner = torch.load(checkpoint / LEARNER, weights_only=True)
        with np.load(checkpoint / ARRAYS) as stored:
            arrays: Arrays = dict(stored)
        model.policy.load_state_dict(learner["policy"])
        model.policy.optimizer.load_state_dict(learner["optimizer"])
        _restore_arrays(model, arrays)
    except (OdcGymError, RuntimeError, KeyError, ValueError, IndexError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"{checkpoint}: does not fit the run's config.yaml: {reason}") from None
    _restore_counters(model, state)
    torch.set_rng_state(learner["generator"])
    callbacks: dict[str, Any] = state["callbacks"]
    return callbacks


def _state(checkpoint: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
        for name, digest in state["digests"].items():
            if _digest(checkpoint / name) != digest:
                raise ValueError(f"{name} is not what was written")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise RunError(
            f"{checkpoint}: damaged checkpoint ({reason}); delete it to resume from the one before"
        ) from None
    return state


def _arrays(model: OnPolicyAlgorithm) -> Arrays:
    arrays: Arrays = {"last_starts": np.asarray(model._last_episode_starts)}
    if isinstance(model._last_obs, dict):
        arrays |= {f"{_BLOCK_PREFIX}{name}": block for name, block in model._last_obs.items()}
    else:
        arrays["last_observation"] = np.asarray(model._last_obs)
    if isinstance(model.policy, HeldNoisePolicy):
        arrays["noise"] = model.policy.noise.numpy()
    arrays |= {f"environments/{name}": value for name, value in _environments(model).get_state().items()}
    normalise = model.get_vec_normalize_env()
    if normalise is not None:
        arrays["normalise/returns"] = normalise.returns
        for name, statistics in _statistics(normalise).items():
            arrays |= {
                f"normalise/{name}/{part}": np.asarray(getattr(statistics, part)) for part in ("mean", "var", "count")
            }
    return arrays


def _restore_arrays(model: OnPolicyAlgorithm, arrays: Arrays) -> None:
    blocks = _entries_under(arrays, _BLOCK_PREFIX)
    model._last_obs = blocks or arrays["last_observation"]
    model._last_episode_starts = arrays["last_starts"]
    if isinstance(model.policy, HeldNoisePolicy):
        model.policy.noise = torch.from_numpy(arrays["noise"])
    _environments(model).set_state(_entries_under(arrays, "environments/"))
    normalise = model.get_vec_normalize_env()
    if normalise is not None:
        normalise.returns = arrays["normalise/returns"]
        for name, statistics in _statistics(normalise).items():
            for part in ("mean", "var"):
                setattr(statistics, part, arrays[f"normalise/{name}/{part}"])
            statistics.count = float(arrays[f"normalise/{name}/count"])


def _counters(model: OnPolicyAlgorithm) -> dict[str, Any]:
    generator = np.random.get_state(legacy=False)  # noqa: NPY002  stable-baselines3 shuffles with the global generator
    return {
        "num_timesteps": model.num_timesteps,
        "n_updates": model._n_updates,
        "progress_remaining": model._current_progress_remaining,
        "episodes": list(model.ep_info_buffer or ()),
        "python_generator": random.getstate(),
        "numpy_generator": generator | {"state": {k: np.asarray(v).tolist() for k, v in generator["state"].items()}},
    }


def _restore_counters(model: OnPolicyAlgorithm, state: dict[str, Any]) -> None:
    model.num_timesteps = state["num_timesteps"]
    model._n_updates = state["n_updates"]
    model._current_progress_remaining = state["progress_remaining"]
    model.ep_info_buffer = deque(state["episodes"], maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)
    version, words, gauss = state["python_generator"]
    random.setstate((version, tuple(words), gauss))
    generator = state["numpy_generator"]
    generator["state"]["key"] = np.array(generator["state"]["key"], np.uint32)
    np.random.set_state(generator)  # noqa: NPY002


def _environments(model: OnPolicyAlgorithm) -> ODCSatVecEnv:
    env = model.get_env()
    assert env is not None
    environments = env.unwrapped
    assert isinstance(environments, ODCSatVecEnv)
    return environments


def _entries_under(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _statistics(normalise: VecNormalize) -> dict[str, RunningMeanStd]:
    statistics = {"rewards": normalise.ret_rms}
    if normalise.norm_obs:
        assert isinstance(normalise.obs_rms, RunningMeanStd)
        statistics["observations"] = normalise.obs_rms
    return statistics


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
