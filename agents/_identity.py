"""Identities of schedulers, which keep stored results of one from being taken for those of another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from odc_gym.agents.resolver import model_file, scheduler_factory, scheduler_module
from odc_gym.sources import source_digest, versions

_POLICY_MODULES = tuple(
    f"odc_gym.training.{name}" for name in ("policy_scheduler", "fleet_policy", "dial_policy", "assign_policy")
)
_LEARNING_LIBRARIES = ("torch", "stable-baselines3", "sb3-contrib")


def scheduler_identity(name: str | Path) -> str:
    """Return a text that changes whenever the scheduler may act differently.

    For a rule the text holds its name with parameters, a hash of its source and of all that the source imports from
    the package, and a hash of the package's data that it reads. For a training run it holds a hash of the model, a hash
    of the code that runs the model, and the versions of the learning libraries. Other modules and data that a user's
    file reads are not covered.

    Args:
        name: as of `scheduler_factory`.

    Raises:
        SchedulerError: as `scheduler_factory`.
    """
    module = scheduler_module(name)
    if module is not None:
        return f"{_name_without_folder(name)} {source_digest(module)}{_data_digest(name)}"
    model = hashlib.blake2b(model_file(Path(name)).read_bytes(), digest_size=16).hexdigest()
    libraries = " ".join(f"{library} {version}" for library, version in versions(*_LEARNING_LIBRARIES).items())
    return f"model {model} {source_digest(*_POLICY_MODULES)} {libraries}"


def _data_digest(name: str | Path) -> str:
    """Return a hash of the data files that a scheduler reads, after a space; "" if it reads none."""
    entry = scheduler_factory(name).entry
    data: Path | None = getattr(entry.make, "data", None) if entry else None
    if data is None:
        return ""
    files = sorted(data.glob("*")) if data.is_dir() else [data]
    return " " + hashlib.blake2b(b"".join(file.read_bytes() for file in files), digest_size=16).hexdigest()


def _name_without_folder(name: str | Path) -> str:
    """Return the name without the folder of a user's file, because a moved file is the same scheduler."""
    return Path(name).name
