"""Convert arguments in a caller's jitted code: helpers of the public functions' overloads.

Numba compiles each helper for the types that it is called with, after `_check_types` has checked
them. From Python most helpers cannot be called.
"""

from typing import Any

import numpy as np
from numba import objmode, types
from numba.core.errors import TypingError
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, overload

from kernels.simd._check_in_kernels import (
    refuse_label,
    refuse_overlap,
    refuse_shared_entries,
    same_steps,
)
from kernels.simd._check_types import (
    is_none,
    kind_of,
    name_of,
    numpy_dtype,
    result_dtype,
    unwrapped,
)
from kernels.simd.compiler import DualKernel, KernelPair, kernel


def pick(function: str, kernels: DualKernel | KernelPair, parallel: Any) -> Any:
    """Choose the serial or the parallel kernel; `parallel` must be known at compile time."""
    parallel = constant_of(parallel)
    if not isinstance(parallel, bool):
        raise TypingError(f"{function}: parallel must be a constant True or False in jitted code")
    return kernels.parallel if parallel else kernels.serial


def constant_of(argument: Any) -> Any:
    """Value of an argument that is known at compile time; its type if it is not."""
    if isinstance(argument, types.Literal):
        return argument.literal_value
    return argument.value if isinstance(argument, types.Omitted) else argument


def as_floats(array: Any) -> Any:
    """Convert an array to float64, unless it is float32 or float64 already."""
    raise NotImplementedError


@overload(as_floats, inline="always")
def _as_floats(array):
    if array.dtype == result_dtype(array):
        return lambda array: array
    return lambda array: array.astype(np.float64)


def as_labels(function: str, labels: Any, classes: int) -> Any:
    """Make a contiguous int64 array of the labels.

    Labels in uint64 that are outside [0, classes) are refused here: they may not fit into int64.
    """
    raise NotImplementedError


@overload(as_labels, inline="always")
def _as_labels(function, labels, classes):
    if labels.dtype == types.int64:
        return lambda function, labels, classes: np.ascontiguousarray(labels)
    if labels.dtype == types.uint64:
        return _from_uint64
    return lambda function, labels, classes: labels.astype(np.int64)


def _from_uint64(function, labels, classes):
    for index in range(labels.size):
        if labels[index] >= np.uint64(classes):
            refuse_label(function, labels[index], index, classes)
    return labels.astype(np.int64)


def batch_of(batch_size: Any, samples: int) -> int:
    """Size of a batch: at most all samples, and all samples by default."""
    raise NotImplementedError


@overload(batch_of)
def _batch_of(batch_size, samples):
    if is_none(batch_size):
        return lambda batch_size, samples: samples
    if batch_size == types.uint64:  # compared with int64, both would become floats
        return lambda batch_size, samples: np.int64(min(batch_size, np.uint64(samples)))
    return lambda batch_size, samples: min(np.int64(batch_size), samples)


def as_result(function: str, like: Any, out: Any, scores: Any) -> Any:
    """Check the output for overlaps and return it; make a new array if it is None."""
    raise NotImplementedError


@overload(as_result)
def _as_result(function, like, out, scores):
    if is_none(out):
        return lambda function, like, out, scores: np.empty(like.shape, like.dtype)
    may_be_scores = out.dtype == scores.dtype

    def call(function, like, out, scores):
        refuse_shared_entries(function, out.shape, out.strides, out.itemsize)
        same = same_steps(out.shape, out.strides, scores.strides) and may_be_scores
        if not (same and out.ctypes.data == scores.ctypes.data) and share_memory(out, scores):
            refuse_overlap(function, "scores")
        return out

    return call


def refuse_shared_labels(function: str, out: Any, labels: Any) -> Any:
    """Refuse an output that shares memory with the labels."""
    raise NotImplementedError


@overload(refuse_shared_labels)
def _refuse_shared_labels(function, out, labels):
    if is_none(out):
        return lambda function, out, labels: None

    def call(function, out, labels):
        if share_memory(out, labels):
            refuse_overlap(function, "labels")

    return call


@kernel(asks_python=True)
def share_memory(first, second):
    """`numpy.shares_memory`, called only if the two address ranges overlap."""
    start, stop = addresses(first)
    other_start, other_stop = addresses(second)
    if stop <= other_start or other_stop <= start:
        return False
    with objmode(shared="boolean"):
        shared = np.shares_memory(first, second)
    return shared  # noqa: RET504 - objmode returns variables by name


@kernel
def addresses(array):
    """First address of an array, and the first after it."""
    start = np.int64(array.ctypes.data)
    stop = start + array.itemsize
    for length, stride in zip(array.shape, array.strides):  # noqa: B905 - Numba has no strict
        start += min(0, (length - 1) * stride)
        stop += max(0, (length - 1) * stride)
    return start, stop


def as_contiguous(array: Any, dtype: Any) -> Any:
    """Make an array contiguous and of a dtype, with a copy only if it is not."""
    raise NotImplementedError


@overload(as_contiguous, inline="always")
def _as_contiguous(array, dtype):
    if array.dtype == dtype.dtype:
        return lambda array, dtype: np.ascontiguousarray(array)
    return lambda array, dtype: np.ascontiguousarray(array.astype(dtype))


def as_float64(array: Any) -> Any:
    """Convert an array to float64, with a copy only if it is not."""
    raise NotImplementedError


@overload(as_float64, inline="always")
def _as_float64(array):
    if array.dtype == types.float64:
        return lambda array: array
    return lambda array: array.astype(np.float64)


def as_dtype(array: Any, like: Any) -> Any:
    """Convert an array to the dtype of another, with a copy only if it differs."""
    raise NotImplementedError


@overload(as_dtype, inline="always")
def _as_dtype(array, like):
    if array.dtype == like.dtype:
        return lambda array, like: array
    return lambda array, like: array.astype(like.dtype)


def or_zeros(array: Any, shape: Any, dtype: Any) -> Any:
    """Copy an optional array, contiguous; make zeros if it is None."""
    raise NotImplementedError


@overload(or_zeros, inline="always")
def _or_zeros(array, shape, dtype):
    if is_none(array):
        return lambda array, shape, dtype: np.zeros(shape, dtype)
    return lambda array, shape, dtype: np.ascontiguousarray(array).astype(dtype)


def equals(text: Any, word: str) -> bool:
    """Whether two texts are equal, as a constant if both are."""
    raise NotImplementedError


@overload(equals, inline="always", prefer_literal=True)
def _equals(text, word):
    if isinstance(constant_of(text), str):
        answer = constant_of(text) == constant_of(word)
        return lambda text, word: answer
    return lambda text, word: text == word


def or_default(value: Any, default: Any) -> Any:
    """Return an optional number, or the default if it is None."""
    raise NotImplementedError


@overload(or_default, inline="always")
def _or_default(value, default):
    if is_none(value):
        return lambda value, default: default
    return lambda value, default: value


# --- numbers, and points that are numbers


def _given(typing_context, value):
    """Unwrap a value that may be None in the caller's code; None raises a TypeError there."""
    return _cast(unwrapped(types.unliteral(value)), value)


def _as_real(typing_context, value):
    """Convert a number to float64 (`float` keeps a float32); None raises a TypeError."""
    return _cast(types.float64, value)


given: Any = intrinsic(_given)
as_real: Any = intrinsic(_as_real)


def _cast(target, value):
    def emit(context, builder, signature, arguments):
        cast = context.cast(builder, arguments[0], signature.args[0], target)
        return impl_ret_borrowed(context, builder, target, cast)

    return target(value), emit


def real_of(result: Any) -> float:
    """Convert a function's result to float64; `_check_results` checks it if called from Python."""
    return result  # type: ignore[no-any-return]


@overload(real_of)
def _real_of(result):
    if kind_of(result) not in "fi":
        raise TypingError(f"the function must return a real number, got {name_of(result)}")
    return lambda result: as_real(result)


def number_of(x: Any) -> Any:
    """Convert a point that is a number, or a 0-d array, to float."""
    raise NotImplementedError


@overload(number_of)
def _number_of(x):
    if isinstance(unwrapped(x), types.Array):
        return lambda x: as_real(given(x)[()])
    return lambda x: as_real(x)


def like_number(value: Any, x: Any) -> Any:
    """Make a 0-d array of a float if the point is one; else return the float."""
    raise NotImplementedError


@overload(like_number)
def _like_number(value, x):
    if not isinstance(unwrapped(x), types.Array):
        return lambda value, x: value
    dtype = numpy_dtype(x)
    return lambda value, x: np.asarray(dtype(value))


def private_point(x: Any) -> Any:
    """Copy a point into a contiguous float64 array."""
    raise NotImplementedError


@overload(private_point)
def _private_point(x):
    def call(x):
        point = np.empty(given(x).shape)
        point[...] = given(x)
        return point

    return call


def like_array(values: Any, x: Any) -> Any:
    """Give flat values the shape and dtype of a point."""
    raise NotImplementedError


@overload(like_array)
def _like_array(values, x):
    dtype = numpy_dtype(x)
    return lambda values, x: values.reshape(given(x).shape).astype(dtype)
