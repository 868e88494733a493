"""Resolution of names, Python files and folders of training runs to schedulers."""

from __future__ import annotations

import json
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from odc_gym.agents._parameters import base_name, read_parameters
from odc_gym.agents.base import Entry, Requirements, Scheduler, registered, scheduler_names, separate_registry
from odc_gym.dial_files import read_dials
from odc_gym.errors import SchedulerError, did_you_mean, did_you_mean_file
from odc_gym.policies.files import read_policy

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@dataclass(frozen=True)
class SchedulerFactory:
    """Factory that makes a scheduler from a view; it can be sent to another process.

    Args:
        name: name of a registered scheduler, path of a Python file with a scheduler, path of a file of dials or
            of a policy, folder of a training run, or a model in such a folder, as `runs/ppo-1/start.zip`. Parameters
            may follow a name or a Python file in parentheses.

    Raises:
        SchedulerError: the name is none of these, or the scheduler does not take the parameters.
    """

    name: str

    def __post_init__(self) -> None:
        if entry := self.entry:
            read_parameters(self.name, entry.parameters)
        elif not _is_run(Path(self.name)):
            raise SchedulerError(_unknown_name(self.name))

    @property
    def requires(self) -> Requirements:
        """Requirements of the scheduler on its environments."""
        nothing: Requirements = {}
        return getattr(self.entry.make, "requires", nothing) if self.entry else _run_requirements(Path(self.name))

    @property
    def knows_future(self) -> bool:
        """Whether the scheduler reads what an operator cannot know, as its class states."""
        return bool(self.entry and getattr(self.entry.make, "knows_future", False))

    def __call__(self, view: View) -> Scheduler:
        """Make the scheduler.

        Raises:
            SchedulerError: the environment does not meet the requirements, or the training run does not fit it.
        """
        if entry := self.entry:
            if unmet := _unmet_requirement(self.requires, view):
                raise SchedulerError(f"scheduler = {self.name}: needs an environment with {unmet}")
            parameters = read_parameters(self.name, entry.parameters)
            return entry.make(view) if parameters is None else entry.make(view, parameters)
        from odc_gym.training.policy_scheduler import load_policy_scheduler  # loads PyTorch, for trained policies only

        return load_policy_scheduler(Path(self.name), view)

    @property
    def entry(self) -> Entry | None:
        """Entry of the registry, or None for a training run."""
        name = base_name(self.name)
        if name.endswith((".yaml", ".yml")):
            return _entry_of_dials(Path(name).resolve())
        if name.endswith(".npz"):
            return _entry_of_policy(Path(name).resolve())
        return _entry_of_file(Path(name).resolve()) if name.endswith(".py") else registered().get(name)


def scheduler_factory(name: str | Path) -> SchedulerFactory:
    """Return the factory of a scheduler; see `SchedulerFactory`."""
    return SchedulerFactory(str(name))


def teacher_factory(name: str | Path) -> SchedulerFactory:
    """Return the factory of a scheduler that a policy may learn from, by imitation or as its start.

    Raises:
        SchedulerError: the scheduler knows the future, or as `scheduler_factory`.
    """
    factory = scheduler_factory(name)
    if factory.knows_future:
        raise SchedulerError(f"teacher = {name}: knows the future, must be a scheduler that an operator could use")
    return factory


def make_scheduler(name: str | Path, env: Any) -> Scheduler:
    """Make a scheduler for an environment.

    Args:
        name: as of `SchedulerFactory`.
        env: a Gymnasium environment or vector environment of this package, wrapped or not, a `Simulator`, or a `View`.

    Raises:
        SchedulerError: the name is unknown, the scheduler does not take the parameters, `env` has no view or does not
            meet the requirements, or the training run does not fit it.
    """
    return scheduler_factory(name)(_view(env))


def scheduler_module(name: str | Path) -> str | Path | None:
    """Return the module of a scheduler: its full name, or the user's file; None for a training run.

    Raises:
        SchedulerError: as `scheduler_factory`.
    """
    entry = scheduler_factory(name).entry
    file = base_name(str(name))
    if file.endswith(".py"):
        return Path(file).resolve()
    return entry.make.__module__ if entry else None


def model_file(run: Path) -> Path:
    """Return the model that a training run uses: the best on validation, else the last, or the model that is named."""
    return next(path for path in _models(run) if path.is_file())


def _entry_of_dials(path: Path) -> Entry:
    """Return the scheduler that plays the dials of a file."""
    from odc_gym.agents.tuned import PlaysDials  # registers itself, so that `base` must be complete

    return Entry(PlaysDials(read_dials(path), path), None)


def _entry_of_policy(path: Path) -> Entry:
    """Return the scheduler that plays the policy of a file."""
    from odc_gym.agents.learned import PlaysPolicy  # registers itself, so that `base` must be complete

    return Entry(PlaysPolicy(read_policy(path), path), None)


def _entry_of_file(path: Path) -> Entry:
    """Return the scheduler of a user's file as the file is now; the registry does not keep it."""
    if not path.is_file():
        raise SchedulerError(f"scheduler = {path}: no such file{did_you_mean_file(path)}")
    return _entry_of_source(path, path.read_bytes())


@cache
def _entry_of_source(path: Path, source: bytes) -> Entry:
    with separate_registry() as found:
        module = ModuleType(f"scheduler_of_the_user.{path.stem}")
        module.__file__ = str(path)
        sys.modules[module.__name__] = module  # dataclasses look up the module of their class
        try:
            exec(compile(source, path, "exec"), module.__dict__)
        except SyntaxError as error:
            raise SchedulerError(f"scheduler = {path}: line {error.lineno}: {error.msg}") from error
        except ImportError as error:
            raise SchedulerError(f"scheduler = {path}: {error}") from error
    if len(found) != 1:
        names = ", ".join(sorted(found)) or "none"
        raise SchedulerError(f'scheduler = {path}: must have one class under @scheduler("name"), has {names}')
    return next(iter(found.values()))


def _is_run(run: Path) -> bool:
    folder = run if run.is_dir() else run.parent
    return (folder / "config.yaml").is_file() and any(model.is_file() for model in _models(run))


def _models(folder: Path) -> tuple[Path, ...]:
    """Return the models that a run may use, the preferred one first; a model in a run's folder stands for itself."""
    if folder.suffix == ".zip" and not folder.is_dir():
        return (folder,)
    return folder / "best_model.zip", folder / "model.zip"


def _run_requirements(folder: Path) -> Requirements:
    """Return the requirements of a training run's policy; none for an unreadable file, which loading will refuse."""
    try:
        with zipfile.ZipFile(model_file(folder)) as archive:
            return {"action_mode": json.loads(archive.read("interface.json"))["action_mode"]}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        return {}


def _unmet_requirement(requires: Requirements, view: View) -> str:
    """Return the argument that the environment should have been made with, or "" if it meets the requirements."""
    overrides = requires.get("overrides", {})
    mode = requires.get("action_mode", "bids")
    here = getattr(view, "action_mode", "bids")
    if mode != here and (mode, here) != ("bids", "dials"):  # environments of the mode dials also take bids
        return f"action_mode={mode!r}"
    if overrides and view.scenario.replace(overrides) != view.scenario:
        return f"overrides={overrides}"
    return ""


def _unknown_name(name: str) -> str:
    """Return the message about a name that is neither a scheduler's nor a training run's."""
    if Path(name).is_dir():
        return f"scheduler = {name}: a training run has config.yaml and best_model.zip or model.zip"
    names = scheduler_names()
    hint = did_you_mean_file(name) if Path(name).parent != Path() else did_you_mean(base_name(name), names)
    others = "a Python file, a file of dials or of a policy, or a training run's folder"
    return f"scheduler = {name}: must be one of {', '.join(names)}, {others}{hint}"


def _view(env: Any) -> View:
    inner = getattr(env, "unwrapped", env)
    owner = inner if hasattr(inner, "view") else getattr(inner, "simulator", inner)
    view: Any = getattr(owner, "view", owner)
    if not (hasattr(view, "observation") and hasattr(view, "layout")):
        raise SchedulerError(f"env = {type(env).__name__}: must be an environment of odc_gym, a Simulator or a View")
    found: View = view
    return found
