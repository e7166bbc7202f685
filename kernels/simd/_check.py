"""Input validation, with its error messages.

Types and dimensions are checked in Python, on arrays. The checks of values (from `entries` down)
are also compiled, by `_check_in_kernels`: a mistake has the same message from Python and from
jitted code.
"""

import math
import operator
from collections.abc import Sequence
from typing import Any, NoReturn, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from kernels.simd import _foreign_arrays

KINDS = {"b": "booleans", "c": "complex numbers", "i": "integers", "u": "integers", "f": "floats"}
KINDS |= {"S": "strings", "U": "strings", "M": "dates", "m": "time differences"}
REALS = "real numbers"

MOST = 1 << 48
"""More entries than any machine's memory has: with more, a count is a slip."""

LOSSES = ("svm", "softmax")
METHODS = ("central", "forward")
GRADIENTS = ("analytic", "numerical")

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
INT64 = np.dtype(np.int64)
INT64_LEAST, INT64_MOST = -(1 << 63), (1 << 63) - 1


# --- words for mistakes of type or dimension: raised here as TypeError and ValueError, and by
# --- kernels/simd while Numba types a caller's function


def kind_words(function: str, argument: str, expected: str, kind: str) -> str:
    """Say that an argument holds other values; `kind` is NumPy's letter for them, or words."""
    return f"{function}: {argument} must be {expected}, got {words_of(kind)}"


def words_of(kind: str) -> str:
    """Return the words for a kind, which is NumPy's letter or in words already."""
    return kind if len(kind) > 1 else KINDS.get(kind, "objects")


def value_words(function: str, argument: str, kind: str) -> str:
    """Say that a function returned something else than a number; `kind` as in `kind_words`."""
    return f"{function}: {argument} must return a real number, got {words_of(kind)}"


def slope_words(function: str, argument: str, expected: str, kind: str) -> str:
    """Say that a gradient returned something else than `expected`; `kind` as in `kind_words`."""
    return f"{function}: {argument} must return {expected}, got {words_of(kind)}"


def half_words(function: str, argument: str) -> str:
    """Say that jitted code was given float16, which Numba cannot compute with."""
    return f"{function}: {argument} must be in float32 or float64 in jitted code, got float16"


def loss_too_words(function: str, argument: str) -> str:
    """Say that a gradient returned its loss as well."""
    return f"{function}: {argument} must return the gradient alone, got (loss, gradient)"


def dimension_words(function: str, argument: str, axes: Sequence[str], ndim: int) -> str:
    """Say that an argument has another number of dimensions than its named axes."""
    expected = len(axes)
    names = f"({', '.join(axes)})" if expected > 1 else f"({axes[0]},)"
    plural = "s" if expected > 1 else ""
    return f"{function}: {argument} must have {expected} dimension{plural} {names}, got {ndim}"


def function(name: str, argument: str, f: Any) -> None:
    """Refuse what cannot be called."""
    if not callable(f):
        raise TypeError(f"{name}: {argument} must be a function, got a {type(f).__name__}")


def not_jitted_words(function: str, argument: str) -> str:
    """Say that jitted code was to call a function that it cannot compile into a kernel."""
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
    array = values if type(values) is np.ndarray else _as_array(function, argument, values, REALS)
    if axes is not None and array.ndim != len(axes):
        raise ValueError(dimension_words(function, argument, axes, array.ndim))
    # The dtypes that are native exist once each: to compare them by identity costs least.
    if (array.dtype is FLOAT32 or array.dtype is FLOAT64) and array.flags.aligned:
        return array
    if not _foreign_arrays.is_real(array.dtype):
        array = _large_integers(function, argument, values, array)
    is_single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    return np.require(array, np.float32 if is_single else np.float64, "A")


def _large_integers(
    function: str, argument: str, values: Any, array: NDArray[Any]
) -> NDArray[np.float64]:
    """Give lists with integers that NumPy has no dtype for in float64; refuse anything else."""
    numbers = _foreign_arrays.numbers(values)
    if numbers is None:
        raise TypeError(kind_words(function, argument, REALS, _foreign_arrays.kind(array.dtype)))
    try:
        return numbers.astype(np.float64)
    except OverflowError:
        too_large = "an integer that float64 does not hold"
        raise ValueError(kind_words(function, argument, REALS, too_large)) from None


def label_array(function: str, labels: Any, classes: int = MOST) -> NDArray[np.int64]:
    """Give the labels as a contiguous int64 array; nothing is copied if they are one.

    Labels that int64 does not hold are refused here, as they are: none is in [0, classes).
    """
    is_array = type(labels) is np.ndarray
    array: NDArray[Any] = labels if is_array else _as_array(function, "labels", labels, "integers")
    if array.ndim != 1:
        raise ValueError(dimension_words(function, "labels", ("N",), array.ndim))
    flags = array.flags
    if array.dtype is INT64 and flags.c_contiguous and flags.aligned:
        return array
    if array.size == 0:  # an empty list has no kind: its length is what is wrong
        return np.empty(0, np.int64)
    if not _foreign_arrays.is_whole(array.dtype):
        array = _integers(function, labels, array)
    if array.dtype.kind in "uO" and not INT64_LEAST <= array.min() <= array.max() <= INT64_MOST:
        refuse_first_label(function, array, classes)
    return np.require(array, np.int64, ["C", "A"])


def _integers(function: str, labels: Any, array: NDArray[Any]) -> NDArray[np.object_]:
    """Give lists with integers that NumPy has no dtype for as they are; refuse anything else."""
    numbers = _foreign_arrays.numbers(labels)
    if numbers is None or not all(isinstance(one, int | np.integer) for one in numbers):
        raise TypeError(
            kind_words(function, "labels", "integers", _foreign_arrays.kind(array.dtype))
        )
    return numbers


def refuse_first_label(function: str, labels: NDArray[Any], classes: int) -> None:
    """Refuse the first label outside [0, classes), if there is one."""
    for index in np.flatnonzero((labels < 0) | (labels >= classes))[:1]:
        refuse_label(function, int(labels[index]), int(index), classes)


def _as_array(function: str, argument: str, values: Any, expected: str) -> NDArray[Any]:
    misread = _foreign_arrays.misread(values)
    if misread:
        raise TypeError(kind_words(function, argument, expected, misread))
    try:
        array = _foreign_arrays.as_array(values)
    except ValueError:
        raise ValueError(
            f"{function}: {argument} must be rectangular, got rows of different lengths"
        ) from None
    except (TypeError, RuntimeError) as error:  # of the library that the values are from
        words = f"{_named(values)} that NumPy does not take ({error})"
        raise TypeError(kind_words(function, argument, expected, words)) from error
    if array.ndim == 0 and array.dtype.kind in "OSU":  # no array at all
        raise TypeError(kind_words(function, argument, expected, _named(values)))
    return array


def _named(value: Any) -> str:
    """Return words for one value of another type."""
    if value is None:
        return "None"
    dtype = getattr(value, "dtype", None)
    return f"a {type(value).__name__}" + (f" of {dtype}" if dtype is not None else "")


def result_array(
    function: str,
    like: NDArray[Any],
    out: NDArray[Any] | None,
    **inputs: Any,
) -> NDArray[Any]:
    """Give `out`, held to the shape and dtype of the scores, or a new array like them.

    `inputs` are the arguments as they came: `out` may be the scores themselves, and no other array
    that shares memory with one of them.
    """
    if out is None:
        return np.empty(like.shape, like.dtype)
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(result_dtype_words(function, "out"))
    if out.dtype != like.dtype:
        raise TypeError(result_dtype_words(function, "out"))
    result_shape(function, "out", out.shape, like.shape)
    if not out.flags.writeable:
        raise ValueError(read_only_words(function, "out"))
    if not out.flags.c_contiguous:
        apart_from_itself(function, out.shape, out.strides, out.itemsize)
    for argument, given in inputs.items():
        # A Series or a memoryview has memory, too
        array = given if type(given) is np.ndarray else np.asarray(given)
        if not np.may_share_memory(out, array):  # by their ranges, which is quick
            continue
        if argument == "scores" and is_same_view(out, array):
            continue
        if np.shares_memory(out, array):
            refuse_overlap(function, argument)
    return out


def is_same_view(out: NDArray[Any], scores: NDArray[Any]) -> bool:
    """Whether an array of the shape of the scores holds the same numbers at the same places."""
    return out is scores or (
        out.ctypes.data == scores.ctypes.data
        and same_steps(out.shape, out.strides, scores.strides)
        and out.dtype == scores.dtype
    )


def one_dtype(*arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """Give the arrays in the dtype that all compute in: float32 only where all are."""
    dtype = np.result_type(*arrays)
    return [array.astype(dtype, copy=False) for array in arrays]


def real(function: str, argument: str, value: Any) -> float:
    """Give one real number as a float; one too large for it as an infinity."""
    if type(value) is float:
        return value
    kind = _kind_of_one(value)
    if kind not in "fiu":
        raise TypeError(kind_words(function, argument, "a real number", kind))
    return _as_float(value)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an int
        return math.inf if value > 0 else -math.inf


def integer(function: str, argument: str, value: SupportsIndex) -> int:
    """Give one integer as an int."""
    if type(value) is int:
        return value
    kind = _kind_of_one(value)
    if kind not in "iu":
        raise TypeError(kind_words(function, argument, "an integer", kind))
    return operator.index(value)


def count(function: str, argument: str, value: SupportsIndex, least: int) -> int:
    """Give one integer from `least` on, of which there can be so many."""
    number = integer(function, argument, value)
    at_least(function, argument, number, least)
    at_most(function, argument, number, MOST)
    return number


def _kind_of_one(value: Any) -> str:
    """NumPy's letter for the kind of one number, or words; that of objects for what is not one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "i"
    if isinstance(value, np.ma.MaskedArray):
        return "a masked array"
    if type(value).__name__ == "NAType":
        return "a missing value (NA)"
    if not np.isscalar(value) and not (isinstance(value, np.ndarray) and value.ndim == 0):
        return "O"
    dtype = np.asarray(value).dtype
    return (
        "f" if dtype.kind == "V" and _foreign_arrays.is_real(dtype) else _foreign_arrays.kind(dtype)
    )


# --- what a function returned


def value_of(function: str, argument: str, result: Any) -> float:
    """Give what a function returned as a float: one real number, also as an array of one entry."""
    if isinstance(result, float):  # NumPy's float64 is one
        return float(result)
    kind = _kind_of_result(result)
    if kind:
        raise TypeError(value_words(function, argument, kind))
    return _as_float(result.item() if isinstance(result, np.ndarray) else result)


def _kind_of_result(result: Any) -> str:
    """Return the kind of a result that is no real number, as in `kind_words`; else nothing."""
    shape = getattr(result, "shape", ())
    if isinstance(result, np.ma.MaskedArray):
        return "a masked array"
    if math.prod(shape) != 1:
        return f"an array of shape {tuple(shape)}"
    dtype = np.dtype(type(result)) if isinstance(result, bool | complex) else None
    dtype = getattr(result, "dtype", dtype)
    if isinstance(dtype, np.dtype):
        return "" if _foreign_arrays.is_real(dtype) else _foreign_arrays.kind(dtype)
    return "" if hasattr(result, "__float__") else _named(result)


def gradient_of(function: str, argument: str, result: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Give what a gradient returned at a point of this shape as an array of real numbers."""
    if isinstance(result, tuple) and len(result) == 2 and np.ndim(result[0]) == 0:
        has_loss = shape == () or np.ndim(result[1]) > 0
        if has_loss:
            raise TypeError(loss_too_words(function, argument))
    slope = real_array(function, argument, result)
    returned_shape(function, argument, slope.shape, shape)
    return slope


def seed_bits(seed: int) -> np.uint64:
    """Give a seed as the 64 bits that are hashed."""
    return np.uint64(seed % 2**64)


# --- checks of values: Numba compiles these as they stand


class refusal(ValueError):  # noqa: N801, N818 - stands where ValueError would, and makes one
    """A ValueError whose words are put together in Python, also where compiled code raises it.

    Compiled code only hands over the template and the values: to compile the joining of strings
    took longer than all the rest of a kernel.
    """

    def __new__(cls, template: Any, *values: Any) -> Any:
        """Return a plain ValueError."""
        if isinstance(template, ValueError):  # CPython asks once more, about what it was given
            return template
        named = (sort_of(value) if isinstance(value, float) else value for value in values)
        return ValueError(template.format(*named))


def sort_of(value: float) -> str:
    """What a refused number is called: the same in compiled code, whatever digits it has."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "an infinity"
    return "0" if value == 0.0 else "a negative number"


def entries(function: str, argument: str, given: int, expected: int, what: str, unit: str) -> None:
    """Refuse another number of entries (rows, columns) than there are samples (features, …)."""
    if given != expected:
        raise refusal(
            "{}: {} must have {} {}, one per {}, got {}",
            function,
            argument,
            expected,
            what,
            unit,
            given,
        )


def not_empty(
    function: str, argument: str, shape: tuple[int, int], row_unit: str, column_unit: str
) -> None:
    """Refuse an empty matrix; the units name what its rows and columns are."""
    if shape[0] == 0 or shape[1] == 0:
        raise refusal(
            "{}: {} must have at least one {} and one {}, got shape {}",
            function,
            argument,
            row_unit,
            column_unit,
            shape,
        )


def refuse_label(function: str, label: int, index: int, classes: int) -> NoReturn:
    """Refuse a label outside [0, classes)."""
    raise refusal(
        "{}: labels must be in [0, {}), got {} at index {}", function, classes, label, index
    )


def at_least_zero(function: str, argument: str, value: float) -> None:
    """Refuse a number that is not finite or below 0."""
    if not (0.0 <= value < math.inf):
        raise refusal("{}: {} must be finite and at least 0, got {}", function, argument, value)


def step_size(function: str, h: float) -> None:
    """Refuse a step of a finite difference that is not finite or not above 0."""
    if not (0.0 < h < math.inf):
        raise refusal("{}: h must be finite and above 0, got {}", function, h)


def refuse_lost_step(function: str, argument: str, index: int) -> NoReturn:
    """Refuse a step that is too small to change an entry; its index is that in the flat array."""
    raise refusal(
        "{}: h must be large enough to change {}, got a step lost to rounding at flat index {}",
        function,
        argument,
        index,
    )


def finite(function: str, argument: str, value: float) -> None:
    """Refuse a number that is not finite."""
    if not math.isfinite(value):
        raise refusal("{}: {} must be finite, got {}", function, argument, value)


def at_least(function: str, argument: str, value: int, least: int) -> None:
    """Refuse an integer below `least`."""
    if value < least:
        raise refusal("{}: {} must be at least {}, got {}", function, argument, least, value)


def at_most(function: str, argument: str, value: int, most: int) -> None:
    """Refuse an integer above `most`."""
    if value > most:
        raise refusal("{}: {} must be at most {}, got {}", function, argument, most, value)


def choice(function: str, argument: str, value: str, known: tuple[str, str]) -> None:
    """Refuse a word that is neither of the two known ones."""
    if value not in known:
        raise refusal(
            "{}: {} must be '{}' or '{}', got '{}'", function, argument, known[0], known[1], value
        )


def same_shape(
    function: str, names: tuple[str, str], first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    """Refuse two arrays of different shapes."""
    if first != second:
        raise refusal(
            "{}: {} and {} must have the same shape, got {} and {}",
            function,
            names[0],
            names[1],
            first,
            second,
        )


def returned_shape(
    function: str, argument: str, returned: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Refuse a function's result of another shape than its point."""
    if returned != expected:
        raise refusal(
            "{}: {} must return shape {}, got shape {}", function, argument, expected, returned
        )


def result_shape(
    function: str, argument: str, given: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Refuse an array to be filled of another shape than its result."""
    if given != expected:
        raise refusal(
            "{}: {} must have shape {}, got shape {}", function, argument, expected, given
        )


def refuse_overlap(function: str, argument: str) -> NoReturn:
    """Refuse an array to be filled that shares memory with an argument."""
    raise refusal(
        "{}: out must be the scores themselves or apart from the arguments, "
        "got an array that shares memory with {}",
        function,
        argument,
    )


def same_steps(shape: tuple[int, ...], first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether strides lead to the same places: along an axis of one entry, any do."""
    return (shape[0] == 1 or first[0] == second[0]) and (shape[1] == 1 or first[1] == second[1])


def apart_from_itself(
    function: str, shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int
) -> None:
    """Refuse an array to be filled of which two entries share memory."""
    steps = abs(strides[0]), abs(strides[1])
    inner, outer = (1, 0) if steps[0] >= steps[1] else (0, 1)
    reach = itemsize + (shape[inner] - 1) * steps[inner]
    if (shape[inner] > 1 and steps[inner] < itemsize) or (
        shape[outer] > 1 and steps[outer] < reach
    ):
        raise refusal(
            "{}: out must have entries apart from each other, got overlapping ones", function
        )


def some_entries(function: str, argument: str, shape: tuple[int, ...]) -> None:
    """Refuse an array without entries."""
    for length in shape:
        if length == 0:
            raise refusal(
                "{}: {} must have at least one entry, got shape {}", function, argument, shape
            )
