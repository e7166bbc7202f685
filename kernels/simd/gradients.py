"""Finite differences of any function, and the check of a gradient against them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check_arguments, _check_results, _check_values
from kernels.simd._arrays import least
from kernels.simd._check_in_kernels import (
    at_least_zero,
    check_step,
    returned_shape,
    same_shape,
    some_entries,
    step_size,
)
from kernels.simd._check_types import (
    accept_function,
    accept_gradient,
    accept_point,
    accept_real,
    accept_text,
    accept_value,
    is_number,
    point_type,
)
from kernels.simd._finite_differences import (
    array_slopes,
    differences,
    number_slope,
    slopes_in_place,
    slopes_in_threads,
    slopes_of_copies,
)
from kernels.simd._overloads import (
    as_real,
    given,
    like_array,
    like_number,
    number_of,
    pick,
    private_point,
)
from kernels.simd.compiler import KernelPair, kernel
from kernels.simd.vectors import pointer

# Entries that are passed over at once if none of them has the largest error
ENTRIES_AT_ONCE = 64


def numerical_gradient(
    f: Callable[[Any], float],
    x: ArrayLike,
    h: float = 1e-5,
    method: str = "central",
    *,
    parallel: bool = False,
) -> NDArray[Any]:
    """Finite-difference gradient of any function, one entry at a time.

    "central" is (f(x + h·e) − f(x − h·e)) / 2h for each entry e, "forward" (f(x + h·e) − f(x)) / h.

    Parameters
    ----------
    f : function of an array in x's shape (of a float where x is one), returning a float
        Gets a private contiguous float64 copy of `x` with one entry changed. It may change that
        copy: no other call sees the change. An `@njit` function runs compiled, any other is called
        from Python.
    x : array of any shape
        The point; never changed.
    h : float
        The step, finite and above 0, in the unit of `x`.
    method : "central" or "forward"
        Their errors are of order h² and h.
    parallel : bool
        Whether to share the entries among Numba's threads: the same bits with any number of
        threads. A jitted `f` is then called by several threads at once, any other by one. A
        constant in jitted code.

    Returns
    -------
    array in x's shape
        In x's dtype (float64 for integers).

    Raises
    ------
    TypeError
        `f` cannot be called, `x` is not of real numbers.
    ValueError
        A bad `h`, an unknown `method`, an `h` that is lost to rounding in an entry.

    Exceptions of `f` are passed on.

    Notes
    -----
    Makes two calls of `f` per entry ("forward": one, and one more for all). If `f` turns out to
    change its argument, the calls are made again, each with a fresh copy.

    The difference is divided by the step as rounded, (x + h) − (x − h) or (x + h) − x. Entries that
    are NaN or infinite give NaN.

    Compiled again for each jitted `f`, in each process.
    May be called from `@njit` functions, with a jitted `f`.

    Source: Stanford CS231n, lecture 3; Press et al., Numerical Recipes, 5.7.

    Examples
    --------
    >>> numerical_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 1.0]).round(6)
    array([4., 3.])
    """
    _check_arguments.function("numerical_gradient", "f", f)
    x = _check_arguments.real_array("numerical_gradient", "x", x)
    h = _check_arguments.real("numerical_gradient", "h", h)
    _check_values.step_size("numerical_gradient", h)
    _check_values.choice("numerical_gradient", "method", method, _check_values.METHODS)
    return differences("numerical_gradient", f, x, h, method, parallel).astype(x.dtype)


@overload(numerical_gradient, prefer_literal=True)
def _numerical_gradient_in_jit(f, x, h=1e-5, method="central", parallel=False):
    name = "numerical_gradient"
    accept_function(name, "f", f)
    accept_point(name, "x", x)
    accept_real(name, "h", h)
    accept_text(name, "method", method)
    accept_value(name, "f", f, point_type(x))
    in_place = pick(name, KernelPair(slopes_in_place, slopes_in_threads), parallel)
    if is_number(x):

        def call_number(f, x, h=1e-5, method="central", parallel=False):
            step, central = as_real(h), given(method) == "central"
            check_step(name, step, given(method))
            return like_number(number_slope(name, f, number_of(x), step, central), x)

        return call_number

    def call_array(f, x, h=1e-5, method="central", parallel=False):
        step, central = as_real(h), given(method) == "central"
        check_step(name, step, given(method))
        point, of_copies = private_point(x), slopes_of_copies
        return like_array(array_slopes(name, in_place, of_copies, f, point, step, central), x)

    return call_array


@kernel
def entry_error(a, b):
    """abs(a − b) / max(1e-8, abs(a) + abs(b)); for infinities 0 if they are equal, else 1."""
    size = abs(a) + abs(b)
    if size < math.inf:
        return abs(a - b) / max(1e-8, size)
    if a == b:
        return 0.0
    if math.isinf(a) or math.isinf(b):
        return 1.0 if size == math.inf else math.nan
    return abs(0.5 * a - 0.5 * b) / (0.5 * abs(a) + 0.5 * abs(b))  # halved: the sum is finite


@kernel(entry=True)
def largest_error(a, b):
    """Largest relative error of two flat arrays, and its index; NaN counts as the largest."""
    worst, where = -1.0, 0
    for start in range(0, a.size, ENTRIES_AT_ONCE):
        stop = least(start + ENTRIES_AT_ONCE, a.size)
        if math.isnan(worst):
            break
        if start > 0 and not may_exceed(worst, a, b, start, stop):
            continue
        for i in range(start, stop):
            error = entry_error(np.float64(a[i]), np.float64(b[i]))
            if error > worst or (math.isnan(error) and not math.isnan(worst)):
                worst, where = error, i
    return worst, where


@kernel
def may_exceed(worst, a, b, start, stop):
    """Whether an error among some entries may be larger than the worst so far.

    LLVM vectorises it, as it divides nothing and counts instead of stopping at the first.
    """
    # A few roundings below the worst, so that none hides a larger error. A subnormal worst stays as
    # it is: then all sizes are below 1e-8, and a larger error is a larger difference
    limit = worst * (1.0 - 2.0**-50)
    found, first, second = 0, pointer(a, 0), pointer(b, 0)
    for i in range(start, stop):
        one, other = np.float64(first[i]), np.float64(second[i])
        size = abs(one) + abs(other)
        is_within = abs(one - other) <= limit * max(size, 1e-8)
        # What overflows or is infinite is for `entry_error`
        found += not (is_within and size < math.inf)
    return found > 0


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    """Largest abs(a − b) / max(1e-8, abs(a) + abs(b)) over the entries, without overflow.

    Parameters
    ----------
    a, b : arrays of one shape
        The values to compare, at least one.

    Returns
    -------
    float
        Between 0, for equal arrays, and 1; NaN if any entry is NaN. Two infinities have error 0 if
        they are equal, else 1; so has an infinity and any other number.

    Raises
    ------
    TypeError
        Values that are not real numbers.
    ValueError
        Shapes that differ, or arrays without entries.

    Notes
    -----
    Source: Stanford CS231n, notes on gradient checks.

    Examples
    --------
    >>> relative_error([1.0, 2.0], [1.0, 3.0])
    0.2
    """
    a = _check_arguments.real_array("relative_error", "a", a)
    b = _check_arguments.real_array("relative_error", "b", b)
    _check_values.same_shape("relative_error", ("a", "b"), a.shape, b.shape)
    _check_values.some_entries("relative_error", "a", a.shape)
    dtype = np.float64 if a.dtype != b.dtype else a.dtype
    error, _ = largest_error(_flat(a, dtype), _flat(b, dtype))
    return float(error)


def _flat(array: NDArray[Any], dtype: Any = np.float64) -> NDArray[Any]:
    return array.astype(dtype, order="C", copy=False).reshape(-1)


@overload(relative_error)
def _relative_error_in_jit(a, b):
    accept_point("relative_error", "a", a)
    accept_point("relative_error", "b", b)

    def call(a, b):
        first, second = np.asarray(given(a)), np.asarray(given(b))
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
    _check_arguments.function("check_gradient", "f", f)
    _check_arguments.function("check_gradient", "gradient", gradient)
    x = _check_arguments.real_array("check_gradient", "x", x)
    _check_values.some_entries("check_gradient", "x", x.shape)
    h = _check_arguments.real("check_gradient", "h", h)
    _check_values.step_size("check_gradient", h)
    tolerance = _check_arguments.real("check_gradient", "tolerance", tolerance)
    _check_values.at_least_zero("check_gradient", "tolerance", tolerance)
    point = np.array(x, dtype=np.float64, order="C") if x.ndim else float(x)
    claimed = _check_results.gradient_of("check_gradient", "gradient", gradient(point), x.shape)
    slopes = differences("check_gradient", f, x, h, "central")
    error, index = largest_error(_flat(claimed), _flat(slopes))
    entry = tuple(int(i) for i in np.unravel_index(index, x.shape))
    return float(error), entry, bool(error <= tolerance)


@kernel(calls_function=True)
def claimed_at(gradient, point):
    """A gradient's result at a copy of the point, flat and in float64, and its shape."""
    claimed = gradient(point.copy())
    return claimed.astype(np.float64).ravel(), claimed.shape


@kernel(calls_function=True)
def claimed_at_number(gradient, point):
    """A gradient's result at a number."""
    return float(gradient(point))


@overload(check_gradient)
def _check_gradient_in_jit(f, gradient, x, h=1e-5, tolerance=1e-6):
    name = "check_gradient"
    accept_function(name, "f", f)
    accept_function(name, "gradient", gradient)
    accept_point(name, "x", x)
    accept_real(name, "h", h)
    accept_real(name, "tolerance", tolerance)
    accept_value(name, "f", f, point_type(x))
    accept_gradient(name, "gradient", gradient, point_type(x))
    if is_number(x):

        def call_number(f, gradient, x, h=1e-5, tolerance=1e-6):
            step, limit = as_real(h), as_real(tolerance)
            check_tolerance(name, step, limit)
            claimed = claimed_at_number(gradient, number_of(x))
            slope = number_slope(name, f, number_of(x), step, True)
            error = entry_error(claimed, slope)
            return error, (), error <= limit

        return call_number

    def call_array(f, gradient, x, h=1e-5, tolerance=1e-6):
        step, limit = as_real(h), as_real(tolerance)
        point = private_point(x)
        some_entries(name, "x", point.shape)
        check_tolerance(name, step, limit)
        claimed, shape = claimed_at(gradient, point)
        returned_shape(name, "gradient", shape, point.shape)
        in_place, of_copies = slopes_in_place, slopes_of_copies
        slopes = array_slopes(name, in_place, of_copies, f, point, step, True)
        error, index = largest_error(claimed, slopes)
        where = np.ndindex(point.shape)
        entry = next(where)
        for _ in range(index):
            entry = next(where)
        return error, entry, error <= limit

    return call_array


@kernel
def check_tolerance(name, h, tolerance):
    """Refuse a bad step or tolerance of `check_gradient`."""
    step_size(name, h)
    at_least_zero(name, "tolerance", tolerance)
