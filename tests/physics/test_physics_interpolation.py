import numpy as np

from odc_gym.physics.interpolation import interpolate, interpolate_grid


def test_interpolation_in_rows_is_that_of_numpy():
    """Catches: a wrong row, and a last position that reads beyond the table."""
    rng = np.random.default_rng(1)
    table, position = rng.normal(size=(2, 9)), np.append(rng.uniform(0.0, 8.0, 50), [0.0, 8.0, 7.0])
    found = np.empty((2, position.size))
    interpolate(table, position, found)
    for row, values in zip(table, found, strict=True):
        assert np.allclose(values, np.interp(position, np.arange(9), row), rtol=1e-14, atol=1e-14)


def test_interpolation_on_a_grid_is_exact_for_a_bilinear_function():
    """Catches: rows and columns that are exchanged, a wrong corner, and ends that read beyond the table."""
    rng = np.random.default_rng(2)
    i, j = np.meshgrid(np.arange(5.0), np.arange(7.0), indexing="ij")
    table = np.stack([2.0 + 3.0 * i - j + 0.5 * i * j, i, j], -1)
    row, column = np.append(rng.uniform(0.0, 4.0, 50), [0.0, 4.0]), np.append(rng.uniform(0.0, 6.0, 50), [6.0, 6.0])
    found = np.empty((3, row.size))
    interpolate_grid(table, row, column, found)
    assert np.allclose(found, [2.0 + 3.0 * row - column + 0.5 * row * column, row, column], rtol=1e-13)
