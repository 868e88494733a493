"""Policy files of training runs, as `odc_gym.policies.files` describes them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO

from odc_gym.dial_files import scales_key
from odc_gym.errors import SchedulerError
from odc_gym.policies.actor import PREFIXES
from odc_gym.policies.files import About, PolicyFile, PolicyScores, features_key
from odc_gym.training.config import TrainConfig, load
from odc_gym.training.curves import read_columns
from odc_gym.training.fleet_policy import FleetPolicy
from odc_gym.training.policy_scheduler import read_interface

BEST = "best_model.zip"


def policy_of_run(run: Path) -> PolicyFile:
    """Return the best policy of a training run, on validation, as a file.

    Raises:
        SchedulerError: the folder has no such policy, or the policy does not fit every fleet.
        RunError: its configuration cannot be read.
    """
    if not (run / BEST).is_file():
        raise SchedulerError(f"{run}: no trained policy; must hold {BEST}")
    config, interface = load(run / "config.yaml"), read_interface(run / BEST)
    if not (interface.any_fleet and interface.action_mode == "bids"):
        raise SchedulerError(
            f"{run}: policy = {config.policy} with action_mode = {config.env.action_mode} cannot be exported; must be "
            "FleetPolicy with bids, and without normalised observations"
        )
    policy = PPO.load(run / BEST, device="cpu").policy
    assert isinstance(policy, FleetPolicy)
    curve = read_columns(run / "evaluations.csv")
    best = int(curve["mean"].argmax())
    versions = json.loads((run / "versions.json").read_text(encoding="utf-8"))
    changed = config_changes(config)
    words = ["odc-gym", "train", "--config", "ppo", *(word for change in changed for word in ("--set", change))]
    first, count = config.eval.first_seed, config.eval.episodes
    about = About(
        command=shlex.join(words),
        scenario=config.scenario,
        seed=config.seed,
        decisions=int(curve["decisions"][best]),
        config=config.model_dump(mode="json"),
        versions={name: value for name, value in versions.items() if isinstance(value, str)},
        validation=PolicyScores(
            episodes=f"{first}-{first + count - 1}",
            start=round(float(curve["mean"][0]), 2),
            score=round(float(curve["mean"][best]), 2),
        ),
        width=policy.width,
        base=interface.base,
        scales=scales_key(),
        features=features_key(),
    )
    return PolicyFile(about, _tensors(policy))


def config_changes(config: TrainConfig) -> list[str]:
    """Return the changes of the configuration `ppo` that give a configuration, as options of `--set`."""
    return list(_changes(load("ppo").model_dump(mode="json"), config.model_dump(mode="json"), ""))


def _changes(base: Mapping[str, Any], other: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in other.items():
        if isinstance(value, Mapping) and isinstance(base.get(name), Mapping) and name != "overrides":
            yield from _changes(base[name], value, f"{prefix}{name}.")
        elif value != base.get(name):
            yield f"{prefix}{name}={json.dumps(value)}"


def _tensors(policy: FleetPolicy) -> dict[str, np.ndarray]:
    """Return the tensors of the actor by name."""
    state: dict[str, torch.Tensor] = policy.state_dict()
    found = {}
    for part, prefix in PREFIXES.items():
        for name, tensor in state.items():
            if name.startswith(f"{prefix}."):
                found[f"{part}.{name.removeprefix(f'{prefix}.')}"] = tensor.numpy().astype(np.float32)
    return found
