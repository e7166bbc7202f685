"""New arrays, rows and matrix products for kernels, without what Numba compiles for each.

`np.empty`, `a[i:j]` and `a @ b` are several functions each, compiled for every type and flag.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed, impl_ret_new_ref
from numba.np.arrayobj import _empty_nd_impl, make_array, populate_array
from numba.np.linalg import (
    check_blas_return,
    dot_3_mm,
    ensure_blas,
    get_blas_kind,
    make_constant_slot,
)

from kernels.simd._vector_types import intrinsic
from kernels.simd.compiler import WITHOUT_JIT


@intrinsic
def new_array(typing_context, shape, dtype):
    """`np.empty(shape, dtype)`, for an integer or a shape."""
    lengths = shape if isinstance(shape, types.UniTuple) else types.intp
    kind = types.Array(dtype.dtype, getattr(lengths, "count", 1), "C")

    def emit(context, builder, signature, arguments):
        shape = arguments[0]
        sizes = cgutils.unpack_tuple(builder, shape) if kind.ndim > 1 else [shape]
        array = _empty_nd_impl(context, builder, kind, sizes)
        value = array._getvalue()  # noqa: SLF001 - as in all of Numba's code for arrays
        return impl_ret_new_ref(context, builder, kind, value)

    return kind(lengths, dtype), emit


@intrinsic
def rows_of(typing_context, array, start, stop):
    """`array[start:stop]` of an array in C order, without a check of the bounds."""

    def emit(context, builder, signature, arguments):
        whole = make_array(array)(context, builder, arguments[0])
        _, *lengths = cgutils.unpack_tuple(builder, whole.shape)
        strides = cgutils.unpack_tuple(builder, whole.strides)
        some = make_array(array)(context, builder)
        populate_array(
            some,
            data=cgutils.pointer_add(builder, whole.data, builder.mul(arguments[1], strides[0])),
            shape=[builder.sub(arguments[2], arguments[1]), *lengths],
            strides=strides,
            itemsize=whole.itemsize,
            meminfo=whole.meminfo,
        )
        return impl_ret_borrowed(context, builder, array, some._getvalue())  # noqa: SLF001

    return array(array, types.intp, types.intp), emit


@intrinsic
def multiply(typing_context, a, b, out):
    """`np.dot(a, b, out)` for matrices in C or Fortran order."""

    def emit(context, builder, signature, arguments):
        ensure_blas()
        result = dot_3_mm(context, builder, out(a, b, out), arguments)
        context.nrt.decref(builder, out, result)  # `np.dot` returns `out` as a new reference
        return context.get_dummy_value()

    return types.void(a, b, out), emit


@intrinsic
def add_product(typing_context, a, b, out):
    """`out += a @ b` for matrices in C or Fortran order, `out` in C order; checks no shapes.

    To BLAS, which takes Fortran order, they are transposes: outᵀ += bᵀ·aᵀ.
    """

    def emit(context, builder, signature, arguments):
        ensure_blas()
        x, y, result = (
            make_array(kind)(context, builder, value)
            for kind, value in zip((a, b, out), arguments, strict=True)
        )
        (m, k), (_, n) = (cgutils.unpack_tuple(builder, one.shape) for one in (x, y))
        factor = make_constant_slot(context, builder, out.dtype, 1.0)
        arguments = (
            *(_letter(get_blas_kind(out.dtype)), *(_order(kind) for kind in (b, a)), n, m, k),
            *(factor, y.data, n if b.layout == "C" else k),
            *(x.data, k if a.layout == "C" else m),
            *(factor, result.data, n),
        )
        called = [
            builder.bitcast(one, cgutils.voidptr_t) if one.type.is_pointer else one
            for one in arguments
        ]
        function_type = ir.FunctionType(ir.IntType(32), [one.type for one in called])
        name = "numba_xxgemm"
        gemm = cgutils.get_or_insert_function(builder.module, function_type, name)
        check_blas_return(context, builder, builder.call(gemm, called))
        return context.get_dummy_value()

    return types.void(a, b, out), emit


def _letter(letter):
    return ir.IntType(8)(ord(letter))


def _order(kind):
    return _letter("n" if kind.layout == "C" else "t")


@intrinsic
def least(typing_context, a, b):
    """The smaller of two integers."""

    def emit(context, builder, signature, arguments):
        return builder.select(builder.icmp_signed("<", *arguments), *arguments)

    return types.intp(types.intp, types.intp), emit


if WITHOUT_JIT:
    new_array, multiply, least = np.empty, np.dot, min

    def rows_of(array, start, stop):
        """See above."""
        return array[start:stop]
