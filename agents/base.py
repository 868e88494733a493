"""What a scheduler is, and how one is found by name."""

from __future__ import annotations

import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import SchedulerError

if TYPE_CHECKING:
    from odc_gym.simulation.view import View


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


SchedulerFactory = Callable[[Any], Scheduler]
_FACTORIES: dict[str, SchedulerFactory] = {}
_Class = TypeVar("_Class", bound=Callable[..., Scheduler])


def scheduler(name: str) -> Callable[[_Class], _Class]:
    """Register a class, constructed with the view, as the scheduler of that name."""

    def register(factory: _Class) -> _Class:
        if name in _FACTORIES:
            raise SchedulerError(f"two schedulers are called {name}")
        _FACTORIES[name] = factory
        return factory

    return register


def scheduler_names() -> tuple[str, ...]:
    """Names of all schedulers of the package."""
    return tuple(sorted(_registry()))


def scheduler_rules() -> dict[str, str]:
    """Name and rule, as its docstring states it, of each scheduler of the package."""
    return {name: " ".join((inspect.getdoc(_registry()[name]) or "").split()) for name in scheduler_names()}


def scheduler_factory(name: str | Path) -> SchedulerFactory:
    """What makes a scheduler from a view; it can be sent to another process.

    Args:
        name: a name of `scheduler_names`, a Python file with a scheduler, or the folder of a training run.

    Raises:
        SchedulerError: none of these.
    """
    if _is_file(name):
        _own(Path(name).resolve())
        return partial(make_scheduler, str(name))
    if str(name) not in _registry() and not _is_run(Path(name)):
        if Path(name).is_dir():
            raise SchedulerError(f"scheduler = {name}: a training run has config.yaml and best_model.zip or model.zip")
        names = ", ".join(scheduler_names())
        raise SchedulerError(f"scheduler = {name}: must be one of {names}, a Python file, or a training run's folder")
    return partial(make_scheduler, str(name))


def scheduler_module(name: str | Path) -> str | Path | None:
    """The module that states a rule: its full name, or the file of a user's; None of a training run.

    Raises:
        SchedulerError: as `scheduler_factory`.
    """
    scheduler_factory(name)  # refuses unknown names
    if _is_file(name):
        return Path(name).resolve()
    return _registry()[str(name)].__module__ if str(name) in _registry() else None


def model_file(run: Path) -> Path:
    """The model that a training run's folder flies: the best on validation, else the last."""
    return next(path for path in _models(run) if path.is_file())


def make_scheduler(name: str | Path, env: Any) -> Scheduler:
    """Make a scheduler for an environment.

    Args:
        name: a name of `scheduler_names`, a Python file with a scheduler, or the folder of a training run.
        env: a Gymnasium environment or vector environment of this package, wrapped or not, a `Simulator`, or a `View`.

    Raises:
        SchedulerError: an unknown name, or something that has no view.
        RunError: a training run that does not fit the environment.
    """
    scheduler_factory(name)  # refuses unknown names
    view = _view(env)
    if _is_file(name):
        return _own(Path(name).resolve())(view)
    if str(name) in _registry():
        return _registry()[str(name)](view)
    # training imports agents; only a run's folder needs the way back
    policies = importlib.import_module("odc_gym.training.policy_scheduler")
    loaded: Scheduler = policies.load_policy_scheduler(Path(name), view)
    return loaded


@cache
def _registry() -> dict[str, SchedulerFactory]:
    """All schedulers: every module of this folder is imported once and registers its own."""
    package = importlib.import_module("odc_gym.agents")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"odc_gym.agents.{module.name}")
    return _FACTORIES


def _is_file(name: str | Path) -> bool:
    return str(name).endswith(".py")


@cache
def _own(path: Path) -> SchedulerFactory:
    """The scheduler of a user's file; it does not become one of the package."""
    if not path.is_file():
        raise SchedulerError(f"scheduler = {path}: no such file")
    known = set(_registry())
    spec = importlib.util.spec_from_file_location(f"scheduler_of_the_user.{path.stem}", path)
    assert spec is not None and spec.loader is not None  # of a file that ends with .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up the module of their class
    try:
        spec.loader.exec_module(module)
    finally:
        found = {name: _FACTORIES.pop(name) for name in set(_FACTORIES) - known}
    if len(found) != 1:
        names = ", ".join(sorted(found)) or "none"
        raise SchedulerError(f'scheduler = {path}: must have one class under @scheduler("name"), has {names}')
    return next(iter(found.values()))


def _is_run(folder: Path) -> bool:
    return (folder / "config.yaml").is_file() and any(model.is_file() for model in _models(folder))


def _models(folder: Path) -> tuple[Path, ...]:
    return folder / "best_model.zip", folder / "model.zip"


def _view(env: Any) -> View:
    inner = getattr(env, "unwrapped", env)
    view: Any = getattr(inner, "view", inner)
    if not (hasattr(view, "observation") and hasattr(view, "layout")):
        raise SchedulerError(f"env = {type(env).__name__}: must be an environment of odc_gym, a Simulator or a View")
    found: View = view
    return found
