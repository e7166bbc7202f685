"""What the NumPy and the Numba tier accept, and the words they refuse with: the one home of both.

Two kinds of checks. Those of *types and dimensions* run in Python, on arrays. Those of *values*
(from `entries` down) use only what Numba compiles too: `kernels/jit/_compile.py` jits these very
functions, so a mistake gets the same words from NumPy, from Numba, and inside a caller's own jitted
code. They name integers and shapes only, which is what compiled code can put into a message.
"""

import math
import operator
from collections.abc import Sequence
from typing import Any, NoReturn, SupportsIndex

import numpy as np
from numpy.typing import NDArray

KINDS = {"b": "booleans", "c": "complex numbers", "i": "integers", "u": "integers", "f": "floats"}
KINDS |= {"S": "strings", "U": "strings"}

LOSSES = ("svm", "softmax")
METHODS = ("central", "forward")
GRADIENTS = ("analytic", "numerical")

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
INT64 = np.dtype(np.int64)


# --- words for mistakes of type or dimension: raised here as TypeError and ValueError, and by
# --- kernels/jit while Numba types a caller's function


def kind_words(function: str, argument: str, expected: str, kind: str) -> str:
    """Say that an argument holds another kind of values; `kind` is NumPy's letter for it."""
    return f"{function}: {argument} must be {expected}, got {KINDS.get(kind, 'objects')}"


def dimension_words(function: str, argument: str, axes: Sequence[str], ndim: int) -> str:
    """Say that an argument has another number of dimensions than its named axes."""
    expected = len(axes)
    names = f"({', '.join(axes)})" if expected > 1 else f"({axes[0]},)"
    plural = "s" if expected > 1 else ""
    return f"{function}: {argument} must have {expected} dimension{plural} {names}, got {ndim}"


def not_jitted_words(function: str, argument: str) -> str:
    """Say that the jit tier was given a function it cannot compile into a kernel."""
    return (
        f"{function}: {argument} must be an @njit function, got one that is not jitted: "
        f"decorate it with @numba.njit"
    )


def result_dtype_words(function: str, argument: str) -> str:
    """Say that an array to be filled is none, or of another dtype than its result."""
    return f"{function}: {argument} must be an array in the dtype of the scores"


def read_only_words(function: str, argument: str) -> str:
    """Say that an array to be filled cannot be written to."""
    return f"{function}: {argument} must be writeable, got a read-only array"


# --- arrays from whatever came


def real_array(
    function: str, argument: str, values: Any, axes: Sequence[str] | None = None
) -> NDArray[Any]:
    """Give `values` as an aligned, native float32 or float64 array; nothing is copied if it is one.

    Other real and integer dtypes become float64. With `axes`, the number of dimensions is held to.
    """
    array = values if type(values) is np.ndarray else _as_array(function, argument, values)
    if axes is not None and array.ndim != len(axes):
        raise ValueError(dimension_words(function, argument, axes, array.ndim))
    # The dtypes that are native exist once each: to compare them by identity costs least.
    if (array.dtype is FLOAT32 or array.dtype is FLOAT64) and array.flags.aligned:
        return array
    if array.dtype.kind not in "fiu":
        raise TypeError(kind_words(function, argument, "real numbers", array.dtype.kind))
    is_single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    return np.require(array, np.float32 if is_single else np.float64, "A")


def label_array(function: str, labels: Any) -> NDArray[np.int64]:
    """Give the labels as a contiguous int64 array; nothing is copied if they are one."""
    array = labels if type(labels) is np.ndarray else _as_array(function, "labels", labels)
    if array.ndim != 1:
        raise ValueError(dimension_words(function, "labels", ("N",), array.ndim))
    if array.dtype is INT64 and array.flags.c_contiguous and array.flags.aligned:
        return array
    if array.size == 0:  # an empty list has no kind: its length is what is wrong
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(kind_words(function, "labels", "integers", array.dtype.kind))
    if array.dtype.kind == "u" and array.itemsize == 8:  # a huge label shall not wrap into range
        array = np.minimum(array, np.iinfo(np.int64).max)
    return np.require(array, np.int64, ["C", "A"])


def _as_array(function: str, argument: str, values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{function}: {argument} must be rectangular, got rows of different lengths"
        ) from None


def result_array(function: str, like: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any]:
    """Give `out`, held to the shape and dtype of the scores, or a new array like them."""
    if out is None:
        return np.empty(like.shape, like.dtype)
    if not isinstance(out, np.ndarray) or out.dtype != like.dtype:
        raise TypeError(result_dtype_words(function, "out"))
    result_shape(function, "out", out.shape, like.shape)
    if not out.flags.writeable:
        raise ValueError(read_only_words(function, "out"))
    return out


def one_dtype(*arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """Give the arrays in the dtype that all compute in: float32 only where all are."""
    dtype = np.result_type(*arrays)
    return [array.astype(dtype, copy=False) for array in arrays]


def real(function: str, argument: str, value: Any) -> float:
    """Give one real number as a float."""
    if type(value) is float:
        return value
    kind = _kind_of_one(value)
    if kind not in "fiu":
        raise TypeError(kind_words(function, argument, "a real number", kind))
    return float(value)


def integer(function: str, argument: str, value: SupportsIndex) -> int:
    """Give one integer as an int."""
    if type(value) is int:
        return value
    kind = _kind_of_one(value)
    if kind not in "iu":
        raise TypeError(kind_words(function, argument, "an integer", kind))
    return operator.index(value)


def _kind_of_one(value: Any) -> str:
    """NumPy's letter for the kind of one number; that of objects for whatever is not one."""
    if np.isscalar(value) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return np.asarray(value).dtype.kind
    return "O"


def seed_bits(seed: int) -> np.uint64:
    """Give a seed as the 64 bits that are hashed."""
    return np.uint64(seed % 2**64)


# --- checks of values: Numba compiles these as they stand


def entries(function: str, argument: str, given: int, expected: int, what: str, unit: str) -> None:
    """Refuse another number of entries (rows, columns) than there are samples (features, …)."""
    if given != expected:
        raise ValueError(
            f"{function}: {argument} must have {expected} {what}, one per {unit}, got {given}"
        )


def not_empty(
    function: str, argument: str, shape: tuple[int, int], row_unit: str, column_unit: str
) -> None:
    """Refuse an empty matrix; the units name what its rows and columns are."""
    if shape[0] == 0 or shape[1] == 0:
        raise ValueError(
            f"{function}: {argument} must have at least one {row_unit} and one {column_unit}, "
            f"got shape ({shape[0]}, {shape[1]})"
        )


def refuse_label(function: str, label: int, index: int, classes: int) -> NoReturn:
    """Refuse a label outside [0, classes)."""
    raise ValueError(
        f"{function}: labels must be in [0, {classes}), got {integer_text(label)} at index {index}"
    )


def integer_text(value: int) -> str:
    """Write an integer out. Numba's str() fails at the smallest int64, which a cast NaN becomes."""
    return "-9223372036854775808" if value == -9223372036854775808 else str(value)


def sort_of(value: float) -> str:
    """What a refused number is called: compiled code cannot write out its digits."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "an infinity"
    return "0" if value == 0.0 else "a negative number"


def at_least_zero(function: str, argument: str, value: float) -> None:
    """Refuse a number that is not finite or below 0."""
    if not (0.0 <= value < math.inf):
        raise ValueError(
            f"{function}: {argument} must be finite and at least 0, got {sort_of(value)}"
        )


def step_size(function: str, h: float) -> None:
    """Refuse a step of a finite difference that is not finite or not above 0."""
    if not (0.0 < h < math.inf):
        raise ValueError(f"{function}: h must be finite and above 0, got {sort_of(h)}")


def finite(function: str, argument: str, value: float) -> None:
    """Refuse a number that is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"{function}: {argument} must be finite, got {sort_of(value)}")


def at_least(function: str, argument: str, value: int, least: int) -> None:
    """Refuse an integer below `least`."""
    if value < least:
        raise ValueError(
            f"{function}: {argument} must be at least {least}, got {integer_text(value)}"
        )


def choice(function: str, argument: str, value: str, known: tuple[str, str]) -> None:
    """Refuse a word that is neither of the two known ones."""
    if value not in known:
        raise ValueError(
            f"{function}: {argument} must be '{known[0]}' or '{known[1]}', got '{value}'"
        )


def shape_text(shape: tuple[int, ...]) -> str:
    """Write a shape as Python does, which compiled code cannot do by itself."""
    text = ""
    for i, length in enumerate(shape):
        text += f", {length}" if i > 0 else f"{length}"
    return f"({text},)" if len(shape) == 1 else f"({text})"


def same_shape(
    function: str, names: tuple[str, str], first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    """Refuse two arrays of different shapes."""
    if first != second:
        raise ValueError(
            f"{function}: {names[0]} and {names[1]} must have the same shape, "
            f"got {shape_text(first)} and {shape_text(second)}"
        )


def returned_shape(
    function: str, argument: str, returned: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Refuse a function's result of another shape than its point."""
    if returned != expected:
        raise ValueError(
            f"{function}: {argument} must return shape {shape_text(expected)}, "
            f"got shape {shape_text(returned)}"
        )


def result_shape(
    function: str, argument: str, given: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Refuse an array to be filled of another shape than its result."""
    if given != expected:
        raise ValueError(
            f"{function}: {argument} must have shape {shape_text(expected)}, "
            f"got shape {shape_text(given)}"
        )


def some_entries(function: str, argument: str, shape: tuple[int, ...]) -> None:
    """Refuse an array without entries."""
    for length in shape:
        if length == 0:
            raise ValueError(
                f"{function}: {argument} must have at least one entry, "
                f"got shape {shape_text(shape)}"
            )
