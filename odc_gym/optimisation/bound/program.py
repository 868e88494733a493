"""Linear programme in the making: blocks of variables with finite bounds, and rows `A x <= b`.

The programme maximises. It has no equations: every rule of the simulator is an inequality that lets energy and work be
thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Block:
    """Variables of one kind.

    Attributes:
        name: name of the block.
        first: index of its first variable.
        shape: shape of the block; the last axis is the fastest.
    """

    name: str
    first: int
    shape: tuple[int, ...]

    @property
    def index(self) -> np.ndarray:
        """Indices of the variables, in the shape of the block."""
        return self.first + np.arange(int(np.prod(self.shape))).reshape(self.shape)


@dataclass(frozen=True)
class Problem:
    """Linear programme: maximise `objective @ x + constant` with `matrix @ x <= limit` and `low <= x <= high`.

    Attributes:
        objective: points of score for each unit of a variable, (N,).
        matrix: coefficients of the rows, (M, N).
        limit: right sides, (M,).
        low: lower bounds, (N,), finite.
        high: upper bounds, (N,), finite.
        constant: points that do not depend on the variables.
        blocks: blocks of variables by name.
        rows: name of the group of each row, in order, with its first and last row.
    """

    objective: np.ndarray
    matrix: csr_array
    limit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    constant: float
    blocks: dict[str, Block]
    rows: dict[str, slice]


@dataclass
class Program:
    """Builder of a `Problem`."""

    constant: float = 0.0
    blocks: dict[str, Block] = field(default_factory=dict)
    rows: dict[str, slice] = field(default_factory=dict)
    _columns: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    _entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    _limits: list[np.ndarray] = field(default_factory=list)
    _num_columns: int = 0
    _num_rows: int = 0

    def variables(
        self, name: str, high: np.ndarray, objective: np.ndarray | float = 0.0, low: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Add a block of variables in the shape of `high`, and return their indices.

        Args:
            name: name of the block.
            high: upper bounds, finite.
            objective: points for each unit, of the same shape or one number.
            low: lower bounds, finite, likewise.
        """
        high = np.asarray(high, float)
        block = Block(name, self._num_columns, high.shape)
        sides = (np.broadcast_to(np.asarray(side, float), high.shape).ravel() for side in (objective, low))
        points, least = (np.array(side) for side in sides)
        self.blocks[name] = block
        self._columns.append((points, least, high.ravel().copy()))
        self._num_columns += high.size
        return block.index

    def limits(self, name: str, limit: np.ndarray) -> np.ndarray:
        """Add rows with the given right sides, and return their indices in the shape of `limit`."""
        limit = np.asarray(limit, float)
        index = self._num_rows + np.arange(limit.size).reshape(limit.shape)
        self.rows[name] = slice(self._num_rows, self._num_rows + limit.size)
        self._limits.append(limit.ravel().copy())
        self._num_rows += limit.size
        return index

    def add(self, row: np.ndarray, column: np.ndarray, coefficient: np.ndarray | float) -> None:
        """Add coefficients to the matrix; the three arguments broadcast against each other."""
        rows, columns, values = np.broadcast_arrays(row, column, np.asarray(coefficient, float))
        self._entries.append((rows.ravel(), columns.ravel(), values.ravel()))

    def problem(self) -> Problem:
        """Return the programme."""
        from scipy.sparse import coo_array

        rows, columns, values = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        matrix = coo_array((values, (rows, columns)), shape=(self._num_rows, self._num_columns)).tocsr()
        objective, low, high = (np.concatenate(parts) for parts in zip(*self._columns, strict=True))
        limit = np.concatenate(self._limits)
        return Problem(objective, matrix, limit, low, high, self.constant, self.blocks, self.rows)
