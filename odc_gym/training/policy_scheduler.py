"""Trained policies on disk, and as schedulers."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from odc_gym.errors import SchedulerError

if TYPE_CHECKING:
    from odc_gym.simulation.view import View

MODELS = ("best_model.zip", "model.zip")
"""Files of a run's folder that hold a policy, the preferred one first."""
_INTERFACE, _OBSERVATIONS = "interface.json", "observations.npz"


class Interface(NamedTuple):
    """What a policy was trained to see and to steer."""

    observation_size: int
    action_size: int
    class_names: tuple[str, ...]


class Observations(NamedTuple):
    """Running normalisation of observations (N,) as it was when the policy was saved."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    clip: float

    def normalise(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Observations (B, N) as the policy wants them."""
        scaled = (observation - self.mean) / self.deviation
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)


class PolicyScheduler:
    """A trained policy without its exploration noise."""

    def __init__(self, policy: BasePolicy, observations: Observations | None = None) -> None:
        """Operate by a policy; `observations` is the normalisation it was trained with, None if there was none."""
        self._policy = policy
        self._observations = observations

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Nothing to do: the policy keeps no memory."""

    def act(self, view: View) -> NDArray[np.float32]:
        """Actions (B, A) for the observations that the agents see."""
        encoded = view.encoded
        if self._observations is not None:
            encoded = self._observations.normalise(encoded)
        # row by row: a matrix product rounds differently in batches of different sizes
        return np.concatenate([self._policy.predict(row, deterministic=True)[0] for row in encoded[:, None]])


def load_policy_scheduler(folder: str | Path, view: View) -> PolicyScheduler:
    """The policy of a training run's folder: the best on validation, else the last.

    Args:
        folder: the run's folder.
        view: of the environments that it is to operate.

    Raises:
        SchedulerError: no model in the folder, one that cannot be read, or one made for another kind of fleet.
    """
    path = next((p for p in (Path(folder) / name for name in MODELS) if p.is_file()), None)
    if path is None:
        raise SchedulerError(f"{folder}: no trained policy; must hold {' or '.join(MODELS)}")
    try:
        with zipfile.ZipFile(path) as archive:
            made_for = _interface(archive)
            observations = _observations(archive)
        policy = PPO.load(path, device="cpu").policy
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, RuntimeError, EOFError) as error:
        raise SchedulerError(f"{path}: not a policy of a training run: {' '.join(str(error).split())[:200]}") from None
    _check(path, made_for, view)
    policy.set_training_mode(False)
    return PolicyScheduler(policy, observations)


def save_policy(path: Path, model: PPO, interface: Interface) -> None:
    """Write a model so that stable-baselines3 and `load_policy_scheduler` can read it; the file appears when complete.

    Args:
        path: file to write or to replace.
        model: the learner.
        interface: what the policy sees and steers.
    """
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        model.save(file)
    with zipfile.ZipFile(unfinished, "a") as archive:
        archive.writestr(_INTERFACE, json.dumps(interface._asdict()))
        normalise = model.get_vec_normalize_env()
        if normalise is not None and normalise.norm_obs:
            archive.writestr(_OBSERVATIONS, _packed(normalise))
    os.replace(unfinished, path)


def _packed(normalise: VecNormalize) -> bytes:
    statistics = normalise.obs_rms
    assert isinstance(statistics, RunningMeanStd)
    file = io.BytesIO()
    deviation = np.sqrt(statistics.var + normalise.epsilon)
    np.savez(file, mean=statistics.mean, deviation=deviation, clip=normalise.clip_obs)
    return file.getvalue()


def _observations(archive: zipfile.ZipFile) -> Observations | None:
    if _OBSERVATIONS not in archive.namelist():
        return None
    with np.load(io.BytesIO(archive.read(_OBSERVATIONS))) as stored:
        return Observations(stored["mean"], stored["deviation"], float(stored["clip"]))


def _interface(archive: zipfile.ZipFile) -> Interface:
    stored: dict[str, Any] = json.loads(archive.read(_INTERFACE))
    return Interface(stored["observation_size"], stored["action_size"], tuple(stored["class_names"]))


def _check(path: Path, made_for: Interface, view: View) -> None:
    here = Interface(view.encoded.shape[1], view.layout.size, tuple(view.class_names))._asdict()
    for name, wanted in made_for._asdict().items():
        if wanted != here[name]:
            raise SchedulerError(
                f"{path}: trained with {name} = {_text(wanted)}, but the environment has {_text(here[name])}"
            )


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
