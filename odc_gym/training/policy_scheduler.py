"""Trained policies on disk, and as schedulers, with and without the noise of exploration."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3 import PPO
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from odc_gym.errors import SchedulerError
from odc_gym.training.policies import HeldNoisePolicy

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

MODELS = ("best_model.zip", "model.zip")
"""Files of a run's folder that hold a policy, the preferred one first."""
_INTERFACE, _OBSERVATIONS = "interface.json", "observations.npz"


ALGORITHMS: dict[str, type[PPO] | type[MaskablePPO]] = {"ppo": PPO, "maskable_ppo": MaskablePPO}


class Interface(NamedTuple):
    """What a policy was trained to see and to steer, and by which algorithm."""

    observation_size: int
    action_size: int
    class_names: tuple[str, ...]
    action_mode: str = "bids"
    algo: str = "ppo"


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
        # row by row: a matrix product rounds differently in batches of different sizes
        if view.assignment is not None:
            return np.concatenate([choices(self._policy, view, slice(b, b + 1)) for b in range(view.num_envs)])
        return np.concatenate([self._policy.predict(row, deterministic=True)[0] for row in self._seen(view)[:, None]])

    def _seen(self, view: View) -> NDArray[np.float32]:
        """Observations (B, N) as the policy wants them."""
        return view.encoded if self._observations is None else self._observations.normalise(view.encoded)


class ExploringScheduler(PolicyScheduler):
    """A trained policy with its exploration noise, which depends on the episode and the number of a stream alone."""

    def __init__(self, policy: BasePolicy, observations: Observations | None, stream: int) -> None:
        """Operate by a policy; streams differ in the noise that they add on the same episode."""
        super().__init__(policy, observations)
        self._stream = stream
        self._generators: dict[int, np.random.Generator] = {}
        self._noise = np.zeros((0, 0))  # of this decision, in standard deviations, (B, A)

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin the noise of new episodes anew."""
        if self._noise.shape != (view.num_envs, view.layout.size):
            self._noise = np.zeros((view.num_envs, view.layout.size))
        for row in np.flatnonzero(mask).tolist():
            self._generators[row] = np.random.default_rng([int(seeds[row]), self._stream])
            self._noise[row] = self._generators[row].standard_normal(view.layout.size)

    def act(self, view: View) -> NDArray[np.float32]:
        """Actions (B, A) with noise, held in [-1, 1]."""
        assert isinstance(self._policy, HeldNoisePolicy)
        with torch.no_grad():
            normal = self._policy.get_distribution(torch.as_tensor(self._seen(view)))
        assert isinstance(normal, DiagGaussianDistribution)
        spread: NDArray[np.float32] = normal.distribution.stddev.numpy()
        actions = normal.mode().numpy() + spread * self._noise
        rho = self._policy.noise_correlation
        fresh = np.stack([self._generators[row].standard_normal(view.layout.size) for row in range(view.num_envs)])
        self._noise = rho * self._noise + (1 - rho**2) ** 0.5 * fresh
        return np.asarray(np.clip(actions, -1.0, 1.0), np.float32)


def choices(policy: BasePolicy, view: View, rows: slice = slice(None)) -> NDArray[np.int64]:
    """Most probable feasible choices (B, K + S) of a policy of the mode `assign`, for some rows of the view."""
    assert isinstance(policy, MaskableActorCriticPolicy)
    blocks = {name: block[rows] for name, block in view.encoded_blocks.items()}
    return np.asarray(policy.predict(blocks, deterministic=True, action_masks=view.action_masks[rows])[0])


def load_policy_scheduler(folder: str | Path, view: View, explore: int | None = None) -> PolicyScheduler:
    """The policy of a training run's folder: the best on validation, else the last.

    Args:
        folder: the run's folder.
        view: of the environments that it is to operate.
        explore: number of a stream of the noise by which it explored; None for none.

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
        policy = ALGORITHMS[made_for.algo].load(path, device="cpu").policy
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, RuntimeError, EOFError) as error:
        raise SchedulerError(f"{path}: not a policy of a training run: {' '.join(str(error).split())[:200]}") from None
    _check(path, made_for, view)
    policy.set_training_mode(False)
    if explore is not None:
        return ExploringScheduler(policy, observations, explore)
    return PolicyScheduler(policy, observations)


def save_policy(path: Path, model: OnPolicyAlgorithm, interface: Interface) -> None:
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
    return Interface(**stored | {"class_names": tuple(stored["class_names"])})


def _check(path: Path, made_for: Interface, view: View) -> None:
    mode, size = ("bids", view.layout.size) if view.assignment is None else ("assign", view.assignment.size)
    here = Interface(view.encoded.shape[1], size, tuple(view.class_names), mode, made_for.algo)._asdict()
    for name, wanted in made_for._asdict().items():
        if wanted != here[name]:
            raise SchedulerError(
                f"{path}: trained with {name} = {_text(wanted)}, but the environment has {_text(here[name])}"
            )


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
