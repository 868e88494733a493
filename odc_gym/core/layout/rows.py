"""Named access to the rows of a block, in compiled code and in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

import numpy as np

from odc_gym.compilation.decorators import routine

Record = TypeVar("Record", bound=tuple[Any, ...])
_READ: dict[Any, str] = {int: "int(block[{}])", bool: "block[{}] > 0.5"}  # code that reads a field of the type


def rows(record: type[Record]) -> Callable[[np.ndarray], Record]:
    """Return a compiled function that gives names to the rows of a block, or to the numbers of a vector.

    `rows(State)(block)` is `State(block[0], block[1], ...)`. The block stores fields of the types `int` and `bool` as
    floats; the function converts them.
    """
    kinds = get_type_hints(record)
    values = (_READ.get(kinds.get(name), "block[{}]").format(i) for i, name in enumerate(fields_of(record)))
    return _compiled(f"def unpack(block): return record({', '.join(values)})", record)


def rows_of_environment(record: type[Record]) -> Callable[[Any, int], Record]:
    """Return a compiled function that selects the tables of environment `b` from those of a batch.

    The first axis of each array has length B, or length 1 where all environments share the array.
    """
    values = (f"arrays.{name}[b if arrays.{name}.shape[0] > 1 else 0]" for name in fields_of(record))
    return _compiled(f"def pick(arrays, b): return record({', '.join(values)})", record)


def named(record: type[Record], block: np.ndarray) -> Record:
    """Return named views of the fields of a block `[environment, field, ...]`, each `[environment, ...]`."""
    return record(*(block[:, k] for k in range(len(fields_of(record)))))


def fields_of(record: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields of a named tuple."""
    fields: tuple[str, ...] = record._fields
    return fields


def _compiled(source: str, record: type[Record]) -> Callable[..., Record]:
    """Compile the source of a function that returns a `record`."""
    names: dict[str, Any] = {"record": record}
    exec(source, names)
    function: Callable[..., Record] = routine(names[source.split("(")[0].removeprefix("def ")])
    return function
