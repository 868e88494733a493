"""Entry points that Python calls: compiled functions behind a C interface."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from odc_gym.compilation.arguments import Bundle, arguments_of, packed
from odc_gym.compilation.modes import PYTHON_MODE

Entry = Callable[[int], Any]


class Kernel:
    """Entry point of the compiled core.

    Its arguments are contiguous arrays, numbers, and named tuples of them, as its annotations declare. It writes its
    results into arrays, and allocates none. Calls do not hold the interpreter lock.

    Args:
        function: Python function that is compiled; plain Python runs it in the mode for debugging.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    @cached_property
    def arguments(self) -> Bundle:
        """Types of the arguments."""
        return arguments_of(self.function)

    @cached_property
    def entry(self) -> Entry:
        """Compiled function of the address of a table of arguments; compiled now if there is no library of it."""
        from odc_gym.compilation.libraries import entry_of  # loads what only a compiled kernel needs

        return entry_of(self.function)

    def __call__(self, *values: Any) -> None:
        """Run the kernel once."""
        self.bind(*values)()

    def bind(self, *values: Any) -> BoundKernel:
        """Return a call with these arguments, which may be repeated as long as their arrays keep their places."""
        return BoundKernel(self, values)


class BoundKernel:
    """Call of a kernel with given arguments. It keeps their arrays alive."""

    def __init__(self, kernel: Kernel, values: tuple[Any, ...]) -> None:
        self._values = values
        if PYTHON_MODE:
            self._run: Callable[[], Any] = partial(kernel.function, *values)
            return
        self._table = packed(kernel.arguments, values)
        self._run = partial(kernel.entry, self._table.ctypes.data)

    def __call__(self) -> None:
        """Run the kernel."""
        self._run()


def kernel(function: Callable[..., None]) -> Kernel:
    """Make a function an entry point of the compiled core."""
    return Kernel(function)
