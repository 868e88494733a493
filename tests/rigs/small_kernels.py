"""Small kernels, which compile in seconds: arguments of every kind, and the cache are tested with them."""

from typing import Annotated, NamedTuple

import numpy as np

from odc_gym.compilation.arguments import Array
from odc_gym.compilation.array_types import Float64x1, Float64x2, Int64x1
from odc_gym.compilation.decorators import routine
from odc_gym.compilation.kernel import kernel


class Pair(NamedTuple):
    values: Float64x2
    counts: Int64x1


class Nested(NamedTuple):
    pair: Pair
    plain: tuple[Float64x1, Int64x1]
    scale: float
    flags: Annotated[np.ndarray, Array(np.bool_, 1)]
    adds: bool
    index: int


@routine
def weighted(nested: Nested, i: int) -> float:
    return nested.pair.values[i, nested.index] * nested.pair.counts[i] * nested.scale


@kernel
def combine(first: Float64x1, nested: Nested, offset: float, times: int, negates: bool, out: Float64x1) -> None:
    values, counts = nested.plain
    for i in range(out.shape[0]):
        out[i] = first[i] + offset + values[i] * counts[i] * times
        if nested.adds and nested.flags[i]:
            out[i] += weighted(nested, i)
        if negates:
            out[i] = -out[i]


@kernel
def double(values: Float64x1) -> None:
    for i in range(values.shape[0]):
        values[i] *= 2.0


@kernel
def allocate(values: Float64x1) -> None:
    values[:] = np.ones(values.shape[0])
