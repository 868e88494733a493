"""Compilation of a kernel with Numba, to machine code in this process or to an object file for a library.

`python -m odc_gym.compilation.emission PROCESSOR MODULE:FUNCTION ...`, in the JIT mode, writes object files to stdout.
"""

from __future__ import annotations

import gc
import importlib
import pickle
import sys
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.compiler import CompileResult
from numba.core.types import containers
from numba.extending import intrinsic
from numba.np import arrayobj, numpy_support

from odc_gym.compilation.arguments import Argument, Array, Bundle, Number, arguments_of, words_of
from odc_gym.compilation.numba_reference import ADDRESS, Reference
from odc_gym.compilation.pipelines import KERNEL_PIPELINE, OBJECT_PIPELINE, OPTIONS, routine

WORD = ir.IntType(64)
NUMBERS = {int: types.int64, float: types.float64, bool: types.boolean}
LIBC = {"memset", "memcpy", "memmove", "sqrt"}
"""Functions of the C library that compiled kernels may call; `sqrt` becomes an instruction."""


def compiled(kernel: Callable[..., None], pipeline: type[Any] = KERNEL_PIPELINE) -> CompileResult:
    """Compile a kernel: a function of the address of its table of arguments, which returns 0."""
    function, arguments = routine(kernel), _reader(arguments_of(kernel))

    def entry(table):  # type: ignore[no-untyped-def]
        function(*arguments(table))
        return 0

    options = {key: value for key, value in OPTIONS.items() if key != "no_cfunc_wrapper"}
    dispatcher = numba.njit(types.int64(types.intp), pipeline_class=pipeline, **options)(entry)
    return dispatcher.overloads[dispatcher.signatures[0]]


def address_in_process(kernel: Callable[..., None]) -> int:
    """Return the address of a kernel's machine code in this process."""
    result = compiled(kernel)
    _keep.append(result)
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


def object_code(kernel: Callable[..., None], processor: str) -> bytes:
    """Return the object file of a kernel for a processor, with the symbol `odc_gym_<name>`.

    Raises:
        RuntimeError: the code calls a function that a plain library cannot call, such as one of Numba.
    """
    result = compiled(kernel, OBJECT_PIPELINE)
    result.library.finalize()
    module = result.library._final_module
    entry = module.get_function(result.fndesc.llvm_func_name)
    for part in (*module.functions, *module.global_variables):
        if not part.is_declaration:
            part.linkage = "external" if part.name == entry.name else "internal"
    entry.name = f"odc_gym_{kernel.__name__}"
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=processor, features="", opt=3, reloc="pic", codemodel="default"
    )
    passes = llvm.newpassmanagers.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()))
    called = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    if foreign := called - LIBC:
        raise RuntimeError(f"kernel {kernel.__name__} calls {', '.join(sorted(foreign))}")
    return bytes(target.emit_object(module))


_keep: list[Any] = []  # results whose machine code is in use


def _reader(arguments: Bundle) -> Any:
    """Return a compiled function from the address of a table to a tuple of the arguments in it."""
    kinds = containers.Tuple([_argument_type(part) for part in arguments.fields])

    @intrinsic  # type: ignore[untyped-decorator]
    def read(typing_context: Any, table: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            words, parts = builder.inttoptr(values[0], WORD.as_pointer()), []
            for part in arguments.fields:
                value = _value(context, builder, words, part)
                if isinstance(part, Bundle):
                    place = cgutils.alloca_once_value(builder, value)
                    value = builder.bitcast(place, ADDRESS)
                parts.append(value)
                words = cgutils.gep_inbounds(builder, words, words_of(part))
            return context.make_tuple(builder, kinds, parts)

        return kinds(table), generate

    return read


def _argument_type(argument: Argument) -> Any:
    """Return the Numba type of an argument; bundles are references."""
    kind = _numba_type(argument)
    return Reference(kind) if isinstance(argument, Bundle) else kind


def _numba_type(argument: Argument) -> Any:
    """Return the Numba type of an argument, or of a field of a bundle."""
    if isinstance(argument, Number):
        return NUMBERS[argument.kind]
    if isinstance(argument, Array):
        return types.Array(numpy_support.from_dtype(argument.dtype), argument.axes, "C")
    kinds = [_numba_type(part) for part in argument.fields]
    if argument.record is None:
        return containers.Tuple(kinds)
    if len(set(kinds)) == 1:
        return containers.NamedUniTuple(kinds[0], len(kinds), argument.record)
    return containers.NamedTuple(kinds, argument.record)


def _value(context: Any, builder: Any, words: Any, argument: Argument) -> Any:
    """Generate code that reads an argument at the address `words`."""
    if isinstance(argument, Bundle):
        parts = []
        for part in argument.fields:
            parts.append(_value(context, builder, words, part))
            words = cgutils.gep_inbounds(builder, words, words_of(part))
        return context.make_tuple(builder, _numba_type(argument), parts)
    first = builder.load(words)
    if isinstance(argument, Number):
        if argument.kind is float:
            return builder.bitcast(first, ir.DoubleType())
        return cgutils.is_not_null(builder, first) if argument.kind is bool else first
    return _array(context, builder, words, first, argument)


def _array(context: Any, builder: Any, words: Any, address: Any, argument: Array) -> Any:
    """Generate the header of an array from its address and lengths."""
    kind = _numba_type(argument)
    itemsize = context.get_constant(types.intp, argument.dtype.itemsize)
    lengths = [builder.load(cgutils.gep_inbounds(builder, words, 1 + axis)) for axis in range(argument.axes)]
    strides = [itemsize]
    for length in reversed(lengths[1:]):
        strides.insert(0, builder.mul(length, strides[0]))
    header = arrayobj.make_array(kind)(context, builder)
    arrayobj.populate_array(
        header,
        data=builder.inttoptr(address, context.get_data_type(kind.dtype).as_pointer()),
        shape=cgutils.pack_array(builder, lengths),
        strides=cgutils.pack_array(builder, strides),
        itemsize=itemsize,
        meminfo=None,
    )
    return header._getvalue()


def main(processor: str, names: list[str]) -> None:
    """Write the object files of kernels to stdout, as a pickled list of bytes in the order of `names`."""
    gc.disable()  # a tenth faster
    objects = []
    for name in names:
        module, function = name.split(":")
        objects.append(object_code(getattr(importlib.import_module(module), function).function, processor))
    sys.stdout.buffer.write(pickle.dumps(objects))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
