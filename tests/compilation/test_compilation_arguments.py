"""Arguments of kernels: each arrives as it was given, and what does not fit its declaration is refused."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import numpy as np
import pytest
from small_kernels import Nested, Pair, combine, double

from odc_gym.compilation.arguments import Array, Bundle, Number, argument_of, arguments_of, packed, words_of
from odc_gym.compilation.array_types import Float64x2
from odc_gym.compilation.modes import PYTHON_MODE

compiled = pytest.mark.skipif(PYTHON_MODE, reason="plain Python takes any arguments")


def arguments(adds=True, negates=False):
    """Arguments of `combine` in which no two numbers are equal."""
    pair = Pair(np.arange(1.0, 13.0).reshape(4, 3), np.array([2, -3, 5, 7]))
    plain = (np.array([0.5, 1.5, 2.5, 3.5]), np.array([11, 13, -17, 19]))
    nested = Nested(pair, plain, 0.125, np.array([True, False, True, True]), adds, 2)
    return [np.array([100.0, 200.0, 300.0, 400.0]), nested, -0.75, -(2**40), negates, np.zeros(4)]


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("negates", [False, True])
def test_arguments_of_every_kind_arrive_as_they_were_given(adds, negates):
    """Catches words in another order or of another type than the kernel reads: signs, fractions, flags, strides."""
    given, expected = arguments(adds, negates), arguments(adds, negates)
    combine.function(*expected)
    combine(*given)
    assert given[-1].tolist() == expected[-1].tolist() and np.all(given[-1] != 0.0)


def test_a_bound_kernel_works_on_the_arrays_that_it_was_bound_to():
    values = np.array([1.0, -2.5])
    run = double.bind(values)
    run()
    run()
    assert values.tolist() == [4.0, -10.0]


def test_a_bound_kernel_keeps_its_arrays_alive():
    """Catches a table with the address of memory that was given back."""
    run = double.bind(np.ones(1_000_000))
    others = [np.ones(1_000_000) for _ in range(3)]  # they would take its place
    run()
    assert all(other.max() == 1.0 for other in others)


@compiled
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.ones(4, np.float32), "float32 with 1 axes; declared is float64 with 1"),
        (np.ones(4, np.int64), "int64 with 1 axes"),
        (np.ones((2, 2)), "float64 with 2 axes"),
        (np.ones(8)[::2], "float64 with 1 axes, not contiguous"),
    ],
)
def test_arrays_of_another_type_or_shape_are_refused(values, reason):
    """Catches a kernel that reads or writes foreign memory."""
    with pytest.raises(TypeError, match=reason):
        double(values)


@compiled
@pytest.mark.parametrize("values", [(np.zeros(2),) * 2, ()])
def test_another_number_of_arguments_is_refused(values):
    with pytest.raises(ValueError, match="argument 2"):
        double(*values)


@compiled
def test_the_order_of_fortran_is_refused():
    given = arguments()
    pair = given[1].pair._replace(values=np.asfortranarray(given[1].pair.values))
    given[1] = given[1]._replace(pair=pair)
    with pytest.raises(TypeError, match="not contiguous"):
        combine(*given)


def test_words_of_arguments():
    kind = arguments_of(combine.function)
    table = packed(kind, arguments())
    assert len(table) == words_of(kind) == 2 + (3 + 2) + (2 + 2) + (1 + 2 + 1 + 1) + 1 + 1 + 1 + 2
    assert table[1] == 4 and table[3:5].tolist() == [4, 3]  # lengths follow addresses
    assert table[11:12].view(np.float64) == 0.125


def test_types_come_from_annotations():
    class Record(NamedTuple):
        block: Float64x2
        flag: bool

    assert argument_of(Annotated[np.ndarray, Array(np.int8, 3)]) == Array(np.dtype(np.int8), 3)
    expected = Bundle(Record, (Array(np.dtype(float), 2), Number(bool)))
    assert argument_of(Record) == expected
    assert argument_of(tuple[Record, int]) == Bundle(None, (expected, Number(int)))


@pytest.mark.parametrize("hint", [str, list, np.ndarray, Callable])
def test_other_types_are_refused(hint):
    with pytest.raises(TypeError, match="cannot be an argument of a kernel"):
        argument_of(hint)


def test_each_argument_needs_a_type():
    def untyped(values, n: int) -> None:
        """Do nothing."""

    with pytest.raises(TypeError, match="no type is given for values"):
        arguments_of(untyped)


def test_every_kind_of_array_is_packed_by_its_address():
    """Catches arrays whose memory no buffer gives: frozen, empty, or of records."""
    record = np.dtype([("a", np.float64), ("b", np.int32)])
    frozen = np.arange(3.0)
    frozen.flags.writeable = False
    arrays = [np.arange(3.0), frozen, np.zeros(0), np.zeros(2, record), np.arange(6.0)[2:], np.ones(3, np.bool_)]
    kinds = Bundle(None, tuple(Array(array.dtype, 1) for array in arrays))
    expected = [word for array in arrays for word in (array.ctypes.data, array.size)]
    assert packed(kinds, arrays).tolist() == expected
