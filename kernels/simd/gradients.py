"""Finite differences of any function, and what they are for: checking a gradient.

A kernel here takes a function: Numba compiles it anew for each jitted one; for any other it runs
as plain Python. Flags are in `_compile`, checks in `_value_checks` and `_in_jit`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import get_num_threads, prange, types
from numba.extending import is_jitted, overload
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check
from kernels.simd._compile import Twins, for_function, kernel, one_at_a_time
from kernels.simd._in_jit import accept_function, accept_point, accept_real, accept_text, pick
from kernels.simd._value_checks import (
    at_least_zero,
    check_step,
    returned_shape,
    same_shape,
    some_entries,
    step_size,
)


def _array_differences(f, point, h, central, shares):
    """Finite differences of `f` at a contiguous float64 array, flat.

    Each share of the entries moves a copy of the point of its own; the slope of an entry is the
    same whatever share it is in.
    """
    count = point.size
    slopes = np.empty(count)
    here = 0.0 if central else float(f(point.copy()))
    for share in prange(shares):
        mine = point.copy()
        entries = mine.reshape(-1)
        for i in range(share * count // shares, (share + 1) * count // shares):
            original = entries[i]
            entries[i] = original + h
            above = float(f(mine))
            if central:
                entries[i] = original - h
                slopes[i] = (above - float(f(mine))) / (2.0 * h)
            else:
                slopes[i] = (above - here) / h
            entries[i] = original
    return slopes


array_differences = Twins(kernel(_array_differences), kernel(_array_differences, parallel=True))


@kernel
def shares_of(entries):
    """Shares for threads: some for each, as one may be slower; at least one."""
    return max(1, min(entries, 4 * get_num_threads()))


@kernel
def number_difference(f, point, h, central):
    """Finite difference of `f` at a float."""
    if central:
        return (float(f(point + h)) - float(f(point - h))) / (2.0 * h)
    return (float(f(point + h)) - float(f(point))) / h


def _differences(
    f: Callable[[Any], float], x: NDArray[Any], h: float, method: str, parallel: bool = False
) -> NDArray[np.float64]:
    """Finite differences at a checked array, in its shape and in float64."""
    if x.ndim == 0:
        run = for_function(number_difference, f)
        return np.asarray(run(f, float(x), h, method == "central"))
    point = np.array(x, dtype=np.float64, order="C")
    run, shares = for_function(array_differences.serial, f), 1
    if parallel and is_jitted(f):
        run, shares = one_at_a_time(array_differences.parallel), shares_of(point.size)
    return np.asarray(run(f, point, h, method == "central", shares)).reshape(x.shape)


def numerical_gradient(
    f: Callable[[Any], float],
    x: ArrayLike,
    h: float = 1e-5,
    method: str = "central",
    *,
    parallel: bool = False,
) -> NDArray[Any]:
    """Finite-difference gradient of a black box, one entry moved at a time.

    "central" is (f(x + h·e) − f(x − h·e)) / 2h for each entry e, "forward" (f(x + h·e) − f(x)) / h.

    Parameters
    ----------
    f : function of an array in x's shape (of a float where x is one), returning a float
        Gets a private contiguous float64 copy of `x`, one entry moved and put back. An `@njit`
        function runs compiled, any other is called from Python.
    x : array of any shape
        The point; never touched.
    h : float
        The step, finite and above 0, in the unit of `x`.
    method : "central" or "forward"
        Error of the order h² or h.
    parallel : bool
        Whether to share the entries out to Numba's threads: the same bits at any number of them.
        A jitted `f` is then called by several threads at once and must not raise; any other is
        called from one thread. In jitted code, a constant.

    Returns
    -------
    array in x's shape
        In x's dtype (float64 for integers).

    Raises
    ------
    TypeError
        `f` that cannot be called, `x` that is not real numbers.
    ValueError
        A bad `h`, an unknown `method`.

    Notes
    -----
    Costs two calls of `f` an entry ("forward": one, and one for all).

    Compiled anew for each jitted `f`: Numba's cache does not find a kernel that takes a function
    again. May be called from `@njit` functions, with a jitted `f`.

    Source: Stanford CS231n, lecture 3; Press et al., Numerical Recipes, 5.7.

    Examples
    --------
    >>> numerical_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 1.0]).round(6)
    array([4., 3.])
    """
    _check.function("numerical_gradient", "f", f)
    x = _check.real_array("numerical_gradient", "x", x)
    h = _check.real("numerical_gradient", "h", h)
    _check.step_size("numerical_gradient", h)
    _check.choice("numerical_gradient", "method", method, _check.METHODS)
    return _differences(f, x, h, method, parallel).astype(x.dtype)


@overload(numerical_gradient, prefer_literal=True)
def _numerical_gradient_in_jit(f, x, h=1e-5, method="central", parallel=False):
    accept_function("numerical_gradient", "f", f)
    accept_point("numerical_gradient", "x", x)
    accept_real("numerical_gradient", "h", h)
    accept_text("numerical_gradient", "method", method)
    run = pick("numerical_gradient", array_differences, parallel)
    if not isinstance(x, types.Array):

        def call_number(f, x, h=1e-5, method="central", parallel=False):
            check_step("numerical_gradient", float(h), method)
            return number_difference(f, float(x), float(h), method == "central")

        return call_number
    dtype = np.float32 if x.dtype == types.float32 else np.float64

    in_threads = run is array_differences.parallel

    def call_array(f, x, h=1e-5, method="central", parallel=False):
        check_step("numerical_gradient", float(h), method)
        point = np.empty(x.shape)
        point[...] = x
        shares = shares_of(point.size) if in_threads else 1
        slopes = run(f, point, float(h), method == "central", shares)
        return slopes.reshape(x.shape).astype(dtype)

    return call_array


@kernel(entry=True)
def largest_error(a, b):
    """Largest relative error of two flat arrays, and where it is; NaN is largest."""
    worst, where = -1.0, 0
    for i in range(a.size):
        error = abs(a[i] - b[i]) / max(1e-8, abs(a[i]) + abs(b[i]))
        if error > worst or (math.isnan(error) and not math.isnan(worst)):
            worst, where = error, i
    return worst, where


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
    a = _check.real_array("relative_error", "a", a)
    b = _check.real_array("relative_error", "b", b)
    _check.same_shape("relative_error", ("a", "b"), a.shape, b.shape)
    _check.some_entries("relative_error", "a", a.shape)
    error, _ = largest_error(_flat(a), _flat(b))
    return float(error)


def _flat(array: NDArray[Any]) -> NDArray[np.float64]:
    return array.astype(np.float64, copy=False).reshape(-1)


@overload(relative_error)
def _relative_error_in_jit(a, b):
    accept_point("relative_error", "a", a)
    accept_point("relative_error", "b", b)

    def call(a, b):
        first, second = np.asarray(a), np.asarray(b)
        same_shape("relative_error", ("a", "b"), first.shape, second.shape)
        some_entries("relative_error", "a", first.shape)
        error, _ = largest_error(
            first.astype(np.float64).ravel(), second.astype(np.float64).ravel()
        )
        return error

    return call


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
        The function; jitted or not, as in `numerical_gradient`.
    gradient : function of the same, returning x's shape
        Its claimed gradient; jitted or not.
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
        A function that cannot be called, values that are not real numbers.
    ValueError
        A bad `h` or `tolerance`, no entry, a gradient of another shape than x's.

    Examples
    --------
    >>> check_gradient(lambda x: x[0] ** 2, lambda x: 3 * x, [1.0])[1:]
    ((0,), False)
    """
    _check.function("check_gradient", "f", f)
    _check.function("check_gradient", "gradient", gradient)
    x = _check.real_array("check_gradient", "x", x)
    _check.some_entries("check_gradient", "x", x.shape)
    h = _check.real("check_gradient", "h", h)
    _check.step_size("check_gradient", h)
    tolerance = _check.real("check_gradient", "tolerance", tolerance)
    _check.at_least_zero("check_gradient", "tolerance", tolerance)
    point = np.array(x, dtype=np.float64, order="C") if x.ndim else float(x)
    claimed = _check.real_array("check_gradient", "gradient", gradient(point))
    _check.returned_shape("check_gradient", "gradient", claimed.shape, x.shape)
    error, index = largest_error(_flat(claimed), _flat(_differences(f, x, h, "central")))
    entry = tuple(int(i) for i in np.unravel_index(index, x.shape))
    return float(error), entry, bool(error <= tolerance)


@overload(check_gradient)
def _check_gradient_in_jit(f, gradient, x, h=1e-5, tolerance=1e-6):
    accept_function("check_gradient", "f", f)
    accept_function("check_gradient", "gradient", gradient)
    accept_point("check_gradient", "x", x)
    accept_real("check_gradient", "h", h)
    accept_real("check_gradient", "tolerance", tolerance)
    if not isinstance(x, types.Array):

        def call_number(f, gradient, x, h=1e-5, tolerance=1e-6):
            step_size("check_gradient", float(h))
            at_least_zero("check_gradient", "tolerance", float(tolerance))
            claimed = np.full(1, float(gradient(float(x))))
            slope = number_difference(f, float(x), float(h), True)
            error, _ = largest_error(claimed, np.full(1, slope))
            return error, (), error <= tolerance

        return call_number

    def call_array(f, gradient, x, h=1e-5, tolerance=1e-6):
        some_entries("check_gradient", "x", x.shape)
        step_size("check_gradient", float(h))
        at_least_zero("check_gradient", "tolerance", float(tolerance))
        point = np.empty(x.shape)
        point[...] = x
        claimed = gradient(point.copy())
        returned_shape("check_gradient", "gradient", claimed.shape, x.shape)
        slopes = array_differences.serial(f, point, float(h), True, 1)
        error, index = largest_error(claimed.astype(np.float64).ravel(), slopes)
        where = np.ndindex(x.shape)
        entry = next(where)
        for _ in range(index):
            entry = next(where)
        return error, entry, error <= tolerance

    return call_array
