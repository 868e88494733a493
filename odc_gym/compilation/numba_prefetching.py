"""Numba intrinsic that prefetches memory; see `prefetching`."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LINE_BYTES = 64  # of a cache line
READ, SECOND_LEVEL, DATA = 0, 2, 1  # arguments of LLVM's prefetch: for reading, into the second-level cache, no code


@intrinsic  # type: ignore[untyped-decorator]
def prefetch_line(typing_context: Any, array: Any, line: Any) -> Any:
    """Generate code that prefetches the cache line `line` of a contiguous array, counted from its beginning."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, address = ir.IntType(32), ir.IntType(8).as_pointer()
        data = builder.bitcast(context.make_array(array)(context, builder, arguments[0]).data, address)
        offset = builder.mul(arguments[1], ir.Constant(arguments[1].type, LINE_BYTES))
        kind = ir.FunctionType(ir.VoidType(), [address, word, word, word])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(prefetch, [builder.gep(data, [offset]), word(READ), word(SECOND_LEVEL), word(DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate
