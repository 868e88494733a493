"""Numba type of the address of a bundle, and the intrinsics that make such addresses; see `reference`.

Fields are read without reference counting. The caller of the kernel keeps the arrays alive.
"""

from __future__ import annotations

import hashlib
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed
from numba.core.types.containers import BaseNamedTuple, NamedUniTuple
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model
from numba.np import arrayobj

ADDRESS = ir.IntType(8).as_pointer()  # LLVM type of an address


class Reference(types.Type):
    """Numba type of the address of a named tuple; `kind` is the type of the tuple."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        digest = hashlib.blake2b(str(kind).encode(), digest_size=8).hexdigest()
        # the name is short because it becomes part of the name of each routine, and long names slow down linking
        super().__init__(name=f"Reference[{digest}]")


@register_model(Reference)
class _Address(models.OpaqueModel):
    """Data model of a reference: an address without reference counting."""


@infer_getattr
class _Fields(AttributeTemplate):
    """Types of the fields of a reference: those of the bundle, where a nested bundle is a reference as well."""

    key = Reference

    def generic_resolve(self, reference: Reference, name: str) -> Any:
        """Return the type of a field, or None if the bundle has no field of this name."""
        if name not in reference.kind.fields:
            return None
        kind = reference.kind.types[reference.kind.fields.index(name)]
        return Reference(kind) if isinstance(kind, BaseNamedTuple) else kind


@lower_getattr_generic(Reference)  # type: ignore[untyped-decorator]
def _read_field(context: Any, builder: Any, reference: Reference, address: Any, name: str) -> Any:
    """Generate code that reads a field of the bundle, or takes the address of a nested bundle."""
    place = reference.kind.fields.index(name)
    bundle = builder.bitcast(address, context.get_value_type(reference.kind).as_pointer())
    field = cgutils.gep_inbounds(builder, bundle, 0, place)
    kind = reference.kind.types[place]
    if isinstance(kind, BaseNamedTuple):
        return builder.bitcast(field, ADDRESS)
    value = builder.load(field)
    return (
        _without_owner(builder, value)
        if isinstance(kind, types.Array)
        else impl_ret_borrowed(context, builder, kind, value)
    )


def _without_owner(builder: Any, array: Any) -> Any:
    """Return an array without an owner, whose references are not counted."""
    owner = array.type.elements[0]
    return builder.insert_value(array, owner(None), 0)


@intrinsic  # type: ignore[untyped-decorator]
def address_of(typing_context: Any, bundle: Any) -> Any:
    """Generate code that stores a bundle in the frame of the caller and returns its address.

    The address is valid while the calling function runs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once(builder, arguments[0].type)
        builder.store(arguments[0], place)
        return builder.bitcast(place, ADDRESS)

    return Reference(bundle)(bundle), generate


@intrinsic  # type: ignore[untyped-decorator]
def row_headers_of(typing_context: Any, record: Any, block: Any) -> Any:
    """Generate code that writes an array header for each row of a block, and returns the address of the first.

    The headers lie in the frame of the calling function: pass the result to other functions, and never return it.
    """
    row = types.Array(block.dtype, block.ndim - 1, "C")
    kind = NamedUniTuple(row, len(record.instance_class._fields), record.instance_class)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = context.make_array(block)(context, builder, arguments[1])
        shape, strides = (cgutils.unpack_tuple(builder, axes, block.ndim) for axes in (source.shape, source.strides))
        headers = cgutils.alloca_once(builder, context.get_value_type(kind))
        data = builder.bitcast(source.data, ADDRESS)
        with cgutils.for_range(builder, context.get_constant(types.intp, kind.count)) as loop:
            header = context.make_array(row)(context, builder)
            begin = builder.gep(data, [builder.mul(loop.index, strides[0])])
            arrayobj.populate_array(
                header,
                data=builder.bitcast(begin, source.data.type),
                shape=cgutils.pack_array(builder, shape[1:]),
                strides=cgutils.pack_array(builder, strides[1:]),
                itemsize=source.itemsize,
                meminfo=None,
            )
            builder.store(header._getvalue(), cgutils.gep_inbounds(builder, headers, 0, loop.index))
        return builder.bitcast(headers, ADDRESS)

    return Reference(kind)(record, block), generate
