"""Arguments of a kernel in one table of 64-bit words, as its C interface receives them.

An annotation declares each argument: `Annotated[np.ndarray, Array(np.float64, 2)]`, `int`, `float`, `bool`, or a named
tuple or tuple of such. An array takes its address and its lengths, a number takes one word. All arrays are contiguous
in the order of C.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np


class Array(NamedTuple):
    """Type of an array argument."""

    dtype: Any  # NumPy type of an element
    axes: int  # number of axes


class Number(NamedTuple):
    """Type of a number argument; it takes one word."""

    kind: type  # int, float or bool


class Bundle(NamedTuple):
    """Type of a named tuple, or of a plain tuple where `record` is None."""

    record: type[Any] | None
    fields: tuple[Argument, ...]


Argument: TypeAlias = Array | Number | Bundle


def arguments_of(function: Callable[..., Any]) -> Bundle:
    """Return the types of the arguments of a function, from its annotations.

    Raises:
        TypeError: an annotation is missing or cannot be an argument of a kernel.
    """
    hints = get_type_hints(function, include_extras=True)
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    if missing := [name for name in names if name not in hints]:
        raise TypeError(f"{function.__qualname__}: no type is given for {', '.join(missing)}")
    return Bundle(None, tuple(argument_of(hints[name]) for name in names))


def argument_of(hint: Any) -> Argument:
    """Return the type of an argument from its annotation.

    Raises:
        TypeError: the annotation cannot be an argument of a kernel.
    """
    if get_origin(hint) is Annotated:
        dtype, axes = next(note for note in hint.__metadata__ if isinstance(note, Array))
        return Array(np.dtype(dtype), axes)
    if hint in (int, float, bool):
        return Number(hint)
    if get_origin(hint) is tuple:
        return Bundle(None, tuple(argument_of(part) for part in get_args(hint)))
    if isinstance(hint, type) and hasattr(hint, "_fields"):
        hints = get_type_hints(hint, include_extras=True)
        return Bundle(hint, tuple(argument_of(hints[name]) for name in hint._fields))
    raise TypeError(f"{hint} cannot be an argument of a kernel")


def words_of(argument: Argument) -> int:
    """Return the number of words that an argument takes."""
    if isinstance(argument, Array):
        return 1 + argument.axes
    return sum(map(words_of, argument.fields)) if isinstance(argument, Bundle) else 1


def packed(kind: Bundle, values: Sequence[Any]) -> np.ndarray:
    """Return the table of a kernel's arguments, (words,) int64.

    The table holds addresses: the arrays must stay alive, and unchanged in size, as long as the table is used.

    Raises:
        TypeError: an array has another type or number of axes than declared, or is not contiguous.
    """
    words: list[int] = []
    _append(words, kind, values)
    return np.array(words, np.int64)


def _append(words: list[int], kind: Argument, value: Any) -> None:
    """Append the words of an argument."""
    if isinstance(kind, Array):
        if value.dtype != kind.dtype or value.ndim != kind.axes or not value.flags.c_contiguous:
            found = f"{value.dtype} with {value.ndim} axes{'' if value.flags.c_contiguous else ', not contiguous'}"
            raise TypeError(f"a kernel argument is an array of {found}; declared is {kind.dtype} with {kind.axes}")
        words.append(_address(value))
        words += value.shape
    elif isinstance(kind, Bundle):
        for part, field in zip(kind.fields, value, strict=True):
            _append(words, part, field)
    else:
        words.append(int(np.float64(value).view(np.int64)) if kind.kind is float else int(value))


def _address(array: np.ndarray) -> int:
    """Return the address of an array's first element, the fastest way: NumPy describes the array in all others."""
    if array.flags.writeable and array.nbytes and array.dtype.names is None:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))  # type: ignore[arg-type]  # Buffer: Python 3.12
    return int(array.ctypes.data)
