"""What tells a scheduler from any other, so that results of one are never taken for those of another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from odc_gym.agents.base import model_file, scheduler_module
from odc_gym.sources import source_digest, versions

_LEARNED = ("odc_gym.training.policy_scheduler", "odc_gym.training.policies")
_LEARNING = ("torch", "stable-baselines3", "sb3-contrib")


def scheduler_identity(name: str | Path) -> str:
    """A text that changes whenever the scheduler may act differently.

    Of a rule it holds the name with its parameters, and a hash of its source and of what that imports from the package;
    of a training run a hash of the model that flies, of the code that flies it, and the versions of its libraries. What
    else a Python file of a user reads or imports is not seen.

    Args:
        name: as of `scheduler_factory`.

    Raises:
        SchedulerError: as `scheduler_factory`.
    """
    module = scheduler_module(name)
    if module is not None:
        return f"{_label(name)} {source_digest(module)}"
    model = hashlib.blake2b(model_file(Path(name)).read_bytes(), digest_size=16).hexdigest()
    libraries = " ".join(f"{library} {version}" for library, version in versions(*_LEARNING).items())
    return f"model {model} {source_digest(*_LEARNED)} {libraries}"


def _label(name: str | Path) -> str:
    """The name without the folder of a user's file: a moved file is the same scheduler."""
    return Path(name).name
