"""Training runs: their folders, their learners, and how they begin and resume."""

from __future__ import annotations

import itertools
import json
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from odc_gym.cores import available_cores
from odc_gym.dial_files import dials_of, roles_of
from odc_gym.envs.sb3 import ODCSatVecEnv
from odc_gym.errors import RunError
from odc_gym.evaluation.files import write_document, write_text
from odc_gym.scenario import Scenario
from odc_gym.scenario.yaml_text import dump as dump_yaml
from odc_gym.training import checkpoint
from odc_gym.training.callbacks import (
    Checkpoints,
    EpisodeLog,
    Interrupts,
    LearningLog,
    ProgressReport,
)
from odc_gym.training.config import TrainConfig, dump, load
from odc_gym.training.groups import GroupRewards, training_seeds
from odc_gym.training.headline_tags import HeadlineTags
from odc_gym.training.policy_choice import base_of, policy_of, start_of
from odc_gym.training.policy_scheduler import ALGORITHMS, save_policy
from odc_gym.training.report import write_report
from odc_gym.training.residual import OnDials
from odc_gym.training.validation import Validation, policy_interface

CONFIG, SCENARIO, VERSIONS, START = "config.yaml", "scenario.yaml", "versions.json", "start.zip"
_PACKAGES = ("odc-gym", "gymnasium", "numpy", "numba", "scipy", "skyfield", "torch", "stable-baselines3", "sb3-contrib")


def train(
    config: str | Path | TrainConfig | None = None,
    resume: str | Path | None = None,
    seed: int | None = None,
    n_timesteps: int | None = None,
    output: str | Path | None = None,
    overrides: dict[str, Any] | None = None,
    progress: bool = False,
) -> Path:
    """Train a scheduler, or resume a run that stopped, with the same result as without the stop.

    Args:
        config: path of a YAML file, name of one in `configs/train`, or a TrainConfig; `ppo` if None.
        resume: folder of the run to resume from its last checkpoint; the run keeps its own configuration.
        seed: seed of the run; the configuration's if None.
        n_timesteps: decisions to train for, over all environments and from the beginning of the run; the
            configuration's if None. A larger number than before extends a resumed run.
        output: folder of a new run, which must not exist; if None the next free one in `runs`.
        overrides: dotted path to value, changes of the configuration in a new run.
        progress: show a bar instead of lines.

    Returns:
        The run's folder: `best_model.zip` (best on validation), `model.zip` (last), `start.zip` (before the first
        update), `report.md`, `curves.png` (with matplotlib), `config.yaml`, `scenario.yaml`, `versions.json`,
        `evaluations.csv`, `learning.csv`, `monitor.csv`, `tb/` and `checkpoints/`.

    Raises:
        RunError: the configuration, seed or folder cannot be used.
        ScenarioError: the scenario or an override is not allowed.
        SchedulerError: `start_dials` names no file of dials.
        KeyboardInterrupt: Ctrl-C was pressed; a checkpoint has been saved.
    """
    if resume is not None:
        run = Path(resume)
        settings, scenario = _reopen(run, config, seed, n_timesteps, output, overrides)
    else:
        changes = {"seed": seed, "n_timesteps": n_timesteps}
        given = {name: value for name, value in changes.items() if value is not None}
        settings = load("ppo" if config is None else config, {**(overrides or {}), **given})
        scenario = Scenario.load(settings.scenario, settings.env.overrides)
        start_of(settings, scenario)  # before the folder, which a wrong name must not leave behind
        run = _create(settings, scenario, output)
    with torch_threads(settings.torch_threads):
        _learn(run, settings, scenario, resume is not None, progress)
    write_report(run)
    return run


def _learn(run: Path, config: TrainConfig, scenario: Scenario, resumed: bool, progress: bool) -> None:
    model = build_model(config, scenario)
    model.set_logger(Logger(str(run / "tb"), [HeadlineTags(str(run / "tb"))]))
    simulator = _environments(model).simulator
    interface = policy_interface(simulator, config)
    if not (run / START).is_file():  # a resumed run of an earlier version has none; the model is built alike
        save_policy(run / START, model, interface)
    # one core is left to the learner, beside which the episodes are played
    validated = simulator.sibling(config.eval.episodes, max(available_cores() - 1, 1))
    episodes, learning = EpisodeLog(run / "monitor.csv"), LearningLog(run / "learning.csv")
    with (
        Interrupts() as interrupts,
        ProgressReport(config.n_timesteps, progress) as report,
        Validation(validated, config, run, report.show_score) as validation,
    ):
        checkpoints = Checkpoints(run, config, (episodes, learning, validation), interrupts)
        if resumed:
            checkpoints.load_state(checkpoint.restore(checkpoint.complete_checkpoints(run / "checkpoints")[-1], model))
        model.learn(
            config.n_timesteps - model.num_timesteps,
            CallbackList([episodes, learning, validation, report, checkpoints]),
            reset_num_timesteps=not resumed,
        )
    save_policy(run / "model.zip", model, interface)
    model.logger.close()


def build_model(config: TrainConfig, scenario: Scenario) -> OnPolicyAlgorithm:
    """Build the learner of a configuration with its environments.

    The initial policy is the zero action, or that of `start_dials`.

    Raises:
        SchedulerError: `start_dials` names no file of dials.
    """
    environments = ODCSatVecEnv(config.n_envs, scenario=scenario, **_env_kwargs(config))
    env: VecEnv = environments
    base = base_of(config, scenario)
    if base is not None:
        env = OnDials(env, environments.simulator.view, dials_of(base, roles_of(scenario)))
    if config.group > 1:
        env = GroupRewards(env, config.group)
    normalise = config.normalise
    if normalise.observations or normalise.rewards:
        env = VecNormalize(
            env,
            norm_obs=normalise.observations,
            norm_reward=normalise.rewards,
            clip_obs=normalise.clip_observations,
            clip_reward=normalise.clip_rewards,
            gamma=config.gamma,
        )
    policy, policy_kwargs = policy_of(config, environments.simulator)
    model = ALGORITHMS[config.algo](
        policy,
        env,
        learning_rate=LinearSchedule(config.learning_rate, config.learning_rate_end, 1.0),
        n_steps=config.n_steps,
        batch_size=config.batch_size,
        n_epochs=config.n_epochs,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        clip_range=config.clip_range,
        ent_coef=config.ent_coef,
        vf_coef=config.vf_coef,
        max_grad_norm=config.max_grad_norm,
        target_kl=config.target_kl,
        policy_kwargs=policy_kwargs,
        seed=config.seed,
        device="cpu",
    )
    environments.seed(list(training_seeds(config.seed, config.n_envs, config.group)))
    return model


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Let PyTorch use a number of threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _environments(model: OnPolicyAlgorithm) -> ODCSatVecEnv:
    env = model.get_env()
    assert env is not None and isinstance(env.unwrapped, ODCSatVecEnv)
    return env.unwrapped


def _env_kwargs(config: TrainConfig) -> dict[str, Any]:
    """Return the arguments of the environments without the overrides, which the scenario already contains."""
    # a thread a core, because the learner waits while the environments step
    return config.env.model_dump(exclude={"overrides"}) | {"num_threads": available_cores()}


def _create(config: TrainConfig, scenario: Scenario, output: str | Path | None) -> Path:
    """Create the folder of a new run with its configuration, scenario and versions."""
    run = _next_free(Path("runs"), config.algo) if output is None else Path(output)
    try:
        run.mkdir(parents=True)
    except FileExistsError:
        raise RunError(f"output = {run}: exists; choose another folder, or go on with that run by --resume") from None
    write_text(run / SCENARIO, dump_yaml(scenario.model_dump(mode="json")))
    write_document(run / VERSIONS, _versions())
    write_text(run / CONFIG, dump(config))
    return run


def _reopen(
    run: Path,
    config: str | Path | TrainConfig | None,
    seed: int | None,
    n_timesteps: int | None,
    output: str | Path | None,
    overrides: dict[str, Any] | None,
) -> tuple[TrainConfig, Scenario]:
    """Return the configuration and the scenario of a run to resume."""
    if output is not None and Path(output).resolve() != run.resolve():
        raise RunError(f"output = {output}: a resumed run stays in its folder, {run}")
    missing = [name for name in (CONFIG, SCENARIO) if not (run / name).is_file()]
    if missing or not checkpoint.complete_checkpoints(run / "checkpoints"):
        absent = " or ".join(missing) or "complete checkpoint"
        raise RunError(f"resume = {run}: holds no {absent}, so there is nothing to go on from; start a new run")
    own = load(run / CONFIG)
    _refuse_changes(own, load(own if config is None else config, overrides), seed)
    extended = own if n_timesteps is None else load(own, {"n_timesteps": n_timesteps})
    done = int(checkpoint.complete_checkpoints(run / "checkpoints")[-1].name)
    if done >= extended.n_timesteps:
        raise RunError(f"resume = {run}: its {done} decisions are done; extend it with a larger --n-timesteps")
    write_text(run / CONFIG, dump(extended))
    versions = json.loads((run / VERSIONS).read_text(encoding="utf-8")) if (run / VERSIONS).is_file() else {}
    versions.setdefault("resumed", []).append({"decisions": done, **_versions()})
    write_document(run / VERSIONS, versions)
    return extended, Scenario.load(run / SCENARIO)


def _refuse_changes(own: TrainConfig, wanted: TrainConfig, seed: int | None) -> None:
    """Refuse a seed or settings that differ from those of the run to resume."""
    if seed is not None and seed != own.seed:
        raise RunError(f"seed = {seed}: the run has seed {own.seed}, which a resumed run keeps")
    for name in TrainConfig.model_fields:
        given, kept = getattr(wanted, name), getattr(own, name)
        if given != kept and name not in ("seed", "n_timesteps"):
            raise RunError(f"{name} = {given}: the run has {kept}, which a resumed run keeps")


def _next_free(folder: Path, name: str) -> Path:
    return next(path for i in itertools.count(1) if not (path := folder / f"{name}-{i}").exists())


def _versions() -> dict[str, Any]:
    """Return the versions that a reproduction of the run needs."""
    versions: dict[str, Any] = {"started": datetime.now(UTC).isoformat(timespec="seconds")}
    versions |= {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # the package is used from a checkout without an installation
            versions[package] = None
    return versions | {"git_commit": _commit()}


def _commit() -> str | None:
    """Return the commit of the checkout with this package, marked if files differ; None for an installed package."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
