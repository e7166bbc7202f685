"""Check the types and dimensions of arguments, for callers in Python, and make arrays of them.

`_check_types` does the same for a caller's jitted code, while Numba compiles it.
"""

import math
import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from kernels.simd import _check_values, _foreign_arrays, _messages
from kernels.simd._messages import REALS

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
INT64 = np.dtype(np.int64)
INT64_LEAST, INT64_MOST = -(1 << 63), (1 << 63) - 1


def function(name: str, argument: str, f: Any) -> None:
    """Refuse anything that cannot be called."""
    if not callable(f):
        raise TypeError(f"{name}: {argument} must be a function, got a {type(f).__name__}")


def real_array(
    function: str, argument: str, values: Any, axes: Sequence[str] | None = None
) -> NDArray[Any]:
    """Make an aligned, native float32 or float64 array; `values` that are one are not copied.

    Other real and integer dtypes become float64. Each of `axes` must have its dimension.
    """
    array = values if type(values) is np.ndarray else _as_array(function, argument, values, REALS)
    if axes is not None and array.ndim != len(axes):
        raise ValueError(_messages.wrong_dimensions(function, argument, axes, array.ndim))
    dtype = array.dtype
    # NumPy has one object for each native dtype: comparing identities is fastest.
    if (dtype is FLOAT32 or dtype is FLOAT64) and array.flags.aligned:
        return array
    if not _foreign_arrays.is_real(dtype):
        array = _large_integers(function, argument, values, array)
    is_single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    return np.require(array, np.float32 if is_single else np.float64, "A")


def _large_integers(
    function: str, argument: str, values: Any, array: NDArray[Any]
) -> NDArray[np.float64]:
    """Make a float64 array of lists with integers too large for NumPy; refuse anything else."""
    numbers = _foreign_arrays.numbers(values)
    if numbers is None:
        raise TypeError(
            _messages.wrong_kind(function, argument, REALS, _foreign_arrays.kind(array.dtype))
        )
    try:
        return numbers.astype(np.float64)
    except OverflowError:
        too_large = "an integer that float64 does not hold"
        raise ValueError(_messages.wrong_kind(function, argument, REALS, too_large)) from None


def label_array(
    function: str, labels: Any, classes: int = _check_values.MAX_COUNT
) -> NDArray[np.int64]:
    """Make a contiguous int64 array of the labels; labels that are one are not copied.

    Labels that do not fit into int64 are refused here: none of them is in [0, classes).
    """
    is_array = type(labels) is np.ndarray
    array: NDArray[Any] = labels if is_array else _as_array(function, "labels", labels, "integers")
    if array.ndim != 1:
        raise ValueError(_messages.wrong_dimensions(function, "labels", ("N",), array.ndim))
    flags = array.flags
    if array.dtype is INT64 and flags.c_contiguous and flags.aligned:
        return array
    if array.size == 0:  # an empty list has no kind: its length is the mistake
        return np.empty(0, np.int64)
    if not _foreign_arrays.is_whole(array.dtype):
        array = _integers(function, labels, array)
    if array.dtype.kind in "uO" and not INT64_LEAST <= array.min() <= array.max() <= INT64_MOST:
        refuse_first_label(function, array, classes)
    return np.require(array, np.int64, ["C", "A"])


def _integers(function: str, labels: Any, array: NDArray[Any]) -> NDArray[np.object_]:
    """Make an array of lists with integers too large for NumPy; refuse anything else."""
    numbers = _foreign_arrays.numbers(labels)
    if numbers is None or not all(isinstance(one, int | np.integer) for one in numbers):
        raise TypeError(
            _messages.wrong_kind(function, "labels", "integers", _foreign_arrays.kind(array.dtype))
        )
    return numbers


def refuse_first_label(function: str, labels: NDArray[Any], classes: int) -> None:
    """Refuse the first label outside [0, classes), if there is one."""
    for index in np.flatnonzero((labels < 0) | (labels >= classes))[:1]:
        _check_values.refuse_label(function, int(labels[index]), int(index), classes)


def _as_array(function: str, argument: str, values: Any, expected: str) -> NDArray[Any]:
    misread = _foreign_arrays.misread(values)
    if misread:
        raise TypeError(_messages.wrong_kind(function, argument, expected, misread))
    try:
        array = _foreign_arrays.as_array(values)
    except ValueError:
        raise ValueError(
            f"{function}: {argument} must be rectangular, got rows of different lengths"
        ) from None
    except (TypeError, RuntimeError) as error:  # raised by the library that made the values
        words = f"{name_of_type(values)} that NumPy does not take ({error})"
        raise TypeError(_messages.wrong_kind(function, argument, expected, words)) from error
    if array.ndim == 0 and array.dtype.kind in "OSU":  # no array at all
        raise TypeError(_messages.wrong_kind(function, argument, expected, name_of_type(values)))
    return array


def name_of_type(value: Any) -> str:
    """Name of a value's type, for a message."""
    if value is None:
        return "None"
    dtype = getattr(value, "dtype", None)
    return f"a {type(value).__name__}" + (f" of {dtype}" if dtype is not None else "")


def result_array(
    function: str,
    like: NDArray[Any],
    out: NDArray[Any] | None,
    scores: Any,
    labels: Any = (),
) -> NDArray[Any]:
    """Check `out` for a result like the scores and return it; make a new array if it is None.

    `scores` and `labels` are the arguments as the caller gave them. `out` may be the scores
    themselves, and must share no memory with them otherwise. Calls are positional, which is faster.
    """
    if out is None:
        return np.empty(like.shape, like.dtype)
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(_messages.wrong_out_dtype(function, "out"))
    if out.dtype != like.dtype:
        raise TypeError(_messages.wrong_out_dtype(function, "out"))
    _check_values.result_shape(function, "out", out.shape, like.shape)
    if not out.flags.writeable:
        raise ValueError(_messages.read_only_out(function, "out"))
    if not out.flags.c_contiguous:
        _check_values.refuse_shared_entries(function, out.shape, out.strides, out.itemsize)
    for argument, given in (("scores", scores), ("labels", labels)):
        # a Series or a memoryview has memory, too
        array = given if type(given) is np.ndarray else np.asarray(given)
        if not np.may_share_memory(out, array):  # compares address ranges, which is fast
            continue
        if argument == "scores" and is_same_view(out, array):
            continue
        if np.shares_memory(out, array):
            _check_values.refuse_overlap(function, argument)
    return out


def is_same_view(out: NDArray[Any], scores: NDArray[Any]) -> bool:
    """Whether an output of the shape of the scores is the same memory in the same order."""
    return out is scores or (
        out.ctypes.data == scores.ctypes.data
        and _check_values.same_steps(out.shape, out.strides, scores.strides)
        and out.dtype == scores.dtype
    )


def one_dtype(*arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """Convert the arrays to the dtype that all compute in: float32 only if all are float32."""
    dtype = np.result_type(*arrays)
    return [array.astype(dtype, copy=False) for array in arrays]


def real(function: str, argument: str, value: Any) -> float:
    """Convert one real number to float; a number too large for float becomes an infinity."""
    if type(value) is float:
        return value
    kind = _kind_of_one(value)
    if kind not in "fiu":
        raise TypeError(_messages.wrong_kind(function, argument, "a real number", kind))
    return as_float(value)


def as_float(value: Any) -> float:
    """Convert a number to float; an int too large for it becomes an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def integer(function: str, argument: str, value: SupportsIndex) -> int:
    """Convert one integer to int."""
    if type(value) is int:
        return value
    kind = _kind_of_one(value)
    if kind not in "iu":
        raise TypeError(_messages.wrong_kind(function, argument, "an integer", kind))
    return operator.index(value)


def count(function: str, argument: str, value: SupportsIndex, least: int) -> int:
    """Convert one integer to int; refuse it below `least` and above `MAX_COUNT`."""
    number = integer(function, argument, value)
    _check_values.at_least(function, argument, number, least)
    _check_values.at_most(function, argument, number, _check_values.MAX_COUNT)
    return number


def _kind_of_one(value: Any) -> str:
    """NumPy's letter for the kind of a number, or a name; anything else counts as an object."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "i"
    if isinstance(value, np.ma.MaskedArray):
        return "a masked array"
    if type(value).__name__ == "NAType":
        return "a missing value (NA)"
    if not np.isscalar(value) and not (isinstance(value, np.ndarray) and value.ndim == 0):
        return "O"
    dtype = np.asarray(value).dtype
    of_another_library = dtype.kind == "V" and _foreign_arrays.is_real(dtype)
    return "f" if of_another_library else _foreign_arrays.kind(dtype)
