"""The arrays of a batch: made, and made longer."""

from collections.abc import Sequence

import numpy as np

from odc_gym.core.layout.state import State
from odc_gym.core.layout.work import Classes, Ledger, Services

ROWS = 256  # tables of jobs and events grow in steps of this many rows


def empty_blocks(b: int, p: int, c: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Empty blocks of State (B, F, P), Classes (B, F, C, P), Ledger and Services (B, F, C)."""
    fields = [len(kind._fields) for kind in (State, Classes, Ledger, Services)]
    state, classes, ledger, services = (
        np.zeros((b, n, *axes)) for n, axes in zip(fields, ((p,), (c, p), (c,), (c,)), strict=True)
    )
    return state, classes, ledger, services


def longer(array: np.ndarray, rows: int, blank: np.ndarray) -> np.ndarray:
    """An array with room for `rows` along its last axis, in steps of `ROWS`; what is added is blank."""
    more = -(-rows // ROWS) * ROWS - array.shape[-1]
    if more <= 0:
        return array
    return np.concatenate([array, np.broadcast_to(blank, (*array.shape[:-1], more))], -1)


def rows_of(tables: Sequence[np.ndarray], rows: int) -> tuple[np.ndarray, ...]:
    """Tables with an axis of rows before, 1 where all environments share them."""
    return tuple(np.repeat(table[None], rows, 0) for table in tables)


def put_row(arrays: Sequence[np.ndarray], row: int, tables: Sequence[np.ndarray]) -> None:
    """Give an environment tables of its own, where it has a row of its own."""
    for array, table in zip(arrays, tables, strict=True):
        array[row if len(array) > 1 else 0] = table


def copy_row(arrays: Sequence[np.ndarray], source: int, row: int) -> None:
    """Give an environment the tables of another one."""
    for array in arrays:
        if len(array) > 1:
            array[row] = array[source]
