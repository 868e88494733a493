"""Bundles of arrays that compiled routines receive by address.

Numba passes a named tuple as all words of all its arrays. For a bundle of forty arrays, these are hundreds of arguments
for each call, and the core took 2.4 times as long to compile. `by_reference` returns the address of a bundle instead.
Code reads the fields of the reference like those of the bundle.
"""

from typing import Any

from odc_gym.compilation.modes import JIT_MODE

__all__ = ["by_reference", "rows_of"]


def _itself(bundle: Any) -> Any:
    """Return the bundle: `by_reference` without compilation."""
    return bundle


def _named_rows(record: Any, block: Any) -> Any:
    """Return the rows of a block by name: `rows_of` without compilation."""
    return record(*block[: len(record._fields)])


if JIT_MODE:
    from odc_gym.compilation.numba_reference import address_of as by_reference
    from odc_gym.compilation.numba_reference import row_headers_of as rows_of
else:
    by_reference, rows_of = _itself, _named_rows
