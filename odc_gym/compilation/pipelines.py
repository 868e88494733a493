"""Numba pipelines of the compiled core. All options of Numba are set here.

Numba makes machine code of each function, and optimises it again in each caller. Here only kernels become machine code.
Other functions stay LLVM IR, and a kernel links all that it reaches once. That halves the time of a compilation.

Nothing counts references: kernels receive all arrays by address, and the caller keeps them alive. Indices are never
negative: Numba's code that counts them from the end of an array is left out, which saves a fifth of all instructions.
Fast-math is never used: the same tables give the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.typing.templates import infer, infer_global, make_overload_template
from numba.extending import register_jitable
from numba.np import arrayobj

Function = TypeVar("Function", bound=Callable[..., Any])
# division by zero gives inf, because the branch for an exception would prevent vectorisation
OPTIONS = {"error_model": "numpy", "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class CoreLibrary(JITCodeLibrary):
    """LLVM IR of a function of the core; `whole_index` recognises its module."""

    def create_ir_module(self, name: str) -> Any:
        """Return an empty module for the function."""
        module = super().create_ir_module(name)
        module.of_core = True
        return module


def whole_index(context: Any, builder: Any, kind: Any, index: Any, length: Any) -> Any:
    """Generate the index of an array's axis as a word.

    In functions of the core, an index is used as it is. Elsewhere, negative ones count from the end, as Numba has it.
    """
    if getattr(builder.module, "of_core", False):
        return context.cast(builder, index, kind, types.intp if kind.signed else types.uintp)
    return _numba_index(context, builder, kind, index, length)


_numba_index, arrayobj.fix_integer_index = arrayobj.fix_integer_index, whole_index


class RoutineLibrary(CoreLibrary):
    """LLVM IR of a function that only kernels reach; it is neither optimised nor turned into machine code."""

    @property
    def codegen(self) -> Any:
        """The code generator, without the table of environments: a function without machine code has no entry."""
        return _WithoutEnvironments(self._codegen)

    def add_linking_library(self, library: Any) -> None:
        """Note a function that this one calls. It may still be in work where functions call each other."""
        if not isinstance(library, RoutineLibrary):
            library._ensure_finalized()
        self._linking_libraries.append(library)

    def finalize(self) -> None:
        """Keep the IR as it is."""
        self._raise_if_finalized()
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0: there is no machine code."""
        return 0


class WholeLibrary(RoutineLibrary):
    """LLVM IR of a kernel and of all functions that it reaches, optimised; an object file is made of it."""

    def finalize(self) -> None:
        """Link each reached function once, callers before what they call, then optimise all together."""
        own = {function.name for function in self._final_module.functions if not function.is_declaration}
        for part in reached_libraries(self):
            self._final_module.link_in(part._get_module_for_linking(), preserve=True)
        if type(self) is WholeLibrary:  # nothing else calls what a kernel reaches, so that more of it can be inlined
            for function in self._final_module.functions:
                if function.name not in own and not function.is_declaration:
                    function.linkage = "internal"
        self._linking_libraries: list[Any] = []
        self._optimize_final_module()
        super().finalize()


class LoopLibrary(WholeLibrary):
    """LLVM IR of a SIMD loop or an inlined function.

    It is optimised on its own, because LLVM forgets that arrays do not overlap when it inlines a loop into its caller.
    """

    def _optimize_final_module(self) -> None:
        """Optimise twice: the second pass vectorises what the first has inlined."""
        super()._optimize_final_module()
        super()._optimize_final_module()


class KernelLibrary(CoreLibrary):
    """Machine code in this process of a kernel and of all functions that it reaches."""

    def finalize(self) -> None:
        """Link each reached function once, callers before what they call, then optimise all together."""
        self._linking_libraries = reached_libraries(self)
        super().finalize()


class _WithoutEnvironments:
    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def set_env(self, name: str, environment: Any) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)


def reached_libraries(library: Any) -> list[Any]:
    """Return the libraries that a library calls, directly or not; loops already contain what they call."""
    reached: dict[Any, None] = {}
    pending = list(reversed(library._linking_libraries))
    while pending:
        part = pending.pop()
        if part not in reached:
            reached[part] = None
            if type(part) is RoutineLibrary:
                pending += reversed(part._linking_libraries)
    return list(reached)


def _pipeline(kind: type[Any], noalias: bool = False) -> type[Any]:
    """Return a compiler whose results are libraries of a kind."""

    class Pipeline(CompilerBase):
        def define_pipelines(self) -> list[Any]:
            state = self.state
            state.flags.noalias = noalias
            if state.library is None:
                state.library = kind(state.targetctx.codegen(), state.func_id.func_qualname)
                state.library.enable_object_caching()
            return [DefaultPassBuilder.define_nopython_pipeline(state)]

    return Pipeline


_ROUTINE, _INLINE = _pipeline(RoutineLibrary), _pipeline(LoopLibrary)
_LOOP = _pipeline(LoopLibrary, noalias=True)
KERNEL_PIPELINE, OBJECT_PIPELINE = _pipeline(KernelLibrary), _pipeline(WholeLibrary)


def inline(function: Function) -> Function:
    """Compile a scalar function into its callers, because a call that is not inlined would prevent vectorisation."""
    return register_jitable(pipeline_class=_INLINE, forceinline=True, **OPTIONS)(function)  # type: ignore[no-any-return]


def routine(function: Function) -> Function:
    """Compile a function of arrays that kernels call.

    It receives integers as int64: a quarter of all routines would else be compiled twice or more, because tables hold
    some numbers of satellites and rows as int32.
    """
    options = {"nopython": True, "pipeline_class": _ROUTINE, **OPTIONS}
    template = make_overload_template(function, lambda *args, **kwargs: function, options, False, "never")

    def generic(self: Any, args: Any, kws: Any) -> Any:
        return template.generic(self, tuple(map(_widened, args)), {name: _widened(kind) for name, kind in kws.items()})

    widened = type(template.__name__, (template,), {"generic": generic})
    infer(widened)
    infer_global(function, types.Function(widened))
    return function


def _widened(kind: Any) -> Any:
    """Return the Numba type in which a routine receives an argument; the caller converts it."""
    return types.int64 if kind in (types.int8, types.int16, types.int32) else kind


def simd_loop(function: Function) -> Function:
    """Compile a loop over satellites to SIMD code; its arrays must not overlap."""
    return register_jitable(pipeline_class=_LOOP, **OPTIONS)(function)  # type: ignore[no-any-return]
