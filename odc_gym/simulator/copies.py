"""Copies and pickles of objects that hold views of arrays.

NumPy copies and pickles a view as an array of its own, which nothing writes any more. Objects of this package therefore
keep the arrays that own the data, and make the views again in the copy. `NamedArrays` does so for a mapping of views,
and `Simulator` for its named fields.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np


class NamedArrays(Mapping[str, np.ndarray]):
    """Read-only mapping from names to views of arrays.

    A copy or pickle keeps the sources and makes the views again. Copied together with the owner of its sources, the
    mapping shows the arrays of the copied owner; copied alone, it is a snapshot.
    """

    def __init__(self, make: Callable[..., dict[str, np.ndarray]], *sources: Any) -> None:
        """Make the views.

        Args:
            make: function of a module that returns views of the sources by name.
            *sources: its arguments, among them the objects that own the arrays.
        """
        self._make, self._sources = make, sources
        self._arrays = {name: frozen(array) for name, array in make(*sources).items()}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return self._arrays | dict(other)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._arrays!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._make, *self._sources)


class WholeCopy:
    """Base of simulators and environments: `copy.copy` copies all that changes, like `copy.deepcopy`.

    A shallow copy would share the arrays of the state, so that a step of one would move the other.
    """

    def __copy__(self) -> Self:
        return copy.deepcopy(self)


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a read-only view of an array."""
    view = array.view()
    view.flags.writeable = False
    return view
