"""Trained policies as files, and as schedulers with or without exploration noise."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3 import PPO
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.running_mean_std import RunningMeanStd

from odc_gym.dial_files import dials_of, roles_of
from odc_gym.errors import SchedulerError
from odc_gym.evaluation.files import write_bytes
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS
from odc_gym.training.policies import HeldNoisePolicy
from odc_gym.training.residual import added_to_dials
from odc_gym.training.set_policies import SetPolicy

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

MODELS = ("best_model.zip", "model.zip")
"""Files of a run's folder that hold a policy, the preferred one first."""
_INTERFACE, _NORMALISATION = "interface.json", "observations.npz"

ALGORITHMS: dict[str, type[PPO] | type[MaskablePPO]] = {"ppo": PPO, "maskable_ppo": MaskablePPO}


FEATURES = (len(SATELLITE), len(SATELLITE_CLASS), len(FLEET), len(FLEET_CLASS))


class Interface(NamedTuple):
    """Observations and actions that a policy was trained for, and the algorithm of its training.

    `features` are the numbers of features of a satellite, of a class on one, of the fleet, and of a class. `any_fleet`
    tells whether its weights fit other numbers of satellites and classes too. `base` is the role vector of
    the dials to whose actions a policy of the mode `bids` adds its own, (R,); empty if there are none.
    """

    observation_size: int
    action_size: int
    class_names: tuple[str, ...]
    action_mode: str = "bids"
    algo: str = "ppo"
    any_fleet: bool = False
    base: tuple[float, ...] = ()
    features: tuple[int, ...] = FEATURES


class ObservationNormalisation(NamedTuple):
    """Normalisation of observations (N,), as it was when the policy was saved."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    clip: float

    def normalise(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalise observations (B, N) for the policy."""
        scaled = (observation - self.mean) / self.deviation
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)


class PolicyScheduler:
    """Scheduler that acts by a trained policy without exploration noise."""

    def __init__(
        self,
        policy: BasePolicy,
        normalisation: ObservationNormalisation | None = None,
        dials: NDArray[np.float64] | None = None,
    ) -> None:
        """Store a policy.

        Args:
            policy: the policy.
            normalisation: normalisation of its observations, None if it was trained without one.
            dials: dials to whose actions it adds its own, (D,); None if there are none.
        """
        self._policy = policy
        self._normalisation = normalisation
        self._dials = dials

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Return the deterministic actions (B, A) of the policy."""
        # row by row, because a matrix product rounds differently in batches of different sizes
        if view.assignment is not None:
            return np.concatenate([feasible_choices(self._policy, view, slice(b, b + 1)) for b in range(view.num_envs)])
        rows = self._normalised(view)[:, None]
        return self._on_base(view, np.concatenate([self._policy.predict(row, deterministic=True)[0] for row in rows]))

    def _on_base(self, view: View, actions: NDArray[Any]) -> NDArray[Any]:
        """Return the actions (B, A) of the environment for those of the policy."""
        return actions if self._dials is None else added_to_dials(view, self._dials, actions)

    def _normalised(self, view: View) -> NDArray[np.float32]:
        """Return the observations (B, N) for the policy."""
        return view.encoded if self._normalisation is None else self._normalisation.normalise(view.encoded)


class ExploringScheduler(PolicyScheduler):
    """Scheduler that acts by a trained policy with exploration noise, given by the episode and a stream number."""

    def __init__(
        self,
        policy: BasePolicy,
        normalisation: ObservationNormalisation | None,
        dials: NDArray[np.float64] | None,
        noise_stream: int,
    ) -> None:
        """Store a policy as `PolicyScheduler` does, and the number of its noise stream."""
        super().__init__(policy, normalisation, dials)
        self._noise_stream = noise_stream
        self._generators: dict[int, np.random.Generator] = {}
        self._noise = np.zeros((0, 0))  # of this decision, in standard deviations, (B, A)

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Seed the noise of new episodes."""
        if self._noise.shape != (view.num_envs, view.action_size):
            self._noise = np.zeros((view.num_envs, view.action_size))
        for row in np.flatnonzero(mask).tolist():
            self._generators[row] = np.random.default_rng([int(seeds[row]), self._noise_stream])
            self._noise[row] = self._generators[row].standard_normal(view.action_size)

    def act(self, view: View) -> NDArray[Any]:
        """Return the actions (B, A) with noise, within the action space."""
        assert isinstance(self._policy, HeldNoisePolicy)
        with torch.no_grad():
            normal = self._policy.get_distribution(torch.as_tensor(self._normalised(view)))
        assert isinstance(normal, DiagGaussianDistribution)
        deviation: NDArray[np.float32] = normal.distribution.stddev.numpy()
        actions = normal.mode().numpy() + deviation * self._noise
        correlation = self._policy.noise_correlation
        independent = np.stack(
            [self._generators[row].standard_normal(view.action_size) for row in range(view.num_envs)]
        )
        self._noise = correlation * self._noise + (1 - correlation**2) ** 0.5 * independent
        space = self._policy.action_space
        assert isinstance(space, spaces.Box)
        return self._on_base(view, np.asarray(np.clip(actions, space.low, space.high), np.float32))


def feasible_choices(policy: BasePolicy, view: View, rows: slice = slice(None)) -> NDArray[np.int64]:
    """Return the most probable feasible choices (B, K + S) of a policy of the mode `assign`, for rows of the view."""
    assert isinstance(policy, MaskableActorCriticPolicy)
    blocks = {name: block[rows] for name, block in view.encoded_blocks.items()}
    return np.asarray(policy.predict(blocks, deterministic=True, action_masks=view.action_masks[rows])[0])


def load_policy_scheduler(folder: str | Path, view: View, noise_stream: int | None = None) -> PolicyScheduler:
    """Load the policy of a training run's folder: the best on validation, else the last.

    A policy with the same weights for each satellite and class on dials fits environments of every scenario.

    Args:
        folder: folder of the run, or one of its models.
        view: view of the environments to operate.
        noise_stream: number of the stream of exploration noise; None acts without noise.

    Raises:
        SchedulerError: the folder has no model, or the model cannot be read or does not fit the environments.
    """
    models = (Path(folder), *(Path(folder) / name for name in MODELS))
    path = next((model for model in models if model.is_file()), None)
    if path is None:
        raise SchedulerError(f"{folder}: no trained policy; must hold {' or '.join(MODELS)}")
    try:
        with zipfile.ZipFile(path) as archive:
            made_for = _read_interface(archive)
            normalisation = _read_normalisation(archive)
        _check_interface(path, made_for, view)  # before the weights, which do not fit networks of another size
        policy: BasePolicy = ALGORITHMS[made_for.algo].load(path, device="cpu").policy
    except SchedulerError:
        raise
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, RuntimeError, EOFError) as error:
        raise SchedulerError(f"{path}: not a policy of a training run: {' '.join(str(error).split())[:200]}") from None
    if made_for.any_fleet:
        assert isinstance(policy, SetPolicy)
        policy = policy.fitted(view.satellites, view.scenario)
    dials = dials_of(np.array(made_for.base), roles_of(view.scenario)) if made_for.base else None
    policy.set_training_mode(False)
    if noise_stream is not None:
        return ExploringScheduler(policy, normalisation, dials, noise_stream)
    return PolicyScheduler(policy, normalisation, dials)


def read_interface(path: Path) -> Interface:
    """Return the interface of a model of a training run.

    Raises:
        SchedulerError: the file is no model of a training run.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_interface(archive)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise SchedulerError(f"{path}: not a policy of a training run: {' '.join(str(error).split())[:200]}") from None


def save_policy(path: Path, model: OnPolicyAlgorithm, interface: Interface) -> None:
    """Write a model for stable-baselines3 and `load_policy_scheduler`; the file appears when it is complete.

    Args:
        path: file to write or to replace.
        model: the learner.
        interface: observations and actions of the policy.
    """
    write_bytes(path, policy_file(model, interface))


def policy_file(model: OnPolicyAlgorithm, interface: Interface) -> bytes:
    """Return the content of the file that `save_policy` writes."""
    file = io.BytesIO()
    model.save(file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(_INTERFACE, json.dumps(interface._asdict()))
        normalisation = observation_normalisation(model)
        if normalisation is not None:
            stored = io.BytesIO()
            np.savez(stored, allow_pickle=False, **normalisation._asdict())
            archive.writestr(_NORMALISATION, stored.getvalue())
    return file.getvalue()


def observation_normalisation(model: OnPolicyAlgorithm) -> ObservationNormalisation | None:
    """Return the present normalisation of a learner's observations; None if it has none."""
    normalise = model.get_vec_normalize_env()
    if normalise is None or not normalise.norm_obs:
        return None
    statistics = normalise.obs_rms
    assert isinstance(statistics, RunningMeanStd)
    deviation = np.sqrt(statistics.var + normalise.epsilon)
    return ObservationNormalisation(statistics.mean.copy(), deviation, normalise.clip_obs)


def untrained_copy(policy: BasePolicy) -> BasePolicy:
    """Return a policy of the same kind and size with initial weights; no random generator moves."""
    with torch.random.fork_rng(devices=[]):  # a policy draws its initial weights
        return type(policy)(**policy._get_constructor_parameters())


def _read_normalisation(archive: zipfile.ZipFile) -> ObservationNormalisation | None:
    if _NORMALISATION not in archive.namelist():
        return None
    with np.load(io.BytesIO(archive.read(_NORMALISATION))) as stored:
        return ObservationNormalisation(stored["mean"], stored["deviation"], float(stored["clip"]))


def _read_interface(archive: zipfile.ZipFile) -> Interface:
    stored: dict[str, Any] = json.loads(archive.read(_INTERFACE))
    return Interface(**stored | {name: tuple(stored.get(name, ())) for name in ("class_names", "base", "features")})


def _check_interface(path: Path, made_for: Interface, view: View) -> None:
    names, mode = tuple(view.class_names), view.action_mode
    here = made_for._replace(
        observation_size=view.encoded.shape[1], action_size=view.action_size, class_names=names, action_mode=mode,
        features=FEATURES,
    )._asdict()  # fmt: skip
    checked = ("action_mode", "features") if made_for.any_fleet else made_for._fields
    for name in checked:
        wanted = getattr(made_for, name)
        if wanted != here[name]:
            raise SchedulerError(
                f"{path}: trained with {name} = {_text(wanted)}, but the environment has {_text(here[name])}"
            )


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
