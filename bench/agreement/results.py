"""Read what a kernel returned: wait for lazy results, copy them, convert them to numbers."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.agreement.values import CannotCopyError, copied, holds_atoms

# How a lazy result is waited for: the first of these methods that its class has.
WAYS = ("block_until_ready", "compute", "__array__")
_IS_THERE = (Number, str, bytes, type, np.generic, np.ndarray)
# Above this, float64 cannot represent every whole number.
_FLOATS_SKIP = 2.0**53
_WHOLE = (int, np.integer, np.bool_)
_FLOATS = (float, np.floating, np.ndarray)


# --- lazy results


def is_lazy(value: Any) -> bool:
    """Whether a result, or one in a tuple, list or dict, is an object that has to be waited for.

    Examples
    --------
    >>> is_lazy(([1.0, 2.0], np.zeros(3)))
    False
    >>> is_lazy((1.0, memoryview(b"")))
    False
    """
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return not holds_atoms(value) and any(map(is_lazy, value))
    return bool(_way(value))


def waited(value: Any) -> Any:
    """Return a result after all lazy parts of it are computed."""
    if isinstance(value, list | tuple | dict):
        return _items_by(waited, value)
    way = _way(value)
    if way == "__array__":
        return np.asarray(value)
    ready = getattr(value, way)() if way else value
    return value if ready is None and way == "block_until_ready" else ready


def waiting(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that waits for its result."""

    def kernel_and_wait(*arguments: Any) -> Any:
        return waited(kernel(*arguments))

    return kernel_and_wait


def _items_by(change: Callable[[Any], Any], items: Any) -> Any:
    """Return a list, tuple or dict with its items changed, or itself if it holds only atoms."""
    if isinstance(items, dict):
        return {key: change(item) for key, item in items.items()}
    if holds_atoms(items):
        return items
    changed = map(change, items)
    return list(changed) if isinstance(items, list) else tuple(changed)


def _way(value: Any) -> str:
    """Return the name of the method that waits for a value; empty if it is not lazy.

    It is looked up in the class, because a proxy such as `dask.delayed` has any attribute.
    """
    if isinstance(value, _IS_THERE):
        return ""
    return next((way for way in WAYS if callable(getattr(type(value), way, None))), "")


# --- copies of results


def settled(value: Any) -> Any:
    """Return a copy that later calls cannot change, with arrays of other libraries as NumPy's.

    A value that cannot be copied is returned itself; it is refused later, as it is not a number.
    """
    value = _in_numpy(value)
    try:
        return copied(value)
    except CannotCopyError:
        return value


def _in_numpy(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        return _items_by(_in_numpy, value)
    is_array = callable(getattr(type(value), "__array__", None))
    return np.asarray(value) if is_array and not isinstance(value, _IS_THERE) else value


# --- numbers


@dataclass(frozen=True)
class Numbers:
    """A result as an array, without loss of digits.

    Attributes
    ----------
    values : array
        Of integers, truth values, floats or complex numbers; of Python objects if no dtype can hold
        all numbers.
    masked : array of bool
        The entries that a mask hides; they are 0 in `values`.
    """

    values: NDArray[Any]
    masked: NDArray[np.bool_]

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Whether each entry is a whole number by its type."""
        if self.values.dtype.kind != "O":
            return np.full(self.values.shape, self.values.dtype.kind not in "fc")
        return np.asarray(_is_whole(self.values), bool)

    @property
    def floats(self) -> NDArray[np.float64] | NDArray[np.complex128]:
        """The nearest float64 to each entry, or complex128."""
        if self.values.dtype.kind == "c":
            return np.asarray(self.values, np.complex128)
        is_python = self.values.dtype.kind == "O"
        return np.asarray(_floats(self.values) if is_python else self.values, np.float64)


def numbers_of(value: Any) -> Numbers:
    """Return a number, an array, or nested lists, as an array.

    Raises
    ------
    TypeError
        It holds something other than numbers.
    ValueError
        The lists are ragged.

    Examples
    --------
    >>> numbers_of([2**63, -1]).values
    array([9223372036854775808, -1], dtype=object)
    """
    is_masked = _holds_masked(value)
    plain = _unmasked(value) if is_masked else value
    array = np.asarray(plain)
    if array.dtype.kind == "O" or (array.dtype.kind == "f" and not isinstance(plain, _FLOATS)):
        array = _of_python(np.asarray(plain, object))  # in an array of floats ints are rounded
    if array.dtype.kind not in "biufcO":
        raise TypeError("not real numbers")
    return Numbers(array, _mask(value) if is_masked else np.zeros(array.shape, bool))


def _of_python(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return an array of Python numbers, because NumPy's integers overflow; floats as float64."""
    kinds = set(map(type, numbers.flat))
    if np.ndarray in kinds:  # 0-d arrays
        return _of_python(np.asarray(_in_python(numbers), object))
    if not all(issubclass(kind, _WHOLE + _FLOATS[:2]) for kind in kinds):
        raise TypeError("not real numbers")
    if any(issubclass(kind, _WHOLE) for kind in kinds):
        return np.asarray(_in_python(numbers), object)
    return numbers.astype(np.float64)


def _holds_masked(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return not holds_atoms(value) and any(map(_holds_masked, value))
    return isinstance(value, np.ma.MaskedArray)


def _mask(value: Any) -> NDArray[np.bool_]:
    if isinstance(value, list | tuple):
        return np.array([_mask(item) for item in value], bool)
    return np.ma.getmaskarray(value)


def _unmasked(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_unmasked(item) for item in value]
    return value.filled(0) if isinstance(value, np.ma.MaskedArray) else value


def _python(number: Any) -> Any:
    return number.item() if isinstance(number, np.generic | np.ndarray) else number


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return sys.float_info.max if number > 0 else -sys.float_info.max


_in_python, _floats = (np.frompyfunc(one, 1, 1) for one in (_python, _float))
_is_whole = np.frompyfunc(lambda number: isinstance(number, int), 1, 1)


def distances(a: Numbers, b: Numbers) -> NDArray[np.float64]:
    """Return abs(a − b), entry by entry, in float64, and 0 only where they are equal.

    Whole numbers are subtracted exactly. NaN where one of them is NaN, or both are infinite.

    Examples
    --------
    >>> distances(numbers_of([2**60 + 1, 3]), numbers_of([2**60, 3.5]))
    array([1. , 0.5])
    """
    floats = a.floats, b.floats
    with np.errstate(invalid="ignore"):
        found = np.asarray(np.abs(floats[0] - floats[1]))
    finite = np.isfinite(floats[0]) & np.isfinite(floats[1])
    rounded = np.maximum(*map(np.abs, floats)) >= _FLOATS_SKIP
    are_real = "c" not in (a.values.dtype.kind, b.values.dtype.kind)
    exactly = finite & rounded & (a.whole | b.whole) & are_real
    pairs = (one.values[exactly].astype(object) for one in (a, b))
    found[exactly] = [_distance(*pair) for pair in zip(*pairs, strict=True)]
    return found


def _distance(a: float, b: float) -> float:
    both_whole = isinstance(a, int) and isinstance(b, int)
    return _float(abs(a - b) if both_whole else abs(Fraction(a) - Fraction(b)))


def largest(numbers: Numbers) -> float:
    """Return the largest finite magnitude, leaving out whole numbers from 2**53 on."""
    size = np.abs(numbers.floats)
    counted = np.isfinite(size) & ~(numbers.whole & (size >= _FLOATS_SKIP))
    return float(size[counted].max(initial=0.0))
