"""Configuration of a training run: a YAML file, typed and validated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from odc_gym.defaults import DEFAULT_SCENARIO
from odc_gym.errors import RunError, ScenarioError, did_you_mean, did_you_mean_file
from odc_gym.scenario import Scenario
from odc_gym.scenario.base import Count, Fraction, Model, NonNegative, Positive
from odc_gym.scenario.changes import add_override, check_keys, override, plain
from odc_gym.scenario.files import read_mapping
from odc_gym.scenario.messages import explain
from odc_gym.scenario.paths import key_hint
from odc_gym.scenario.places import Place, similar_paths
from odc_gym.scenario.yaml_text import dump as dump_yaml
from odc_gym.scenario.yaml_text import shown
from odc_gym.seeds import TRAINING_EPISODES, VALIDATION_FROM

FOLDER = Path(__file__).parent.parent / "configs" / "train"

POLICY_MODES = {
    "FleetPolicy": (("ppo", "bids", "flat"), ("ppo", "dials", "flat")),
    "MlpPolicy": (("ppo", "bids", "flat"), ("ppo", "dials", "flat")),
    "AssignPolicy": (("maskable_ppo", "assign", "dict"),),
}
"""Algorithms, action modes and observation modes that each policy fits."""


class TraceOptions(Model):
    """File of a trace with options, as in `odc_gym.workload.TraceFile`."""

    path: str = Field(description="path of the file, or name of a public trace")
    format: str | None = Field(
        default=None, description="format of the file, from `odc-gym trace formats`; null: as it is recognised"
    )
    as_is: bool = Field(
        default=False,
        description="whether work keeps its recorded times and sizes; false: it is scaled to its classes' load",
    )


class EnvKwargs(Model):
    """Arguments of the environment, as in `gym.make`; None keeps the scenario's value."""

    overrides: dict[str, Any] = Field(default={}, description="changes of the scenario: dotted path to value")
    trace: tuple[TraceOptions, ...] | None = Field(
        default=None,
        description="files of jobs or requests that replace the classes they hold, as paths or mappings with options; "
        "null: generated work",
    )
    decision_period_s: Positive | None = Field(default=None, description="time between decisions; null: the scenario's")
    episode_hours: Positive | None = Field(default=None, description="length of an episode; null: the scenario's")
    action_mode: Literal["bids", "dials", "assign"] = Field(
        default="bids",
        description="form of actions; bids or dials for FleetPolicy and MlpPolicy, assign for AssignPolicy",
    )
    observation_mode: Literal["flat", "dict"] = Field(
        default="flat", description="form of observations; dict for AssignPolicy"
    )

    @field_validator("trace", mode="before")
    @classmethod
    def _files(cls, value: Any) -> Any:
        if value is None:
            return None
        files = value if isinstance(value, list | tuple) else [value]
        return [{"path": file} if isinstance(file, str) else file for file in files]

    @model_validator(mode="after")
    def _one_replay(self) -> EnvKwargs:
        if len({file.as_is for file in self.trace or ()}) > 1:
            raise ValueError("trace: as_is must be the same for all files")
        return self


class NetArch(Model):
    """Widths of the hidden layers of MlpPolicy and of its value function, which share no layer."""

    pi: tuple[Count, ...] = Field(description="widths of the policy's hidden layers")
    vf: tuple[Count, ...] = Field(description="widths of the value function's hidden layers")


class LogStd(Model):
    """Natural logarithm of the initial standard deviation of the noise, for each kind of action component."""

    bid: float = Field(default=-2.0, description="logarithm of the deviation of bids")
    clock: float = Field(default=-2.0, description="logarithm of the deviation of clock requests")
    urgency: float = Field(default=-2.0, description="logarithm of the deviation of urgencies")
    offset: float = Field(default=-2.0, description="logarithm of the deviation of clock offsets")
    dial: float = Field(default=-2.0, description="logarithm of the deviation of dials, in the mode dials")


class Normalise(Model):
    """Running normalisation by stable-baselines3's VecNormalize."""

    observations: bool = Field(
        default=False, description="whether observations are normalised; false with dict observations"
    )
    rewards: bool = Field(
        default=True, description="whether rewards are divided by the deviation of discounted returns"
    )
    clip_observations: Positive = Field(default=10.0, description="limit of normalised observations")
    clip_rewards: Positive = Field(default=10.0, description="limit of normalised rewards")


class Evaluation(Model):
    """Validation episodes of the deterministic policy during training, on which the best model is chosen."""

    every: Count = Field(default=8, description="rollouts between evaluations")
    episodes: Count = Field(default=32, description="episodes of an evaluation")
    first_seed: Annotated[int, Field(ge=VALIDATION_FROM)] = Field(
        default=VALIDATION_FROM, description="first of these episodes"
    )


class Checkpoints(Model):
    """Checkpoints, from which a run resumes exactly."""

    every: Count = Field(default=10, description="rollouts between checkpoints")
    keep: Count = Field(default=2, description="latest checkpoints that stay on disk")


class TrainConfig(Model):
    """Complete configuration of a training run."""

    algo: Literal["ppo", "maskable_ppo"] = Field(
        default="ppo", description="learner: PPO of stable-baselines3, or MaskablePPO of sb3-contrib"
    )
    policy: Literal["FleetPolicy", "MlpPolicy", "AssignPolicy"] = Field(
        default="FleetPolicy",
        description="network. FleetPolicy: the same weights for every satellite and class; "
        "MlpPolicy: one network over all; AssignPolicy: scores pairs of jobs and satellites",
    )
    scenario: str = Field(default=DEFAULT_SCENARIO, description="name of a scenario, or path of a .yaml file")
    env: EnvKwargs = Field(default=EnvKwargs(), description="arguments of the environment")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="seed of the run, up to 9999")
    n_timesteps: Count = Field(default=600_000, description="decisions to train for, over all environments")
    n_envs: Annotated[int, Field(ge=1, le=TRAINING_EPISODES)] = Field(
        default=64, description="number of environments, a multiple of group"
    )
    group: Count = Field(default=8, description="environments that play the same episodes; 1 compares none")
    torch_threads: Count = Field(default=1, description="threads of PyTorch")

    n_steps: Count = Field(default=96, description="decisions of an environment in a rollout")
    batch_size: Annotated[int, Field(ge=2)] = Field(
        default=3072, description="decisions of a minibatch; a divisor of n_steps x n_envs"
    )
    n_epochs: Count = Field(default=3, description="passes over a rollout in each update")
    learning_rate: Positive = Field(default=3.0e-4, description="learning rate of the first update")
    learning_rate_end: NonNegative = Field(
        default=0.0, description="learning rate at the last decision, reached linearly"
    )
    gamma: Fraction = Field(default=0.995, description="discount factor for each decision")
    gae_lambda: Fraction = Field(default=0.98, description="lambda of generalised advantage estimation")
    clip_range: Positive = Field(default=0.2, description="PPO's clipping of the probability ratio")
    ent_coef: NonNegative = Field(default=0.0, description="weight of the entropy in the loss")
    vf_coef: NonNegative = Field(default=0.5, description="weight of the value function in the loss")
    max_grad_norm: Positive = Field(default=0.5, description="greatest norm of the gradient")
    target_kl: Positive | None = Field(
        default=None, description="KL divergence at which an update stops early; null: never"
    )
    log_std_init: LogStd = Field(default=LogStd(), description="initial exploration noise of FleetPolicy and MlpPolicy")
    noise_correlation: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.9, description="correlation of the noise of successive decisions"
    )
    start_dials: str | None = Field(
        default="tuned",
        description="dials at which the policy begins: tuned for those of the scenario, a name in configs/dials, or a "
        "path; null: the zero action. A policy on bids adds its actions to those of the dials. Null for assign",
    )
    width: Count = Field(default=32, description="width of the layers of FleetPolicy and AssignPolicy")
    net_arch: NetArch = Field(default=NetArch(pi=(128, 128), vf=(128, 128)), description="hidden layers of MlpPolicy")

    normalise: Normalise = Field(default=Normalise(), description="running normalisation")
    eval: Evaluation = Field(default=Evaluation(), description="validation during training")
    checkpoint: Checkpoints = Field(default=Checkpoints(), description="checkpoints")

    @property
    def rollout(self) -> int:
        """Number of decisions of a rollout, over all environments."""
        return self.n_steps * self.n_envs

    @property
    def fits_any_fleet(self) -> bool:
        """Whether the trained policy fits other numbers of satellites and classes too."""
        return self.policy == "FleetPolicy" and not self.normalise.observations

    @model_validator(mode="after")
    def _consistent(self) -> TrainConfig:
        if self.rollout % self.batch_size:
            raise ValueError(f"batch_size = {self.batch_size} must divide n_steps * n_envs = {self.rollout}")
        if self.n_envs % self.group:
            raise ValueError(f"group = {self.group} must divide n_envs = {self.n_envs}")
        modes = (self.algo, self.env.action_mode, self.env.observation_mode)
        allowed = POLICY_MODES[self.policy]
        if modes not in allowed:
            wanted = " or ".join(", ".join(each) for each in allowed)
            raise ValueError(
                f"policy = {self.policy}: needs algo, env.action_mode and env.observation_mode {wanted}, "
                f"got {', '.join(modes)}"
            )
        if self.start_dials is not None and self.env.action_mode == "assign":
            raise ValueError(f"start_dials = {self.start_dials}: must be null with env.action_mode = assign")
        if self.normalise.observations and self.env.observation_mode == "dict":
            raise ValueError("normalise.observations = true: must be false with env.observation_mode = dict")
        if self.seed >= TRAINING_EPISODES:
            raise ValueError(f"seed = {self.seed}: training seeds are 0-9999 (test 10000-19999, validation 20000+)")
        return self


def load(source: str | Path | TrainConfig, overrides: dict[str, Any] | None = None) -> TrainConfig:
    """Read a configuration and apply overrides.

    Args:
        source: path of a YAML file, name of one in `configs/train`, or a TrainConfig.
        overrides: dotted path to value, as in `{"eval.episodes": 32}`. A path whose first key is a section of the
            scenario, as in `{"hardware.*.battery.capacity_wh": 8000}`, is the same with `env.overrides.` before it.

    Raises:
        RunError: the file is unknown or malformed, a key is unknown, or a value is not allowed.
    """
    place = Place((TrainConfig,))
    data, where = (plain(source), "") if isinstance(source, TrainConfig) else _read(source, place)
    if overrides is not None and not isinstance(overrides, Mapping):
        raise RunError(f"overrides = {shown(overrides)}: must be a mapping of dotted paths to values")
    try:
        for dotted, value in (overrides or {}).items():
            data = _changed(data, str(dotted), value, place)
        return TrainConfig.model_validate(data)
    except ValidationError as error:
        raise RunError(where + explain(error, TrainConfig)) from None
    except ScenarioError as error:
        raise RunError(str(error)) from None


def _read(source: str | Path, place: Place) -> tuple[dict[str, Any], str]:
    """Return the data of a configuration's file, with the prefix of messages about it."""
    path = _path(source)
    where = f"{path.name}: "
    try:
        data = read_mapping(path)
    except ScenarioError as error:
        raise RunError(str(error)) from None
    try:
        check_keys(data, place)
    except ScenarioError as error:
        raise RunError(where + str(error)) from None
    return data, where


def dump(config: TrainConfig) -> str:
    """Return the configuration as YAML with all fields."""
    return dump_yaml(config.model_dump(mode="json"))


def _path(source: str | Path) -> Path:
    text = str(source)
    path = Path(source) if text.endswith((".yaml", ".yml")) else FOLDER / f"{text}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in FOLDER.glob("*.yaml"))
        hint = did_you_mean(text, known) if path.parent == FOLDER else did_you_mean_file(path)
        raise RunError(f"config = {text}: must be the path of a .yaml file, or one of {', '.join(known)}{hint}")
    return path


def _changed(data: dict[str, Any], dotted: str, value: Any, place: Place) -> dict[str, Any]:
    """Return the data of a configuration with one override; paths into the scenario go to `env.overrides`."""
    if dotted == "env.overrides" and isinstance(value, Mapping):
        for path, change in value.items():
            data = _changed(data, f"{dotted}.{path}", change, place)
        return data
    first, scenario_path = dotted.partition(".")[0], dotted.removeprefix("env.overrides.")
    if scenario_path == dotted and first in TrainConfig.model_fields:
        return override(data, {dotted: value}, place)
    if scenario_path == dotted and first not in Scenario.model_fields:
        meant = (*similar_paths(place, dotted), *similar_paths(Place((Scenario,)), dotted))
        hint = key_hint(first, (*TrainConfig.model_fields, *Scenario.model_fields), meant)
        raise RunError(f"{dotted}: unknown key{'' if first == dotted else f' {first!r}'}{hint}")
    env = data.get("env") or {}
    overrides = dict(env.get("overrides") or {})
    add_override(overrides, scenario_path, plain(value))
    return {**data, "env": {**env, "overrides": overrides}}
