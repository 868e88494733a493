"""The arrays of a batch: made, and made longer."""

import numpy as np

from odc_gym.simulation.state import State
from odc_gym.simulation.work import Classes, Ledger, Services

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
