"""Finite differences of any function of an array, and what they are for: checking a gradient.

Checks and their words are left to `kernels.simd._check`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check


def numerical_gradient(
    f: Callable[[Any], float], x: ArrayLike, h: float = 1e-5, method: str = "central"
) -> NDArray[Any]:
    """Finite-difference gradient of a black box, one entry moved at a time.

    "central" is (f(x + h·e) − f(x − h·e)) / 2h for each entry e, "forward" (f(x + h·e) − f(x)) / h.

    Parameters
    ----------
    f : function of an array in x's shape (of a float where x is one), returning a float
        Gets a private contiguous float64 copy of `x`, one entry moved and put back.
    x : array of any shape
        The point; never touched.
    h : float
        The step, finite and above 0, in the unit of `x`.
    method : "central" or "forward"
        Error of the order h² or h.

    Returns
    -------
    array in x's shape
        In x's dtype (float64 for integers).

    Raises
    ------
    TypeError
        `x` that is not real numbers.
    ValueError
        A bad `h`, an unknown `method`.

    Notes
    -----
    Costs two calls of `f` an entry ("forward": one, and one for all).

    Source: Stanford CS231n, lecture 3; Press et al., Numerical Recipes, 5.7.

    Examples
    --------
    >>> numerical_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 1.0]).round(6)
    array([4., 3.])
    """
    x = _check.real_array("numerical_gradient", "x", x)
    h = _step("numerical_gradient", h)
    _check.choice("numerical_gradient", "method", method, _check.METHODS)
    return _differences(f, x, h, method).astype(x.dtype)


def _differences(
    f: Callable[[Any], float], x: NDArray[Any], h: float, method: str
) -> NDArray[np.float64]:
    """`numerical_gradient` of a checked array, in float64."""
    point = np.array(x, dtype=np.float64, order="C")
    entries = point.reshape(-1)
    slopes = np.empty(entries.size)

    def at(i: int, value: float) -> float:
        entries[i] = value
        return float(f(point if point.ndim else value))

    here = float(f(point if point.ndim else float(point))) if method == "forward" else 0.0
    for i, original in enumerate(entries.tolist()):
        if method == "central":
            slopes[i] = (at(i, original + h) - at(i, original - h)) / (2.0 * h)
        else:
            slopes[i] = (at(i, original + h) - here) / h
        entries[i] = original
    return slopes.reshape(point.shape)


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    """Largest abs(a − b) / max(1e-8, abs(a) + abs(b)) over the entries.

    Parameters
    ----------
    a, b : arrays of one shape
        The values to compare, at least one.

    Returns
    -------
    float
        Without unit, 0 for equal arrays, at most 1; NaN where any entry is NaN.

    Raises
    ------
    TypeError
        Values that are not real numbers.
    ValueError
        Shapes that differ, no entry.

    Notes
    -----
    Source: Stanford CS231n, notes on gradient checks.

    Examples
    --------
    >>> relative_error([1.0, 2.0], [1.0, 3.0])
    0.2
    """
    a = _check.real_array("relative_error", "a", a).astype(np.float64, copy=False)
    b = _check.real_array("relative_error", "b", b).astype(np.float64, copy=False)
    _check.same_shape("relative_error", ("a", "b"), a.shape, b.shape)
    _check.some_entries("relative_error", "a", a.shape)
    return float(_relative_errors(a, b).max())


def _relative_errors(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))
    return np.asarray(errors)


def check_gradient(
    f: Callable[[Any], float],
    gradient: Callable[[Any], ArrayLike],
    x: ArrayLike,
    h: float = 1e-5,
    tolerance: float = 1e-6,
) -> tuple[float, tuple[int, ...], bool]:
    """Compare a gradient that you wrote with the central difference of its function.

    Parameters
    ----------
    f : function of an array in x's shape (of a float where x is one), returning a float
        The function.
    gradient : function of the same, returning x's shape
        Its claimed gradient.
    x : array of any shape, at least one entry
        Where to compare.
    h : float
        The step of the difference.
    tolerance : float
        The largest relative error to accept.

    Returns
    -------
    error : float
        The largest `relative_error` of an entry.
    entry : tuple of int
        The indices of that entry in `x`.
    within : bool
        Whether the error is within the tolerance; a NaN is not.

    Raises
    ------
    TypeError
        Values that are not real numbers.
    ValueError
        A bad `h` or `tolerance`, no entry, a gradient of another shape than x's.

    Examples
    --------
    >>> check_gradient(lambda x: x[0] ** 2, lambda x: [3 * x[0]], [1.0])[1:]
    ((0,), False)
    """
    x = _check.real_array("check_gradient", "x", x).astype(np.float64, copy=False)
    _check.some_entries("check_gradient", "x", x.shape)
    h = _step("check_gradient", h)
    tolerance = _check.real("check_gradient", "tolerance", tolerance)
    _check.at_least_zero("check_gradient", "tolerance", tolerance)
    point = np.array(x, order="C") if x.ndim else float(x)
    claimed = _check.real_array("check_gradient", "gradient", gradient(point))
    _check.returned_shape("check_gradient", "gradient", claimed.shape, x.shape)
    errors = _relative_errors(claimed.astype(np.float64), _differences(f, x, h, "central"))
    entry = np.unravel_index(int(errors.argmax()), x.shape)  # argmax takes a NaN for the largest
    error = float(errors[entry])
    return error, tuple(int(i) for i in entry), error <= tolerance


def _step(function: str, h: float) -> float:
    h = _check.real(function, "h", h)
    _check.step_size(function, h)
    return h
