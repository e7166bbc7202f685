"""The library inside a caller's own jitted code: what is refused while Numba types that code.

The words are those of `kernels.simd._check`. Checks of values run in the kernels themselves.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import objmode, typeof, types
from numba.core.compiler import Flags
from numba.core.errors import TypingError
from numba.core.imputils import impl_ret_borrowed
from numba.core.registry import cpu_target
from numba.core.targetconfig import ConfigStack
from numba.extending import intrinsic, overload

from kernels.simd import _check
from kernels.simd._check_in_kernels import (
    apart_from_itself,
    refuse_label,
    refuse_overlap,
    same_steps,
)
from kernels.simd.compiler import DualKernel, Twins, kernel

_LETTERS: tuple[tuple[Any, str], ...] = (
    (types.Boolean, "b"),
    (types.Integer, "i"),
    (types.Float, "f"),
    (types.Complex, "c"),
    (types.UnicodeType, "U"),
)


OWN_FLAGS: Any = Flags()
"""Those of a function that states none and is called from Python."""
OWN_FLAGS.nrt = True
OWN_FLAGS.error_model = "python"


def _kind(scalar: Any) -> str:
    """NumPy's letter for the kind of a Numba type (or of a default value)."""
    scalar = (
        types.unliteral(unwrapped(scalar)) if isinstance(scalar, types.Type) else typeof(scalar)
    )
    return next((letter for type_, letter in _LETTERS if isinstance(scalar, type_)), "O")


def accept_array(
    function: str, argument: str, array: Any, axes: Sequence[str] | None, expected: str, kinds: str
) -> None:
    """Refuse, at compile time, what is not an array of these kinds and dimensions."""
    if not isinstance(array, types.Array):
        raise TypingError(f"{function}: {argument} must be an array, got {array}")
    _refuse_half(function, argument, array.dtype)
    if axes is not None and array.ndim != len(axes):
        raise TypingError(_check.dimension_words(function, argument, axes, array.ndim))
    if _kind(array.dtype) not in kinds:
        raise TypingError(_check.kind_words(function, argument, expected, _kind(array.dtype)))


def _refuse_half(function: str, argument: str, scalar: Any) -> None:
    if scalar == types.float16:  # Numba has no arithmetic of it on a CPU
        raise TypingError(_check.half_words(function, argument))


def accept_reals(
    function: str, argument: str, array: Any, axes: Sequence[str] | None = None
) -> None:
    """Refuse, at compile time, what is not an array of real numbers."""
    accept_array(function, argument, array, axes, "real numbers", "fi")


def accept_labels(function: str, labels: Any) -> None:
    """Refuse, at compile time, what is not a vector of integers."""
    accept_array(function, "labels", labels, ("N",), "integers", "i")


def accept_real(function: str, argument: str, value: Any) -> None:
    """Refuse, at compile time, what is not a real number."""
    _refuse_half(function, argument, value)
    if _kind(value) not in "fi":
        raise TypingError(_check.kind_words(function, argument, "a real number", _kind(value)))


def accept_integer(function: str, argument: str, value: Any) -> None:
    """Refuse, at compile time, what is not an integer."""
    if _kind(value) != "i":
        raise TypingError(_check.kind_words(function, argument, "an integer", _kind(value)))


def accept_text(function: str, argument: str, value: Any) -> None:
    """Refuse, at compile time, what is not a string."""
    if _kind(value) != "U":
        raise TypingError(_check.kind_words(function, argument, "a string", _kind(value)))


def accept_function(function: str, argument: str, f: Any) -> None:
    """Refuse, at compile time, what is not a jitted function."""
    if not isinstance(f, types.Dispatcher | types.FunctionType):
        raise TypingError(_check.not_jitted_words(function, argument))


def _returned_by(f: Any, point: Any) -> Any:
    """Numba type that a jitted function returns at a point; None where it cannot take one.

    To know it Numba compiles the function, which is not to take the flags of whoever is compiled.
    """
    function_type: Any = f if isinstance(f, types.Type) else typeof(f)
    with ConfigStack().enter(OWN_FLAGS):
        signature = function_type.get_call_type(cpu_target.typing_context, (point,), {})
    return None if signature is None else types.unliteral(signature.return_type)


def accept_value(
    function: str, argument: str, f: Any, point: Any, error: type[Exception] = TypingError
) -> None:
    """Refuse a jitted function that returns something else than a real number.

    Parameters
    ----------
    function, argument : str
        The names for the message.
    f : jitted function, or Numba's type of one
    point : Numba type
        What `f` will be called with.
    error : class
        `TypeError` for a caller in Python.
    """
    returned = _returned_by(f, point)
    if returned is not None and _kind(returned) not in "fi":
        raise error(_check.value_words(function, argument, _named(returned)))


def real_of(result: Any) -> float:
    """Give what a function returned, judged by `_check.value_of` if it is plain, in float64."""
    return result  # type: ignore[no-any-return]


@overload(real_of)
def _real_of(result):
    if _kind(result) not in "fi":
        raise TypingError(f"the function must return a real number, got {_named(result)}")
    return lambda result: as_real(result)


def accept_gradient(
    function: str, argument: str, gradient: Any, point: Any, error: type[Exception] = TypingError
) -> None:
    """Refuse a jitted gradient that returns no array of real numbers (a number at a number).

    Parameters as in `accept_value`.
    """
    returned = _returned_by(gradient, point)
    if returned is None:
        return
    parts: Any = getattr(returned, "types", ())  # of a tuple
    if len(parts) == 2 and _kind(parts[0]) in "fi":
        raise error(_check.loss_too_words(function, argument))
    of_array = isinstance(point, types.Array)
    expected = "an array of real numbers" if of_array else "a real number"
    scalar = returned.dtype if of_array and isinstance(returned, types.Array) else returned
    if isinstance(returned, types.Array) != of_array or _kind(scalar) not in "fi":
        raise error(_check.slope_words(function, argument, expected, _named(returned)))


def _named(returned: Any) -> str:
    """Return words for a Numba type: as from Python, where it is of numbers."""
    if isinstance(returned, types.Array):
        kind = _kind(returned.dtype)
        of = "" if kind in "fi" else f" of {_check.words_of(kind)}"
        return f"a {returned.ndim}-dimensional array{of}"
    if isinstance(returned, types.NoneType):
        return "None"
    if isinstance(returned, types.BaseTuple):
        return f"a tuple of {len(returned)}"
    kind = _kind(returned)
    return kind if kind != "O" else str(returned)


def accept_point(function: str, argument: str, x: Any) -> None:
    """Refuse, at compile time, what is neither an array of real numbers nor a real number."""
    if isinstance(unwrapped(x), types.Array):
        accept_reals(function, argument, unwrapped(x))
        return
    _refuse_half(function, argument, x)
    if _kind(x) not in "fi":
        raise TypingError(_check.kind_words(function, argument, "real numbers", _kind(x)))


def accept_out(function: str, scores: Any, out: Any) -> None:
    """Refuse, at compile time, an array to be filled that cannot hold the result."""
    if is_none(out):
        return
    if not isinstance(out, types.Array) or out.dtype != result_dtype(scores):
        raise TypingError(_check.result_dtype_words(function, "out"))
    if out.ndim != scores.ndim:
        raise TypingError(_check.dimension_words(function, "out", ("N", "C"), out.ndim))
    if not out.mutable:
        raise TypingError(_check.read_only_words(function, "out"))


def result_dtype(array: Any) -> Any:
    """Numba's type of what kernels compute in for an array."""
    return array.dtype if array.dtype in (types.float32, types.float64) else types.float64


def is_none(value: Any) -> bool:
    """Whether an optional argument was left out."""
    return value is None or isinstance(value, types.NoneType | types.Omitted)


def pick(function: str, kernels: DualKernel | Twins, parallel: Any) -> Any:
    """Give the serial or the parallel kernel, by a switch that must be known at compile time."""
    if isinstance(parallel, types.Literal):
        parallel = parallel.literal_value
    if isinstance(parallel, types.Omitted):
        parallel = parallel.value
    if not isinstance(parallel, bool):
        raise TypingError(f"{function}: parallel must be a constant True or False in jitted code")
    return kernels.parallel if parallel else kernels.serial


def as_floats(array: Any) -> Any:
    """Give an array in a dtype that kernels compute in; for jitted code."""
    raise NotImplementedError


@overload(as_floats, inline="always")
def _as_floats(array):
    if array.dtype == result_dtype(array):
        return lambda array: array
    return lambda array: array.astype(np.float64)


def as_labels(function: str, labels: Any, classes: int) -> Any:
    """Give labels as a contiguous int64 array; for jitted code.

    Of uint64, those outside [0, classes) are refused here, as they are: int64 does not hold them.
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
    """Give the size of a batch, at most all samples; for jitted code."""
    raise NotImplementedError


@overload(batch_of)
def _batch_of(batch_size, samples):
    if is_none(batch_size):
        return lambda batch_size, samples: samples
    if batch_size == types.uint64:  # with int64, it would be compared as a float
        return lambda batch_size, samples: np.int64(min(batch_size, np.uint64(samples)))
    return lambda batch_size, samples: min(np.int64(batch_size), samples)


def as_result(function: str, like: Any, out: Any, scores: Any) -> Any:
    """Give the array to be filled, or a new one; for jitted code."""
    raise NotImplementedError


@overload(as_result)
def _as_result(function, like, out, scores):
    if is_none(out):
        return lambda function, like, out, scores: np.empty(like.shape, like.dtype)
    may_be_scores = out.dtype == scores.dtype

    def call(function, like, out, scores):
        apart_from_itself(function, out.shape, out.strides, out.itemsize)
        same = same_steps(out.shape, out.strides, scores.strides) and may_be_scores
        if not (same and out.ctypes.data == scores.ctypes.data) and share_memory(out, scores):
            refuse_overlap(function, "scores")
        return out

    return call


def apart_from_labels(function: str, out: Any, labels: Any) -> Any:
    """Refuse an array to be filled that shares memory with the labels; for jitted code."""
    raise NotImplementedError


@overload(apart_from_labels)
def _apart_from_labels(function, out, labels):
    if is_none(out):
        return lambda function, out, labels: None

    def call(function, out, labels):
        if share_memory(out, labels):
            refuse_overlap(function, "labels")

    return call


@kernel(asks_python=True)
def share_memory(first, second):
    """`numpy.shares_memory`, which is asked only where the two ranges of addresses meet."""
    start, stop = addresses(first)
    other_start, other_stop = addresses(second)
    if stop <= other_start or other_stop <= start:
        return False
    with objmode(shared="boolean"):
        shared = np.shares_memory(first, second)
    return shared  # noqa: RET504 - what Python found comes back by its name


@kernel
def addresses(array):
    """Where the bytes of an array begin, and where they end."""
    start = np.int64(array.ctypes.data)
    stop = start + array.itemsize
    for length, stride in zip(array.shape, array.strides):  # noqa: B905 - Numba has no strict
        start += min(0, (length - 1) * stride)
        stop += max(0, (length - 1) * stride)
    return start, stop


def common_dtype(*arrays: Any) -> Any:
    """NumPy type that arrays compute in together: float32 only where all are."""
    single = all(result_dtype(array) == types.float32 for array in arrays)
    return np.float32 if single else np.float64


def as_contiguous(array: Any, dtype: Any) -> Any:
    """Give an array contiguous and in a dtype, copied only where it is not; for jitted code."""
    raise NotImplementedError


@overload(as_contiguous, inline="always")
def _as_contiguous(array, dtype):
    if array.dtype == dtype.dtype:
        return lambda array, dtype: np.ascontiguousarray(array)
    return lambda array, dtype: np.ascontiguousarray(array.astype(dtype))


def as_float64(array: Any) -> Any:
    """Give an array in float64, copied only where it is not; for jitted code."""
    raise NotImplementedError


@overload(as_float64, inline="always")
def _as_float64(array):
    if array.dtype == types.float64:
        return lambda array: array
    return lambda array: array.astype(np.float64)


def as_dtype(array: Any, like: Any) -> Any:
    """Give an array in the dtype of another, copied only where it is not; for jitted code."""
    raise NotImplementedError


@overload(as_dtype, inline="always")
def _as_dtype(array, like):
    if array.dtype == like.dtype:
        return lambda array, like: array
    return lambda array, like: array.astype(like.dtype)


def or_zeros(array: Any, shape: Any, dtype: Any) -> Any:
    """Give a private, contiguous copy of an optional array, or zeros; for jitted code."""
    raise NotImplementedError


@overload(or_zeros, inline="always")
def _or_zeros(array, shape, dtype):
    if is_none(array):
        return lambda array, shape, dtype: np.zeros(shape, dtype)
    return lambda array, shape, dtype: np.ascontiguousarray(array).astype(dtype)


def or_default(value: Any, default: Any) -> Any:
    """Give an optional number, or what stands for it; for jitted code."""
    raise NotImplementedError


@overload(or_default, inline="always")
def _or_default(value, default):
    if is_none(value):
        return lambda value, default: default
    return lambda value, default: value


# --- what may be None in the caller's code, and points that are numbers


def unwrapped(kind: Any) -> Any:
    """Give Numba's type of a value without the None that it may be as well."""
    return kind.type if isinstance(kind, types.Optional) else kind


def _given(typing_context, value):
    """Give a value that may be None in the caller's code; None is a TypeError there."""
    return _cast(unwrapped(types.unliteral(value)), value)


def _as_real(typing_context, value):
    """Give a number in float64, as `float` does not with a float32; None is a TypeError there."""
    return _cast(types.float64, value)


given: Any = intrinsic(_given)
as_real: Any = intrinsic(_as_real)


def _cast(target, value):
    def emit(context, builder, signature, arguments):
        cast = context.cast(builder, arguments[0], signature.args[0], target)
        return impl_ret_borrowed(context, builder, target, cast)

    return target(value), emit


def is_number(x: Any) -> bool:
    """Whether a point is a number, or an array of no dimension."""
    x = unwrapped(x)
    return not isinstance(x, types.Array) or x.ndim == 0


def number_of(x: Any) -> Any:
    """Give a point that is a number as a float; for jitted code."""
    raise NotImplementedError


@overload(number_of)
def _number_of(x):
    if isinstance(unwrapped(x), types.Array):
        return lambda x: as_real(given(x)[()])
    return lambda x: as_real(x)


def like_number(value: Any, x: Any) -> Any:
    """Give a float as an array of no dimension where the point is one; for jitted code."""
    raise NotImplementedError


@overload(like_number)
def _like_number(value, x):
    if not isinstance(unwrapped(x), types.Array):
        return lambda value, x: value
    dtype = numpy_dtype(x)
    return lambda value, x: np.asarray(dtype(value))


def private_point(x: Any) -> Any:
    """Give a contiguous float64 copy of a point; for jitted code."""
    raise NotImplementedError


@overload(private_point)
def _private_point(x):
    def call(x):
        point = np.empty(given(x).shape)
        point[...] = given(x)
        return point

    return call


def like_array(values: Any, x: Any) -> Any:
    """Give flat values in the shape and dtype of a point; for jitted code."""
    raise NotImplementedError


@overload(like_array)
def _like_array(values, x):
    dtype = numpy_dtype(x)
    return lambda values, x: values.reshape(given(x).shape).astype(dtype)


def numpy_dtype(x: Any) -> Any:
    """Give the NumPy dtype of what is computed from an array, or from a number."""
    dtype = getattr(unwrapped(x), "dtype", types.float64)
    return np.float32 if dtype == types.float32 else np.float64


def point_type(x: Any, dtype: Any = types.float64) -> Any:
    """Numba type of what a function gets at a point: a float, or a contiguous array."""
    return types.float64 if is_number(x) else types.Array(dtype, unwrapped(x).ndim, "C")
