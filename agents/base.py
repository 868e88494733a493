"""What a scheduler is, and how one is found by name."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._parameters import base_name, read_parameters, shown
from odc_gym.errors import SchedulerError

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


class Scheduler(Protocol):
    """Operates every environment of a batch; row b of whatever it returns depends on row b of the view only."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes.

        Args:
            view: what the agents see.
            mask: (B,) rows in which an episode begins.
            seeds: (B,) episodes of the rows; read where `mask` is set.
        """

    def act(self, view: View) -> NDArray[Any]:
        """Actions (B, A) of this decision, in the layout of `view.layout`."""


class Requirements(TypedDict, total=False):
    """What a scheduler needs of the environments that it operates, as keyword arguments of `gymnasium.make`.

    A class states it as `requires`, and the runner of comparisons builds what it says. It may change how the
    environment obeys, not the world: schedulers that are compared face the same light, jobs and demand.
    """

    overrides: dict[str, Any]  # dotted path of the scenario to value
    action_mode: Literal["bids", "assign"]  # "bids" if absent


class Entry(NamedTuple):
    """What is registered under a name."""

    make: Callable[..., Scheduler]
    parameters: type | None  # dataclass of the numbers in the rule


_ENTRIES: dict[str, Entry] = {}
_Class = TypeVar("_Class", bound=Callable[..., Scheduler])


def scheduler(name: str, parameters: type | None = None) -> Callable[[_Class], _Class]:
    """Register a class as the scheduler of that name.

    Args:
        name: the name.
        parameters: dataclass of the rule's numbers, if it has any; fields made by `number` may be set in the name, as
            in `fixed-clock(0.7)`. The class is constructed with the view, and with such an object if numbers are set.
    """

    def register(made: _Class) -> _Class:
        if name in _ENTRIES:
            raise SchedulerError(f"two schedulers are called {name}")
        _ENTRIES[name] = Entry(made, parameters)
        return made

    return register


def scheduler_names() -> tuple[str, ...]:
    """Names of all schedulers of the package."""
    return tuple(sorted(_registry()))


def scheduler_rules() -> dict[str, str]:
    """Name and rule, as its docstring states it, of each scheduler of the package."""
    return {name: " ".join((inspect.getdoc(_registry()[name].make) or "").split()) for name in scheduler_names()}


def scheduler_parameters() -> dict[str, tuple[str, ...]]:
    """Name and parameters that the name may set, with defaults and ranges, of each scheduler of the package."""
    kinds = {name: _registry()[name].parameters for name in scheduler_names()}
    return {name: shown(kind) if kind else () for name, kind in kinds.items()}


@dataclass(frozen=True)
class SchedulerFactory:
    """Makes a scheduler from a view; it can be sent to another process.

    Args:
        name: a name of `scheduler_names` or a Python file with a scheduler, with numbers for its parameters in
            parentheses if you like, or the folder of a training run.

    Raises:
        SchedulerError: none of these, or parameters that the scheduler does not take.
    """

    name: str

    def __post_init__(self) -> None:
        if entry := self.entry:
            read_parameters(self.name, entry.parameters)
        elif not _is_run(Path(self.name)):
            raise SchedulerError(_unknown(self.name))

    @property
    def requires(self) -> Requirements:
        """What the scheduler needs of its environments."""
        nothing: Requirements = {}
        return getattr(self.entry.make, "requires", nothing) if self.entry else _of_run(Path(self.name))

    def __call__(self, view: View) -> Scheduler:
        """Make the scheduler.

        Raises:
            SchedulerError: an environment that is not what the scheduler requires, or a training run that does not fit.
        """
        if entry := self.entry:
            if unmet := _unmet(self.requires, view):
                raise SchedulerError(f"scheduler = {self.name}: needs an environment with {unmet}")
            parameters = read_parameters(self.name, entry.parameters)
            return entry.make(view) if parameters is None else entry.make(view, parameters)
        from odc_gym.training.policy_scheduler import load_policy_scheduler  # PyTorch loads for trained policies alone

        return load_policy_scheduler(Path(self.name), view)

    @property
    def entry(self) -> Entry | None:
        """What is registered, None of a training run."""
        name = base_name(self.name)
        return _own(Path(name).resolve()) if name.endswith(".py") else _registry().get(name)


def scheduler_factory(name: str | Path) -> SchedulerFactory:
    """What makes a scheduler from a view; see `SchedulerFactory`."""
    return SchedulerFactory(str(name))


def scheduler_module(name: str | Path) -> str | Path | None:
    """The module that states a rule: its full name, or the file of a user's; None of a training run.

    Raises:
        SchedulerError: as `scheduler_factory`.
    """
    entry = scheduler_factory(name).entry
    own = base_name(str(name))
    if own.endswith(".py"):
        return Path(own).resolve()
    return entry.make.__module__ if entry else None


def model_file(run: Path) -> Path:
    """The model that a training run's folder flies: the best on validation, else the last."""
    return next(path for path in _models(run) if path.is_file())


def make_scheduler(name: str | Path, env: Any) -> Scheduler:
    """Make a scheduler for an environment.

    Args:
        name: as of `SchedulerFactory`.
        env: a Gymnasium environment or vector environment of this package, wrapped or not, a `Simulator`, or a `View`.

    Raises:
        SchedulerError: an unknown name, parameters that it does not take, something that has no view, an environment
            that is not what the scheduler requires, or a training run that does not fit the environment.
    """
    return scheduler_factory(name)(_view(env))


@cache
def _registry() -> dict[str, Entry]:
    """All schedulers: every module of this folder is imported once and registers its own."""
    package = importlib.import_module("odc_gym.agents")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"odc_gym.agents.{module.name}")
    return _ENTRIES


def _own(path: Path) -> Entry:
    """The scheduler of a user's file as it is now; it does not become one of the package."""
    if not path.is_file():
        raise SchedulerError(f"scheduler = {path}: no such file")
    return _of_source(path, path.read_bytes())


@cache
def _of_source(path: Path, source: bytes) -> Entry:
    package = {name for name, entry in _registry().items() if entry.make.__module__.startswith("odc_gym.")}
    imported = {name: _ENTRIES.pop(name) for name in set(_ENTRIES) - package}  # a script may have imported this file
    module = ModuleType(f"scheduler_of_the_user.{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look up the module of their class
    try:
        exec(compile(source, path, "exec"), module.__dict__)
    finally:
        found = {name: _ENTRIES.pop(name) for name in set(_ENTRIES) - package}
        _ENTRIES.update(imported)
    if len(found) != 1:
        names = ", ".join(sorted(found)) or "none"
        raise SchedulerError(f'scheduler = {path}: must have one class under @scheduler("name"), has {names}')
    return next(iter(found.values()))


def _is_run(folder: Path) -> bool:
    return (folder / "config.yaml").is_file() and any(model.is_file() for model in _models(folder))


def _models(folder: Path) -> tuple[Path, ...]:
    return folder / "best_model.zip", folder / "model.zip"


def _of_run(folder: Path) -> Requirements:
    """What a training run's policy needs; nothing of a file that is no policy, which loading it will tell."""
    try:
        with zipfile.ZipFile(model_file(folder)) as archive:
            return {"action_mode": json.loads(archive.read("interface.json"))["action_mode"]}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        return {}


def _unmet(requires: Requirements, view: View) -> str:
    """What an environment should have been made with, and was not."""
    overrides = requires.get("overrides", {})
    mode = requires.get("action_mode", "bids")
    if mode != ("bids" if getattr(view, "assignment", None) is None else "assign"):
        return f"action_mode={mode!r}"
    if overrides and view.scenario.replace(overrides) != view.scenario:
        return f"overrides={overrides}"
    return ""


def _unknown(name: str) -> str:
    """Why a name is neither a scheduler's nor a training run's."""
    if Path(name).is_dir():
        return f"scheduler = {name}: a training run has config.yaml and best_model.zip or model.zip"
    names = ", ".join(scheduler_names())
    return f"scheduler = {name}: must be one of {names}, a Python file, or a training run's folder"


def _view(env: Any) -> View:
    inner = getattr(env, "unwrapped", env)
    view: Any = getattr(inner, "view", inner)
    if not (hasattr(view, "observation") and hasattr(view, "layout")):
        raise SchedulerError(f"env = {type(env).__name__}: must be an environment of odc_gym, a Simulator or a View")
    found: View = view
    return found
