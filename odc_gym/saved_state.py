"""Checks of saved states: arrays by name, as every `get_state` of this package returns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import ArgumentError


def saved_array(state: Mapping[str, Any], name: str, dtype: Any, shape: Sequence[int | None]) -> NDArray[Any]:
    """Return an array of a state.

    Args:
        state: arrays by name.
        name: name of the array.
        dtype: type that it must have.
        shape: shape that it must have; None stands for any length.

    Raises:
        ArgumentError: the state is no mapping, or the array is missing or has another type or shape.
    """
    if not isinstance(state, Mapping):
        raise ArgumentError(f"state: {type(state).__name__}, must be a mapping from get_state")
    if name not in state:
        raise ArgumentError(f"state: has no {name!r}, must be complete as from get_state")
    array = np.asarray(state[name])
    fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
    if not fits:
        wanted = str(tuple("any" if n is None else n for n in shape)).replace("'", "")
        raise ArgumentError(f"state: {name} of shape {array.shape}, must be of shape {wanted}")
    if array.dtype != np.dtype(dtype):
        raise ArgumentError(f"state: {name} of type {array.dtype.name}, must be of type {np.dtype(dtype).name}")
    return array


def entries_under(state: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Return the entries whose names begin with a prefix, without the prefix."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
