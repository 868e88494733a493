"""Protocol of schedulers, and the registry of the schedulers by name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._parameters import describe_parameters
from odc_gym.errors import SchedulerError

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

PACKAGE = "odc_gym.agents"


class Scheduler(Protocol):
    """Scheduler that operates every environment of a batch; row b of its actions depends on row b of the view only."""

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes.

        Args:
            view: view of the environments.
            mask: (B,) rows in which an episode begins.
            seeds: (B,) episodes of the rows; read where `mask` is set.
        """

    def act(self, view: View) -> NDArray[Any]:
        """Choose the actions (B, A) of this decision, in the layout of `view.layout`."""


class Requirements(TypedDict, total=False):
    """Requirements of a scheduler on its environments, as keyword arguments of `gymnasium.make`.

    A class states them as `requires`, and comparisons build the environments accordingly. They may change how the
    environment carries out decisions, but not the world: compared schedulers face the same light, jobs and demand.
    """

    overrides: dict[str, Any]  # dotted path of the scenario to value
    action_mode: Literal["bids", "dials", "assign"]  # "bids" if absent


class Entry(NamedTuple):
    """Entry of the registry: the class of a scheduler and the dataclass of its parameters."""

    make: Callable[..., Scheduler]
    parameters: type | None  # None if the scheduler has no parameters


class Description(NamedTuple):
    """Description of a scheduler, from its docstring and its parameters."""

    summary: str  # the rule in a few words
    rule: str
    controls: str  # parts of the action; "" if the docstring does not state them
    source: str  # publication; "" if the rule has none
    parameters: tuple[str, ...]  # each with default and range


_ENTRIES: dict[str, Entry] = {}
_Class = TypeVar("_Class", bound=Callable[..., Scheduler])


def scheduler(name: str, parameters: type | None = None) -> Callable[[_Class], _Class]:
    """Register a class as the scheduler of that name.

    Args:
        name: name of the scheduler.
        parameters: dataclass of the scheduler's parameters, if it has any; fields made by `number` may be set in the
            name, as in `fixed-clock(0.7)`. The class is constructed with the view, and with such an object if the name
            sets parameters.

    Raises:
        SchedulerError: the name is taken.
    """

    def register(made: _Class) -> _Class:
        if name in _ENTRIES:
            raise SchedulerError(f"two schedulers are called {name}")
        _ENTRIES[name] = Entry(made, parameters)
        return made

    return register


@cache
def registered() -> dict[str, Entry]:
    """Return all registered schedulers by name, after importing every module of the package once."""
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{PACKAGE}.{module.name}")
    return _ENTRIES


@contextmanager
def separate_registry() -> Iterator[dict[str, Entry]]:
    """Collect what is registered inside the context in a dictionary, and leave the registry as it was.

    Inside, only the schedulers of the package are registered: a script may have imported the user's file before.
    """
    package = {name for name, entry in registered().items() if entry.make.__module__.startswith("odc_gym.")}
    users = {name: _ENTRIES.pop(name) for name in set(_ENTRIES) - package}
    found: dict[str, Entry] = {}
    try:
        yield found
    finally:
        found |= {name: _ENTRIES.pop(name) for name in set(_ENTRIES) - package}
        _ENTRIES.update(users)


def scheduler_names() -> tuple[str, ...]:
    """Return the names of all schedulers of the package."""
    return tuple(sorted(registered()))


def rule_names() -> tuple[str, ...]:
    """Return the names of the schedulers that decide at once; those with a true `plans` play or solve ahead."""
    return tuple(name for name in scheduler_names() if not getattr(registered()[name].make, "plans", False))


def describe(entry: Entry) -> Description:
    """Describe a scheduler. Paragraphs of its docstring may begin with `Controls:` and `Source:`."""
    fields = {"Controls": "", "Source": ""}
    rule = []
    for paragraph in (inspect.getdoc(entry.make) or "").split("\n\n"):
        text = " ".join(paragraph.split())
        label, colon, rest = text.partition(": ")
        if colon and label in fields:
            fields[label] = rest.rstrip(".")
        else:
            rule.append(text)
    whole = " ".join(rule)
    summary = whole.partition(". ")[0].rstrip(".").removeprefix("Scheduler that ")
    parameters = describe_parameters(entry.parameters) if entry.parameters else ()
    return Description(summary, whole, fields["Controls"], fields["Source"], parameters)


def scheduler_descriptions() -> dict[str, Description]:
    """Return the description of each scheduler of the package by name."""
    return {name: describe(registered()[name]) for name in scheduler_names()}
