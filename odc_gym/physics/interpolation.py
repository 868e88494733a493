"""Linear interpolation in tables of several columns at many points, by compiled loops.

The loops do what NumPy's index arrays would do, in the same order, without their temporary arrays.
"""

from odc_gym.compilation.array_types import Float64x1, Float64x2, Float64x3, Int64x1
from odc_gym.compilation.kernel import kernel


@kernel
def interpolate(table: Float64x2, position: Float64x1, out: Float64x2) -> None:
    """Interpolate linearly in each row of a table.

    Args:
        table: (K, R) rows over positions of 0 to R - 1.
        position: (M,) positions.
        out: (K, M) values; written.
    """
    last = table.shape[1] - 2
    for m in range(position.size):
        low = min(int(position[m]), last)
        share = position[m] - low
        for k in range(table.shape[0]):
            left = table[k, low]
            out[k, m] = left + share * (table[k, low + 1] - left)


@kernel
def interpolate_grid(table: Float64x3, row: Float64x1, column: Float64x1, out: Float64x2) -> None:
    """Interpolate bilinearly in a table of K values at each node.

    Args:
        table: (R, C, K) values at the nodes.
        row: (M,) positions of 0 to R - 1.
        column: (M,) positions of 0 to C - 1.
        out: (K, M) values; written.
    """
    for m in range(row.size):
        i, j = min(int(row[m]), table.shape[0] - 2), min(int(column[m]), table.shape[1] - 2)
        u, v = row[m] - i, column[m] - j
        for k in range(table.shape[2]):
            lower = (1.0 - v) * table[i, j, k] + v * table[i, j + 1, k]
            upper = (1.0 - v) * table[i + 1, j, k] + v * table[i + 1, j + 1, k]
            out[k, m] = (1.0 - u) * lower + u * upper


@kernel
def interpolate_steps(table: Float64x2, row: Int64x1, column: Int64x1, weights: Float64x2, out: Float64x2) -> None:
    """Interpolate by cubics within chosen steps of a table, at the same instants of each step.

    Args:
        table: (R, S) values.
        row: (K,) row before the one in which each step begins.
        column: (K,) column of each step.
        weights: (4, M) weights of rows `row` to `row` + 3 at M instants.
        out: (K, M) values; written.
    """
    for k in range(row.size):
        a, b = table[row[k], column[k]], table[row[k] + 1, column[k]]
        c, d = table[row[k] + 2, column[k]], table[row[k] + 3, column[k]]
        for m in range(weights.shape[1]):
            out[k, m] = (a * weights[0, m] + b * weights[1, m]) + (c * weights[2, m] + d * weights[3, m])
