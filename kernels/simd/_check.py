"""Input validation, with its error messages.

Two kinds of checks. Those of *types and dimensions* run in Python, on arrays. Those of *values*
(from `entries` down) are what Numba compiles too: `_value_checks` jits these very functions, so a
mistake gets the same words from Python and inside a caller's own jitted code.
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
# --- kernels/simd while Numba types a caller's function


def kind_words(function: str, argument: str, expected: str, kind: str) -> str:
    """Say that an argument holds another kind of values; `kind` is NumPy's letter for it."""
    return f"{function}: {argument} must be {expected}, got {KINDS.get(kind, 'objects')}"


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
    flags = array.flags
    if array.dtype is INT64 and flags.c_contiguous and flags.aligned:
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
    apart_from_itself(function, out.shape, out.strides, out.itemsize)
    for argument, given in (("scores", like), *inputs.items()):
        array = np.asarray(given)  # a Series or a memoryview has memory, too
        if argument == "scores" and is_same_view(out, array):
            continue
        if share_memory(out, array):
            refuse_overlap(function, argument)
    return out


def share_memory(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether two arrays have a byte in common; so, too, where that is hard to say."""
    try:
        return np.shares_memory(first, second, max_work=10_000)
    except np.exceptions.TooHardError:
        return True


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
    function: str, shape: tuple[int, int], strides: tuple[int, int], itemsize: int
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
